//go:build unix

package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// The functions of the examples.
var (
	fib = executor.Register("fib", func(_ context.Context, n int) (int, error) {
		a, b := 0, 1
		for range n {
			a, b = b, a+b
		}
		return a, nil
	})
	crash = executor.Register("crash", func(context.Context, aio.None) (aio.None, error) {
		os.Exit(3)
		return aio.None{}, nil
	})
	size = executor.Register("size", func(_ context.Context, name string) (int64, error) {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	})
	climb = executor.Register("climb", func(ctx context.Context, steps int) (string, error) {
		for i := range steps {
			if err := executor.Progress(ctx, i+1); err != nil {
				return "", err
			}
		}
		return "at the top", nil
	})
	describe = executor.Register("describe", func(ctx context.Context, _ aio.None) (string, error) {
		job, _ := executor.Current(ctx)
		return fmt.Sprintf("job %s, %s, attempt %d", job.ID, job.Name, job.Attempt), nil
	})
)

// do runs an example's main function.
func do(main func(ctx context.Context) error) {
	if err := aio.Run(context.Background(), main); err != nil {
		fmt.Println(err)
	}
}

// Four computations, in processes of their own. TestMain of this package calls executor.Main; in a
// program main does.
func Example() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			all, err := aio.Map(ctx, []int{10, 20, 30, 40}, fib.Run)
			fmt.Println(all, err)
			return nil
		})
	})
	// Output:
	// [55 6765 832040 102334155] <nil>
}

// Main returns at once in a process that is no worker.
func ExampleMain() {
	executor.Main()
	fmt.Println("the program goes on")
	// Output:
	// the program goes on
}

// A registered function runs on the executor of the context.
func ExampleRegister() {
	do(func(ctx context.Context) error {
		n, err := fib.Run(ctx, 10)
		fmt.Println(fib.Name(), n, err)
		return nil
	})
	// Output:
	// fib 55 <nil>
}

type invoice struct {
	Number int
	Lines  []string
}

// What waits in a queue can be read, by people and by programs in other languages.
var total = executor.Register("total", func(ctx context.Context, in invoice) (int, error) {
	return 10 * len(in.Lines), nil
}, executor.Encoding(executor.JSON))

func ExampleEncoding() {
	job, err := total.Job(invoice{7, []string{"a cup", "a spoon"}})
	fmt.Printf("%s %v\n", job.Args, err)
	do(func(ctx context.Context) error {
		n, err := total.Run(ctx, invoice{7, []string{"a cup", "a spoon"}})
		fmt.Println(n, err)
		return nil
	})
	// Output:
	// {"Number":7,"Lines":["a cup","a spoon"]} <nil>
	// 20 <nil>
}

// At most four functions at a time, for everything below this context.
func ExampleWith() {
	do(func(ctx context.Context) error {
		ctx = executor.With(ctx, executor.NewThreads(4))
		n, err := fib.Run(ctx, 20)
		fmt.Println(n, err)
		return nil
	})
	// Output:
	// 6765 <nil>
}

func ExampleFrom() {
	do(func(ctx context.Context) error {
		threads := executor.NewThreads(4)
		fmt.Println(executor.From(executor.With(ctx, threads)) == executor.Executor(threads))
		return nil
	})
	// Output:
	// true
}

func ExampleThreads() {
	do(func(ctx context.Context) error {
		threads := executor.NewThreads(2)
		if _, err := aio.Map(executor.With(ctx, threads), []int{1, 2, 3}, fib.Run); err != nil {
			return err
		}
		fmt.Printf("%+v\n", threads.Statistics())
		return nil
	})
	// Output:
	// {Max:2 Running:0 Waiting:0 Done:3}
}

// One function on an executor of its own.
func ExampleOn() {
	do(func(ctx context.Context) error {
		few := executor.NewThreads(1)
		n, err := fib.With(executor.On(few)).Run(ctx, 30)
		fmt.Println(n, err)
		return nil
	})
	// Output:
	// 832040 <nil>
}

// A worker that ends takes its own job along, and nothing else.
func ExampleWorkerError() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			_, err := crash.Run(ctx, aio.None{})
			var lost *executor.WorkerError
			if errors.As(err, &lost) {
				fmt.Println(lost.Name, "ended with", lost.State)
			}
			n, err := fib.Run(ctx, 30)
			fmt.Println(n, err)
			return nil
		})
	})
	// Output:
	// crash ended with exit status 3
	// 832040 <nil>
}

func ExampleMaxMessage() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			_, err := size.Run(ctx, strings.Repeat("x", 5000))
			fmt.Println(err)
			return nil
		}, executor.MaxMessage(4<<10))
	})
	// Output:
	// executor: size: an argument of 5000 bytes is too large; the pool's MaxMessage allows 4096
}

func ExampleRemoteError() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			_, err := size.Run(ctx, "no such file")
			var remote *executor.RemoteError
			fmt.Println(errors.As(err, &remote), errors.Is(err, fs.ErrNotExist))
			return nil
		})
	})
	// Output:
	// true true
}

// A job that gets lost is tried three times in all.
func ExampleAttempts() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			_, err := crash.With(executor.Attempts(3)).Run(ctx, aio.None{})
			fmt.Println(err)
			fmt.Println(p.Statistics().Lost, "workers were lost")
			return nil
		})
	})
	// Output:
	// executor: the worker of "crash" was lost: exit status 3
	// 3 workers were lost
}

func ExampleOnProgress() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			loud := climb.With(executor.OnProgress(func(step int) { fmt.Println("step", step) }))
			where, err := loud.Run(ctx, 3)
			fmt.Println(where, err)
			return nil
		})
	})
	// Output:
	// step 1
	// step 2
	// step 3
	// at the top <nil>
}

// A function that tells how far it has come; see OnProgress for the other side.
func ExampleProgress() {
	do(func(ctx context.Context) error {
		where, err := climb.Run(ctx, 3) // nobody listens
		fmt.Println(where, err)
		return nil
	})
	// Output:
	// at the top <nil>
}

func ExampleCurrent() {
	do(func(ctx context.Context) error {
		text, err := describe.With(executor.ID("order-7")).Run(ctx, aio.None{})
		fmt.Println(text, err)
		return nil
	})
	// Output:
	// job order-7, describe, attempt 1 <nil>
}

// A pool that lives longer than a block.
func ExampleNewPool() {
	do(func(ctx context.Context) error {
		p := executor.NewPool(ctx,
			executor.Workers(2), executor.JobsPerWorker(100), executor.StartTimeout(10*time.Second),
			executor.Stderr(io.Discard))
		n, err := fib.With(executor.On(p)).Run(ctx, 40)
		fmt.Println(n, err)
		fmt.Println(p)
		err = p.Shutdown(ctx)
		fmt.Println(p, err)
		return nil
	})
	// Output:
	// 102334155 <nil>
	// <Pool 1 of 2 workers, 1 idle, 0 jobs waiting>
	// <Pool 0 of 2 workers, 0 idle, 0 jobs waiting, ending> <nil>
}

// queue is what an executor on a message broker comes down to: a job goes out, its result comes
// back.
type queue struct{}

func (queue) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	fmt.Printf("publish %s %q, attempt %d\n", job.Name, job.ID, job.Attempt)
	return aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		return executor.Call(ctx, job) // at the other end of the broker
	})
}

func ExampleExecutor() {
	do(func(ctx context.Context) error {
		n, err := fib.With(executor.On(queue{}), executor.ID("job-1")).Run(ctx, 10)
		fmt.Println(n, err)
		return nil
	})
	// Output:
	// publish fib "job-1", attempt 1
	// 55 <nil>
}
