package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
)

func ExampleSnapshot() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fetch := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.Name("fetch"))
		aio.Start(ctx, func(ctx context.Context) error {
			_, err := fetch.Await(ctx)
			return err
		}, aio.Name("show"))
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		return aio.RunningLoop(ctx).Snapshot(false).WriteTree(os.Stdout)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// main (running)
	// show (waiting in Task.Await)
	//     fetch (waiting in Sleep for 59m0s more)
}

func ExampleTaskInfo() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aio.Lock
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		aio.Start(ctx, lock.Acquire, aio.Name("patient"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for _, t := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			fmt.Println(t.Name, t.State, t.Op, t.WaitsFor)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// main running  []
	// patient waiting Lock.Acquire [1]
}

// A task that does not follow a request to cancel it shows up.
func ExampleCancelInfo() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		stubborn := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Sleep(context.WithoutCancel(ctx), time.Minute)
		}, aio.Name("stubborn"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		stubborn.Cancel(errors.New("enough"))
		if err := aio.Sleep(ctx, 12*time.Second); err != nil {
			return err
		}
		for _, t := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			if t.Cancel != nil {
				fmt.Println(t.Name, "was cancelled", t.Cancel.Since, "ago:", t.Cancel.Cause)
			}
		}
		_, err := stubborn.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: stubborn was cancelled 12s ago: enough
}

// A monitor, on another goroutine, asks a running loop.
func ExampleTakeSnapshot() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		return aio.Blocking(ctx, func(ctx context.Context) error {
			s, err := aio.TakeSnapshot(ctx, loop, false)
			for _, t := range s.Tasks {
				fmt.Println(t.Name, t.State, t.Op)
			}
			return err
		})
	})
	// Output: main waiting Blocking
}
