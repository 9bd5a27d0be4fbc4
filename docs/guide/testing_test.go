package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// retry calls fn until it succeeds, at most n times, and pauses for 1, 2, 4, ... seconds.
func retry(ctx context.Context, n int, fn func(ctx context.Context) error) error {
	var err error
	for i := range n {
		if err = fn(ctx); err == nil {
			return nil
		}
		if i < n-1 {
			if err := aio.Sleep(ctx, time.Second<<i); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("%d attempts: %w", n, err)
}

func TestRetryWaitsLongerEachTime(t *testing.T) {
	down := errors.New("down")
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := retry(ctx, 4, func(ctx context.Context) error { return down })
		if took := loop.Time().Sub(began); took != 7*time.Second { // to the nanosecond
			t.Errorf("it took %v", took)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if !errors.Is(err, down) {
		t.Errorf("err = %v", err)
	}
}

func Example_virtualTime() {
	wall := time.Now()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		fmt.Println("from", loop.Time().Format(time.DateOnly))
		if err := aio.Sleep(ctx, 365*24*time.Hour); err != nil {
			return err
		}
		fmt.Println("to", loop.Time().Format(time.DateOnly))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("in no time:", time.Since(wall) < time.Minute)
	// Output:
	// from 2000-01-01
	// to 2000-12-31
	// in no time: true
}

// dice chooses at random, in the same way for the same seed.
type dice struct{ *rand.Rand }

func (d dice) Choose(_ aio.Choice, n int) int { return d.IntN(n) }

// startUp has a bug: the second task does not wait for the first.
func startUp(ctx context.Context) error {
	config := ""
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			config = "loaded"
			return nil
		})
		g.Go(func(ctx context.Context) error {
			if config == "" {
				return errors.New("used before it was loaded")
			}
			return nil
		})
		return nil
	})
}

func Example_orders() {
	fmt.Println("as always:", aio.Run(context.Background(), startUp))

	for seed := range uint64(100) {
		order := dice{rand.New(rand.NewPCG(seed, 0))}
		if err := aio.Run(context.Background(), startUp, aio.WithChooser(order)); err != nil {
			fmt.Printf("seed %d: %v\n", seed, err)
			break
		}
	}
	// Output:
	// as always: <nil>
	// seed 1: used before it was loaded
}

func Example_deadlock() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var a, b aiosync.Lock
		take := func(first, second *aiosync.Lock) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				return first.With(ctx, func(ctx context.Context) error {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
					return second.With(ctx, func(ctx context.Context) error { return nil })
				})
			}
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(take(&a, &b), aio.Name("left"))
			g.Go(take(&b, &a), aio.Name("right"))
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))

	var deadlock *aio.DeadlockError
	if errors.As(err, &deadlock) {
		for _, task := range deadlock.Cycle {
			fmt.Println(task.Name, "waits in", task.Op)
		}
	}
	// Output:
	// left waits in Lock.Acquire
	// right waits in Lock.Acquire
}
