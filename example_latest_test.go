package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// A server waits until the leader is known. Changes that nobody saw in time are skipped.
func ExampleLatest() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		leader := aio.NewLatest("nobody")
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				who, err := leader.WaitUntil(ctx, func(who string) bool { return who != "nobody" })
				fmt.Println("the leader is", who)
				return err
			})
			err := aio.Sleep(ctx, time.Second)
			leader.Set("Ada")
			leader.Set("Grace")
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the leader is Grace
}
