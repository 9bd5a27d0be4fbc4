package aio_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func sleepFor(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return aio.Sleep(ctx, d) }
}

// busyClock is a virtual clock that can be moved on as a function moves it that computes for long.
type busyClock struct{ now time.Time }

func (c *busyClock) Now() time.Time { return c.now }

func (c *busyClock) Advance(until time.Time) bool {
	c.now = until
	return true
}

func (c *busyClock) work(d time.Duration) { c.now = c.now.Add(d) }

// Conformance: TO-001, TO-021.
func TestATimeoutInterruptsASleepAndReportsThatItExpired(t *testing.T) {
	run(t, func(ctx context.Context) error {
		start := aio.RunningLoop(ctx).Time()
		var block *aio.TimeoutBlock
		err := aio.Timeout(ctx, 10*time.Millisecond, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			return aio.Sleep(ctx, time.Hour)
		})
		te := wantTimeout(t, err)
		var ce *aio.CancelledError
		if te.After != 10*time.Millisecond || !errors.As(te.Err, &ce) || !strings.HasPrefix(te.At(), "scope_timeout_test.go:") {
			t.Errorf("the error is %v: after %v, at %s, because of %v", te, te.After, te.At(), te.Err)
		}
		if !block.Expired() || !block.When().Equal(start.Add(10*time.Millisecond)) {
			t.Errorf("the block is %v", block)
		}
		if took := aio.RunningLoop(ctx).Time().Sub(start); took != 10*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		return aio.Yield(ctx)
	})
}

// Conformance: TO-002.
func TestATimeoutAtAPointInTimeReportsThatPoint(t *testing.T) {
	run(t, func(ctx context.Context) error {
		deadline := aio.RunningLoop(ctx).Time().Add(time.Second)
		var block *aio.TimeoutBlock
		err := aio.TimeoutAt(ctx, deadline, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			if at, ok := ctx.Deadline(); !ok || !at.Equal(deadline) {
				t.Errorf("the context's deadline is %v, %v", at, ok)
			}
			return forever(ctx)
		})
		wantTimeout(t, err)
		if !block.Expired() || !block.When().Equal(deadline) {
			t.Errorf("the block is %v, its deadline %v", block, block.When())
		}
		return nil
	})
}

// Conformance: TO-004.
func TestCodeInATimeoutSeesACancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var inside error
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			inside = forever(ctx)
			return inside
		})
		wantTimeout(t, err)
		wantCancellation(t, inside)
		var te *aio.TimeoutError
		var ce *aio.CancelledError
		if errors.As(inside, &ce); !errors.As(ce.Cause, &te) {
			t.Errorf("the cause of the cancellation is %v", ce.Cause)
		}
		return nil
	})
}

// Conformance: TO-005.
func TestAFunctionThatIsInTimeKnowsNothingOfTheTimeout(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var block *aio.TimeoutBlock
		err := aio.Timeout(ctx, 10*time.Second, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			return aio.Sleep(ctx, time.Second)
		})
		if err != nil || block.Expired() || !block.When().After(l.Time()) {
			t.Errorf("got %v, expired %v, deadline %v", err, block.Expired(), block.When())
		}
		return aio.Sleep(ctx, time.Hour) // the timer is gone
	})
}

// Conformance: TO-006.
func TestATimeoutWithoutDeadlineNeverExpires(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var block *aio.TimeoutBlock
		err := aio.TimeoutAt(ctx, time.Time{}, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			if at, ok := ctx.Deadline(); ok {
				t.Errorf("the context has the deadline %v", at)
			}
			return aio.Sleep(ctx, 1000*time.Hour)
		})
		if err != nil || block.Expired() || !block.When().IsZero() {
			t.Errorf("got %v, %v", err, block)
		}
		return aio.Timeout(ctx, math.MaxInt64, sleepFor(time.Hour))
	})
}

// Conformance: TO-007, TO-008, TO-009.
func TestATimeoutOfZeroOrLessInterruptsTheFirstAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for _, d := range []time.Duration{0, -time.Second} {
			for _, sleep := range []time.Duration{0, time.Hour} {
				start := l.Time()
				var block *aio.TimeoutBlock
				err := aio.Timeout(ctx, d, func(ctx context.Context) error {
					block = aio.CurrentTimeout(ctx)
					return aio.Sleep(ctx, sleep)
				})
				wantTimeout(t, err)
				if !block.Expired() || l.Time() != start || !block.When().Equal(start.Add(d)) {
					t.Errorf("timeout %v, sleep %v: %v at %v, started at %v", d, sleep, block, l.Time(), start)
				}
			}
		}
		return nil
	})
}

// Conformance: TO-010, TO-011.
func TestAnErrorOfTheFunctionComesOutAsItIs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var block *aio.TimeoutBlock
		before := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			return errBoom
		})
		if before != errBoom || block.Expired() {
			t.Errorf("before the deadline: %v, expired %v", before, block.Expired())
		}
		during := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			return cleanupFails(errBoom)(ctx)
		})
		if during != errBoom || !block.Expired() {
			t.Errorf("in the clean-up: %v, expired %v", during, block.Expired())
		}
		return nil
	})
}

// Conformance: TO-012.
func TestACancellationFromElsewhereStaysOne(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var block *aio.TimeoutBlock
		task, err := inTask(ctx, 2, errBoom, func(ctx context.Context) error {
			return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				return forever(ctx)
			})
		})
		wantCancellation(t, err)
		if !errors.Is(err, errBoom) || !task.Cancelled() || block.Expired() {
			t.Errorf("got %v, %v, expired %v", err, task, block.Expired())
		}
		// also a cancellation that nobody has asked this task for
		foreign := aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			_, err := task.Await(ctx)
			return err
		})
		wantCancellation(t, foreign)
		return nil
	})
}

// Conformance: TO-013.
func TestATaskThatHandlesATimeOutIsNotCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			wantTimeout(t, aio.Timeout(ctx, time.Second, forever))
			return "done", aio.Yield(ctx)
		})
		v, err := task.Await(ctx)
		if v != "done" || task.Cancelled() {
			t.Errorf("got %q, %v", v, task)
		}
		return err
	})
}

// Conformance: TO-015.
func TestOfNestedTimeoutsThatPassedWhileTheLoopWasBusyTheOuterIsReported(t *testing.T) {
	clock := &busyClock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	run(t, func(ctx context.Context) error {
		var inner error
		start := clock.now
		outer := aio.Timeout(ctx, 10*time.Millisecond, func(ctx context.Context) error {
			inner = aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
				clock.work(100 * time.Millisecond)
				return aio.Sleep(ctx, time.Hour)
			})
			return inner
		})
		wantCancellation(t, inner)
		if te := wantTimeout(t, outer); te.After != 10*time.Millisecond || clock.now.Sub(start) != 100*time.Millisecond {
			t.Errorf("got %v after %v", outer, clock.now.Sub(start))
		}
		// the other way round: the inner deadline comes first, but both have passed
		outer = aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
			inner = aio.Timeout(ctx, 10*time.Millisecond, func(ctx context.Context) error {
				clock.work(100 * time.Millisecond)
				return aio.Sleep(ctx, time.Hour)
			})
			return inner
		})
		wantCancellation(t, inner)
		if te := wantTimeout(t, outer); te.After != 20*time.Millisecond {
			t.Errorf("got %v", outer)
		}
		return nil
	}, aio.WithClock(clock))
}

// Conformance: TO-016.
func TestTheDeadlineOfATimeoutCanBeMovedAndRemovedByAnotherTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		start := l.Time()
		var block *aio.TimeoutBlock
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				return forever(ctx)
			})
		})
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		for _, at := range []time.Time{start.Add(2 * time.Hour), {}, start.Add(time.Hour)} {
			if err := block.Reschedule(at); err != nil || !block.When().Equal(at) {
				t.Errorf("Reschedule: %v; the deadline is %v, want %v", err, block.When(), at)
			}
			if err := aio.Sleep(ctx, 2*time.Second); err != nil { // longer than the first deadline
				return err
			}
			if task.Done() {
				t.Fatal("an old timer has ended the block")
			}
		}
		_, err := task.Await(ctx)
		wantTimeout(t, err)
		if d := l.Time().Sub(start); d != time.Hour || !block.Expired() {
			t.Errorf("it expired after %v: %v", d, block)
		}
		return nil
	})
}

// Conformance: TO-017.
func TestATimeoutBlockShowsItsStateAndDeadline(t *testing.T) {
	run(t, func(ctx context.Context) error {
		show := func(d time.Duration, fn func(ctx context.Context, b *aio.TimeoutBlock) error) (inside, after string) {
			var b *aio.TimeoutBlock
			aio.Timeout(ctx, d, func(ctx context.Context) error {
				b = aio.CurrentTimeout(ctx)
				err := fn(ctx, b)
				inside = b.String()
				return err
			})
			return inside, b.String()
		}
		nothing := func(context.Context, *aio.TimeoutBlock) error { return nil }
		active, finished := show(time.Hour, nothing)
		expiring, expired := show(0, func(ctx context.Context, _ *aio.TimeoutBlock) error { return aio.Yield(ctx) })
		disabled, _ := show(time.Hour, func(_ context.Context, b *aio.TimeoutBlock) error { return b.Reschedule(time.Time{}) })
		for _, c := range []struct{ got, want string }{
			{active, "<Timeout active when=2000-01-01T01:00:00Z>"},
			{finished, "<Timeout finished when=2000-01-01T01:00:00Z>"},
			{expiring, "<Timeout expiring when=2000-01-01T00:00:00Z>"},
			{expired, "<Timeout expired when=2000-01-01T00:00:00Z>"},
			{disabled, "<Timeout active without deadline>"},
		} {
			if c.got != c.want {
				t.Errorf("got %s, want %s", c.got, c.want)
			}
		}
		return nil
	})
}

// Conformance: TO-018.
func TestCleanupInAnExpiredBlockHasATimeoutOfItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		start := l.Time()
		var inner error
		outer := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			err := forever(ctx)
			inner = aio.Timeout(context.WithoutCancel(ctx), time.Minute, sleepFor(time.Hour))
			return err
		})
		te := wantTimeout(t, inner)
		if te.After != time.Minute {
			t.Errorf("the time-out of the clean-up is %v", te)
		}
		if te := wantTimeout(t, outer); te.After != time.Second || l.Time().Sub(start) != time.Minute+time.Second {
			t.Errorf("the outer time-out is %v, after %v", te, l.Time().Sub(start))
		}
		return nil
	})
}

// Conformance: TO-019, TO-020.
func TestATimeoutInATaskThatWasCancelledEarlier(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var timedOut, plain error
		_, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
			_ = forever(ctx) // the request is handled
			timedOut = aio.Timeout(context.WithoutCancel(ctx), time.Second, forever)
			plain = aio.Timeout(ctx, 0, forever)
			return nil
		})
		if err != nil {
			return err
		}
		wantTimeout(t, timedOut)
		wantCancellation(t, plain)
		return nil
	})
}

// Conformance: TO-023, TO-024, TO-025, TO-026 (there is no block before it is entered: CurrentTimeout finds those that are running).
func TestABlockThatHasEndedOrIsExpiringCannotBeMoved(t *testing.T) {
	run(t, func(ctx context.Context) error {
		if b := aio.CurrentTimeout(ctx); b != nil {
			t.Errorf("there is a block before it is entered: %v", b)
		}
		refused := func(b *aio.TimeoutBlock, state string) {
			err := b.Reschedule(time.Now().Add(time.Hour))
			if !errors.Is(err, aio.ErrInvalidState) || !strings.Contains(err.Error(), state) {
				t.Errorf("moving a block that is %s: %v", state, err)
			}
		}
		var block *aio.TimeoutBlock
		err := aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			return nil
		})
		refused(block, "finished")
		if err != nil {
			return err
		}
		wantTimeout(t, aio.Timeout(ctx, 0, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			err := forever(ctx)
			refused(block, "expiring")
			return err
		}))
		refused(block, "expired")
		return nil
	})
}

// Conformance: TO-028, V-010, V-011.
func TestABlockThatEndsWithoutErrorRaisesNoTimeOut(t *testing.T) {
	clock := &busyClock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	run(t, func(ctx context.Context) error {
		var block *aio.TimeoutBlock
		swallowed := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			_ = forever(ctx)
			wantCancellation(t, aio.Yield(ctx)) // later awaits in the block fail at once
			return aio.Sleep(context.WithoutCancel(ctx), time.Second)
		})
		if swallowed != nil || !block.Expired() {
			t.Errorf("swallowed: %v, expired %v", swallowed, block.Expired())
		}
		overrun := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			block = aio.CurrentTimeout(ctx)
			clock.work(time.Minute)
			return nil
		})
		if overrun != nil || block.Expired() {
			t.Errorf("overrun without suspending: %v, expired %v", overrun, block.Expired())
		}
		return aio.Yield(ctx) // the overdue timer has no effect any more
	}, aio.WithClock(clock))
}

// Conformance: TO-029.
func TestAnErrorRaisedWhileExpiringKeepsTheCancellationInItsChain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var inside error
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			inside = forever(ctx)
			return errors.Join(errBoom, inside)
		})
		var c *aio.CancelledError
		if !errors.As(err, &c) {
			t.Fatalf("there is no cancellation in %v", err)
		}
		if _, late := c.Cause.(*aio.TimeoutError); !errors.Is(err, errBoom) || !errors.Is(err, inside) || !late {
			t.Errorf("the chain of %v lacks the error, the cancellation or the time-out behind it", err)
		}
		return nil
	})
}

func TestAnOuterContextInsideATimeoutBlockIsInterruptedAsWell(t *testing.T) {
	run(t, func(outer context.Context) error {
		for name, ctx := range map[string]context.Context{
			"the task's context": outer,
			"a value on it":      context.WithValue(outer, runKey{}, 1),
			"the loop's context": aio.RunningLoop(outer).Context(),
		} {
			err := aio.Timeout(outer, time.Second, func(context.Context) error { return forever(ctx) })
			if te := wantTimeout(t, err); te.After != time.Second {
				t.Errorf("with %s: %v", name, err)
			}
		}
		freed := aio.Timeout(outer, time.Second, func(ctx context.Context) error {
			return aio.Sleep(context.WithoutCancel(ctx), time.Minute)
		})
		if freed != nil {
			t.Errorf("with a freed context: %v", freed)
		}
		return nil
	})
}

func TestAPanicAndAGoexitLeaveTheTimeoutBlock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		v := panicOf(func() {
			aio.Timeout(ctx, time.Second, func(context.Context) error { panic("boo") })
		})
		if v != "boo" {
			t.Errorf("the panic came out as %v", v)
		}
		return aio.Sleep(ctx, time.Hour) // the block has gone, and its timer
	})
}

func TestTheInnermostTimeoutIsTheCurrentOne(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			outer := aio.CurrentTimeout(ctx)
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				if b := aio.CurrentTimeout(ctx); !b.When().Equal(outer.When()) {
					t.Errorf("inside a group it is %v", b)
				}
				return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
					ctx, cancel := aio.WithTimeout(context.WithValue(ctx, runKey{}, 1), time.Second)
					defer cancel()
					if b := aio.CurrentTimeout(ctx); !b.When().Before(outer.When()) {
						t.Errorf("inside an inner block it is %v", b)
					}
					return nil
				})
			})
		})
	})
}

// Conformance: WF-001, V-008 (there is no "none" for a limit: a function without one is called directly).
func TestWaitForRunsTheFunctionInTheCallingTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		me := aio.CurrentTask(ctx)
		v, err := aio.WaitFor(ctx, time.Hour, func(ctx context.Context) (string, error) {
			if aio.CurrentTask(ctx) != me || len(aio.AllTasks(ctx)) != 1 {
				t.Error("it runs in another task")
			}
			return "done", aio.Sleep(ctx, time.Second)
		})
		if v != "done" {
			t.Errorf("got %q", v)
		}
		return err
	})
}

// Conformance: WF-002.
func TestATaskThatTakesTooLongIsCancelledAndHasCleanedUpWhenWaitForReturns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		cleaned := false
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			defer func() { cleaned = true }()
			return 1, forever(ctx)
		})
		_, err := aio.WaitFor(ctx, time.Second, task.Await)
		wantTimeout(t, err)
		if !task.Cancelled() || !cleaned {
			t.Errorf("the task is %v, cleaned up: %v", task, cleaned)
		}
		return aio.Yield(ctx)
	})
}

// Conformance: WF-003.
func TestWaitForWithoutTimeReturnsAResultThatIsThere(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		future, task := aio.NewFuture[string](l.Context()), aio.CreateTask(ctx, func(context.Context) (int, error) { return 7, nil })
		if err := future.SetResult("ready"); err != nil {
			return err
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for _, d := range []time.Duration{0, -time.Second} {
			s, err := aio.WaitFor(ctx, d, future.Await)
			n, err2 := aio.WaitFor(ctx, d, task.Await)
			if s != "ready" || n != 7 || err != nil || err2 != nil {
				t.Errorf("with %v: %q, %v and %d, %v", d, s, err, n, err2)
			}
		}
		return nil
	})
}

// Conformance: WF-004.
func TestWaitForWithoutTimeDoesNotStartAFunction(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, d := range []time.Duration{0, -time.Second} {
			_, err := aio.WaitFor(ctx, d, func(context.Context) (int, error) {
				t.Error("it was started")
				return 1, nil
			})
			if te := wantTimeout(t, err); te.After != d {
				t.Errorf("the error is %v", te)
			}
		}
		return nil
	})
}

// Conformance: WF-005.
func TestWaitForWithoutTimeCancelsATaskThatRuns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, d := range []time.Duration{0, -time.Second} {
			task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, forever(ctx) })
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			_, err := aio.WaitFor(ctx, d, task.Await)
			wantTimeout(t, err)
			if !task.Cancelled() {
				t.Errorf("the task is %v", task)
			}
		}
		return nil
	})
}

// Conformance: WF-006.
func TestAResultThatComesJustBeforeTheLimitIsReturned(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		future := aio.NewFuture[string](l.Context())
		l.CallLater(time.Second-1, func() { future.SetResult("in time") })
		v, err := aio.WaitFor(ctx, time.Second, future.Await)
		if v != "in time" {
			t.Errorf("got %q, %v", v, err)
		}
		return err
	})
}

// Conformance: WF-007.
func TestAValueReturnedInSpiteOfTheInterruptionWins(t *testing.T) {
	run(t, func(ctx context.Context) error {
		v, err := aio.WaitFor(ctx, time.Second, func(ctx context.Context) (string, error) {
			_ = forever(ctx)
			return "all the same", nil
		})
		if v != "all the same" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			_ = forever(ctx)
			return "from a task", nil
		})
		v, err = aio.WaitFor(ctx, time.Second, task.Await)
		if v != "from a task" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		return nil
	})
}

// slowCleanup waits to be cancelled and then takes d to clean up.
func slowCleanup(log *journal, d time.Duration) aio.Func[int] {
	return func(ctx context.Context) (int, error) {
		err := forever(ctx)
		if e := aio.Sleep(context.WithoutCancel(ctx), d); e != nil {
			return 0, e
		}
		log.Add("cleaned up")
		return 0, err
	}
}

// Conformance: WF-008, WF-009, WF-015.
func TestWaitForWaitsForASlowCleanup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, d := range []time.Duration{time.Second, 0} {
			var log journal
			l := aio.RunningLoop(ctx)
			task := aio.CreateTask(ctx, slowCleanup(&log, time.Minute))
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			start := l.Time()
			_, err := aio.WaitFor(ctx, d, task.Await)
			te := wantTimeout(t, err)
			wantCancellation(t, te.Err)
			log.Want(t, "cleaned up")
			if took := l.Time().Sub(start); took != d+time.Minute {
				t.Errorf("it took %v", took)
			}
		}
		return nil
	})
}

// Conformance: WF-010.
func TestAnErrorOfTheCleanupComesOutInPlaceOfTheTimeOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, cleanupFails(errBoom))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if _, err := aio.WaitFor(ctx, time.Second, task.Await); err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// Conformance: WF-011, WF-014 (design D3: the wait that forwards a request goes on to the end, and the value returned after it wins).
func TestAStubbornTaskIsWaitedForAndKeepsItsValue(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		start := l.Time()
		stubborn := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			_ = forever(ctx)
			return 42, aio.Sleep(context.WithoutCancel(ctx), time.Minute)
		})
		waiting := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return aio.WaitFor(ctx, time.Second, stubborn.Await) })
		if err := aio.Sleep(ctx, 2*time.Second); err != nil { // the limit has passed
			return err
		}
		waiting.Cancel(nil)
		v, err := waiting.Await(ctx)
		if took := l.Time().Sub(start); !stubborn.Done() || took != time.Second+time.Minute {
			t.Errorf("WaitFor returned after %v, %v", took, stubborn)
		}
		if n, e := stubborn.Result(); n != 42 || e != nil || v != 42 || err != nil {
			t.Errorf("the stubborn task ended with %d, %v; WaitFor returned %d, %v", n, e, v, err)
		}
		return nil
	})
}

// Conformance: WF-012, WF-013.
func TestCancellingTheCallerOfWaitForCancelsWhatItWaitsFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, forever(ctx) })
		task, err := inTask(ctx, 2, nil, func(ctx context.Context) error {
			_, err := aio.WaitFor(ctx, time.Hour, inner.Await)
			return err
		})
		wantCancellation(t, err)
		if !inner.Cancelled() || !task.Cancelled() {
			t.Errorf("the tasks are %v and %v", inner, task)
		}
		return nil
	})
}

// Conformance: WF-016, V-009.
func TestACancellationWinsOverAResultOfTheSamePass(t *testing.T) {
	run(t, func(ctx context.Context) error {
		future := aio.NewFuture[int](ctx)
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return aio.WaitFor(ctx, time.Hour, future.Await) })
		if err := yields(ctx, 2); err != nil {
			return err
		}
		if err := future.SetResult(5); err != nil {
			return err
		}
		task.Cancel(nil)
		_, err := task.Await(ctx)
		wantCancellation(t, err)
		if v, err := future.Result(); v != 5 || err != nil || !task.Cancelled() {
			t.Errorf("the future has %d, %v; the task is %v", v, err, task)
		}
		return nil
	})
}

// Conformance: WF-017.
func TestAShieldInsideWaitForReturnsTheValueAndSurvivesTheTimeOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		job := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 3, aio.Sleep(ctx, time.Minute) })
		shielded := func(ctx context.Context) (int, error) { return aio.Shield(ctx, job) }
		_, err := aio.WaitFor(ctx, time.Second, shielded)
		wantTimeout(t, err)
		v, err := aio.WaitFor(ctx, time.Hour, shielded)
		if v != 3 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		return nil
	})
}

func TestWaitForRefusesANilFunction(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.WaitFor[int](ctx, time.Second, nil) }, "aio: WaitFor: the function is nil")
		var te *aio.TimeoutError
		_, err := aio.WaitFor(ctx, 0, func(context.Context) (int, error) { return 0, nil })
		if !errors.As(err, &te) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

type loadError struct{ err error }

func (e *loadError) Error() string { return "load: " + e.err.Error() }
func (e *loadError) Unwrap() error { return e.err }

// looksLate lists the ways in which code finds out that something has run out of time.
func looksLate(err error) (how []string) {
	if errors.Is(err, context.DeadlineExceeded) {
		how = append(how, "context.DeadlineExceeded")
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		how = append(how, "os.ErrDeadlineExceeded")
	}
	if te := (*aio.TimeoutError)(nil); errors.As(err, &te) {
		how = append(how, "*TimeoutError")
	}
	if ne := (net.Error)(nil); errors.As(err, &ne) && ne.Timeout() {
		how = append(how, "net.Error")
	}
	if os.IsTimeout(err) {
		how = append(how, "os.IsTimeout")
	}
	return how
}

// Who gives up after a limit of its own must not take the end of a block around it for that.
func TestWhatEndsByALimitAroundItIsCancelledAndNotLate(t *testing.T) {
	sleep := func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }
	inner := map[string]func(ctx context.Context) error{
		"an await": sleep,
		"Timeout":  func(ctx context.Context) error { return aio.Timeout(ctx, time.Minute, sleep) },
		"WaitFor": func(ctx context.Context) error {
			_, err := aio.WaitFor(ctx, time.Minute, aio.Action(sleep))
			return err
		},
		"Group": func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(sleep)
				return nil
			})
		},
		"Task.Await": func(ctx context.Context) error {
			_, err := aio.Start(ctx, sleep).Await(ctx)
			return err
		},
		"an event": func(ctx context.Context) error {
			var e aiosync.Event
			return e.Wait(ctx)
		},
		"a context": func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return sleep(ctx)
		},
	}
	limits := map[string]func(ctx context.Context, fn func(ctx context.Context) error) error{
		"Timeout": func(ctx context.Context, fn func(ctx context.Context) error) error {
			return aio.Timeout(ctx, time.Second, fn)
		},
		"a sibling that is late": func(ctx context.Context, fn func(ctx context.Context) error) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(fn)
				g.Go(func(ctx context.Context) error { return aio.Timeout(ctx, time.Second, sleep) })
				return nil
			})
		},
	}
	for outer, limit := range limits {
		for name, fn := range inner {
			var met error
			err := runErr(t, func(ctx context.Context) error {
				return limit(ctx, func(ctx context.Context) error {
					met = fn(ctx)
					return met
				})
			})
			if how := looksLate(met); how != nil || !errors.Is(met, aio.ErrCancelled) || !errors.Is(met, context.Canceled) {
				t.Errorf("%s around %s: %v looks late by %q", outer, name, met, how)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s around %s ended with %v", outer, name, err)
			}
		}
	}
}

func TestACancelledErrorMatchesItsCauseButForTimeOuts(t *testing.T) {
	late := &loadError{errors.Join(errReason, context.DeadlineExceeded)}
	causes := map[string]error{
		"bare":         context.DeadlineExceeded,
		"TimeoutError": &aio.TimeoutError{},
		"os":           os.ErrDeadlineExceeded,
		"net":          &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
		"a tree":       late,
		"nested":       fmt.Errorf("x: %w", &aio.CancelledError{Cause: context.DeadlineExceeded}),
		"itself":       newLoop(),
	}
	for name, cause := range causes {
		err := fmt.Errorf("wrapped: %w", &aio.CancelledError{Cause: cause})
		if how := looksLate(err); how != nil {
			t.Errorf("%s looks late by %q", name, how)
		}
		if late, self := cause != context.DeadlineExceeded && cause != os.ErrDeadlineExceeded, errors.Is(err, cause); self != late {
			t.Errorf("%s matches itself: %v", name, self)
		}
	}
	err := &aio.CancelledError{Cause: late}
	if load := (*loadError)(nil); !errors.As(err, &load) || load != late || !errors.Is(err, errReason) || !errors.Is(err, late) {
		t.Error("what is beside the time-out is not found")
	}
	if plain := (&aio.CancelledError{Cause: errBoom}); errors.Unwrap(plain) != errBoom || !errors.Is(plain, errBoom) {
		t.Error("a plain cause is not found")
	}
	if none := (&aio.CancelledError{}); errors.Unwrap(none) != nil || errors.Is(none, errBoom) || errors.As(none, new(*loadError)) {
		t.Error("something is found in no cause")
	}
}

// newLoop returns a time-out that wraps itself.
func newLoop() error {
	e := &loadError{}
	e.err = errors.Join(context.DeadlineExceeded, quiet{e})
	return e
}

// quiet wraps without printing.
type quiet struct{ err error }

func (q quiet) Error() string { return "again" }
func (q quiet) Unwrap() error { return q.err }

func TestATimeOutNamesTheAwaitThatItHasCutOff(t *testing.T) {
	run(t, func(ctx context.Context) error {
		const d = time.Second
		var lock aiosync.Lock
		queue := aiosync.NewQueue[string](1)
		queue.PutNowait("a secret")
		task := aio.Start(ctx, forever, aio.Name("fetch"))
		defer task.Cancel(nil)
		lock.Acquire(ctx)
		put := func(ctx context.Context) error { return queue.Put(ctx, "one more") }
		for want, call := range map[string]func() error{
			", in Sleep at scope_timeout_test.go:": func() error {
				return aio.Timeout(ctx, d, func(ctx context.Context) error {
					return aio.Sleep(ctx, time.Hour)
				})
			},
			" for <Lock locked> held by main":          func() error { return aio.Timeout(ctx, d, lock.Acquire) },
			", in Queue.Put at scope_timeout_test.go:": func() error { return aio.Timeout(ctx, d, put) },
			" for <Queue maxsize:1>":                   func() error { return aio.Timeout(ctx, d, put) },
			" for task fetch": func() error {
				_, err := aio.WaitFor(ctx, d, func(ctx context.Context) (aio.None, error) {
					return aio.Shield(ctx, task)
				})
				return err
			},
			" for 1 tasks of the group": func() error {
				return aio.Timeout(ctx, d, func(ctx context.Context) error {
					return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
						g.Go(put)
						return nil
					})
				})
			},
			"took longer than 1s, in Lock.Acquire at scope_timeout_test.go:": func() error {
				late, cancel := aio.WithTimeout(ctx, d)
				defer cancel()
				return lock.Acquire(late)
			},
			", in Yield at scope_timeout_test.go:": func() error { // which it never began
				return aio.TimeoutAt(ctx, aio.RunningLoop(ctx).Time(), func(ctx context.Context) error {
					aio.Sleep(context.WithoutCancel(ctx), d)
					return aio.Yield(ctx)
				})
			},
		} {
			err := call()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in: %v", want, err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
				t.Errorf("it shows too much: %v", err)
			}
			wantTimeout(t, err)
		}
		return nil
	})
}

func TestATimeOutThatNoAwaitHasNoticedNamesNone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			aio.Sleep(ctx, time.Minute)
			return context.Canceled
		})
		wantTimeout(t, err)
		late, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		aio.Sleep(ctx, time.Minute)
		if text := context.Cause(late).Error(); !strings.HasSuffix(text, ": took longer than 1s") {
			t.Error(text)
		}
		return nil
	})
}
