package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/aio-go/aio"
)

func ExampleCancelledError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		sleeper := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		boss := aio.Start(ctx, func(ctx context.Context) error {
			sleeper.Cancel(errors.New("wake up"))
			return nil
		})
		if _, err := boss.Await(ctx); err != nil {
			return err
		}
		_, err := sleeper.Await(ctx)
		var cancelled *aio.CancelledError
		if errors.As(err, &cancelled) {
			fmt.Println(cancelled.By(), "said:", cancelled.Cause)
		}
		fmt.Println(errors.Is(err, aio.ErrCancelled), errors.Is(err, context.Canceled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task Task-3 said: wake up
	// true true
}

// A time-out is not a cancellation.
func ExampleTimeoutError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 3*time.Second, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		var timeout *aio.TimeoutError
		if errors.As(err, &timeout) {
			fmt.Println("allowed:", timeout.After)
		}
		fmt.Println(errors.Is(err, context.DeadlineExceeded), errors.Is(err, aio.ErrCancelled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// allowed: 3s
	// true false
}

// A panic is raised again in whoever awaits the task; asked for, it is an error.
func ExamplePanicError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { panic("out of range") })
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
			return err
		}
		var p *aio.PanicError
		if errors.As(task.Err(), &p) {
			fmt.Println("it panicked:", p.Value)
		}
		return nil
	})
	// Output: it panicked: out of range
}

// A task that is ended by runtime.Goexit, as t.Fatal does, does not take the loop with it.
func ExampleGoexitError() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			runtime.Goexit()
			return nil
		})
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		fmt.Println(errors.As(err, &exit))
		return nil
	})
	// Output: true
}

// Two tasks that wait for each other: Run says so instead of hanging.
func ExampleDeadlockError() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var hen, egg *aio.Task[aio.None]
		hen = aio.Start(ctx, func(ctx context.Context) error { _, err := egg.Await(ctx); return err }, aio.Name("hen"))
		egg = aio.Start(ctx, func(ctx context.Context) error { _, err := hen.Await(ctx); return err }, aio.Name("egg"))
		_, err := egg.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))

	var deadlock *aio.DeadlockError
	if errors.As(err, &deadlock) {
		for _, t := range deadlock.Cycle {
			fmt.Println(t.Name, "waits for", t.On)
		}
	}
	// Output:
	// egg waits for task hen
	// hen waits for task egg
}

// A background task whose handle is kept has failed: the report comes at once, not when somebody looks.
func ExampleWithPromptReports() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		refresher := aio.Start(ctx, func(ctx context.Context) error {
			return errors.New("the source is gone")
		}, aio.Name("refresher"))
		if err := aio.Sleep(ctx, time.Hour); err != nil { // what else the program does
			return err
		}
		_, err := refresher.Await(ctx)
		fmt.Println("an hour later:", err)
		return nil
	}, aio.WithPromptReports(true), aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(l *aio.Loop, r aio.Report) {
		fmt.Println(r.TaskName, "failed:", r.Err)
	}))
	// Output:
	// refresher failed: the source is gone
	// an hour later: the source is gone
}
