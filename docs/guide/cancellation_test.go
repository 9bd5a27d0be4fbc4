package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

func Example_timeout() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 2*time.Second, func(ctx context.Context) error {
			defer fmt.Println("cleaning up")
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))

		// WaitFor is the form for one function with a result.
		n, err := aio.WaitFor(ctx, time.Second, func(ctx context.Context) (int, error) { return 42, nil })
		fmt.Println(n, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// cleaning up
	// true
	// 42 <nil>
}

func Example_cancel() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		download := aio.Start(ctx, func(ctx context.Context) error {
			defer fmt.Println("connection closed")
			for chunk := 1; ; chunk++ {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return fmt.Errorf("after %d chunks: %w", chunk-1, err)
				}
			}
		}, aio.Name("download"))

		if err := aio.Sleep(ctx, 2500*time.Millisecond); err != nil {
			return err
		}
		download.Cancel(errors.New("the user closed the window"))
		_, err := download.Await(ctx) // Cancel is a request; this waits for the end

		fmt.Println(download.Cancelled(), errors.Is(err, context.Canceled))
		var cancelled *aio.CancelledError
		if errors.As(err, &cancelled) {
			fmt.Println("because", cancelled.Cause)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// connection closed
	// true true
	// because the user closed the window
}

func Example_cleanup() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Hour)

			// Once cancelled, every await with ctx fails.
			fmt.Println("again:", aio.Yield(ctx) != nil)

			// Cleanup uses a context that is not cancelled, and a limit of its own.
			free := context.WithoutCancel(ctx)
			goodbye := aio.Timeout(free, time.Second, func(ctx context.Context) error {
				return aio.Sleep(ctx, 100*time.Millisecond)
			})
			fmt.Println("said goodbye:", goodbye == nil)
			return err
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// again: true
	// said goodbye: true
	// true
}

func Example_shield() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		save := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			fmt.Println("saved")
			return nil
		})
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := aio.Shield(ctx, save) // without Shield the time-out would cancel save
			return err
		})
		fmt.Println("gave up waiting:", errors.Is(err, context.DeadlineExceeded))

		_, err = save.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// gave up waiting: true
	// saved
}
