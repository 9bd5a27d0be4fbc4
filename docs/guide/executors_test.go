//go:build unix

package guide_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

var wordLength = executor.Register("wordLength", func(ctx context.Context, word string) (int, error) {
	time.Sleep(time.Millisecond) // stands for a call that blocks
	return len(word), nil
})

func Example_threadsExecutor() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		threads := executor.NewThreads(2)
		ctx = executor.With(ctx, threads) // for all calls and tasks with this context

		lengths, err := aio.Map(ctx, []string{"alpha", "beta", "gamma"}, wordLength.Run)
		fmt.Println(lengths, err)
		fmt.Printf("%+v\n", threads.Statistics())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [5 4 5] <nil>
	// {Max:2 Running:0 Waiting:0 Done:3}
}

var primes = executor.Register("primes", func(ctx context.Context, below int) (int, error) {
	count := 0
next:
	for n := 2; n < below; n++ {
		for d := 2; d*d <= n; d++ {
			if n%d == 0 {
				continue next
			}
		}
		count++
	}
	return count, nil
})

func Example_processes() {
	executor.Main() // a worker process runs its jobs here and does not return

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			counts, err := aio.Map(ctx, []int{10, 100, 1000, 10000}, primes.Run)
			fmt.Println(counts, err)
			return nil
		}, executor.Workers(2))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [4 25 168 1229] <nil>
}

// parse stands for a library that may crash or hang.
var parse = executor.Register("parse", func(ctx context.Context, text string) (int, error) {
	switch text {
	case "evil":
		panic("index out of range")
	case "endless":
		select {}
	}
	return len(text), nil
})

func Example_crash() {
	executor.Main()

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			for _, text := range []string{"good", "evil", "endless", "good"} {
				limit := time.Minute
				if text == "endless" {
					limit = 50 * time.Millisecond
				}
				n, err := aio.WaitFor(ctx, limit, aio.Bind(parse.Run, text))
				var lost *executor.WorkerError
				switch {
				case errors.As(err, &lost):
					fmt.Println(text, "ended its worker:", lost.State)
				case errors.Is(err, context.DeadlineExceeded):
					fmt.Println(text, "took too long, its worker was killed")
				default:
					fmt.Println(text, n, err)
				}
			}
			return nil
		}, executor.Workers(1), executor.Stderr(io.Discard))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// good 4 <nil>
	// evil ended its worker: exit status 2
	// endless took too long, its worker was killed
	// good 4 <nil>
}

var download = executor.Register("download", func(ctx context.Context, parts int) (string, error) {
	for i := range parts {
		if err := executor.Progress(ctx, 100*(i+1)/parts); err != nil {
			return "", err
		}
	}
	return "complete", nil
})

func Example_progress() {
	executor.Main()

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			watched := download.With(
				executor.OnProgress(func(percent int) { fmt.Println(percent, "%") }), // on the loop
				executor.Attempts(3), // if the worker is lost
			)
			result, err := watched.Run(ctx, 4)
			fmt.Println(result, err)
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 25 %
	// 50 %
	// 75 %
	// 100 %
	// complete <nil>
}

var (
	orders = executor.NewQueue[int]("orders", 100)
	prices = executor.NewQueue[int]("prices", 100)
)

var pricing = executor.Register("pricing", func(ctx context.Context, _ aio.None) (int, error) {
	done := 0
	for order, err := range orders.All(ctx) { // blocks until there is an order, or the end
		if err == nil {
			err = prices.Put(ctx, order*100)
		}
		if err != nil {
			return done, err
		}
		done++
	}
	return done, nil
})

func Example_shared() {
	executor.Main()

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				again := pricing.With(executor.Attempts(10)) // if the worker is lost
				work := aio.GoValue(g, aio.Bind(again.Run, aio.None{}))
				for order := 1; order <= 3; order++ {
					if err := orders.Put(ctx, order); err != nil { // waits while the queue is full
						return err
					}
				}
				if err := orders.Close(ctx); err != nil {
					return err
				}
				done, err := work.Await(ctx)
				fmt.Println(done, "orders", err)
				for range done {
					price, err := prices.Get(ctx)
					fmt.Println(price, err)
				}
				return nil
			})
		}, executor.Workers(1))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 orders <nil>
	// 100 <nil>
	// 200 <nil>
	// 300 <nil>
}
