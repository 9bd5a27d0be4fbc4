package aio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aio-go/aio"
)

func ExampleToThread() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		n, err := aio.ToThread(ctx, func(ctx context.Context) (int, error) {
			return strings.Count("a long text, read from a slow disk", "s"), nil // may take as long as it likes
		})
		fmt.Println(n, err)
		return nil
	})
	// Output: 2 <nil>
}

func ExampleBlocking() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Blocking(ctx, func(ctx context.Context) error { return errors.New("the database is down") })
		fmt.Println(err)
		return nil
	})
	// Output: the database is down
}

// At most two calls at a time, whoever makes them.
func ExampleWithThreadLimiter() {
	var running, most atomic.Int32
	call := func(ctx context.Context, _ int) (aio.None, error) {
		return aio.ToThread(ctx, func(ctx context.Context) (aio.None, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
			}
			return aio.None{}, nil
		})
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, make([]int, 20), call)
		return err
	}, aio.WithThreadLimiter(2))
	fmt.Println(most.Load() <= 2)
	// Output: true
}

// Calls to one library share a limiter.
func ExampleLimitedBy() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		database := aio.NewLimiter(4)
		v, err := aio.ToThread(ctx, func(ctx context.Context) (string, error) { return "row", nil }, aio.LimitedBy(database))
		fmt.Println(v, err, database.Available())
		return nil
	})
	// Output: row <nil> 4
}

// Any goroutine can run a function on a loop and wait for it.
func ExampleSubmit() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		answers := make(chan string)
		go func() { // an HTTP handler, say
			v, err := aio.Submit(context.Background(), loop, func(ctx context.Context) (string, error) {
				return "made by " + aio.CurrentTask(ctx).Name(), aio.Yield(ctx)
			})
			if err != nil {
				v = err.Error()
			}
			answers <- v
		}()
		v, _, err := aio.Recv(ctx, answers)
		fmt.Println(v)
		return err
	})
	// Output: made by Task-2
}
