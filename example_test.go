package aio_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// ask stands for a request to a server that takes its time to answer.
func ask(ctx context.Context, server string, delay time.Duration) (string, error) {
	if err := aio.Sleep(ctx, delay); err != nil {
		return "", err
	}
	return server + " is up", nil
}

// Three servers are asked at the same time, and the slowest decides how long it takes.
func Example() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()

		answers, err := aio.All(ctx,
			aio.Bind2(ask, "mail", 300*time.Millisecond),
			aio.Bind2(ask, "web", 100*time.Millisecond),
			aio.Bind2(ask, "files", 200*time.Millisecond),
		)
		if err != nil {
			return err
		}
		for _, answer := range answers {
			fmt.Println(answer)
		}
		fmt.Println("after", loop.Time().Sub(began))
		return nil
	}, aio.WithClock(aio.NewVirtualClock())) // time that does not have to be waited for
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// mail is up
	// web is up
	// files is up
	// after 300ms
}
