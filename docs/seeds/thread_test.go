package seeds_test

import (
	"context"
	"fmt"
	"runtime"

	"github.com/aio-go/aio"
)

// How to execute a blocking function: to_thread, with its result.
func Example_seedsThreadResult() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		value, err := aio.ToThread(ctx, func(ctx context.Context) (int, error) { return 100, nil })
		fmt.Println(value, err)
		return nil
	})
	// Output:
	// 100 <nil>
}

// How to execute a blocking function: run_in_executor, which starts the call before anybody awaits it.
func Example_seedsThreadExecutor() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		started := make(chan struct{})
		blockingTask := func(ctx context.Context) (string, error) {
			close(started)
			return "done", nil
		}

		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			return aio.ToThread(ctx, blockingTask)
		}, aio.Eager()) // the call begins inside CreateTask

		<-started // blocks the loop, to show that it is not needed
		fmt.Println("running already")
		value, err := task.Await(ctx)
		fmt.Println(value, err)
		return nil
	})
	// Output:
	// running already
	// done <nil>
}

// How to execute a CPU-bound function: a process pool there, goroutines on all cores here.
func Example_seedsThreadPool() {
	sumTo := func(n int) int {
		sum := 0
		for i := range n + 1 {
			sum += i
		}
		return sum
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		pool := aio.NewLimiter(runtime.GOMAXPROCS(0))
		sums, err := aio.Map(ctx, []int{10, 100, 1000}, func(ctx context.Context, n int) (int, error) {
			return aio.ToThread(ctx, func(ctx context.Context) (int, error) { return sumTo(n), nil }, pool)
		})
		fmt.Println(sums, err)
		return nil
	})
	// Output:
	// [55 5050 500500] <nil>
}
