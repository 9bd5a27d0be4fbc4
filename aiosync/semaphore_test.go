package aiosync_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// taker starts a task that takes a permit, writes its name down and keeps the permit.
func taker(ctx context.Context, s *aiosync.Semaphore, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := s.Acquire(ctx); err != nil {
			return err
		}
		log.Add("%s", name)
		return nil
	}, aio.Name(name))
}

// takers starts several takers and lets them come to their waits.
func takers(ctx context.Context, s *aiosync.Semaphore, log *journal, names ...string) []*aio.Task[aio.None] {
	var tasks []*aio.Task[aio.None]
	for _, name := range names {
		tasks = append(tasks, taker(ctx, s, log, name))
	}
	turns(ctx, 1)
	return tasks
}

// Conformance: SE-002.
func TestTwoReleasesLetExactlyTwoWaitersIn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(3)
		var log journal
		s.Acquire(ctx)
		s.Acquire(ctx)
		tasks := takers(ctx, s, &log, "1", "2", "3", "4")
		log.Want(t, "1")
		if x := s.Statistics(); !s.Locked() || x.Value != 0 || x.Waiting != 3 {
			t.Errorf("%+v", x)
		}
		s.Release()
		s.Release()
		if x := s.Statistics(); x.Value != 0 || x.Waiting != 1 {
			t.Errorf("the released permits are not promised: %+v", x)
		}
		turns(ctx, 1)
		log.Want(t, "1", "2", "3")
		turns(ctx, 3)
		log.Want(t, "1", "2", "3")
		if tasks[3].Done() {
			t.Error("the fourth is through")
		}
		s.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2", "3", "4")
		return nil
	})
}

// Conformance: SE-003.
func TestACancelledWaiterOfASemaphoreLeavesTheLine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		s.Acquire(ctx)
		w := takers(ctx, s, new(journal), "w")[0]
		w.Cancel(errBoom)
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		if x := s.Statistics(); x.Waiting != 0 || x.Value != 0 {
			t.Errorf("%+v", x)
		}
		return nil
	})
}

// Conformance: SE-004.
func TestAPermitGoesPastThoseWhoAreCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		tasks := takers(ctx, s, &log, "1", "2", "3", "4")
		tasks[0].Cancel(nil)
		tasks[1].Cancel(nil)
		s.Release()
		turns(ctx, 1)
		log.Want(t, "3")
		turns(ctx, 3)
		log.Want(t, "3")
		tasks[3].Cancel(nil)
		return nil
	})
}

// Conformance: SE-005.
func TestAPermitReleasedTogetherWithACancellationIsNotLost(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		tasks := takers(ctx, s, &log, "1", "2")
		tasks[0].Cancel(nil)
		s.Release()
		turns(ctx, 1)
		log.Want(t, "2")
		return nil
	})
}

// Conformance: SE-006.
func TestAPermitOfATaskThatIsCancelledBeforeItGoesOnIsGivenBack(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		w := takers(ctx, s, &log, "w")[0]
		s.Release()
		w.Cancel(nil)
		turns(ctx, 1)
		if x := s.Statistics(); !w.Cancelled() || s.Locked() || x.Value != 1 {
			t.Errorf("%v, %+v", w, x)
		}
		if err := aio.Timeout(ctx, 1, s.Acquire); err != nil {
			t.Error(err)
		}
		// With somebody else in line it is theirs.
		tasks := takers(ctx, s, &log, "1", "2")
		s.Release()
		tasks[0].Cancel(nil)
		turns(ctx, 2)
		log.Want(t, "2")
		return nil
	})
}

// Conformance: SE-007.
func TestABoundedSemaphoreRefusesMorePermitsThanItHad(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewBoundedSemaphore(1)
		wantPanic(t, s.Release, "aio: Semaphore.Release", "all 1 permits", "Acquire")
		s.Acquire(ctx)
		s.Release()
		wantPanic(t, s.Release, "all 1 permits")
		wantPanic(t, aiosync.NewBoundedSemaphore(0).Release, "all 0 permits")
		return nil
	})
}

func TestASemaphoreCannotHaveANegativeNumberOfPermits(t *testing.T) {
	wantPanic(t, func() { aiosync.NewSemaphore(-1) }, "aio: NewSemaphore", "negative (-1)")
	wantPanic(t, func() { aiosync.NewBoundedSemaphore(-1) }, "aio: NewBoundedSemaphore", "negative (-1)")
}

// Conformance: SE-008.
func TestASemaphoreIsUnlockedAfterReleaseWithoutWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		s.Acquire(ctx)
		if !s.Locked() {
			t.Error("not locked")
		}
		s.Release()
		if s.Locked() {
			t.Error("locked")
		}
		return nil
	})
}

// Conformance: SE-009.
func TestFirstRoundsComeBeforeSecondRounds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		user := func(name string) aio.Func[aio.None] {
			return aio.Action(func(ctx context.Context) error {
				for round := range 2 {
					if err := s.Acquire(ctx); err != nil {
						return err
					}
					log.Add("%s%d", name, round+1)
					if err := aio.Sleep(ctx, 1); err != nil {
						return err
					}
					s.Release()
				}
				return nil
			})
		}
		a, b, c := aio.CreateTask(ctx, user("a")), aio.CreateTask(ctx, user("b")), aio.CreateTask(ctx, user("c"))
		turns(ctx, 1)
		s.Release()
		_, err := aio.Gather(ctx, a, b, c)
		log.Want(t, "a1", "b1", "c1", "a2", "b2", "c2")
		return err
	})
}

// Conformance: SE-010.
func TestWhoReleasesAndAcquiresAgainQueuesBehindTheOthers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		aio.Start(ctx, func(ctx context.Context) error {
			s.Acquire(ctx)
			log.Add("1")
			s.Release()
			s.Acquire(ctx)
			log.Add("4")
			return nil
		})
		takers(ctx, s, &log, "2", "3")
		s.Release()
		turns(ctx, 5)
		log.Want(t, "1", "2")
		s.Release()
		turns(ctx, 5)
		log.Want(t, "1", "2", "3")
		s.Release()
		turns(ctx, 1)
		log.Want(t, "1", "2", "3", "4")
		return nil
	})
}

// Conformance: SE-011.
func TestTheOthersKeepTheirOrderWhenTheFirstIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(0)
		var log journal
		tasks := takers(ctx, s, &log, "1", "2", "3")
		tasks[0].Cancel(nil)
		turns(ctx, 1)
		s.Release()
		s.Release()
		turns(ctx, 1)
		log.Want(t, "2", "3")
		return nil
	})
}

// Conformance: SE-012.
func TestANewcomerQueuesBehindTasksThatWereCalledButHaveNotGoneOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		s.Acquire(ctx)
		taker(ctx, s, &log, "1")
		taker(ctx, s, &log, "2")
		turns(ctx, 1)
		for range 3 { // one more than wait
			s.Release()
		}
		if x := s.Statistics(); x.Value != 1 || !s.Locked() {
			t.Errorf("%+v, locked %t", x, s.Locked())
		}
		// The newcomer comes in this very pass and finds a permit, but not its turn.
		if err := s.Acquire(ctx); err != nil {
			return err
		}
		log.Add("newcomer")
		log.Want(t, "1", "2", "newcomer")
		return nil
	})
}

// Conformance: SE-013.
func TestASemaphoreIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		var log journal
		log.Add("%v", s)
		s.Acquire(ctx)
		log.Add("%v", s)
		takers(ctx, s, new(journal), "1", "2")
		log.Add("%v", s)
		log.Want(t, "<Semaphore unlocked, value:1>", "<Semaphore locked>", "<Semaphore locked, waiters:2>")
		return nil
	})
}

// Conformance: V-020.
func TestAPlainSemaphoreGrowsWhenMoreIsReleasedThanTaken(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s := aiosync.NewSemaphore(1)
		s.Release()
		s.Release()
		if s.Statistics().Value != 3 {
			t.Errorf("%+v", s.Statistics())
		}
		var zero aiosync.Semaphore
		if !zero.Locked() {
			t.Error("the zero value has permits")
		}
		zero.Release()
		return zero.Acquire(ctx)
	})
}
