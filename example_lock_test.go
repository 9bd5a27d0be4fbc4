package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Two transfers that each read, wait and write do not get in each other's way.
func ExampleLock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aio.Lock
		balance := 100
		withdraw := func(ctx context.Context, amount int) error {
			return lock.With(ctx, func(ctx context.Context) error {
				before := balance
				if err := aio.Sleep(ctx, time.Second); err != nil { // ask the bank
					return err
				}
				balance = before - amount
				fmt.Println("withdrew", amount, "left", balance)
				return nil
			})
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return withdraw(ctx, 30) })
			g.Go(func(ctx context.Context) error { return withdraw(ctx, 50) })
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// withdrew 30 left 70
	// withdrew 50 left 20
}
