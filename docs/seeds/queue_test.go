package seeds_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// workQueue holds the work of the four versions of the program: counts, or seconds.
func workQueue() (*aio.Queue[int], error) {
	work := aio.NewQueue[int](0)
	for _, n := range []int{15, 10, 5, 2} {
		if err := work.PutNowait(n); err != nil {
			return nil, err
		}
	}
	return work, nil
}

// runOneAndTwo runs two tasks on one queue of work and waits for both.
func runOneAndTwo(ctx context.Context, task func(ctx context.Context, name string, work *aio.Queue[int]) error) error {
	work, err := workQueue()
	if err != nil {
		return err
	}
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, name := range []string{"One", "Two"} {
			g.Go(func(ctx context.Context) error { return task(ctx, name, work) })
		}
		return nil
	})
}

// Synchronous programming: a task that never waits takes all the work.
func Example_seedsQueueSynchronous() {
	task := func(ctx context.Context, name string, work *aio.Queue[int]) error {
		if work.Empty() {
			fmt.Printf("Task %s nothing to do\n", name)
		}
		for !work.Empty() {
			count, err := work.GetNowait()
			if err != nil {
				return err
			}
			fmt.Printf("Task %s running\n", name)
			total := 0
			for range count {
				total++
			}
			fmt.Printf("Task %s total: %d\n", name, total)
		}
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error { return runOneAndTwo(ctx, task) })
	// Output:
	// Task One running
	// Task One total: 15
	// Task One running
	// Task One total: 10
	// Task One running
	// Task One total: 5
	// Task One running
	// Task One total: 2
	// Task Two nothing to do
}

// Simple cooperative concurrency: the tasks yield to each other while they count.
func Example_seedsQueueCooperative() {
	task := func(ctx context.Context, name string, work *aio.Queue[int]) error {
		for !work.Empty() {
			count, err := work.GetNowait()
			if err != nil {
				return err
			}
			fmt.Printf("Task %s running\n", name)
			total := 0
			for range count {
				total++
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			fmt.Printf("Task %s total: %d\n", name, total)
		}
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error { return runOneAndTwo(ctx, task) })
	// Output:
	// Task One running
	// Task Two running
	// Task Two total: 10
	// Task Two running
	// Task One total: 15
	// Task One running
	// Task Two total: 5
	// Task One total: 2
}

// Cooperative concurrency with blocking calls: the tasks take turns, and the times add up.
func Example_seedsQueueBlocking() {
	var elapsed time.Duration
	block := func(d time.Duration) { elapsed += d } // stands for a call that blocks the loop

	task := func(ctx context.Context, name string, work *aio.Queue[int]) error {
		for !work.Empty() {
			delay, err := work.GetNowait()
			if err != nil {
				return err
			}
			fmt.Printf("Task %s running\n", name)
			began := elapsed
			block(time.Duration(delay) * time.Second)
			fmt.Printf("Task %s elapsed time: %v\n", name, elapsed-began)
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error { return runOneAndTwo(ctx, task) })
	fmt.Println("Total elapsed time:", elapsed)
	// Output:
	// Task One running
	// Task One elapsed time: 15s
	// Task Two running
	// Task Two elapsed time: 10s
	// Task One running
	// Task One elapsed time: 5s
	// Task Two running
	// Task Two elapsed time: 2s
	// Total elapsed time: 32s
}

// Cooperative concurrency with non-blocking calls: the tasks wait at the same time.
func Example_seedsQueueNonBlocking() {
	task := func(ctx context.Context, name string, work *aio.Queue[int]) error {
		for !work.Empty() {
			delay, err := work.Get(ctx)
			if err != nil {
				return err
			}
			fmt.Printf("Task %s running\n", name)
			elapsed := stopwatch(ctx)
			if err := aio.Sleep(ctx, time.Duration(delay)*time.Second); err != nil {
				return err
			}
			fmt.Printf("Task %s elapsed time: %v\n", name, elapsed())
		}
		return nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		if err := runOneAndTwo(ctx, task); err != nil {
			return err
		}
		fmt.Println("Total elapsed time:", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// Task One running
	// Task Two running
	// Task Two elapsed time: 10s
	// Task Two running
	// Task One elapsed time: 15s
	// Task One running
	// Task Two elapsed time: 5s
	// Task One elapsed time: 2s
	// Total elapsed time: 17s
}
