package aio_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// shieldTask awaits aw behind a shield, in a task that has come to its wait.
func shieldTask[T any, A aio.TaskOrFuture[T]](ctx context.Context, aw A) *aio.Task[T] {
	task := aio.CreateTask(ctx, func(ctx context.Context) (T, error) { return aio.Shield(ctx, aw) })
	aio.Yield(ctx)
	return task
}

// Conformance: SH-002.
func TestAShieldReturnsTheSameError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := futures[int](ctx, 1)[0]
		outer := shieldTask(ctx, f)
		f.SetError(errBoom)
		if _, err := outer.Await(ctx); err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAShieldReturnsTheValueAndTheCancellationOfTheInner(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		a, b := shieldTask(ctx, fs[0]), shieldTask(ctx, fs[1])
		fs[0].SetResult(42)
		fs[1].Cancel(errReason)
		if v, err := a.Await(ctx); v != 42 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		_, err := b.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

// Conformance: SH-004.
func TestCancellingAShieldLeavesTheInnerAndNoTraceOnIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := futures[int](ctx, 1)[0]
		outer := shieldTask(ctx, f)
		outer.Cancel(nil)
		outer.Await(ctx)
		if !outer.Cancelled() || f.Done() {
			t.Errorf("%v, %v", outer, f)
		}
		// Nobody waits any more: the next to await it alone can cancel it.
		alone := aio.CreateTask(ctx, f.Await)
		aio.Yield(ctx)
		alone.Cancel(nil)
		alone.Await(ctx)
		if !f.Cancelled() {
			t.Errorf("the shield still stands in line: %v", f)
		}
		return nil
	})
}

// Conformance: SH-005.
func TestAShieldOfSomethingFinishedReturnsAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := futures[int](ctx, 1)[0]
		f.SetResult(42)
		ran := false
		aio.RunningLoop(ctx).CallSoon(func() { ran = true })
		v, err := aio.Shield(ctx, f)
		if v != 42 || ran {
			t.Errorf("got %d; it let others run: %v", v, ran)
		}
		return err
	})
}

// Conformance: SH-006.
func TestAShieldedJobRunsToItsEndWhenTheTaskIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ended := false
		inner := aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Second)
			ended = err == nil
			return err
		})
		outer := shieldTask(ctx, inner)
		outer.Cancel(nil)
		outer.Await(ctx)
		if !outer.Cancelled() || ended {
			t.Errorf("%v; the job has ended: %v", outer, ended)
		}
		_, err := inner.Await(ctx)
		if !ended {
			t.Error("the job did not come to its end")
		}
		return err
	})
}

// Conformance: SH-007.
func TestAShieldAroundAGatherKeepsItCollecting(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		parent := gatherTask(ctx, fs...)
		outer := shieldTask(ctx, parent)
		outer.Cancel(nil)
		outer.Await(ctx)
		if parent.Done() || !outer.Cancelled() {
			t.Errorf("%v, %v", parent, outer)
		}
		fs[0].SetResult(1)
		fs[1].SetResult(2)
		got, err := parent.Await(ctx)
		if !slices.Equal(got, []int{1, 2}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: SH-008.
func TestAGatherOfShieldsCanBeCancelledWithoutTheShielded(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		a, b := shieldTask(ctx, fs[0]), shieldTask(ctx, fs[1])
		outer := gatherTask(ctx, a, b)
		outer.Cancel(nil)
		outer.Await(ctx)
		if !outer.Cancelled() || !a.Cancelled() || !b.Cancelled() || fs[0].Done() || fs[1].Done() {
			t.Errorf("%v, %v, %v, %v, %v", outer, a, b, fs[0], fs[1])
		}
		if fs[0].SetResult(1) != nil || fs[1].SetResult(2) != nil {
			t.Error("the shielded futures are not usable")
		}
		return nil
	})
}

// Conformance: SH-009.
func TestAShieldNeedsALoop(t *testing.T) {
	wantPanic(t, func() { aio.Shield(t.Context(), &aio.Future[int]{}) }, "aio: Shield: no running event loop")
	run(t, func(ctx context.Context) error {
		task := aio.CreateTask(ctx, value(1))
		v, err := aio.Shield(ctx, task)
		if v != 1 {
			t.Errorf("got %d", v)
		}
		return err
	})
}

// Conformance: SH-011.
func TestAShieldInAWaitForSurvivesTheTimeOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "done", aio.Sleep(ctx, 2*time.Second) })
		_, err := aio.WaitFor(ctx, time.Second, func(ctx context.Context) (string, error) { return aio.Shield(ctx, inner) })
		if !errors.Is(err, context.DeadlineExceeded) || inner.Done() {
			t.Errorf("got %v; %v", err, inner)
		}
		v, err := inner.Await(ctx)
		if v != "done" {
			t.Errorf("got %q", v)
		}
		return err
	})
}

// Conformance: SH-012.
func TestAShieldInAWaitForWithoutTimeLeavesTheTaskAlone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "done", aio.Sleep(ctx, time.Second) })
		_, err := aio.WaitFor(ctx, 0, func(ctx context.Context) (string, error) { return aio.Shield(ctx, inner) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		v, err := inner.Await(ctx)
		if v != "done" || inner.Cancelled() {
			t.Errorf("got %q; %v", v, inner)
		}
		return err
	})
}

// Conformance: V-007.
func TestAShieldedFailureAfterTheShieldWasCancelledIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		inner := aio.Start(ctx, func(ctx context.Context) error {
			aio.Sleep(ctx, time.Second)
			return errBoom
		}, aio.Name("inner"))
		outer := shieldTask(ctx, inner)
		outer.Cancel(nil)
		return aio.Sleep(ctx, time.Minute)
	})
	if got := seen.strings(); err != nil || !slices.Equal(got, []string{"a task failed, and nobody looked at its error|inner"}) {
		t.Errorf("reported: %v, %v", got, err)
	}
}

func TestAShieldCancelledBetweenTheFailureAndItsTaskLosesNothing(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		f := futures[int](ctx, 1)[0]
		outer := shieldTask(ctx, f)
		f.SetError(errBoom)
		outer.Cancel(nil)
		passes(ctx, 3)
		if !outer.Cancelled() {
			t.Error(outer)
		}
		return nil
	})
	if got := seen.all(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.strings(), err)
	}
}
