package aio_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aio-go/aio"
)

// The newest job first.
func ExampleNewLifoQueue() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		stack := aio.NewLifoQueue[string](0)
		for _, plate := range []string{"bottom", "middle", "top"} {
			if err := stack.Put(ctx, plate); err != nil {
				return err
			}
		}
		plate, err := stack.Get(ctx)
		fmt.Println(plate, stack.Len())
		return err
	})
	// Output: top 2
}

// Who gives back more than was taken hears of it.
func ExampleNewBoundedSemaphore() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		defer func() { fmt.Println(recover()) }()
		aio.NewBoundedSemaphore(1).Release()
		return nil
	})
	// Output: aio: Semaphore.Release: all 1 permits are back already; call Release once after each Acquire that returned nil
}

// A subscriber gets what is sent from the moment it subscribes.
func ExampleSubscription() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		news := aio.NewBroadcast[string](10)
		news.Send("before")
		reader := news.Subscribe()
		news.Send("first")
		news.Send("second")
		fmt.Println(reader.Behind(), "to read")
		for range 2 {
			v, err := reader.Next(ctx)
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
		return nil
	})
	// Output:
	// 2 to read
	// first
	// second
}

// A broadcast does not wait for those who are slow. They are told what they have missed.
func ExampleLaggedError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		prices := aio.NewBroadcast[int](2) // keeps the last two
		slow := prices.Subscribe()
		for price := range 5 {
			prices.Send(price)
		}
		for range 3 {
			price, err := slow.Next(ctx)
			var lagged *aio.LaggedError
			if errors.As(err, &lagged) {
				fmt.Println("missed", lagged.Missed)
				continue
			}
			fmt.Println(price)
		}
		return nil
	})
	// Output:
	// missed 3
	// 3
	// 4
}
