package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
)

// Waiting in asyncio, wait: which of the tasks is done, and how it ended.
func Example_seedsAwaitWait() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		taskF := aio.CreateTask(ctx, slowFunction("f", 2*time.Second, "first"))
		taskG := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "", errors.New("value error") })
		done, _, err := aio.Wait(ctx, aio.AllCompleted, taskF, taskG)
		if err != nil {
			return err
		}
		if slices.Contains(done, taskF) {
			value, err := taskF.Result()
			fmt.Println("The result of f() is", value, err)
		}
		if slices.Contains(done, taskG) {
			fmt.Println("g() failed with", taskG.Err())
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// The result of f() is first <nil>
	// g() failed with value error
}
