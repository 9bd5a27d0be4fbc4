package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Three runners start together, although they arrive one after the other.
func ExampleBarrier() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		line := aio.NewBarrier(3)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					fmt.Println("runner", i, "is at the line")
					place, err := line.Wait(ctx)
					if err != nil {
						return err
					}
					fmt.Println("runner", i, "starts from place", place)
					return nil
				})
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// runner 0 is at the line
	// runner 1 is at the line
	// runner 2 is at the line
	// runner 2 starts from place 2
	// runner 0 starts from place 0
	// runner 1 starts from place 1
}
