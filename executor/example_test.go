//go:build unix

package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// The shared objects of the examples, and the functions that use them.
var (
	words   = executor.NewQueue[string]("words", 10)
	lengths = executor.NewQueue[int]("lengths", 10)
	ledger  = executor.NewLock("ledger")
	ready   = executor.NewEvent("ready")

	measure = executor.Register("measure", func(ctx context.Context, _ aio.None) (aio.None, error) {
		for word, err := range words.All(ctx) { // a word is not lost if the worker is
			if err == nil {
				err = lengths.Put(ctx, len(word))
			}
			if err != nil {
				return aio.None{}, err
			}
		}
		return aio.None{}, lengths.Close(ctx)
	})
	announce = executor.Register("announce", func(ctx context.Context, _ aio.None) (aio.None, error) {
		return aio.None{}, ready.Set(ctx)
	})
	book = executor.Register("book", func(ctx context.Context, name string) (aio.None, error) {
		return aio.None{}, ledger.With(ctx, func(context.Context) error {
			return os.WriteFile(name, []byte("booked\n"), 0o600) // no other process does it now
		})
	})
	translate = executor.Register("translate", func(ctx context.Context, _ aio.None) (int, error) {
		pipe := executor.PipeOf[int, string](ctx)
		for n := 0; ; n++ {
			word, err := pipe.Receive(ctx)
			if err == io.EOF {
				return n, nil
			}
			if err == nil {
				err = pipe.Send(ctx, map[string]int{"one": 1, "two": 2}[word])
			}
			if err != nil {
				return n, err
			}
		}
	})
	fetchAll = executor.RegisterCoroutine("fetchAll",
		func(ctx context.Context, names []string) ([]string, error) {
			return aio.Map(ctx, names, func(ctx context.Context, name string) (string, error) {
				return name + " fetched", aio.Sleep(ctx, time.Millisecond)
			})
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

// An executor can refuse at once what this program cannot run.
func ExampleRegistered() {
	fmt.Println(executor.Registered("fib"), executor.Registered("fob"))
	// Output: true false
}

// A queue to the workers, and one back.
func ExampleQueue() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				aio.GoValue(g, aio.Bind(measure.Run, aio.None{}))
				for _, word := range []string{"a", "short", "sentence"} {
					if err := words.Put(ctx, word); err != nil {
						return err
					}
				}
				if err := words.Close(ctx); err != nil {
					return err
				}
				for n, err := range lengths.All(ctx) {
					fmt.Println(n, err)
				}
				return nil
			})
		})
	})
	// Output:
	// 1 <nil>
	// 5 <nil>
	// 8 <nil>
}

// A task waits for an event that a worker sets.
func ExampleEvent() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			if _, err := announce.Run(ctx, aio.None{}); err != nil {
				return err
			}
			err := ready.Wait(ctx)
			fmt.Println("ready", err)
			return nil
		})
	})
	// Output:
	// ready <nil>
}

// A lock that no two processes have at a time.
func ExampleLock() {
	do(func(ctx context.Context) error {
		name := filepath.Join(os.TempDir(), fmt.Sprint("ledger-", os.Getpid()))
		defer os.Remove(name)
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			if _, err := aio.Map(ctx, []string{name, name, name}, book.Run); err != nil {
				return err
			}
			return ledger.With(ctx, func(context.Context) error {
				text, err := os.ReadFile(name)
				fmt.Printf("%s", text)
				return err
			})
		})
	})
	// Output:
	// booked
}

// A conversation with a function that runs.
func ExamplePipe() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				pipe := executor.NewPipe[string, int](ctx, 8)
				call := translate.With(executor.Through(pipe))
				task := aio.GoValue(g, aio.Bind(call.Run, aio.None{}))
				for _, word := range []string{"one", "two"} {
					if err := pipe.Send(ctx, word); err != nil {
						return err
					}
					n, err := pipe.Receive(ctx)
					fmt.Println(word, n, err)
				}
				if err := pipe.Close(ctx); err != nil {
					return err
				}
				n, err := task.Await(ctx)
				fmt.Println(n, "words", err)
				return nil
			})
		})
	})
	// Output:
	// one 1 <nil>
	// two 2 <nil>
	// 2 words <nil>
}

// In a worker, a function that awaits.
func ExampleRegisterCoroutine() {
	do(func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, _ *executor.Pool) error {
			all, err := fetchAll.Run(ctx, []string{"one", "two"})
			fmt.Println(all, err)
			return nil
		})
	})
	// Output:
	// [one fetched two fetched] <nil>
}
