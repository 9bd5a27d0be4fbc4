package aiosync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// takeLock takes the lock of c for the running task.
func takeLock(t *testing.T, ctx context.Context, c *aiosync.Condition) {
	t.Helper()
	if err := c.Acquire(ctx); err != nil {
		t.Fatal(err)
	}
}

// notified starts a task that waits for a notification, writes its name down and, unless it keeps
// the lock, releases it.
func notified(ctx context.Context, c *aiosync.Condition, log *journal, name string, keeps bool) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := c.Acquire(ctx); err != nil {
			return err
		}
		err := c.Wait(ctx)
		if !c.Locked() {
			log.Add("%s has no lock", name)
		}
		if err == nil {
			log.Add("%s", name)
		}
		if !keeps || err != nil {
			c.Release()
		}
		return err
	}, aio.Name(name))
}

// Conformance: CO-001.
func TestNotifiedTasksGoOnOneByOneAsTheyGetTheLock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		for _, name := range []string{"1", "2", "3"} {
			notified(ctx, &c, &log, name, true)
		}
		turns(ctx, 2)
		if c.Locked() {
			t.Error("those who wait hold the lock")
		}
		takeLock(t, ctx, &c)
		c.Notify(1)
		turns(ctx, 2)
		log.Want(t)
		c.Release()
		turns(ctx, 1)
		log.Want(t, "1")
		turns(ctx, 2)
		log.Want(t, "1")
		if !c.Locked() {
			t.Error("the first does not hold the lock")
		}

		c.Notify(2)
		turns(ctx, 2)
		log.Want(t, "1")
		c.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2")
		c.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2", "3")
		if !c.Locked() || c.Statistics().Waiting != 0 {
			t.Errorf("%+v", c.Statistics())
		}
		return nil
	})
}

// Conformance: CO-002.
func TestACancelledWaitHasTheLockAgainBeforeItReturns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		locked := false
		w := aio.Start(ctx, func(ctx context.Context) error {
			c.Acquire(ctx)
			defer c.Release()
			err := c.Wait(ctx)
			locked = c.Locked() && c.Statistics().Lock.Owner == "w"
			return err
		}, aio.Name("w"))
		turns(ctx, 1)
		if n := c.Statistics().Waiting; n != 1 || c.Locked() {
			t.Errorf("%d wait, locked %t", n, c.Locked())
		}
		w.Cancel(errBoom)
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		if n := c.Statistics().Waiting; n != 0 || !locked || c.Locked() {
			t.Errorf("%d wait, locked on return %t, at the end %t", n, locked, c.Locked())
		}
		return nil
	})
}

// Conformance: CO-003.
func TestACancelledWaitThatCompetesForTheLockEndsUpWithIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		w := aio.Start(ctx, func(ctx context.Context) error {
			c.Acquire(ctx)
			return c.Wait(ctx) // the lock is kept
		}, aio.Name("w"))
		turns(ctx, 1)
		takeLock(t, ctx, &c)
		c.Notify(1)
		turns(ctx, 1) // w stands in line for the lock
		if n := c.Statistics().Lock.Waiting; n != 1 {
			t.Errorf("%d wait for the lock", n)
		}
		w.Cancel(nil)
		c.Release()
		turns(ctx, 1)
		_, err := w.Await(ctx)
		wantCancelled(t, err, nil)
		if s := c.Statistics(); s.Lock.Owner != "w" {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

// Conformance: CO-004.
func TestATaskThatIsCancelledWhileItWaitsForTheLockAgainEndsWhenItHasIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		w := aio.Start(ctx, func(ctx context.Context) error {
			return c.With(ctx, c.Wait)
		}, aio.Name("w"))
		turns(ctx, 1)
		takeLock(t, ctx, &c)
		c.Notify(1)
		turns(ctx, 1)
		w.Cancel(nil)
		turns(ctx, 5)
		if w.Done() {
			t.Error("it ended without the lock")
		}
		c.Release()
		turns(ctx, 1)
		if !w.Cancelled() || c.Locked() {
			t.Errorf("%v, locked %t", w, c.Locked())
		}
		return nil
	})
}

// Conformance: CO-005, CO-010.
func TestAConditionIsUsedWithItsLockHeld(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		wantPanic(t, func() { c.Wait(ctx) }, "aio: Condition.Wait", "not held", "Acquire")
		wantPanic(t, func() { c.Notify(1) }, "aio: Condition.Notify", "not held")
		wantPanic(t, c.NotifyAll, "aio: Condition.NotifyAll", "not held")
		wantPanic(t, c.Release, "aio: Condition.Release", "not held")
		return nil
	})
}

// Conformance: CO-006.
func TestWaitUntilGoesOnWaitingWhileTheAnswerIsFalse(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		ready := false
		w := aio.Start(ctx, func(ctx context.Context) error {
			return c.With(ctx, func(ctx context.Context) error {
				err := c.WaitUntil(ctx, func() bool {
					log.Add("asked, locked %t", c.Locked())
					return ready
				})
				log.Add("returned, locked %t", c.Locked())
				return err
			})
		})
		turns(ctx, 1)
		for range 2 {
			c.With(ctx, func(context.Context) error { c.NotifyAll(); return nil })
			turns(ctx, 2)
		}
		log.Want(t, "asked, locked true", "asked, locked true", "asked, locked true")
		ready = true
		c.With(ctx, func(context.Context) error { c.Notify(1); return nil })
		_, err := w.Await(ctx)
		log.Want(t, "asked, locked true", "asked, locked true", "asked, locked true", "asked, locked true", "returned, locked true")
		return err
	})
}

// Conformance: CO-007.
func TestWaitUntilNeedsNoLockIfTheAnswerIsTrueAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		if err := c.WaitUntil(ctx, func() bool { return true }); err != nil {
			t.Error(err)
		}
		wantPanic(t, func() { c.WaitUntil(ctx, func() bool { return false }) }, "not held")
		return nil
	})
}

// Conformance: CO-008.
func TestNotifyWakesThoseWhoWaitInOrderAndNotMore(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		for _, name := range []string{"1", "2", "3"} {
			notified(ctx, &c, &log, name, false)
		}
		turns(ctx, 1)
		takeLock(t, ctx, &c)
		c.Notify(1)
		c.Release()
		turns(ctx, 2)
		log.Want(t, "1")
		takeLock(t, ctx, &c)
		c.Notify(1)
		c.Notify(2048)
		c.Notify(0)
		c.Notify(-1)
		c.Release()
		turns(ctx, 2)
		log.Want(t, "1", "2", "3")
		return nil
	})
}

// Conformance: CO-009.
func TestNotifyAllWakesAllInOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		notified(ctx, &c, &log, "1", false)
		notified(ctx, &c, &log, "2", false)
		turns(ctx, 1)
		c.With(ctx, func(context.Context) error { c.NotifyAll(); return nil })
		turns(ctx, 2)
		log.Want(t, "1", "2")
		return nil
	})
}

// Conformance: CO-011.
func TestAConditionSharesTheLockItWasGiven(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		c := aiosync.NewCondition(&l)
		l.Acquire(ctx)
		if !c.Locked() {
			t.Error("the condition does not see the lock")
		}
		l.Release()
		c.Acquire(ctx)
		if !l.Locked() {
			t.Error("the lock does not see the condition")
		}
		c.Release()
		if own := aiosync.NewCondition(nil); own.Locked() || l.Locked() {
			t.Error("locked after all was released")
		}
		return nil
	})
}

// Conformance: CO-012.
func TestAConditionAndItsLockMustBelongToTheRunningLoop(t *testing.T) {
	var l aiosync.Lock
	contend(t, &l)
	strange := aiosync.NewCondition(&l)
	var bound aiosync.Condition
	run(t, func(ctx context.Context) error {
		w := aio.Start(ctx, func(ctx context.Context) error { return bound.With(ctx, bound.Wait) })
		turns(ctx, 1)
		w.Cancel(nil)
		return nil
	})
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { strange.Acquire(ctx) }, "bound to a different event loop")
		wantPanic(t, func() { bound.With(ctx, bound.Wait) }, "bound to a different event loop")
		return nil
	})
}

// Conformance: CO-013.
func TestAWaitThatTimesOutHasTheLockAgain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		takeLock(t, ctx, &c)
		err := aio.Timeout(ctx, time.Second, c.Wait)
		var te *aio.TimeoutError
		if !errors.As(err, &te) || errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v, want a time-out", err)
		}
		if s := c.Statistics(); s.Lock.Owner != "main" || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		c.Release()
		return nil
	})
}

// Conformance: CO-014.
func TestANotificationOfATaskThatIsCancelledGoesToTheNext(t *testing.T) {
	for name, cancelLate := range map[string]bool{"cancelled before it went on": false, "cancelled while it waits for the lock": true} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var c aiosync.Condition
				var log journal
				first := notified(ctx, &c, &log, "first", false)
				second := notified(ctx, &c, &log, "second", false)
				notified(ctx, &c, &log, "third", false)
				turns(ctx, 1)
				takeLock(t, ctx, &c)
				c.Notify(1)
				if cancelLate {
					turns(ctx, 1)
				}
				first.Cancel(nil)
				turns(ctx, 1)
				c.Release()
				turns(ctx, 5)
				log.Want(t, "second")
				if !first.Cancelled() || !second.Done() || c.Statistics().Waiting != 1 {
					t.Errorf("%v, %v, %+v", first, second, c.Statistics())
				}
				takeLock(t, ctx, &c)
				c.NotifyAll()
				c.Release()
				turns(ctx, 2)
				return nil
			})
		})
	}
}

func TestATaskThatIsCancelledWithoutANotificationWakesNobody(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		first := notified(ctx, &c, &log, "first", false)
		second := notified(ctx, &c, &log, "second", false)
		turns(ctx, 1)
		first.Cancel(nil)
		turns(ctx, 5)
		if !first.Cancelled() || second.Done() || c.Statistics().Waiting != 1 {
			t.Errorf("%v, %v, %+v", first, second, c.Statistics())
		}
		second.Cancel(nil)
		return nil
	})
}

// Conformance: CO-015.
func TestTheCancellationOfAWaitIsTheVeryErrorThatWasDelivered(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var waited error
		w := aio.Start(ctx, func(ctx context.Context) error {
			return c.With(ctx, func(ctx context.Context) error {
				waited = c.Wait(ctx)
				if again := aio.Yield(ctx); again != waited {
					t.Errorf("the next await fails with %v, not with %v", again, waited)
				}
				return waited
			})
		})
		turns(ctx, 1)
		takeLock(t, ctx, &c)
		c.Notify(1)
		turns(ctx, 1)
		w.Cancel(errBoom)
		w.Cancel(errors.New("too late"))
		turns(ctx, 1)
		c.Release()
		_, err := w.Await(ctx)
		if err != waited {
			t.Errorf("Await returned %v, Wait %v", err, waited)
		}
		wantCancelled(t, waited, errBoom)
		return nil
	})
}

func TestAWaitThatIsCancelledFromTheStartKeepsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		w := aio.Start(ctx, func(ctx context.Context) error {
			takeLock(t, ctx, &c)
			defer c.Release()
			aio.CurrentTask(ctx).Cancel(errBoom)
			err := c.Wait(ctx)
			if c.Statistics().Lock.Owner != "w" {
				t.Errorf("%+v", c.Statistics())
			}
			return err
		}, aio.Name("w"))
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		return nil
	})
}

func TestAConditionIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var c aiosync.Condition
		var log journal
		log.Add("%v", &c)
		w := notified(ctx, &c, new(journal), "w", false)
		turns(ctx, 1)
		log.Add("%v", &c)
		takeLock(t, ctx, &c)
		log.Add("%v", &c)
		c.Release()
		w.Cancel(nil)
		log.Want(t, "<Condition unlocked>", "<Condition unlocked, waiters:1>", "<Condition locked, waiters:1>")
		return nil
	})
}
