package aiosync_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// acquirer starts a task that takes the lock, writes its name down and keeps the lock.
func acquirer(ctx context.Context, l *aiosync.Lock, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		log.Add("%s", name)
		return nil
	}, aio.Name(name))
}

// Conformance: L-001.
func TestALockIsLockedFromAcquireToRelease(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		for range 2 {
			if l.Locked() {
				t.Error("locked before Acquire")
			}
			if err := l.Acquire(ctx); err != nil {
				return err
			}
			if s := l.Statistics(); !l.Locked() || !s.Locked || s.Owner != "main" || s.Waiting != 0 {
				t.Errorf("after Acquire: locked %t, %+v", l.Locked(), s)
			}
			l.Release()
		}
		if s := l.Statistics(); l.Locked() || s != (aiosync.LockStatistics{}) {
			t.Errorf("after Release: %+v", s)
		}
		return nil
	})
}

// Conformance: L-002, L-003.
func TestALockGoesToItsWaitersInTurnOnePassAfterRelease(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		l.Acquire(ctx)
		acquirer(ctx, &l, &log, "1")
		acquirer(ctx, &l, &log, "2")
		turns(ctx, 1)
		log.Want(t)
		l.Release()
		log.Want(t)
		turns(ctx, 1)
		log.Want(t, "1")
		turns(ctx, 3)
		log.Want(t, "1")

		acquirer(ctx, &l, &log, "3")
		l.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2")
		turns(ctx, 1)
		l.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2", "3")
		return nil
	})
}

// Conformance: L-004.
func TestAWaiterThatIsCancelledLeavesTheLine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		l.Acquire(ctx)
		w := acquirer(ctx, &l, &log, "w")
		turns(ctx, 1)
		if n := l.Statistics().Waiting; n != 1 {
			t.Errorf("%d wait, want 1", n)
		}
		w.Cancel(nil)
		_, err := w.Await(ctx)
		wantCancelled(t, err, nil)
		if s := l.Statistics(); s.Waiting != 0 || s.Owner != "main" {
			t.Errorf("after the cancellation: %+v", s)
		}
		return nil
	})
}

// Conformance: L-006.
func TestALockReleasedTogetherWithACancelledFirstWaiterGoesToExactlyOneOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		l.Acquire(ctx)
		first := acquirer(ctx, &l, &log, "first")
		acquirer(ctx, &l, &log, "second")
		third := acquirer(ctx, &l, &log, "third")
		turns(ctx, 1)
		aio.RunningLoop(ctx).CallSoon(func() {
			first.Cancel(nil)
			l.Release()
		})
		turns(ctx, 5)
		log.Want(t, "second")
		if !first.Cancelled() || !l.Locked() || l.Statistics().Owner != "second" {
			t.Errorf("first cancelled: %t, lock %+v", first.Cancelled(), l.Statistics())
		}
		third.Cancel(nil)
		turns(ctx, 1)
		l.Release()
		return nil
	})
}

// Conformance: L-007.
func TestANewcomerTakesALockWhoseOnlyWaiterIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		l.Acquire(ctx)
		first := acquirer(ctx, &l, &log, "first")
		turns(ctx, 1)
		second := acquirer(ctx, &l, &log, "second")
		first.Cancel(nil)
		l.Release()
		if _, err := second.Await(ctx); err != nil {
			t.Errorf("second: %v", err)
		}
		log.Want(t, "second")
		if !l.Locked() || !first.Cancelled() {
			t.Errorf("locked %t, first cancelled %t", l.Locked(), first.Cancelled())
		}
		return nil
	})
}

func TestAWaiterThatIsCancelledAfterItWasCalledHandsTheLockOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		l.Acquire(ctx)
		first := acquirer(ctx, &l, &log, "first")
		acquirer(ctx, &l, &log, "second")
		turns(ctx, 1)
		l.Release()
		first.Cancel(nil) // it was called, and has not gone on yet
		turns(ctx, 1)
		log.Want(t)
		turns(ctx, 1)
		log.Want(t, "second")
		if !first.Cancelled() {
			t.Error("the first is not cancelled")
		}
		return nil
	})
}

// Conformance: L-008.
func TestReleasingALockThatIsNotHeldPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		wantPanic(t, l.Release, "aio: Lock.Release", "not held", "Acquire")
		l.Acquire(ctx)
		acquirer(ctx, &l, new(journal), "w")
		turns(ctx, 1)
		l.Release()
		wantPanic(t, l.Release, "not held") // the waiter has been called, but does not hold it yet
		return nil
	})
}

// Conformance: L-009.
func TestWithHoldsALockConditionOrSemaphoreWhileItsFunctionRuns(t *testing.T) {
	type scoped interface {
		With(ctx context.Context, fn func(ctx context.Context) error) error
		Locked() bool
	}
	run(t, func(ctx context.Context) error {
		for _, x := range []scoped{&aiosync.Lock{}, &aiosync.Condition{}, aiosync.NewSemaphore(1), aiosync.NewBoundedSemaphore(1), &aiosync.RWLock{}} {
			err := x.With(ctx, func(context.Context) error {
				if !x.Locked() {
					t.Errorf("%v is not locked inside", x)
				}
				return errBoom
			})
			if err != errBoom || x.Locked() {
				t.Errorf("%v: error %v, locked afterwards: %t", x, err, x.Locked())
			}
			v := panicOf(func() { x.With(ctx, func(context.Context) error { panic("oops") }) })
			if v != "oops" || x.Locked() {
				t.Errorf("%v: panic %v, locked afterwards: %t", x, v, x.Locked())
			}
		}
		return nil
	})
}

func TestWithDoesNotCallItsFunctionWithoutTheLock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		l.Acquire(ctx)
		w := aio.Start(ctx, func(ctx context.Context) error {
			return l.With(ctx, func(context.Context) error { t.Error("it was called"); return nil })
		})
		turns(ctx, 1)
		w.Cancel(nil)
		turns(ctx, 1)
		if !w.Cancelled() || !l.Locked() {
			t.Errorf("cancelled %t, locked %t", w.Cancelled(), l.Locked())
		}
		return nil
	})
}

// Conformance: L-012.
func TestALockIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var log journal
		log.Add("%v", &l)
		l.Acquire(ctx)
		log.Add("%v", &l)
		for range 2 {
			acquirer(ctx, &l, new(journal), "w")
		}
		turns(ctx, 1)
		log.Add("%v", &l)
		log.Want(t, "<Lock unlocked>", "<Lock locked>", "<Lock locked, waiters:2>")
		return nil
	})
}

// contend makes two tasks want l at once.
func contend(t *testing.T, l *aiosync.Lock) {
	t.Helper()
	run(t, func(ctx context.Context) error {
		l.Acquire(ctx)
		w := acquirer(ctx, l, new(journal), "w")
		turns(ctx, 1)
		l.Release()
		if _, err := w.Await(ctx); err != nil {
			return err
		}
		l.Release()
		return nil
	})
}

// Conformance: L-013.
func TestALockBelongsToTheLoopOnWhichItWasFirstWaitedFor(t *testing.T) {
	var l aiosync.Lock
	for range 2 { // use that nobody has to wait for does not bind
		run(t, func(ctx context.Context) error {
			return l.With(ctx, func(context.Context) error { return nil })
		})
	}
	contend(t, &l)
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { l.Acquire(ctx) }, "aio: Lock.Acquire", "bound to a different event loop", "Submit")
		return nil
	})
	if l.Locked() {
		t.Error("the failed Acquire took the lock")
	}
}

// Conformance: L-013.
func TestEveryPrimitiveRefusesASecondLoop(t *testing.T) {
	var ev aiosync.Event
	var rw aiosync.RWLock
	sem := aiosync.NewSemaphore(0)
	q := aiosync.NewQueue[int](1)
	full := aiosync.NewQueue[int](1)
	full.PutNowait(1)
	bar := aiosync.NewBarrier(2)
	lim := aiosync.NewLimiter(1)
	rate := aiosync.NewRateLimiter(1, 1)
	news := aiosync.NewBroadcast[int](1)
	sub := news.Subscribe()
	var last aiosync.Latest[int]
	waits := map[string]func(ctx context.Context) error{
		"Event.Wait":          ev.Wait,
		"RWLock.AcquireRead":  rw.AcquireRead,
		"Semaphore.Acquire":   sem.Acquire,
		"Queue.Get":           func(ctx context.Context) error { _, err := q.Get(ctx); return err },
		"Queue.Put":           func(ctx context.Context) error { return full.Put(ctx, 1) },
		"Queue.Join":          full.Join,
		"Barrier.Wait":        func(ctx context.Context) error { _, err := bar.Wait(ctx); return err },
		"Limiter.Acquire":     lim.Acquire,
		"RateLimiter.Acquire": rate.Acquire,
		"Subscription.Next":   func(ctx context.Context) error { _, err := sub.Next(ctx); return err },
		"Latest.Next":         func(ctx context.Context) error { _, _, err := last.Next(ctx, 0); return err },
	}
	run(t, func(ctx context.Context) error {
		rw.Acquire(ctx)
		for _, wait := range waits {
			aio.Start(ctx, wait)
		}
		turns(ctx, 1)
		return nil
	})
	run(t, func(ctx context.Context) error {
		for op, wait := range waits {
			wantPanic(t, func() { wait(ctx) }, "aio: "+op, "bound to a different event loop")
		}
		return nil
	})
}

// Conformance: V-016.
func TestALockIsNotReentrant(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		w := aio.Start(ctx, func(ctx context.Context) error {
			l.Acquire(ctx)
			return l.Acquire(ctx)
		}, aio.Name("greedy"))
		turns(ctx, 10)
		if s := l.Statistics(); w.Done() || s.Owner != "greedy" || s.Waiting != 1 {
			t.Errorf("done %t, %+v", w.Done(), s)
		}
		w.Cancel(nil)
		return nil
	})
}

// Conformance: V-017.
func TestAnyTaskMayReleaseALock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		acquirer(ctx, &l, new(journal), "holder")
		turns(ctx, 1)
		l.Release()
		if l.Locked() {
			t.Error("still locked")
		}
		return nil
	})
}

// Conformance: V-022 (design D3: fast paths do not look at the context).
func TestWhatNeedsNoWaitingSucceedsAlthoughTheTaskIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var rw aiosync.RWLock
		var cond aiosync.Condition
		var ev aiosync.Event
		ev.Set()
		sem, bar, lim, rate := aiosync.NewSemaphore(1), aiosync.NewBarrier(1), aiosync.NewLimiter(1), aiosync.NewRateLimiter(1, 1)
		q := aiosync.NewQueue[int](1)
		done := aio.NewFuture[int](ctx)
		done.SetResult(1)
		w := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(errBoom)
			_, fast := done.Await(ctx)
			_, passed := bar.Wait(ctx)
			put := q.Put(ctx, 7)
			v, got := q.Get(ctx)
			q.TaskDone()
			for i, err := range []error{
				l.Acquire(ctx), rw.AcquireRead(ctx), cond.Acquire(ctx), cond.WaitUntil(ctx, func() bool { return true }), ev.Wait(ctx),
				sem.Acquire(ctx), lim.Acquire(ctx), rate.Acquire(ctx), fast, passed, put, got, q.Join(ctx),
			} {
				if err != nil {
					t.Errorf("number %d: %v", i, err)
				}
			}
			if v != 7 {
				t.Errorf("got %d", v)
			}
			for i, err := range []error{l.Acquire(ctx), ev.Wait(ctx)} { // the second of them does not wait again
				if (i == 0) != errors.Is(err, errBoom) {
					t.Errorf("wait %d: %v", i, err)
				}
			}
			if n := l.Statistics().Waiting; n != 0 {
				t.Errorf("%d wait", n)
			}
			return sem.Acquire(ctx)
		})
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		return nil
	})
}

// Conformance: V-021.
func TestALoopOfYieldsEndsWhenItsTaskIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		rounds := 0
		w := aio.Start(ctx, func(ctx context.Context) error {
			for {
				rounds++
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
			}
		})
		turns(ctx, 3)
		w.Cancel(nil)
		turns(ctx, 1)
		if !w.Cancelled() || rounds != 3 {
			t.Errorf("cancelled %t after %d rounds", w.Cancelled(), rounds)
		}
		return nil
	})
}

func TestALockUsedFromAForeignGoroutinePanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		_, err := aio.ToThread(ctx, func(ctx context.Context) (int, error) {
			wantPanic(t, func() { l.Acquire(ctx) }, "aio: Lock.Acquire", "must not await", "ToThread")
			return 0, nil
		})
		return err
	})
}

func TestWakingTasksFromAForeignGoroutinePanics(t *testing.T) {
	for _, debug := range []bool{false, true} {
		if !debug && runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
			continue // telling goroutines apart is too dear here
		}
		run(t, func(ctx context.Context) error {
			var ev aiosync.Event
			w := aio.Start(ctx, ev.Wait)
			turns(ctx, 1)
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) {
				wantPanic(t, ev.Set, "aio: Event.Set", "not the loop's", "CallSoonThreadsafe")
				return 0, nil
			})
			w.Cancel(nil)
			return err
		}, aio.WithDebug(debug))
	}
}

func TestALockHeldByATaskThatIsEndedByForceIsGivenUpQuietly(t *testing.T) {
	l := aio.NewLoop(aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		var p *aio.PanicError
		if errors.As(r.Err, &p) {
			t.Errorf("report of a panic: %v", r.Err)
		}
	}))
	var cond aiosync.Condition
	var lock aiosync.Lock
	for range 3 {
		aio.Start(l.Context(), func(ctx context.Context) error {
			return cond.With(ctx, cond.Wait)
		})
		aio.Start(l.Context(), func(ctx context.Context) error {
			return lock.With(ctx, forever)
		})
	}
	for range 3 {
		l.Stop()
		l.RunForever()
	}
	if n := cond.Statistics().Waiting; n != 3 {
		t.Errorf("%d wait for the condition", n)
	}
	l.Close()
	if lock.Locked() {
		t.Error("the lock is still held")
	}
}
