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

// How to use shield: cancelling the inner task reaches the tasks behind the shield.
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
