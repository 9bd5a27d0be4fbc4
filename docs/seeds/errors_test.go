package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Error 1, trying to run coroutines by calling them: here calling is right.
func Example_seedsErrorCalling() {
	customCoro := func(ctx context.Context) error {
		fmt.Println("hi there")
		return nil
	}

	aio.Run(context.Background(), customCoro) // as the main coroutine

	aio.Run(context.Background(), func(ctx context.Context) error {
		return customCoro(ctx) // awaited by another
	})
	// Output:
	// hi there
	// hi there
}

// Error 2, not letting coroutines run: a function that is only named has not run, and nothing has to warn of it.
func Example_seedsErrorNeverAwaited() {
	customCoro := func(ctx context.Context) error {
		fmt.Println("hi there")
		return nil
	}

	coro := customCoro // nothing happens

	aio.Run(context.Background(), coro)
	aio.Run(context.Background(), func(ctx context.Context) error {
		if err := coro(ctx); err != nil {
			return err
		}
		task := aio.Start(ctx, coro) // on its own; and unlike a coroutine object it can be used again
		_, err := task.Await(ctx)
		return err
	})
	// Output:
	// hi there
	// hi there
	// hi there
}

// Error 4, exiting the main coroutine too early: the tasks it leaves behind are cancelled.
func Example_seedsErrorExitTooEarly() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("task started")
			if err := aio.Sleep(ctx, time.Second); err != nil {
				fmt.Println("task cancelled:", errors.Is(err, aio.ErrCancelled))
				return err
			}
			fmt.Println("task done")
			return nil
		})
		err := aio.Yield(ctx)
		fmt.Println("main done")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task started
	// main done
	// task cancelled: true
}

// Error 4, the remedy, and How to Wait for All Background Tasks: wait for all tasks but the current one.
func Example_seedsErrorExitAfterAll() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for i := range 3 {
			aio.Start(ctx, func(ctx context.Context) error {
				if err := aio.Sleep(ctx, time.Duration(i+1)*time.Second); err != nil {
					return err
				}
				fmt.Println("task", i, "done")
				return nil
			})
		}

		var others []aio.AnyTask
		for _, task := range aio.AllTasks(ctx) {
			if task != aio.CurrentTask(ctx) {
				others = append(others, task)
			}
		}
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, others...)
		fmt.Println(len(done), "done,", len(pending), "pending")
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task 0 done
	// task 1 done
	// task 2 done
	// 3 done, 0 pending
}
