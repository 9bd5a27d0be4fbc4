package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

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
		future, task := aio.NewFuture[string](l), aio.CreateTask(ctx, func(context.Context) (int, error) { return 7, nil })
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
		future := aio.NewFuture[string](l)
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
		log.add("cleaned up")
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
			log.want(t, "cleaned up")
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
		future := aio.NewFuture[int](aio.RunningLoop(ctx))
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
