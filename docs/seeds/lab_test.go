package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Get the current task from the main coroutine.
func Example_seedsLabCurrentTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("main coroutine started")
		task := aio.CurrentTask(ctx)
		task.SetName("main")
		fmt.Println(task.Name(), task.Done())
		return nil
	})
	// Output:
	// main coroutine started
	// main false
}

// Run many coroutines concurrently with gather.
func Example_seedsLabGather() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		fmt.Println(elapsed(), "main starting.")
		var values []int
		for i := range 10 {
			values = append(values, i)
		}
		_, err := aio.Map(ctx, values, func(ctx context.Context, i int) (aio.None, error) {
			fmt.Println(elapsed(), "task", i, "executing")
			return aio.None{}, aio.Sleep(ctx, time.Second)
		})
		if err != nil {
			return err
		}
		fmt.Println(elapsed(), "main done")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 0s main starting.
	// 0s task 0 executing
	// 0s task 1 executing
	// 0s task 2 executing
	// 0s task 3 executing
	// 0s task 4 executing
	// 0s task 5 executing
	// 0s task 6 executing
	// 0s task 7 executing
	// 0s task 8 executing
	// 0s task 9 executing
	// 1s main done
}

// Wait for all tasks of a collection.
func Example_seedsLabWaitAll() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[aio.None]
		for i, ms := range []int{710, 60, 880, 550} { // random in the original
			value := time.Duration(ms) * time.Millisecond
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				return sayAfter(ctx, value, fmt.Sprintf(">task %d done with %v", i, value))
			}))
		}
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, tasks...)
		if err != nil {
			return err
		}
		fmt.Println("All done", len(done), len(pending))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// >task 1 done with 60ms
	// >task 3 done with 550ms
	// >task 0 done with 710ms
	// >task 2 done with 880ms
	// All done 4 0
}

// Wait for a coroutine with a time limit.
func Example_seedsLabWaitFor() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.WaitFor(ctx, 200*time.Millisecond, aio.Action(func(ctx context.Context) error {
			value := 1950 * time.Millisecond // random in the original
			fmt.Println(">task got", value)
			return sayAfter(ctx, value, ">task done")
		}))
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("Gave up waiting, task canceled")
			return nil
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// >task got 1.95s
	// Gave up waiting, task canceled
}

// Shield tasks from cancellation: who waits is cancelled, the task is not.
func Example_seedsLabShield() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, aio.Sleep(ctx, time.Second) })
		shielded := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return aio.Shield(ctx, task) })
		aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
				return err
			}
			fmt.Println("canceled:", shielded.Cancel(nil))
			return nil
		})

		if _, err := shielded.Await(ctx); errors.Is(err, aio.ErrCancelled) {
			fmt.Println("shielded was cancel")
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		value, err := task.Result()
		fmt.Println("shielded cancelled:", shielded.Cancelled())
		fmt.Println("task:", value, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// canceled: true
	// shielded was cancel
	// shielded cancelled: true
	// task: 1 <nil>
}

// Running blocking functions in threads: it goes on beside a sleep.
func Example_seedsLabBlockingIO() {
	blockingIO := func(ctx context.Context) error {
		fmt.Println("start blocking_io")
		time.Sleep(time.Millisecond) // blocks its own goroutine only
		fmt.Println("blocking_io complete")
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("started main")
		_, err := aio.All(ctx,
			aio.Action(func(ctx context.Context) error { return aio.Blocking(ctx, blockingIO) }),
			aio.Action(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }),
		)
		fmt.Println("finished main", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// started main
	// start blocking_io
	// blocking_io complete
	// finished main <nil>
}
