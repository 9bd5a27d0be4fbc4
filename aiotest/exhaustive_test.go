package aiotest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// interleavings returns how many orders there are of n sequences of so many steps each.
func interleavings(steps ...int) int {
	var count func(left []int) int
	count = func(left []int) int {
		total, empty := 0, true
		for i := range left {
			if left[i] > 0 {
				empty = false
				left[i]--
				total += count(left)
				left[i]++
			}
		}
		if empty {
			return 1
		}
		return total
	}
	return count(steps)
}

// trace is what a program did, in order.
type trace []string

// tasks starts a task for each function, and returns when all have ended.
func tasks(ctx context.Context, fns ...func(ctx context.Context) error) error {
	return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
		for i, fn := range fns {
			g.Go(fn, aio.Name(fmt.Sprint(i)))
		}
		return nil
	})
}

// Exhaustive runs each order once: as many schedules as there are different traces, and as many as
// somebody counts who knows nothing of schedules.
func TestExhaustiveRunsEachOrderOnce(t *testing.T) {
	yields := func(steps ...int) func(ctx context.Context, tr *trace) error {
		return func(ctx context.Context, tr *trace) error {
			var fns []func(ctx context.Context) error
			for i, n := range steps {
				fns = append(fns, func(ctx context.Context) error {
					for j := range n {
						*tr = append(*tr, fmt.Sprint(i))
						if j == n-1 {
							break
						}
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return tasks(ctx, fns...)
		}
	}
	each := func(n int, fn func(ctx context.Context) error) func(context.Context, *trace) error {
		return func(ctx context.Context, tr *trace) error {
			var all []*aio.Task[aio.None]
			for i := range n {
				all = append(all, aio.Start(ctx, func(ctx context.Context) error {
					err := fn(ctx)
					*tr = append(*tr, fmt.Sprint(i))
					return err
				}, aio.Eager()))
			}
			_, err := aio.GatherSettled[aio.None](ctx, all...)
			return err
		}
	}
	second := func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }
	thread := func(ctx context.Context) error {
		return aio.Blocking(ctx, func(context.Context) error { return nil })
	}
	var lock aiosync.Lock
	var event aiosync.Event
	for _, c := range []struct {
		name    string
		program func(ctx context.Context, tr *trace) error
		want    int
	}{
		{"two tasks of 1 and 3 steps", yields(1, 3), interleavings(1, 3)},
		{"two tasks of 4 steps", yields(4, 4), interleavings(4, 4)},
		{"three tasks of 2 steps", yields(2, 2, 2), interleavings(2, 2, 2)},
		{"three tasks of 1, 2 and 4 steps", yields(1, 2, 4), interleavings(1, 2, 4)},
		{"four tasks of 1 step", yields(1, 1, 1, 1), 24},
		{"2 sleepers of one deadline", each(2, second), 2},
		{"3 sleepers of one deadline", each(3, second), 6},
		{"4 sleepers of one deadline", each(4, second), 24},
		{"5 sleepers of one deadline", each(5, second), 120},
		{"3 threads", each(3, thread), 6},
		{"4 threads", each(4, thread), 24},
		{"4 waiters of one event", func(ctx context.Context, tr *trace) error {
			event = aiosync.Event{}
			aio.RunningLoop(ctx).CallLater(time.Second, event.Set)
			return each(4, event.Wait)(ctx, tr)
		}, 24},
		{"3 users of a lock, first come first served", func(ctx context.Context, tr *trace) error {
			lock = aiosync.Lock{}
			return each(3, func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error { return aio.Yield(ctx) })
			})(ctx, tr)
		}, 1},
		// in two of them both sleepers are first, and the function returns before the call
		{"2 sleepers and a call of one deadline", func(ctx context.Context, tr *trace) error {
			aio.RunningLoop(ctx).CallLater(time.Second, func() { *tr = append(*tr, "call") })
			return each(2, second)(ctx, tr)
		}, 6 + 2},
		{"a time-out and a sleep of one deadline", func(ctx context.Context, tr *trace) error {
			err := aio.Timeout(ctx, time.Second, second)
			*tr = append(*tr, fmt.Sprint(err != nil))
			return nil
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			traces, runs := map[string]bool{}, 0
			r := explore(t, func(ctx context.Context, t *aiotest.T) error {
				var tr trace
				err := c.program(ctx, &tr)
				runs++
				traces[strings.Join(tr, " ")] = true
				return err
			}, aiotest.With(aiotest.Exhaustive(-1)))
			text := fmt.Sprintf("aiotest: covered all %d schedules", c.want)
			if c.want == 1 {
				text = "aiotest: covered the only schedule"
			}
			if runs != c.want || len(traces) != c.want || len(r.errors) > 0 || r.logs[0] != text {
				t.Errorf("%d runs, %d traces, want %d; %q, %q", runs, len(traces), c.want,
					r.errors, r.logs)
			}
		})
	}
}

// With CancelEachAwait everything is covered if each order was run without a cancellation, and with
// one at each moment of each await.
func TestExhaustiveCancelsAtEachMomentOfEachOrder(t *testing.T) {
	moments := map[string]bool{}
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		var event aiosync.Event
		log := ""
		waiter := aio.Start(ctx, func(ctx context.Context) error {
			err := event.Wait(ctx)
			if log += "w"; err != nil {
				log += "!"
			}
			return err
		}, aio.Name("waiter"))
		setter := aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				log += "s"
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			log += "S"
			event.Set()
			return nil
		})
		_, err := aio.GatherSettled[aio.None](ctx, waiter, setter)
		moments[log] = true
		return err
	}, aiotest.With(aiotest.Exhaustive(-1)), aiotest.CancelEachAwait("waiter"))
	if len(r.errors) > 0 || !strings.HasPrefix(r.logs[0], "aiotest: covered all ") {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
	for _, want := range []string{"w!ssS", "sw!sS", "ssw!S", "ssSw!", "ssSw"} {
		if !moments[want] {
			t.Errorf("%s has not come up: %v", want, moments)
		}
	}
}
