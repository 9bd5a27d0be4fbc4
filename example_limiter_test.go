package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// A limiter can tell who has its tokens.
func ExampleLimiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		connections := aio.NewLimiter(2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"import", "report", "backup"} {
				g.Go(func(ctx context.Context) error {
					return connections.With(ctx, func(ctx context.Context) error {
						return aio.Sleep(ctx, time.Minute)
					})
				}, aio.Name(name))
			}
			err := aio.Sleep(ctx, time.Second)
			fmt.Println(connections)
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// <Limiter 2 of 2 lent to import, report, waiters:1>
}

// Two requests a second, with a burst of two at the start.
func ExampleRateLimiter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		rate := aio.NewRateLimiter(2, time.Second)
		start := aio.RunningLoop(ctx).Time()
		for i := range 5 {
			if err := rate.Acquire(ctx); err != nil {
				return err
			}
			fmt.Println("request", i, "after", aio.RunningLoop(ctx).Time().Sub(start))
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// request 0 after 0s
	// request 1 after 0s
	// request 2 after 500ms
	// request 3 after 1s
	// request 4 after 1.5s
}
