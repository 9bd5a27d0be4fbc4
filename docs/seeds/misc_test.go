package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// How to wait for a task to finish: it is awaited, made before or in the same line.
func Example_seedsMiscWaitForTask() {
	customCoro := func(ctx context.Context) error {
		fmt.Println("custom coroutine")
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, customCoro)
		_, err := task.Await(ctx)
		fmt.Println(task.Done(), err)

		_, err = aio.Start(ctx, customCoro).Await(ctx) // in a single line
		fmt.Println(err)
		return nil
	})
	// Output:
	// custom coroutine
	// true <nil>
	// custom coroutine
	// <nil>
}

// How to get a return value from a task: call, await (as often as one likes), or ask for the result.
func Example_seedsMiscReturnValue() {
	otherCoro := func(ctx context.Context) (int, error) { return 100, nil }

	aio.Run(context.Background(), func(ctx context.Context) error {
		value, err := otherCoro(ctx)
		fmt.Println("called:", value, err)

		task := aio.CreateTask(ctx, otherCoro)
		_, err = task.Result()
		fmt.Println("too early:", errors.Is(err, aio.ErrInvalidState))

		for range 2 {
			value, err = task.Await(ctx)
			fmt.Println("awaited:", value, err)
		}
		value, err = task.Result()
		fmt.Println("result:", value, err)

		stopped := aio.CreateTask(ctx, otherCoro)
		stopped.Cancel(nil)
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, stopped); err != nil {
			return err
		}
		_, err = stopped.Result()
		fmt.Println("cancelled:", errors.Is(err, aio.ErrCancelled))
		return nil
	})
	// Output:
	// called: 100 <nil>
	// too early: true
	// awaited: 100 <nil>
	// awaited: 100 <nil>
	// result: 100 <nil>
	// cancelled: true
}

// How to run a task in the background: it starts when the caller first suspends.
func Example_seedsMiscBackgroundTask() {
	otherCoroutine := func(ctx context.Context) error {
		fmt.Println("background task started")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		fmt.Println("background task done")
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, otherCoroutine)
		fmt.Println("scheduled")
		if err := aio.Yield(ctx); err != nil { // a moment for the task to start
			return err
		}
		fmt.Println("main goes on")
		_, err := task.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// scheduled
	// background task started
	// main goes on
	// background task done
}

// How to wait for all background tasks, the natural way in Go: a group cannot end before its tasks.
func Example_seedsMiscBackgroundGroup() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"mail", "backup"} {
				g.Go(func(ctx context.Context) error {
					defer fmt.Println(name, "done")
					return aio.Sleep(ctx, time.Second)
				})
			}
			return nil
		})
		fmt.Println("all done")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// mail done
	// backup done
	// all done
}

// Does a running task stop the event loop from exiting? No: a task that would run for ever is cancelled.
func Example_seedsMiscRunningTaskAtExit() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				fmt.Println("tick")
			}
		})
		return aio.Sleep(ctx, 2500*time.Millisecond)
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("exit:", err)
	// Output:
	// tick
	// tick
	// exit: <nil>
}

// How to show progress of running tasks: a done callback on each.
func Example_seedsMiscProgress() {
	progress := func() { fmt.Print(".") }

	aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[aio.None]
		for i := range 10 {
			task := aio.Start(ctx, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Duration(i)*100*time.Millisecond)
			})
			task.AddDoneCallback(progress)
			tasks = append(tasks, task)
		}
		_, err := aio.Gather(ctx, tasks...)
		fmt.Println("done")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ..........done
}

// How to run a task after a delay, awaited and on its own.
func Example_seedsMiscDelay() {
	delay := func(ctx context.Context, fn func(ctx context.Context) error, d time.Duration) error {
		if err := aio.Sleep(ctx, d); err != nil {
			return err
		}
		return fn(ctx)
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		work := func(ctx context.Context) error {
			fmt.Println("work after", loop.Time().Sub(began))
			return nil
		}

		if err := delay(ctx, work, 10*time.Second); err != nil {
			return err
		}
		task := aio.Start(ctx, func(ctx context.Context) error { return delay(ctx, work, 10*time.Second) })
		fmt.Println("main goes on")
		_, err := task.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// work after 10s
	// main goes on
	// work after 20s
}

// How to run a follow-up task: from the completed task itself.
func Example_seedsMiscFollowUpFromTask() {
	followUp := func(ctx context.Context) error {
		fmt.Println("follow-up")
		return nil
	}
	work := func(ctx context.Context) error {
		fmt.Println("work")
		task := aio.Start(ctx, followUp)
		_, err := task.Await(ctx) // or leave it to itself
		return err
	}

	aio.Run(context.Background(), work)
	// Output:
	// work
	// follow-up
}

// How to run a follow-up task: from the caller, if the result asks for it.
func Example_seedsMiscFollowUpFromCaller() {
	work := func(ctx context.Context) (bool, error) {
		fmt.Println("work")
		return true, nil
	}
	followUp := func(ctx context.Context) error {
		fmt.Println("follow-up")
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		more, err := aio.CreateTask(ctx, work).Await(ctx)
		if err != nil || !more {
			return err
		}
		_, err = aio.Start(ctx, followUp).Await(ctx)
		return err
	})
	// Output:
	// work
	// follow-up
}

// How to run a follow-up task: from a done callback, which cannot await it.
func Example_seedsMiscFollowUpFromCallback() {
	work := func(ctx context.Context) error {
		fmt.Println("work")
		return aio.Sleep(ctx, time.Second)
	}
	followUp := func(ctx context.Context) error {
		fmt.Println("follow-up")
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, work)
		task.AddDoneCallback(func() { aio.Start(aio.RunningLoop(ctx).Context(), followUp) })
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		fmt.Println("main saw the end of work")
		return aio.Sleep(ctx, time.Second) // keeps the program alive for the follow-up
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// work
	// main saw the end of work
	// follow-up
}
