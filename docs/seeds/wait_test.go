package seeds_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// How to Use asyncio.wait(): until all tasks have ended, which is said here and the default there.
func Example_seedsWaitAll() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value, aio.Sleep(ctx, time.Duration(value+1)*time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 10 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}

		done, pending, err := aio.Wait(ctx, aio.AllCompleted, tasks...)
		if err != nil {
			return err
		}
		fmt.Println(len(done), "done,", len(pending), "pending")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 10 done, 0 pending
}

// How to Use asyncio.wait(): the wait is a coroutine, made first and awaited then; a function that is called then.
func Example_seedsWaitAwaitedLater() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value, aio.Sleep(ctx, time.Duration(value+1)*time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 10 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}

		wait := func(ctx context.Context) (done, pending []*aio.Task[int], err error) {
			return aio.Wait(ctx, aio.AllCompleted, tasks...)
		}
		done, pending, err := wait(ctx)
		if err != nil {
			return err
		}
		fmt.Println(len(done), "done,", len(pending), "pending")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 10 done, 0 pending
}

// How to Use asyncio.wait(): until the first task has ended; the others go on.
func Example_seedsWaitFirst() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value, aio.Sleep(ctx, time.Duration(value+1)*time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 10 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}

		done, pending, err := aio.Wait(ctx, aio.FirstCompleted, tasks...)
		if err != nil {
			return err
		}
		value, err := done[0].Result()
		fmt.Println(len(done), "done,", len(pending), "pending, first:", value, err)

		results, err := aio.Gather(ctx, pending...)
		fmt.Println("the others:", results, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 done, 9 pending, first: 0 <nil>
	// the others: [1 2 3 4 5 6 7 8 9] <nil>
}

// How to Use asyncio.wait(): until the first task fails; the others go on.
func Example_seedsWaitFirstException() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		if err := aio.Sleep(ctx, time.Duration(value+1)*time.Second); err != nil {
			return 0, err
		}
		if value == 3 {
			return 0, fmt.Errorf("task %d failed", value)
		}
		return value, nil
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 10 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}

		done, pending, err := aio.Wait(ctx, aio.FirstException, tasks...)
		if err != nil {
			return err
		}
		fmt.Println(len(done), "done,", len(pending), "pending")
		for _, task := range done {
			if err := task.Err(); err != nil {
				fmt.Println(err)
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 4 done, 6 pending
	// task 3 failed
}

// How to Use asyncio.wait(): for three seconds at most; no error, and nothing is cancelled.
func Example_seedsWaitTimeout() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value, aio.Sleep(ctx, time.Duration(value)*2*time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 10 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}

		done, pending, err := aio.WaitTimeout(ctx, 3*time.Second, aio.AllCompleted, tasks...)
		if err != nil {
			return err
		}
		fmt.Println(len(done), "done,", len(pending), "pending, cancelled:", pending[0].Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 done, 8 pending, cancelled: false
}
