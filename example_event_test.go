package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Workers wait until the configuration has been loaded.
func ExampleEvent() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var loaded aio.Event
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					if err := loaded.Wait(ctx); err != nil {
						return err
					}
					fmt.Println("worker", i, "starts")
					return nil
				})
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println("loaded")
			loaded.Set()
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// loaded
	// worker 0 starts
	// worker 1 starts
}
