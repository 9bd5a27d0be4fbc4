package aio_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// A server numbers the lines of all its clients, and three clients ask it at the same time.
func Example() {
	lines := 0 // shared by all connections without a mutex: one task runs at a time
	number := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for line, err := range r.Lines(ctx) { // each connection is a task, which waits here
			if err != nil {
				return err
			}
			lines++
			fmt.Fprintf(w, "line %d: %s", lines, line)
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", number)
		if err != nil {
			return err
		}
		defer server.Close()

		ask := func(ctx context.Context, name string) (string, error) {
			r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
			if err != nil {
				return "", err
			}
			defer w.Close()
			fmt.Fprintf(w, "hello from %s\n", name)
			answer, err := r.ReadLine(ctx)
			return string(answer), err
		}
		answers, err := aio.Map(ctx, []string{"ann", "bob", "cid"}, ask)
		fmt.Println(len(answers), "answers,", lines, "lines")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 3 answers, 3 lines
}

func TestTwoSlowClientsTakeOneHour(t *testing.T) {
	lines := 0
	ask := func(ctx context.Context, name string) (string, error) {
		if err := aio.Sleep(ctx, time.Hour); err != nil { // stands for a slow network
			return "", err
		}
		lines++
		return fmt.Sprintf("line %d: hello from %s", lines, name), nil
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		answers, err := aio.Map(ctx, []string{"ann", "bob"}, ask)
		if err != nil {
			return err
		}
		want := []string{"line 1: hello from ann", "line 2: hello from bob"}
		if !slices.Equal(answers, want) { // the order is defined, so this holds every time
			t.Errorf("answers = %q, want %q", answers, want)
		}
		if took := aio.RunningLoop(ctx).Time().Sub(began); took != time.Hour {
			t.Errorf("it took %v", took)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}
