package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// How to Cancel a Task: the request succeeds, and the task notices it at its next await.
func Example_seedsTaskCancel() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		fmt.Println("was cancelled:", task.Cancel(nil))
		_, err := task.Await(ctx)
		fmt.Println("cancelled error:", errors.Is(err, aio.ErrCancelled))
		fmt.Println("cancelled:", task.Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// was cancelled: true
	// cancelled error: true
	// cancelled: true
}

// How to Cancel a Task, How to Stop a Task: one that is done already cannot be cancelled.
func Example_seedsTaskCancelTooLate() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		fmt.Println("was cancelled:", task.Cancel(nil))
		fmt.Println("cancelled:", task.Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// was cancelled: false
	// cancelled: false
}

// How to Cancel a Task: the coroutine handles the cancellation, so the task ends well and does not count as cancelled.
func Example_seedsTaskCancelHandled() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			if err := aio.Sleep(ctx, time.Hour); errors.Is(err, aio.ErrCancelled) {
				return "ended early", nil
			}
			return "ended", nil
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		value, err := task.Await(ctx)
		fmt.Println(value, err)
		fmt.Println("cancelled:", task.Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ended early <nil>
	// cancelled: false
}

// How to Cancel a Task, How to Stop a Task: a message goes along with the request; here it is an error, the cause.
func Example_seedsTaskCancelMessage() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(errors.New("no longer needed"))
		_, err := task.Await(ctx)
		var cancelled *aio.CancelledError
		if errors.As(err, &cancelled) {
			fmt.Println(cancelled.Cause)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// no longer needed
}
