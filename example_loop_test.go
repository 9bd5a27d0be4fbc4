package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// A loop of one's own, driven by callbacks: what Run and tasks are built on.
func ExampleLoop() {
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer loop.Close()
	loop.CallSoon(func() { fmt.Println("soon") })
	loop.CallLater(time.Second, func() {
		fmt.Println("later")
		loop.Stop()
	})
	loop.RunForever()
	// Output:
	// soon
	// later
}

func ExampleNewLoop() {
	loop := aio.NewLoop()
	fmt.Println(loop.IsRunning(), loop.IsClosed())
	loop.Close()
	fmt.Println(loop.IsRunning(), loop.IsClosed())
	// Output:
	// false false
	// false true
}

func ExampleRunUntilComplete() {
	loop := aio.NewLoop()
	defer loop.Close()
	v, err := aio.RunUntilComplete(loop, func(ctx context.Context) (string, error) { return "done", aio.Yield(ctx) })
	fmt.Println(v, err)
	// Output: done <nil>
}

// Tasks can be made before the loop runs, with its ambient context.
func ExampleRunUntilDone() {
	loop := aio.NewLoop()
	defer loop.Close()
	task := aio.CreateTask(loop.Context(), func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) })
	v, err := aio.RunUntilDone(loop, task)
	fmt.Println(v, err)
	// Output: 1 <nil>
}

func ExampleRunningLoop() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.RunningLoop(ctx).IsRunning())
		return nil
	})
	// Output: true
}

// Callbacks cannot wait. They start tasks with the loop's ambient context.
func ExampleLoop_Context() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.CallLater(time.Second, func() {
			aio.Start(loop.Context(), func(ctx context.Context) error {
				fmt.Println("a task of a callback")
				return nil
			})
		})
		return aio.Sleep(ctx, 2*time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: a task of a callback
}

func ExampleLoop_CallSoonThreadsafe() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		var done aio.Event
		go func() {
			loop.CallSoonThreadsafe(func() {
				fmt.Println("on the loop")
				done.Set()
			})
		}()
		return done.Wait(ctx)
	})
	// Output: on the loop
}

func ExampleLoop_OnShutdown() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.OnShutdown(func() { fmt.Println("2. no new work") })
		loop.OnClose(func() { fmt.Println("4. files closed") })
		aio.Start(ctx, func(ctx context.Context) error {
			defer fmt.Println("3. tasks ended")
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println("1. main ends")
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1. main ends
	// 2. no new work
	// 3. tasks ended
	// 4. files closed
}

func ExampleLoop_SetExceptionHandler() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		loop.SetExceptionHandler(func(l *aio.Loop, r aio.Report) {
			var p *aio.PanicError
			if errors.As(r.Err, &p) {
				fmt.Println("reported:", p.Value)
			}
		})
		loop.CallSoon(func() { panic("a callback has nobody to tell") })
		return aio.Yield(ctx)
	})
	// Output: reported: a callback has nobody to tell
}

func ExampleHandle() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		handle := aio.RunningLoop(ctx).CallSoon(func() { fmt.Println("never printed") })
		handle.Cancel()
		fmt.Println("cancelled:", handle.Cancelled())
		return aio.Yield(ctx)
	})
	// Output: cancelled: true
}

func ExampleTimerHandle() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		alarm := loop.CallAt(loop.Time().Add(7*time.Hour), func() { fmt.Println("good morning") })
		fmt.Println("set to", alarm.When().Format(time.Kitchen))
		return aio.Sleep(ctx, 8*time.Hour)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// set to 7:00AM
	// good morning
}
