package aio_test

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// A customer waits until there is enough in stock.
func ExampleCondition() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var changed aio.Condition
		stock := 0
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				return changed.With(ctx, func(ctx context.Context) error {
					err := changed.WaitUntil(ctx, func() bool { return stock >= 3 })
					if err != nil {
						return err
					}
					stock -= 3
					fmt.Println("sold 3, left", stock)
					return nil
				})
			})
			for range 4 {
				err := changed.With(ctx, func(ctx context.Context) error {
					stock++
					fmt.Println("in stock", stock)
					changed.NotifyAll()
					return nil
				})
				if err != nil {
					return err
				}
				aio.Yield(ctx)
			}
			return nil
		})
	})
	// Output:
	// in stock 1
	// in stock 2
	// in stock 3
	// sold 3, left 0
	// in stock 1
}
