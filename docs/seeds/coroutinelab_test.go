package seeds_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aio-go/aio"
)

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
