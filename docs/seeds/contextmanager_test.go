package seeds_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// resource is an asynchronous context manager: a connection that takes time to open and to close.
type resource struct{ name string }

func (r *resource) Enter(ctx context.Context) (*resource, error) {
	fmt.Println("opening", r.name)
	return r, aio.Sleep(ctx, time.Second)
}

func (r *resource) Exit(ctx context.Context, err error) error {
	fmt.Println("closing", r.name)
	return aio.Sleep(ctx, time.Second)
}

func (r *resource) send(ctx context.Context, data string) error {
	fmt.Println("sending", data)
	return aio.Sleep(ctx, time.Second)
}

// grains is what is read from a resource.
func (r *resource) grains(ctx context.Context) iter.Seq2[int, error] { return numbers(ctx, 3) }

// Context manager: the ordinary one is defer.
func Example_seedsManagerOrdinary() {
	func() {
		fmt.Println("entering")
		defer fmt.Println("exiting")
		fmt.Println("within")
	}()
	// Output:
	// entering
	// within
	// exiting
}

// What is async with: the same by hand, with a cleanup that awaits also when the task is cancelled.
func Example_seedsManagerByHand() {
	aio.Run(context.Background(), func(ctx context.Context) (err error) {
		manager, err := (&resource{name: "the connection"}).Enter(ctx)
		if err != nil {
			return err
		}
		defer func() { err = manager.Exit(context.WithoutCancel(ctx), err) }()
		return manager.send(ctx, "hello")
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// opening the connection
	// sending hello
	// closing the connection
}

// Async context managers: the same operations with async with, which is a function here.
func Example_seedsManagerWith() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aiter.With(ctx, &resource{name: "the connection"}, func(ctx context.Context, connection *resource) error {
			return connection.send(ctx, "hello")
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// opening the connection
	// sending hello
	// closing the connection
}

// Async context managers: one inside the other, and async for over what the inner one reads.
func Example_seedsManagerNested() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aiter.With(ctx, &resource{name: "the provider"}, func(ctx context.Context, provider *resource) error {
			err := aiter.With(ctx, &resource{name: "the reader"}, func(ctx context.Context, reader *resource) error {
				for grain, err := range reader.grains(ctx) {
					if err != nil {
						return err
					}
					fmt.Println("grain", grain)
				}
				return nil
			})
			fmt.Println("still with", provider.name)
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// opening the provider
	// opening the reader
	// grain 0
	// grain 1
	// grain 2
	// closing the reader
	// still with the provider
	// closing the provider
}
