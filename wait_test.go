package aio_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// sleeper is a task that sleeps and returns what it is told to.
func sleeper(ctx context.Context, d time.Duration, err error) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, d); err != nil {
			return err
		}
		return err
	})
}

// Conformance: W-001, V-031.
func TestWaitReturnsTheDoneOnesInTheOrderOfItsArguments(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		a, b, c := sleeper(ctx, 3*time.Second, nil), sleeper(ctx, time.Second, nil), sleeper(ctx, 2*time.Second, nil)
		begin := l.Time()
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, a, b, c)
		if err != nil || !slices.Equal(done, []*aio.Task[aio.None]{a, b, c}) || len(pending) != 0 {
			t.Errorf("done %v, pending %v, %v", done, pending, err)
		}
		if d := l.Time().Sub(begin); d != 3*time.Second {
			t.Errorf("it took %v", d)
		}
		done, _, err = aio.Wait(ctx, aio.AllCompleted, c, a)
		if !slices.Equal(done, []*aio.Task[aio.None]{c, a}) || l.Time().Sub(begin) != 3*time.Second {
			t.Errorf("the second time: %v after %v", done, l.Time().Sub(begin))
		}
		return err
	})
}

// Conformance: W-002.
func TestWaitCountsADuplicateOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a := sleeper(ctx, time.Second, nil)
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, a, a, a)
		if !slices.Equal(done, []*aio.Task[aio.None]{a}) || len(pending) != 0 {
			t.Errorf("done %v, pending %v", done, pending)
		}
		return err
	})
}

// Conformance: W-003, W-004, W-005.
func TestWaitChecksItsArguments(t *testing.T) {
	run(t, func(ctx context.Context) error {
		if _, _, err := aio.Wait[*aio.Task[int]](ctx, aio.AllCompleted); !errors.Is(err, aio.ErrNothingToWaitFor) {
			t.Errorf("nothing to wait for: %v", err)
		}
		task := aio.CreateTask(ctx, value(1))
		wantPanic(t, func() { aio.Wait(ctx, aio.When(-1), task) }, "aio: Wait: unknown mode -1", "AllCompleted")
		wantPanic(t, func() { aio.WaitTimeout(ctx, time.Second, aio.When(3), task) }, "aio: WaitTimeout: unknown mode 3")
		wantPanic(t, func() { aio.Wait(ctx, aio.AllCompleted, task, nil) }, "aio: Wait: a task or future is nil")
		wantPanic(t, func() { aio.Wait[aio.AnyFuture](ctx, aio.AllCompleted, nil) }, "aio: Wait: a task or future is nil")
		_, err := task.Await(ctx)
		return err
	})
}

// Conformance: W-008.
func TestWaitForTheFirstExceptionReturnsAtOnceIfThereIsOne(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		slow := sleeper(ctx, 10*time.Second, nil)
		bad := aio.Start(ctx, func(context.Context) error { return errBoom })
		begin := l.Time()
		done, pending, err := aio.Wait(ctx, aio.FirstException, slow, bad)
		if !slices.Equal(done, []*aio.Task[aio.None]{bad}) || !slices.Equal(pending, []*aio.Task[aio.None]{slow}) || l.Time() != begin {
			t.Errorf("done %v, pending %v after %v", done, pending, l.Time().Sub(begin))
		}
		if bad.Err() != errBoom {
			t.Error(bad)
		}
		return err
	})
}

// Conformance: W-009.
func TestWaitForTheFirstExceptionIgnoresSuccessAndCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		quick, slow, bad := sleeper(ctx, time.Second, nil), sleeper(ctx, 10*time.Second, nil), sleeper(ctx, 3*time.Second, errBoom)
		killed := sleeper(ctx, time.Hour, nil)
		l.CallLater(2*time.Second, func() { killed.Cancel(nil) })
		begin := l.Time()
		done, pending, err := aio.Wait(ctx, aio.FirstException, quick, slow, bad, killed)
		if !slices.Equal(done, []*aio.Task[aio.None]{quick, bad, killed}) || !slices.Equal(pending, []*aio.Task[aio.None]{slow}) {
			t.Errorf("done %v, pending %v", done, pending)
		}
		if d := l.Time().Sub(begin); d != 3*time.Second || bad.Err() != errBoom {
			t.Errorf("after %v; %v", d, bad)
		}
		return err
	})
}

// Conformance: W-010.
func TestWaitForAllDoesNotFailWhenATaskDoes(t *testing.T) {
	run(t, func(ctx context.Context) error {
		good, bad := sleeper(ctx, 2*time.Second, nil), sleeper(ctx, time.Second, errBoom)
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, good, bad)
		if len(done) != 2 || len(pending) != 0 || bad.Err() != errBoom {
			t.Errorf("done %v, pending %v", done, pending)
		}
		return err
	})
}

// Conformance: W-012.
func TestATaskThatEndsWhenTheTimeIsOverIsDone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := sleeper(ctx, time.Second, nil), sleeper(ctx, 2*time.Second, nil)
		aio.Yield(ctx)
		done, pending, err := aio.WaitTimeout(ctx, time.Second, aio.AllCompleted, a, b)
		if !slices.Equal(done, []*aio.Task[aio.None]{a}) || !slices.Equal(pending, []*aio.Task[aio.None]{b}) {
			t.Errorf("done %v, pending %v", done, pending)
		}
		return err
	})
}

// Conformance: W-013.
func TestWaitTakesWhatAnIteratorGives(t *testing.T) {
	run(t, func(ctx context.Context) error {
		tasks := func(yield func(*aio.Task[aio.None]) bool) {
			for i := range 5 {
				if !yield(sleeper(ctx, time.Duration(i)*time.Second, nil)) {
					return
				}
			}
		}
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, slices.Collect(tasks)...)
		if len(done) != 5 || len(pending) != 0 {
			t.Errorf("done %v, pending %v", done, pending)
		}
		return err
	})
}

// Conformance: W-014.
func TestACancelledWaitLeavesTheTasksRunning(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := sleeper(ctx, time.Second, nil), sleeper(ctx, 5*time.Second, nil)
		var done, pending []*aio.Task[aio.None]
		waiter := aio.Start(ctx, func(ctx context.Context) (err error) {
			done, pending, err = aio.Wait(ctx, aio.AllCompleted, a, b)
			return err
		})
		aio.Sleep(ctx, 2*time.Second)
		waiter.Cancel(errReason)
		_, err := waiter.Await(ctx)
		wantCancelled(t, err, errReason)
		if !waiter.Cancelled() || b.Done() || !slices.Equal(done, []*aio.Task[aio.None]{a}) || !slices.Equal(pending, []*aio.Task[aio.None]{b}) {
			t.Errorf("%v, %v; done %v, pending %v", waiter, b, done, pending)
		}
		_, err = b.Await(ctx)
		return err
	})
}

func TestAFailureSeenOnlyByWaitIsStillReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		_, _, err := aio.Wait(ctx, aio.AllCompleted, sleeper(ctx, time.Second, errBoom))
		return err
	})
	if got := seen.all(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.strings(), err)
	}
}

func TestWaitWithACancelledContextReturnsTheListsAsTheyAre(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := sleeper(ctx, 0, nil), sleeper(ctx, time.Second, nil)
		passes(ctx, 2)
		waiter := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(nil)
			done, pending, err := aio.Wait(ctx, aio.AllCompleted, a, b)
			if !slices.Equal(done, []*aio.Task[aio.None]{a}) || !slices.Equal(pending, []*aio.Task[aio.None]{b}) {
				t.Errorf("done %v, pending %v", done, pending)
			}
			return err
		})
		waiter.Await(ctx)
		if !waiter.Cancelled() || b.Done() {
			t.Errorf("%v, %v", waiter, b)
		}
		return nil
	})
}
