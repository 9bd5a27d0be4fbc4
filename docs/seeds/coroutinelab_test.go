package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Coroutines: using await on a coroutine.
func Example_seedsCoroAwait() {
	f := func(ctx context.Context) (int, error) { return 123, aio.Sleep(ctx, time.Second) }

	value, err := aio.RunValue(context.Background(), f, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("The answer was:", value, err)
	// Output:
	// The answer was: 123 <nil>
}

// Coroutines: cancellation, noticed at the await.
func Example_seedsCoroCancelled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			for {
				if err := aio.Yield(ctx); errors.Is(err, aio.ErrCancelled) {
					fmt.Println("I was cancelled!")
					return 0, nil // swallowed: the task ends without an error
				}
			}
		})
		for range 2 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		task.Cancel(nil)
		_, err := task.Await(ctx)
		fmt.Println(err)
		return nil
	})
	// Output:
	// I was cancelled!
	// <nil>
}

// Coroutines, for educational purposes only: who refuses a cancellation finds that every later await fails, too.
func Example_seedsCoroRefuses() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Yield(ctx)
			if errors.Is(err, aio.ErrCancelled) {
				fmt.Println("Nope!")
				err = aio.Yield(ctx)
			}
			return err
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		_, err := task.Await(ctx)
		fmt.Println(errors.Is(err, aio.ErrCancelled))
		return nil
	})
	// Output:
	// Nope!
	// true
}

// Coroutines: using the event loop to execute them.
func Example_seedsCoroRunUntilComplete() {
	loop := aio.NewLoop()
	defer loop.Close()

	value, err := aio.RunUntilComplete(loop, func(ctx context.Context) (int, error) { return 111, aio.Yield(ctx) })
	fmt.Println(value, err)
	// Output:
	// 111 <nil>
}

// Event loop: always getting the same one.
func Example_seedsCoroSameLoop() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				fmt.Println(aio.RunningLoop(ctx) == loop)
				return nil
			})
			return nil
		})
	})
	// Output:
	// true
}

// The event loop: a coroutine does nothing until it is run.
func Example_seedsCoroHello() {
	routine := func(ctx context.Context) error {
		fmt.Println("Hello ...")
		return sayAfter(ctx, time.Second, "World!")
	}

	fmt.Println("nothing has happened yet")
	aio.Run(context.Background(), routine, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// nothing has happened yet
	// Hello ...
	// World!
}
