package bugs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("shield-in-group", "shielded work outlives its owner", shieldInGroup)
	add("gather-leaves", "siblings go on after a failure", gatherLeaves)
	add("first-error", "second error is lost", firstError)
	add("stubborn-loop", "cancellation is swallowed in a loop", stubbornLoop)
	add("threads-in-order", "threads are taken to end in order", threadsInOrder)
	add("timers-in-order", "timers are taken to end in order", timersInOrder)
}

// shieldInGroup protects a write from cancellation, but nobody waits for it.
func shieldInGroup(ctx context.Context, t *aiotest.T, fixed bool) error {
	open := true
	write := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		if !open {
			t.Error("it writes to a file that is closed")
		}
		return nil
	}
	writing := aio.Start(ctx, write)
	err := aio.Timeout(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		_, err := aio.Shield[aio.None](ctx, writing)
		return err
	})
	var late *aio.TimeoutError
	if err != nil && !errors.As(err, &late) {
		return err
	}
	if fixed {
		if _, err := writing.Await(ctx); err != nil {
			return err
		}
	}
	open = false
	_, err = writing.Await(ctx)
	return err
}

// gatherLeaves returns at the first failure, while the other part still writes.
func gatherLeaves(ctx context.Context, t *aiotest.T, fixed bool) error {
	closed := false
	part := func(fails bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if fails {
				return errBroken
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if closed {
				t.Error("a part is written after the file was closed")
			}
			return nil
		}
	}
	a, b := aio.Start(ctx, part(false)), aio.Start(ctx, part(true))
	var err error
	if fixed {
		_, err = aio.GatherSettled[aio.None](ctx, a, b)
	} else {
		_, err = aio.Gather[aio.None](ctx, a, b)
	}
	closed = true
	if err != nil && !errors.Is(err, errBroken) {
		return err
	}
	_, err = aio.GatherSettled[aio.None](ctx, a, b)
	return err
}

// firstError keeps one error in a variable, and a later success overwrites it.
func firstError(ctx context.Context, t *aiotest.T, fixed bool) error {
	var last error
	store := func(fails bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			err := error(nil)
			if wait := aio.Sleep(ctx, time.Millisecond); wait != nil {
				return wait
			}
			if fails {
				err = errBroken
			}
			if !fixed || err != nil {
				last = err
			}
			return nil
		}
	}
	err := together(ctx, store(false), store(true))
	if err == nil && !errors.Is(last, errBroken) {
		t.Error("the error is lost")
	}
	return err
}

// stubbornLoop tries again after each error, its own cancellation included, and says that it is
// done.
func stubbornLoop(ctx context.Context, t *aiotest.T, fixed bool) error {
	sent, done := 0, false
	upload := aio.Start(ctx, func(ctx context.Context) error {
		for range 5 {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				if fixed {
					return err
				}
				continue // the next try may work
			}
			sent++
		}
		done = true
		return nil
	})
	if err := aio.Sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	upload.Cancel(nil)
	if _, err := aio.GatherSettled[aio.None](ctx, upload); err != nil {
		return err
	}
	if done && sent != 5 {
		t.Errorf("it is done, but %d of 5 parts are sent", sent)
	}
	return nil
}

// threadsInOrder appends what threads return, and expects the order of the calls.
func threadsInOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	got := make([]string, 2)
	n := 0
	read := func(i int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			text, err := aio.ToThread(ctx, func(context.Context) (string, error) {
				return fmt.Sprint("part ", i), nil
			})
			if err != nil {
				return err
			}
			if fixed {
				got[i] = text
			} else {
				got[n] = text
				n++
			}
			return nil
		}
	}
	err := together(ctx, read(0), read(1))
	if err == nil && got[0] != "part 0" {
		t.Errorf("got %q", got)
	}
	return err
}

// timersInOrder takes the lights to go off in the order in which they were set.
func timersInOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	light := "green"
	set := func(d time.Duration, to string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			light = to
			return nil
		}
	}
	last := 3 * time.Second
	if fixed {
		last = 4 * time.Second
	}
	err := together(ctx, set(3*time.Second, "yellow"), set(last, "red"))
	if err == nil && light != "red" {
		t.Errorf("the light is %s", light)
	}
	return err
}
