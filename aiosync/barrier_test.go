package aiosync_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// party starts a task that waits at the barrier once and writes down what it got.
func party(ctx context.Context, b *aiosync.Barrier, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		i, err := b.Wait(ctx)
		switch {
		case errors.Is(err, aiosync.ErrBrokenBarrier):
			log.Add("%s broken", name)
			return nil
		case err != nil:
			return err
		}
		log.Add("%s %d", name, i)
		return nil
	}, aio.Name(name))
}

func stateOf(b *aiosync.Barrier) string { return b.Statistics().State }

// Conformance: BA-001.
func TestABarrierNeedsAtLeastOneParty(t *testing.T) {
	for _, n := range []int{0, -1} {
		wantPanic(t, func() { aiosync.NewBarrier(n) }, "aio: NewBarrier", fmt.Sprint(n), "1 or more")
	}
}

// Conformance: BA-002, BA-006.
func TestPartiesGetDistinctNumbersInEveryRound(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		for range 2 {
			var log journal
			for _, name := range []string{"a", "b", "c"} {
				party(ctx, b, &log, name)
			}
			turns(ctx, 2)
			log.Want(t, "c 2", "a 0", "b 1")
			if b.Waiting() != 0 || b.Parties() != 3 || stateOf(b) != "filling" {
				t.Errorf("%v", b)
			}
		}
		return nil
	})
}

// Conformance: BA-003.
func TestABarrierOfOnePassesAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(1)
		suspended := false
		aio.RunningLoop(ctx).CallSoon(func() { suspended = true })
		for range 2 {
			if i, err := b.Wait(ctx); i != 0 || err != nil || suspended {
				t.Errorf("index %d, error %v, suspended %t", i, err, suspended)
			}
		}
		return nil
	})
}

// Conformance: BA-004.
func TestNobodyPassesBeforeTheLastHasCome(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		for i := range 2 {
			party(ctx, b, &log, fmt.Sprint(i))
			turns(ctx, 2)
			if b.Waiting() != i+1 {
				t.Errorf("%d wait, want %d", b.Waiting(), i+1)
			}
		}
		log.Want(t)
		party(ctx, b, &log, "last")
		turns(ctx, 1)
		log.Want(t, "last 2")
		if b.Waiting() != 0 {
			t.Errorf("%d wait", b.Waiting())
		}
		turns(ctx, 1)
		log.Want(t, "last 2", "0 0", "1 1")
		return nil
	})
}

// Conformance: BA-005, BA-008.
func TestNobodyStartsTheNextRoundBeforeThePresentOneHasDrained(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		for _, name := range []string{"a", "b", "c"} {
			aio.Start(ctx, func(ctx context.Context) error {
				for round := 1; round <= 2; round++ {
					i, err := b.Wait(ctx)
					if err != nil {
						return err
					}
					log.Add("%s%d %d", name, round, i)
				}
				return nil
			})
		}
		turns(ctx, 1)
		log.Want(t, "c1 2")
		if s := b.Statistics(); s.Outside != 1 || s.State != "draining" || s.Waiting != 0 {
			t.Errorf("after c has passed: %+v", s)
		}
		turns(ctx, 1)
		// b, the last to leave, comes in at once; c and a follow from outside.
		log.Want(t, "c1 2", "a1 0", "b1 1")
		turns(ctx, 3)
		log.Want(t, "c1 2", "a1 0", "b1 1", "a2 2", "b2 0", "c2 1")
		return nil
	})
}

// Conformance: BA-007.
func TestABarrierDrainsUntilTheLastHasLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		for _, name := range []string{"a", "b", "c"} {
			aio.Start(ctx, func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				log.Add("%s %s", name, stateOf(b))
				return err
			})
		}
		turns(ctx, 2)
		log.Want(t, "c draining", "a draining", "b filling")
		return nil
	})
}

// Conformance: BA-009.
func TestAPartyThatIsCancelledHasToBeReplaced(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		a := party(ctx, b, &log, "a")
		party(ctx, b, &log, "b")
		turns(ctx, 1)
		a.Cancel(nil)
		turns(ctx, 1)
		if !a.Cancelled() || b.Waiting() != 1 {
			t.Errorf("%v, %d wait", a, b.Waiting())
		}
		party(ctx, b, &log, "c")
		turns(ctx, 2)
		log.Want(t)
		party(ctx, b, &log, "d")
		turns(ctx, 2)
		log.Want(t, "d 2", "b 0", "c 1")
		return nil
	})
}

func TestAPartyThatIsBeingCancelledDoesNotCount(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(2)
		var log journal
		a := party(ctx, b, &log, "a")
		turns(ctx, 1)
		party(ctx, b, &log, "b")
		a.Cancel(nil)
		turns(ctx, 2)
		log.Want(t)
		if !a.Cancelled() || b.Waiting() != 1 {
			t.Errorf("%v, %v", a, b)
		}
		party(ctx, b, &log, "c")
		turns(ctx, 2)
		log.Want(t, "c 1", "b 0")
		return nil
	})
}

func TestAPartyThatIsCancelledAfterAllHaveComeDoesNotHoldUpTheOthers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		a := party(ctx, b, &log, "a")
		party(ctx, b, &log, "b")
		party(ctx, b, &log, "c")
		aio.RunningLoop(ctx).CallSoon(func() { a.Cancel(nil) })
		turns(ctx, 2)
		log.Want(t, "c 2", "b 1")
		if !a.Cancelled() || stateOf(b) != "filling" {
			t.Errorf("%v, %v", a, b)
		}
		return nil
	})
}

// Conformance: BA-010.
func TestAnIdleBarrierCanBeReset(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(1)
		b.Reset()
		if _, err := b.Wait(ctx); err != nil || b.Broken() {
			t.Errorf("error %v, broken %t", err, b.Broken())
		}
		return nil
	})
}

// Conformance: BA-011, BA-014.
func TestResetSendsThoseAwayWhoWait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		party(ctx, b, &log, "a")
		aio.Start(ctx, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			log.Add("b %t", errors.Is(err, aiosync.ErrBrokenBarrier))
			i, err := b.Wait(ctx) // again
			log.Add("b %d", i)
			return err
		})
		turns(ctx, 1)
		b.Reset()
		if stateOf(b) != "resetting" || b.Broken() || b.Waiting() != 0 {
			t.Errorf("%+v", b.Statistics())
		}
		turns(ctx, 1)
		log.Want(t, "a broken", "b true")
		if stateOf(b) != "filling" || b.Broken() || b.Waiting() != 1 {
			t.Errorf("%+v", b.Statistics())
		}
		party(ctx, b, &log, "c")
		party(ctx, b, &log, "d")
		turns(ctx, 2)
		log.Want(t, "a broken", "b true", "d 2", "b 0", "c 1")
		return nil
	})
}

// Conformance: BA-012.
func TestResetWhileHalfHaveLeftBreaksTheOthers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(4)
		var log journal
		for _, name := range []string{"a", "b", "c", "d"} {
			aio.Start(ctx, func(ctx context.Context) error {
				i, err := b.Wait(ctx)
				if err != nil {
					log.Add("%s %v", name, errors.Is(err, aiosync.ErrBrokenBarrier))
					return nil
				}
				log.Add("%s %d", name, i)
				if name == "a" {
					b.Reset()
				}
				return nil
			})
		}
		turns(ctx, 2)
		log.Want(t, "d 3", "a 0", "b true", "c true")
		if stateOf(b) != "filling" || b.Waiting() != 0 {
			t.Errorf("%+v", b.Statistics())
		}
		return nil
	})
}

// Conformance: BA-013.
func TestThoseWhoWaitOutsideDuringAResetTakePartInTheNextRound(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(4)
		var log journal
		for _, name := range []string{"a", "b", "c", "d"} {
			aio.Start(ctx, func(ctx context.Context) error {
				i, err := b.Wait(ctx)
				if err != nil {
					log.Add("%s %v", name, errors.Is(err, aiosync.ErrBrokenBarrier))
					return nil
				}
				log.Add("%s %d", name, i)
				if name == "a" {
					b.Reset()
				}
				i, err = b.Wait(ctx)
				log.Add("%s next round %d", name, i)
				return err
			})
		}
		turns(ctx, 4)
		log.Want(t, "d 3", "a 0", "b true", "c true")
		if b.Waiting() != 2 || b.Broken() {
			t.Errorf("%+v", b.Statistics())
		}
		party(ctx, b, &log, "e")
		party(ctx, b, &log, "f")
		turns(ctx, 3)
		log.Want(t, "d 3", "a 0", "b true", "c true", "f 3", "d next round 0", "a next round 1", "e 2")
		return nil
	})
}

// Conformance: BA-016.
func TestAnIdleBarrierCanBeAborted(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(2)
		b.Abort()
		if _, err := b.Wait(ctx); !b.Broken() || b.Waiting() != 0 || !errors.Is(err, aiosync.ErrBrokenBarrier) {
			t.Errorf("broken %t, %d wait, error %v", b.Broken(), b.Waiting(), err)
		}
		return nil
	})
}

// Conformance: BA-017.
func TestAbortWhileDrainingBreaksThoseInsideAndOutside(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(4)
		var log journal
		for _, name := range []string{"a", "b", "c", "d"} {
			aio.Start(ctx, func(ctx context.Context) error {
				for {
					i, err := b.Wait(ctx)
					if err != nil {
						log.Add("%s %t", name, errors.Is(err, aiosync.ErrBrokenBarrier))
						return nil
					}
					log.Add("%s %d", name, i)
					if name == "a" {
						b.Abort()
					}
				}
			})
		}
		turns(ctx, 5)
		log.Want(t, "d 3", "a 0", "a true", "b true", "c true", "d true")
		if s := b.Statistics(); !b.Broken() || s.Outside != 0 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

// Conformance: BA-018, BA-019.
func TestATaskThatFailsCanAbortTheNextRoundAndResetMakesItGoodAgain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(3)
		var log journal
		for _, name := range []string{"a", "b", "c"} {
			aio.Start(ctx, func(ctx context.Context) error {
				if _, err := b.Wait(ctx); err != nil {
					return err
				}
				if name == "b" {
					log.Add("b fails")
					b.Abort()
					return nil
				}
				_, err := b.Wait(ctx)
				log.Add("%s %t", name, errors.Is(err, aiosync.ErrBrokenBarrier))
				return nil
			})
		}
		turns(ctx, 5)
		log.Want(t, "b fails", "c true", "a true")
		if !b.Broken() {
			t.Error("not broken")
		}
		b.Reset()
		if b.Broken() || stateOf(b) != "filling" {
			t.Errorf("%+v", b.Statistics())
		}
		var again journal
		for _, name := range []string{"a", "b", "c"} {
			party(ctx, b, &again, name)
		}
		turns(ctx, 2)
		again.Want(t, "c 2", "a 0", "b 1")
		return nil
	})
}

// Conformance: BA-020.
func TestABarrierIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(2)
		var log journal
		log.Add("%v", b)
		party(ctx, b, new(journal), "a")
		turns(ctx, 1)
		log.Add("%v", b)
		b.Wait(ctx)
		log.Add("%v", b)
		b.Reset()
		log.Add("%v", b)
		b.Abort()
		log.Add("%v", b)
		log.Want(t, "<Barrier filling, waiters:0/2>", "<Barrier filling, waiters:1/2>", "<Barrier draining, waiters:0/2>",
			"<Barrier resetting, waiters:0/2>", "<Barrier broken>")
		return nil
	})
}

func TestThoseWhoWaitOutsideComeInAfterAResetBeforeNewcomers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBarrier(2)
		var log journal
		party(ctx, b, &log, "a")
		aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				i, err := b.Wait(ctx)
				if err != nil {
					return err
				}
				log.Add("b %d", i)
			}
			return nil
		})
		turns(ctx, 1) // b has passed and waits outside, a has not gone on yet
		b.Reset()
		party(ctx, b, &log, "c")
		turns(ctx, 3)
		log.Want(t, "b 1", "a broken", "c 1", "b 0")
		return nil
	})
}
