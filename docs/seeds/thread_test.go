package seeds_test

import (
	"context"
	"fmt"
	"runtime"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
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

// sumTo computes; workers of a process pool know it by its name.
var sumTo = executor.Register("sum to", func(ctx context.Context, n int) (int, error) {
	sum := 0
	for i := range n + 1 {
		sum += i
	}
	return sum, nil
})

// How to execute a CPU-bound function: run_in_executor with a process pool, which is shut down automatically.
func Example_seedsThreadProcessPool() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, pool *executor.Pool) error {
			sum, err := sumTo.Run(ctx, 1000)
			fmt.Println(sum, err)
			return nil
		}, executor.Workers(1))
	})
	// Output:
	// 500500 <nil>
}

// How to execute a CPU-bound function: goroutines are enough, as there is no global lock that only one of them holds.
func Example_seedsThreadPool() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		pool := executor.NewThreads(runtime.GOMAXPROCS(0))
		sums, err := aio.Map(ctx, []int{10, 100, 1000}, sumTo.With(executor.On(pool)).Run)
		fmt.Println(sums, err)
		return nil
	})
	// Output:
	// [55 5050 500500] <nil>
}
