package aiotest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// inOrder fails if two tasks, which each do fn three times, do not take turns.
func inOrder(fn func(ctx context.Context) error) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		order := ""
		task := func(name string) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				for range 3 {
					order += name
					if err := fn(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		}
		_, err := aio.Gather[aio.None](ctx, task("a"), task("b"))
		if order != "ababab" {
			t.Error(order)
		}
		return err
	}
}

func TestTheDocumentedOrderKeepsTheReadyQueueFIFO(t *testing.T) {
	aiotest.Explore(t, inOrder(aio.Yield), aiotest.DocumentedOrder())
	wantOne(t, explore(t, inOrder(aio.Yield), aiotest.EveryOrder()), "Level: every order\n")
	wantOne(t, explore(t, inOrder(aio.Yield)), "schedule 2 fails",
		"Level: this schedule needs every order; "+
			"a program that relies on the documented one takes aiotest.DocumentedOrder\n")
}

func TestTheDocumentedOrderIsKeptByEachStrategy(t *testing.T) {
	for _, s := range []aiotest.Strategy{
		aiotest.RandomWalk(), aiotest.PCT(3), aiotest.Exhaustive(-1), aiotest.Bytes([]byte{1, 2, 3}),
	} {
		aiotest.Explore(t, inOrder(aio.Yield), aiotest.DocumentedOrder(), aiotest.With(s))
	}
}

func TestTheDocumentedOrderLetsDurationsVary(t *testing.T) {
	sleep := func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }
	thread := func(ctx context.Context) error {
		return aio.Blocking(ctx, func(context.Context) error { return nil })
	}
	for name, fn := range map[string]func(ctx context.Context) error{
		"timers":  sleep,
		"threads": thread,
	} {
		t.Run(name, func(t *testing.T) {
			r := explore(t, inOrder(fn), aiotest.DocumentedOrder())
			wantOne(t, r, "Level: the documented order allows this schedule\n")
			t.Setenv("AIO_REPLAY", tokenOf(t, r))
			wantOne(t, explore(t, inOrder(fn), aiotest.DocumentedOrder()),
				"the schedule of AIO_REPLAY fails")
		})
	}
}

// A lock passes in order, whatever else varies.
func TestTheDocumentedOrderKeepsTheOrderOfWakeUps(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var mu aiosync.Lock
		var order []int
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		var tasks []*aio.Task[aio.None]
		for i := range 4 {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				return mu.With(ctx, func(ctx context.Context) error {
					order = append(order, i)
					return aio.Sleep(ctx, time.Second)
				})
			}))
		}
		if err := aio.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		mu.Release()
		_, err := aio.Gather[aio.None](ctx, tasks...)
		if fmt.Sprint(order) != "[0 1 2 3]" {
			t.Error(order)
		}
		return err
	}, aiotest.DocumentedOrder())
}

func TestASmallProgramIsCoveredInTheDocumentedOrder(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error { return twice(ctx, 3) },
		aiotest.DocumentedOrder())
	if len(r.errors) > 0 || len(r.logs) != 1 ||
		r.logs[0] != "aiotest: covered the only schedule of the documented order" {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
}
