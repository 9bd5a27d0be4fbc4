package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	addCancelled("grant-dies-with-its-taker", "wake-up is lost with a cancelled waiter", grantDies)
	add("double-release-on-error", "error path releases again", doubleReleaseOnError)
	add("closed-between", "consumer misses the end", closedBetween)
	add("pause-after-resume", "resume comes before the pause", pauseAfterResume)
	add("flag-and-event", "flag is set after its event", flagAndEvent)
	add("permit-lost-in-gather", "gather's failure keeps a permit", permitLostInGather)
	add("phase-latch", "latch is used for two phases", phaseLatch)
	add("close-wakes-one", "close wakes one waiter of two", closeWakesOne)
}

// gate is a lock of our own, made of waiters.
type gate struct {
	taken   bool
	waiting []aio.Waiter
}

func (g *gate) acquire(ctx context.Context, fixed bool) error {
	if !g.taken {
		g.taken = true
		return nil
	}
	w := aio.NewWaiter(ctx, "gate.acquire", nil)
	g.waiting = append(g.waiting, w)
	err := w.Park()
	if err != nil && fixed && w.Woken() {
		g.release()
	}
	return err
}

func (g *gate) release() {
	for len(g.waiting) > 0 {
		w := g.waiting[0]
		g.waiting = g.waiting[1:]
		if w.Unpark() {
			return
		}
	}
	g.taken = false
}

// grantDies hands a lock to a waiter that is cancelled before it takes its turn.
func grantDies(ctx context.Context, t *aiotest.T, fixed bool) error {
	g := &gate{}
	use := func(ctx context.Context) error {
		if err := g.acquire(ctx, fixed); err != nil {
			return err
		}
		defer g.release()
		return aio.Yield(ctx)
	}
	a, b := aio.Start(ctx, use), aio.Start(ctx, use)
	if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
		return err
	}
	if g.taken {
		t.Error("the lock is kept by nobody")
	}
	return nil
}

// doubleReleaseOnError gives the permit back where it fails, and again at the end.
func doubleReleaseOnError(ctx context.Context, t *aiotest.T, fixed bool) error {
	sem := aiosync.NewSemaphore(1)
	down, users, most := false, 0, 0
	call := func(ctx context.Context) error {
		if err := sem.Acquire(ctx); err != nil {
			return err
		}
		defer sem.Release()
		users++
		most = max(most, users)
		defer func() { users-- }()
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if down {
			if !fixed {
				sem.Release()
			}
			return nil
		}
		return aio.Yield(ctx)
	}
	err := together(ctx, call, call, call, func(ctx context.Context) error {
		down = true
		err := aio.Yield(ctx)
		down = false
		return err
	})
	if most > 1 {
		t.Errorf("%d users at once, at most 1 may be", most)
	}
	return err
}

// closedBetween looks for the end of its input, and then waits for the next item without looking
// again.
func closedBetween(ctx context.Context, t *aiotest.T, fixed bool) error {
	var more aiosync.Event
	var items []int
	closed, sum := false, 0
	consume := func(ctx context.Context) error {
		for {
			for len(items) > 0 {
				sum += items[0]
				items = items[1:]
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if closed {
				return nil
			}
			if !fixed {
				if err := aio.Yield(ctx); err != nil { // it writes a line to the log
					return err
				}
				more.Clear()
			}
			if err := more.Wait(ctx); err != nil {
				return err
			}
			if fixed {
				more.Clear()
			}
		}
	}
	produce := func(ctx context.Context) error {
		for i := range 3 {
			items = append(items, i)
			more.Set()
			if err := work(ctx, 3); err != nil {
				return err
			}
		}
		closed = true
		more.Set()
		return nil
	}
	err := together(ctx, consume, produce)
	if err == nil && sum != 3 {
		t.Errorf("the sum is %d, want 3", sum)
	}
	return err
}

// pauseAfterResume is a writer that asks the other side how full it is and pauses then. The word to
// go on may have come by that time.
func pauseAfterResume(ctx context.Context, t *aiotest.T, fixed bool) error {
	var resumed aiosync.Event
	resumed.Set()
	buffered := 0
	write := func(ctx context.Context) error {
		for range 3 {
			if err := resumed.Wait(ctx); err != nil {
				return err
			}
			buffered++
			if buffered >= 2 {
				if !fixed {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				resumed.Clear()
			}
		}
		return nil
	}
	flush := func(ctx context.Context) error {
		for sent := 0; sent < 3; {
			if buffered > 0 {
				sent += buffered
				buffered = 0
				resumed.Set()
			}
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}
	return aio.Timeout(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		return together(ctx, write, flush)
	})
}

// flagAndEvent wakes the readers before the value is there: what is between takes a while.
func flagAndEvent(ctx context.Context, t *aiotest.T, fixed bool) error {
	var ready aiosync.Event
	var config map[string]string
	load := func(ctx context.Context) error {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if !fixed {
			ready.Set()
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		config = map[string]string{"host": "db"}
		ready.Set()
		return nil
	}
	read := func(ctx context.Context) error {
		if err := ready.Wait(ctx); err != nil {
			return err
		}
		if err := work(ctx, 3); err != nil { // it usually takes longer than the rest of load
			return err
		}
		if config["host"] != "db" {
			t.Error("the configuration is read before it is there")
		}
		return nil
	}
	return together(ctx, read, load)
}

// permitLostInGather takes permits in the children of a Gather and gives them back when all are
// done. If one fails, nobody does.
func permitLostInGather(ctx context.Context, t *aiotest.T, fixed bool) error {
	sem := aiosync.NewSemaphore(2)
	broken := false
	part := func(ctx context.Context) error {
		if err := sem.Acquire(ctx); err != nil {
			return err
		}
		if fixed {
			defer sem.Release()
		}
		if err := work(ctx, 2); err != nil {
			return err
		}
		if broken {
			return errBroken
		}
		return nil
	}
	request := func(ctx context.Context) error {
		a, b := aio.Start(ctx, part), aio.Start(ctx, part)
		if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
			return err
		}
		if err := errors.Join(a.Err(), b.Err()); err != nil {
			return nil
		}
		if !fixed {
			sem.Release()
			sem.Release()
		}
		return nil
	}
	err := together(ctx, request, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		broken = true
		return nil
	})
	if n := sem.Statistics().Value; err == nil && n != 2 {
		t.Errorf("%d of 2 permits are left", n)
	}
	return err
}

// phaseLatch opens when the counter is zero again. A fast worker counts in the next phase before a
// slow one has looked.
func phaseLatch(ctx context.Context, t *aiotest.T, fixed bool) error {
	var open aiosync.Condition
	arrived, phase := 0, 0
	meet := func(ctx context.Context) error {
		return open.With(ctx, func(ctx context.Context) error {
			mine := phase
			if arrived++; arrived == 2 {
				arrived = 0
				phase++
				open.NotifyAll()
				return nil
			}
			return open.WaitUntil(ctx, func() bool {
				if fixed {
					return phase != mine
				}
				return arrived == 0
			})
		})
	}
	worker := func(ctx context.Context) error {
		for range 3 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if err := meet(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return together(ctx, worker, worker)
}

// closeWakesOne closes a mailbox for which two tasks may wait, and wakes one.
func closeWakesOne(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	closed := false
	read := func(ctx context.Context) error {
		return changed.With(ctx, func(ctx context.Context) error {
			return changed.WaitUntil(ctx, func() bool { return closed })
		})
	}
	return together(ctx, read, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		return changed.With(ctx, func(ctx context.Context) error {
			closed = true
			if fixed {
				changed.NotifyAll()
			} else {
				changed.Notify(1)
			}
			return nil
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return read(ctx)
	})
}
