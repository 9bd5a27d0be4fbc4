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
	add("read-lock-twice", "read lock is taken again behind a writer", readLockTwice)
	add("lock-and-queue", "lock is held while waiting for its user", lockAndQueue)
	add("late-result", "nobody takes the result", lateResult)
	add("jobs-counter", "job is added after the wait", jobsCounter)
	add("own-barrier", "barrier is reset too early", ownBarrier)
	add("stop-event", "stop is set between look and wait", stopEvent)
	add("one-slot", "wake-up goes to the wrong side", oneSlot)
	add("health-check", "two loops stop each other", healthCheck)
	add("init-order", "callback comes before the registration", initOrder)
	add("closed-queue", "put on a queue that was shut down", closedQueue)
}

// readLockTwice takes the read lock in a helper again, and a writer stands between.
func readLockTwice(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	return together(ctx, func(ctx context.Context) error {
		return mu.WithRead(ctx, func(ctx context.Context) error {
			if err := work(ctx, 1); err != nil {
				return err
			}
			if fixed {
				return nil
			}
			return mu.WithRead(ctx, func(ctx context.Context) error { return nil })
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		return mu.With(ctx, func(ctx context.Context) error { return nil })
	})
}

// lockAndQueue waits for a result under a lock that the worker needs to make it.
func lockAndQueue(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	results := aiosync.NewQueue[int](0)
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		if fixed {
			_, err := results.Get(ctx)
			return err
		}
		return mu.With(ctx, func(ctx context.Context) error {
			_, err := results.Get(ctx)
			return err
		})
	}, func(ctx context.Context) error {
		return mu.With(ctx, func(ctx context.Context) error { return results.PutNowait(1) })
	})
}

// lateResult puts its result into a queue with one place, though the caller may have gone.
func lateResult(ctx context.Context, t *aiotest.T, fixed bool) error {
	size := 1
	if fixed {
		size = 2
	}
	results := aiosync.NewQueue[int](size)
	worker := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return results.Put(ctx, 1)
	}
	a, b := aio.Start(ctx, worker), aio.Start(ctx, worker)
	err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
		_, err := results.Get(ctx)
		return err
	})
	var late *aio.TimeoutError
	if err != nil && !errors.As(err, &late) {
		return err
	}
	_, err = aio.Gather[aio.None](ctx, a, b)
	return err
}

// jobsCounter waits until no job is left; a job that is being accepted is not counted yet.
func jobsCounter(ctx context.Context, t *aiotest.T, fixed bool) error {
	jobs, stopped := 0, false
	accept := func(ctx context.Context) error {
		if stopped {
			return nil
		}
		if fixed {
			jobs++
		}
		if err := work(ctx, 1); err != nil { // it reads the job
			return err
		}
		if !fixed {
			jobs++
		}
		if stopped && jobs > 0 && !fixed {
			t.Error("a job runs after the stop")
		}
		jobs--
		return nil
	}
	return together(ctx, accept, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		for jobs > 0 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		stopped = true
		return nil
	})
}

// ownBarrier lets two tasks meet twice; the first to leave resets the count.
func ownBarrier(ctx context.Context, t *aiotest.T, fixed bool) error {
	count, round := 0, 0
	wait := func(ctx context.Context) error {
		mine := round
		if count++; count == 2 {
			if fixed {
				count = 0
			}
			round++
		}
		for range 200 {
			if round != mine && (fixed || count >= 2) {
				break
			}
			if !fixed && count == 2 {
				break
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if round == mine {
			t.Fatal("a task never got past the barrier")
		}
		if !fixed {
			if err := work(ctx, 1); err != nil {
				return err
			}
			count = 0
		}
		return nil
	}
	twice := func(ctx context.Context) error {
		if err := wait(ctx); err != nil {
			return err
		}
		return wait(ctx)
	}
	return together(ctx, twice, twice)
}

// stopEvent looks at the flag, and then waits for the next event; stop comes in between.
func stopEvent(ctx context.Context, t *aiotest.T, fixed bool) error {
	var wake aiosync.Event
	stopped := false
	return together(ctx, func(ctx context.Context) error {
		for !stopped {
			if !fixed {
				if err := work(ctx, 1); err != nil { // it flushes its items
					return err
				}
				wake.Clear()
			}
			if err := wake.Wait(ctx); err != nil {
				return err
			}
			if fixed {
				wake.Clear()
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		stopped = true
		wake.Set()
		return nil
	})
}

// oneSlot is a buffer of one item with one event for both sides.
func oneSlot(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	full := false
	signal := func() {
		if fixed {
			changed.NotifyAll()
		} else {
			changed.Notify(1)
		}
	}
	side := func(want bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for range 2 {
				if err := changed.With(ctx, func(ctx context.Context) error {
					mine := func() bool { return full == want }
					if err := changed.WaitUntil(ctx, mine); err != nil {
						return err
					}
					full = !want
					signal()
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return together(ctx, side(false), side(true), side(false), side(true))
}

// healthCheck stops the server when a check fails, and the server stops the check when it ends.
func healthCheck(ctx context.Context, t *aiotest.T, fixed bool) error {
	stops := 0
	running := true
	stop := func(ctx context.Context) error {
		if !running {
			return nil
		}
		if fixed {
			running = false
		}
		if err := work(ctx, 2); err != nil {
			return err
		}
		running = false
		if stops++; stops > 1 {
			t.Error("the server was stopped twice")
		}
		return nil
	}
	return together(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		return stop(ctx)
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if err := work(ctx, 6); err != nil {
			return err
		}
		return stop(ctx)
	})
}

// initOrder connects first, and registers the handler then.
func initOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	var handler func(text string)
	got, sent := 0, 0
	connected := aio.NewFuture[aio.None](ctx)
	register := func() { handler = func(string) { got++ } }
	err := together(ctx, func(ctx context.Context) error {
		if fixed {
			register()
		}
		if err := connected.SetResult(aio.None{}); err != nil {
			return err
		}
		if err := work(ctx, 1); err != nil {
			return err
		}
		if !fixed {
			register()
		}
		return nil
	}, func(ctx context.Context) error {
		if _, err := connected.Await(ctx); err != nil {
			return err
		}
		if err := work(ctx, 3); err != nil {
			return err
		}
		sent++
		if handler != nil {
			handler("hello")
		}
		return nil
	})
	if err == nil && got != sent {
		t.Errorf("%d of %d messages arrived", got, sent)
	}
	return err
}

// closedQueue has a producer that does not know that the queue may be shut down.
func closedQueue(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](0)
	return together(ctx, func(ctx context.Context) error {
		for i := range 3 {
			if err := work(ctx, 1); err != nil {
				return err
			}
			err := q.Put(ctx, i)
			if fixed && errors.Is(err, aiosync.ErrQueueShutdown) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 8); err != nil {
			return err
		}
		q.Shutdown(false)
		return nil
	})
}
