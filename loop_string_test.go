package aio_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
)

func TestALoopPrintsItsStateAndNotItsInsides(t *testing.T) {
	l := aio.NewLoop(aio.WithDebug(false))
	made := fmt.Sprint(l)
	running, err := aio.RunUntilComplete(l, func(ctx context.Context) (string, error) { return fmt.Sprint(l), nil })
	if err != nil {
		t.Fatal(err)
	}
	l.SetDebug(true)
	debug := fmt.Sprint(l)
	l.Close()
	closed := fmt.Sprint(l)
	for got, want := range map[string]string{
		made:    "<Loop running=false closed=false debug=false>",
		running: "<Loop running=true closed=false debug=false>",
		debug:   "<Loop running=false closed=false debug=true>",
		closed:  "<Loop running=false closed=true debug=true>",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
