package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// How to use wait_for: the limit, and what the task returns when it fails first.
func Example_seedsWaitForUsage() {
	errBroken := errors.New("the task is broken")

	aio.Run(context.Background(), func(ctx context.Context) error {
		quick := func(ctx context.Context) (string, error) { return "in time", aio.Sleep(ctx, time.Second) }
		slow := func(ctx context.Context) (string, error) { return "too late", aio.Sleep(ctx, time.Minute) }
		failing := func(ctx context.Context) (string, error) { return "", errBroken }

		for _, fn := range []aio.Func[string]{quick, slow, failing} {
			value, err := aio.WaitFor(ctx, 10*time.Second, fn)
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				fmt.Println("time-out")
			case err != nil:
				fmt.Println("failed:", err)
			default:
				fmt.Println("got:", value)
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// got: in time
	// time-out
	// failed: the task is broken
}

// Example of wait_for with a timeout.
func Example_seedsWaitForGivesUp() {
	taskCoro := func(ctx context.Context, value float64) (aio.None, error) {
		fmt.Println(">task got", value)
		if err := aio.Sleep(ctx, time.Duration(value*float64(time.Second))); err != nil {
			return aio.None{}, err
		}
		fmt.Println(">task done")
		return aio.None{}, nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.WaitFor(ctx, 200*time.Millisecond, aio.Bind(taskCoro, 1.685))
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("Gave up waiting, task canceled")
			return nil
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// >task got 1.685
	// Gave up waiting, task canceled
}

// Example of shield for a task: what is cancelled is the wait, here a task of its own.
func Example_seedsShieldProtectsTask() {
	simpleTask := func(ctx context.Context, number int) (int, error) {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return 0, err
		}
		return number, nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, aio.Bind(simpleTask, 1))
		shielded := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return aio.Shield(ctx, task) })

		aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
				return err
			}
			fmt.Println("cancelled:", shielded.Cancel(nil))
			return nil
		})

		result, err := shielded.Await(ctx)
		switch {
		case errors.Is(err, aio.ErrCancelled):
			fmt.Println("shielded was cancelled")
		case err != nil:
			return err
		default:
			fmt.Println(">got:", result)
		}

		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		result, err = task.Result()
		fmt.Println("shielded: cancelled", shielded.Cancelled())
		fmt.Println("task: finished", task.Done(), "result", result, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// cancelled: true
	// shielded was cancelled
	// shielded: cancelled true
	// task: finished true result 1 <nil>
}

// How to use shield: cancelling the inner task reaches whoever waits behind the shield.
func Example_seedsShieldInnerCancelled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
		shielded := aio.CreateTask(ctx, func(ctx context.Context) (aio.None, error) { return aio.Shield(ctx, task) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}

		task.Cancel(nil)
		_, err := shielded.Await(ctx)
		fmt.Println(errors.Is(err, aio.ErrCancelled), task.Cancelled(), shielded.Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// true true true
}
