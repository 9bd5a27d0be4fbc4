package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleRun() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("on the loop")
		return errors.New("what main returns")
	})
	fmt.Println(err)
	// Output:
	// on the loop
	// what main returns
}

func ExampleRunValue() {
	n, err := aio.RunValue(context.Background(), func(ctx context.Context) (int, error) {
		return 6 * 7, aio.Yield(ctx)
	})
	fmt.Println(n, err)
	// Output: 42 <nil>
}

// A runner keeps its loop, and the tasks on it, between two runs.
func ExampleRunner() {
	r := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
	defer r.Close()

	r.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			for {
				fmt.Println("tick")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
		})
		return aio.Sleep(ctx, 1500*time.Millisecond)
	})
	fmt.Println("between the runs nothing happens")
	r.Run(context.Background(), func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Second)
	})
	// Output:
	// tick
	// tick
	// between the runs nothing happens
	// tick
}

func ExampleNewRunner() {
	r := aio.NewRunner()
	fmt.Println(r.Run(context.Background(), func(ctx context.Context) error { return nil }))
	fmt.Println(r.Close())
	// Output:
	// <nil>
	// <nil>
}

func ExampleRunIn() {
	r := aio.NewRunner()
	defer r.Close()
	word, err := aio.RunIn(context.Background(), r, func(ctx context.Context) (string, error) { return "hello", nil })
	fmt.Println(word, err)
	// Output: hello <nil>
}

// What main leaves behind may finish, for as long as the drain lasts; the rest is cancelled.
func ExampleWithShutdown() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for _, d := range []time.Duration{time.Second, time.Minute} {
			aio.Start(ctx, func(ctx context.Context) error {
				err := aio.Sleep(ctx, d)
				fmt.Println("job of", d, "finished:", err == nil)
				return err
			})
		}
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithShutdown(10*time.Second, time.Second))
	// Output:
	// job of 1s finished: true
	// job of 1m0s finished: false
}

func ExampleWithExceptionHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error { return errors.New("nobody awaits me") }, aio.Name("orphan"))
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(l *aio.Loop, r aio.Report) {
		fmt.Println(r.TaskName+":", r.Message+":", r.Err)
	}))
	// Output: orphan: a task failed, and nobody looked at its error: nobody awaits me
}

// An adapter reports what it can tell no caller.
func ExampleReport() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.SetExceptionHandler(func(l *aio.Loop, r aio.Report) { fmt.Println(r.Message+":", r.Err) })
		loop.CallExceptionHandler(aio.Report{Message: "the cache could not be saved", Err: errors.New("disk full")})
		return nil
	})
	// Output: the cache could not be saved: disk full
}

// Debug mode is for one loop; the environment variable AIO_DEBUG switches it on for all.
func ExampleWithDebug() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).Debug())
		return nil
	}, aio.WithDebug(true))
	// Output: true
}

// With the watchdog on, a step that holds the loop for longer is logged, with the line that does, while it does.
func ExampleWithSlowCallback() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Yield(ctx) // nothing here holds it up
	}, aio.WithSlowCallback(time.Minute))
	fmt.Println(err)
	// Output: <nil>
}

// An option is a value: programs keep those that they always use.
func ExampleOption() {
	forTests := []aio.Option{
		aio.WithClock(aio.NewVirtualClock()),
		aio.WithShutdown(0, time.Second),
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, forTests...)
	fmt.Println(err)
	// Output: <nil>
}
