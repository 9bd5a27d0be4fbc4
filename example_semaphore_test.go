package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// At most two downloads run at the same time.
func ExampleSemaphore() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		slots := aio.NewSemaphore(2)
		start := aio.RunningLoop(ctx).Time()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 4 {
				g.Go(func(ctx context.Context) error {
					return slots.With(ctx, func(ctx context.Context) error {
						fmt.Println("download", i, "begins after", aio.RunningLoop(ctx).Time().Sub(start))
						return aio.Sleep(ctx, time.Second)
					})
				})
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// download 0 begins after 0s
	// download 1 begins after 0s
	// download 2 begins after 1s
	// download 3 begins after 1s
}
