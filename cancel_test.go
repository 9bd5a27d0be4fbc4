package aio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// started makes a task and lets it come to its first await.
func started(ctx context.Context, fn func(ctx context.Context) error) *aio.Task[aio.None] {
	task := aio.Start(ctx, fn)
	aio.Yield(ctx)
	return task
}

// wantCancelled fails the test unless err is a cancellation with the cause given.
func wantCancelled(t *testing.T, err, cause error) {
	t.Helper()
	var c *aio.CancelledError
	switch {
	case !errors.As(err, &c), !errors.Is(err, aio.ErrCancelled), !errors.Is(err, context.Canceled):
		t.Errorf("got %v, want a cancellation", err)
	case c.Cause != cause:
		t.Errorf("the cause is %v, want %v", c.Cause, cause)
	}
}

var errReason = errors.New("the reason")

// Conformance: CA-001, CA-013.
func TestCancellingASleepingTaskEndsItAtThatMoment(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begin := l.Time()
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, 10*time.Second) })
		l.CallLater(time.Second, func() {
			if !task.Cancel(nil) {
				t.Error("cancel returned false")
			}
		})
		_, err := task.Await(ctx)
		wantCancelled(t, err, nil)
		if d := l.Time().Sub(begin); d != time.Second {
			t.Errorf("the awaiter saw it after %v", d)
		}
		if !task.Done() || !task.Cancelled() || task.Cancel(nil) {
			t.Errorf("afterwards: %v", task)
		}
		return nil
	})
}

// Conformance: CA-002, V-021.
func TestACancelledTaskStopsAtTheNextZeroSleep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		rounds := 0
		task := aio.Start(ctx, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
				rounds++
			}
		})
		for range 3 {
			aio.Yield(ctx)
		}
		before := rounds
		task.Cancel(nil)
		task.Await(ctx)
		if !task.Cancelled() || rounds != before {
			t.Errorf("%d rounds after the cancel; %v", rounds-before, task)
		}
		return nil
	})
}

// Conformance: CA-003, CA-022.
func TestATaskCancelledBeforeItsFirstStepNeverRuns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error {
			t.Error("it ran")
			return nil
		})
		task.Cancel(errReason)
		done, _, err := aio.Wait(ctx, aio.AllCompleted, task)
		if err != nil || len(done) != 1 || !task.Cancelled() {
			t.Errorf("wait: %v, %v; %v", done, err, task)
		}
		wantCancelled(t, task.Err(), errReason)
		return nil
	})
}

// Conformance: CA-004.
func TestATaskEndsAsCancelledWhenTheFutureItAwaitsIs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		task := aio.CreateTask(ctx, f.Await)
		aio.Yield(ctx)
		f.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !task.Cancelled() {
			t.Error(task)
		}
		return nil
	})
}

// Conformance: CA-005.
func TestCancellingATaskAndItsFutureInTheSamePassCancelsOnce(t *testing.T) {
	for _, futureFirst := range []bool{true, false} {
		run(t, func(ctx context.Context) error {
			f := aio.NewFuture[int](aio.RunningLoop(ctx))
			seen := 0
			task := started(ctx, func(ctx context.Context) error {
				_, err := f.Await(ctx)
				seen++
				return err
			})
			if futureFirst {
				f.Cancel(nil)
				task.Cancel(nil)
			} else {
				task.Cancel(nil)
				f.Cancel(nil)
			}
			task.Await(ctx)
			if !task.Cancelled() || !f.Cancelled() || seen != 1 {
				t.Errorf("%v, %v; seen %d times", task, f, seen)
			}
			return nil
		})
	}
}

// Conformance: CA-006, CA-011.
func TestAValueReturnedAfterTheCancellationWins(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			_, err := f.Await(ctx)
			wantCancelled(t, err, nil)
			return 42, nil
		})
		aio.Yield(ctx)
		task.Cancel(nil)
		v, err := task.Await(ctx)
		if v != 42 || task.Cancelled() || !f.Cancelled() {
			t.Errorf("got %d; %v; %v", v, task, f)
		}
		return err
	})
}

// Conformance: CA-007.
func TestAfterACancellationOnlyAFreedContextCanWait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		f1, f2, f3 := aio.NewFuture[int](l), aio.NewFuture[int](l), aio.NewFuture[int](l)
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			_, err := f1.Await(ctx)
			wantCancelled(t, err, nil)
			_, err = f2.Await(ctx) // its own context stays cancelled
			wantCancelled(t, err, nil)
			return f3.Await(context.WithoutCancel(ctx))
		})
		aio.Yield(ctx)
		task.Cancel(nil)
		aio.Yield(ctx)
		if task.Done() {
			t.Error("the task did not wait with the freed context")
		}
		aio.Yield(ctx)
		f3.SetResult(7)
		v, err := task.Await(ctx)
		if v != 7 || task.Cancelled() {
			t.Errorf("got %d; %v", v, task)
		}
		return err
	})
}

// Conformance: CA-009.
func TestACancelThatNoAwaitNoticedDropsTheValue(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			aio.CurrentTask(ctx).Cancel(errReason)
			return 42, nil
		})
		v, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if v != 0 || !task.Cancelled() {
			t.Errorf("got %d; %v", v, task)
		}
		return nil
	})
}

// Conformance: CA-010.
func TestATaskThatCancelledItselfCancelsWhatItThenAwaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		nested := aio.CreateTask(ctx, f.Await)
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			aio.CurrentTask(ctx).Cancel(errReason)
			return nested.Await(ctx)
		})
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !task.Cancelled() || !nested.Cancelled() || !f.Cancelled() {
			t.Errorf("%v, %v, %v", task, nested, f)
		}
		return nil
	})
}

func TestADoneCallbackIsNoReasonToDetachFromACancelledAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		f.AddDoneCallback(func() {})
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			aio.CurrentTask(ctx).Cancel(nil)
			return f.Await(ctx)
		})
		task.Await(ctx)
		if !f.Cancelled() {
			t.Error("the only waiter was cancelled, the future was not")
		}
		return nil
	})
}

// Conformance: CA-012.
func TestTheInnerFunctionSeesTheCancellationBeforeTheOuter(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		inner := func(ctx context.Context) error {
			err := forever(ctx)
			log.add("inner %v", errors.Is(err, aio.ErrCancelled))
			return err
		}
		task := started(ctx, func(ctx context.Context) error {
			err := inner(ctx)
			log.add("outer %v", errors.Is(err, aio.ErrCancelled))
			return nil
		})
		task.Cancel(nil)
		_, err := task.Await(ctx)
		log.want(t, "inner true", "outer true")
		return err
	})
}

// Conformance: CA-014, CA-015.
func TestASecondCancelIsAcceptedToo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			if ctx.Err() != nil {
				t.Error("a cancel is requested before anybody asked")
			}
			err := forever(ctx)
			if ctx.Err() != context.Canceled {
				t.Errorf("afterwards ctx.Err() is %v", ctx.Err())
			}
			return err
		})
		if !task.Cancel(errReason) || !task.Cancel(errBoom) {
			t.Error("cancel returned false")
		}
		if !strings.Contains(task.String(), "cancelling") {
			t.Errorf("the text is %v", task)
		}
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

// Conformance: CA-016, CA-017, CA-019.
func TestABlockOfItsOwnCanBeCancelledWithoutTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				err := aio.Timeout(ctx, time.Second, forever)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the block returned %v", err)
				}
				if ctx.Err() != nil {
					t.Error("the task's context is cancelled after the block")
				}
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			inner, cancel := aio.WithCancelCause(ctx)
			cancel(errReason)
			wantCancelled(t, aio.Yield(inner), errReason)
			// What was cancelled and never awaited leaves no mark.
			_, cancel = aio.WithCancelCause(ctx)
			cancel(errReason)
			return aio.Yield(ctx)
		})
		_, err := task.Await(ctx)
		if task.Cancelled() {
			t.Error(task)
		}
		return err
	})
}

// Conformance: CA-018.
func TestABlockThatEndsInTimeLeavesNoRequest(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
		if err != nil || ctx.Err() != nil {
			t.Errorf("the block returned %v, ctx.Err() is %v", err, ctx.Err())
		}
		return aio.Sleep(ctx, 10*time.Second)
	})
}

// Conformance: CA-020, CA-021, CA-023.
func TestTheReasonOfACancelReachesEverybody(t *testing.T) {
	type reasonType struct{ error }
	for _, reason := range []error{errReason, reasonType{errBoom}, nil} {
		run(t, func(ctx context.Context) error {
			task := started(ctx, func(ctx context.Context) error {
				if context.Cause(ctx) != nil {
					t.Error("there is a cause before the cancel")
				}
				err := forever(ctx)
				wantCancelled(t, context.Cause(ctx), reason)
				return err
			})
			task.Cancel(reason)
			_, err := task.Await(ctx)
			wantCancelled(t, err, reason)
			_, err = task.Result()
			wantCancelled(t, err, reason)
			wantCancelled(t, task.Err(), reason)
			if reason != nil && !errors.Is(err, reason) {
				t.Errorf("%v does not match its reason", err)
			}
			return nil
		})
	}
}

// Conformance: CA-024.
func TestAnErrorMadeOfACancellationKeepsItsReason(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := started(ctx, forever)
		outer := aio.Start(ctx, func(ctx context.Context) error {
			_, err := inner.Await(ctx)
			return &wrapped{err}
		})
		aio.Yield(ctx)
		inner.Cancel(errReason)
		_, err := outer.Await(ctx)
		var w *wrapped
		var c *aio.CancelledError
		if !errors.As(err, &w) || !errors.As(err, &c) || c.Cause != errReason {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

type wrapped struct{ err error }

func (w *wrapped) Error() string        { return "wrapped: " + w.err.Error() }
func (w *wrapped) Unwrap() error        { return w.err }
func (w *wrapped) Is(target error) bool { return target == errBoom }

// Conformance: CA-025 (design D3: the error names who asked and where).
func TestACancellationTellsWhoAskedAndWhere(t *testing.T) {
	run(t, func(ctx context.Context) error {
		victim := started(ctx, forever)
		aio.Start(ctx, func(context.Context) error {
			victim.Cancel(errReason)
			return nil
		}, aio.Name("killer"))
		_, err := victim.Await(ctx)
		var c *aio.CancelledError
		if !errors.As(err, &c) || c.By() != "task killer" || !strings.HasPrefix(c.At(), "cancel_test.go:") {
			t.Errorf("by %q at %q", c.By(), c.At())
		}
		if text := err.Error(); !strings.Contains(text, "task killer") || !strings.Contains(text, "the reason") {
			t.Errorf("the text is %q", text)
		}
		return nil
	})
}

// Conformance: CA-026.
func TestAPanicInACancelHandlerComesOutOfRun(t *testing.T) {
	var task *aio.Task[aio.None]
	v := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			task = started(ctx, func(ctx context.Context) error {
				forever(ctx)
				panic("exit")
			})
			task.Cancel(nil)
			_, err := task.Await(ctx)
			return err
		})
	})
	if p, ok := v.(*aio.PanicError); !ok || p.Value != "exit" {
		t.Fatalf("Run raised %v", v)
	}
	if !task.Done() || task.Cancelled() || task.Err() == nil {
		t.Errorf("afterwards: %v", task)
	}
}

// Conformance: V-001.
func TestATaskThatReturnsACancellationByItselfCountsAsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return &aio.CancelledError{Cause: errReason} })
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !task.Cancelled() {
			t.Error(task)
		}
		return nil
	})
}

func TestWhatCountsAsACancelledTask(t *testing.T) {
	cancelledErr := &aio.CancelledError{}
	cases := []struct {
		name      string
		err       error
		requested bool
		cancelled bool
	}{
		{"a CancelledError", cancelledErr, false, true},
		{"a wrapped one", &wrapped{cancelledErr}, false, true},
		{"joined with another error", errors.Join(cancelledErr, errBoom), false, false},
		{"inside a time-out", &aio.TimeoutError{Err: cancelledErr}, false, false},
		{"bare context.Canceled without a request", context.Canceled, false, false},
		{"bare context.Canceled after a request", context.Canceled, true, true},
		{"another error after a request", errBoom, true, false},
		{"context.DeadlineExceeded after a request", context.DeadlineExceeded, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				task := started(ctx, func(ctx context.Context) error {
					if c.requested {
						forever(ctx)
					}
					return c.err
				})
				if c.requested {
					task.Cancel(nil)
				}
				if _, err := task.Await(ctx); err == nil || task.Cancelled() != c.cancelled {
					t.Errorf("the error is %v, cancelled: %v", err, task.Cancelled())
				}
				return nil
			})
		})
	}
}

func TestACancelledOutcomeThatNobodyAskedForIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		aio.CreateTask(ctx, f.Await, aio.Name("surprised"))
		aio.Yield(ctx)
		f.Cancel(nil)
		return aio.Yield(ctx)
	})
	if got := seen.strings(); err != nil || len(got) != 1 || got[0] != "a task ended as cancelled, which nobody had asked for|surprised" {
		t.Errorf("reported: %v, %v", got, err)
	}
}

// Conformance: V-002.
func TestACancelBeatsAResultThatTheTaskHasNotSeen(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		task := aio.CreateTask(ctx, f.Await)
		aio.Yield(ctx)
		f.SetResult(1)
		if !task.Cancel(nil) {
			t.Error("cancel returned false")
		}
		task.Await(ctx)
		if v, err := f.Result(); !task.Cancelled() || v != 1 || err != nil {
			t.Errorf("%v; the future has %d, %v", task, v, err)
		}
		return nil
	})
}

// Conformance: V-003.
func TestCancellingATaskThatAwaitsAnotherCancelsBoth(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		inner := aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			log.add("inner")
			return err
		})
		outer := started(ctx, func(ctx context.Context) error {
			_, err := inner.Await(ctx)
			log.add("outer, inner done: %v", inner.Done())
			return err
		})
		outer.Cancel(errReason)
		_, err := outer.Await(ctx)
		wantCancelled(t, err, errReason)
		if !inner.Cancelled() || !outer.Cancelled() {
			t.Errorf("%v, %v", inner, outer)
		}
		log.want(t, "inner", "outer, inner done: true")
		return nil
	})
}

// Conformance: V-004 (design D3: with other waiters a cancelled one only detaches).
func TestCancellingOneOfTwoWaitersLeavesTheSharedTaskAlone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 5, aio.Sleep(ctx, time.Second) })
		first := aio.CreateTask(ctx, shared.Await)
		second := aio.CreateTask(ctx, shared.Await)
		aio.Yield(ctx)
		first.Cancel(nil)
		first.Await(ctx)
		if !first.Cancelled() || shared.Done() {
			t.Errorf("%v, %v", first, shared)
		}
		v, err := second.Await(ctx)
		if v != 5 {
			t.Errorf("the second got %d", v)
		}
		return err
	})
}

func TestTheAnswerOfAnAwaitedTaskToACancelIsPassedOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			forever(ctx)
			return "partial", nil
		})
		outer := aio.CreateTask(ctx, inner.Await)
		aio.Yield(ctx)
		outer.Cancel(nil)
		v, err := outer.Await(ctx)
		if v != "partial" || outer.Cancelled() {
			t.Errorf("got %q; %v", v, outer)
		}
		return err
	})
}

// Conformance: V-022.
func TestFastPathsDoNotLookAtThePendingCancel(t *testing.T) {
	run(t, func(ctx context.Context) error {
		finished := aio.CreateTask(ctx, value(1))
		set := aio.NewFuture[int](aio.RunningLoop(ctx))
		set.SetResult(2)
		var lock aio.Lock
		task := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(nil)
			if v, err := finished.Await(ctx); v != 1 || err != nil {
				t.Errorf("a finished task: %d, %v", v, err)
			}
			if v, err := set.Await(ctx); v != 2 || err != nil {
				t.Errorf("a future with a value: %d, %v", v, err)
			}
			if v, err := aio.Shield(ctx, finished); v != 1 || err != nil {
				t.Errorf("a shielded finished task: %d, %v", v, err)
			}
			if err := lock.Acquire(ctx); err != nil {
				t.Errorf("a free lock: %v", err)
			}
			err := aio.Yield(ctx)
			wantCancelled(t, err, nil)
			return err
		})
		task.Await(ctx)
		if !task.Cancelled() {
			t.Error(task)
		}
		return nil
	})
}

// Conformance: V-023.
func TestASecondCancelDoesNotDisturbTheCleanup(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		task := started(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			log.add("cleanup: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
			return err
		})
		task.Cancel(nil)
		aio.Yield(ctx)
		if !task.Cancel(nil) {
			t.Error("the second cancel returned false")
		}
		task.Await(ctx)
		log.want(t, "cleanup: <nil>")
		return nil
	})
}

func TestATaskThatIgnoresItsCancellationLeavesRoomForOthersAndIsEndedAtLast(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		var cleanup journal
		stubborn := started(ctx, func(ctx context.Context) error {
			defer func() {
				cleanup.add("freed: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
				cleanup.add("own: %v", errors.Is(aio.Yield(ctx), aio.ErrCancelled))
			}()
			for {
				aio.Yield(ctx)
			}
		})
		stubborn.Cancel(nil)
		if err := aio.Sleep(ctx, time.Second); err != nil { // the loop is not frozen
			return err
		}
		stubborn.Await(ctx)
		if !stubborn.Cancelled() {
			t.Error(stubborn)
		}
		cleanup.want(t, "freed: <nil>", "own: true")
		return nil
	})
	if got := seen.strings(); err != nil || len(got) != 1 || got[0] != "a task ignored the errors of 10000 awaits in a row and was ended|Task-2" {
		t.Errorf("reported: %v, %v", got, err)
	}
}

func TestCleanupMayFailAtSeveralAwaitsWithoutBeingTakenForStubborn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			for range 5 { // five steps of a cleanup, none of which can wait any more
				if !errors.Is(aio.Yield(ctx), aio.ErrCancelled) {
					t.Error("an await with the cancelled context did not fail")
				}
			}
			return err
		})
		return aio.Yield(ctx)
	})
}

func TestCloseEndsATaskWhoseCleanupAwaitsManyTimes(t *testing.T) {
	var seen reports
	l := aio.NewLoop(seen.option())
	var log journal
	task := aio.Start(l.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			defer func() { log.add("last") }()
			defer func() {
				free := context.WithoutCancel(ctx)
				for range 3 {
					log.add("%v", errors.Is(aio.Sleep(free, time.Second), aio.ErrCancelled))
				}
				other := aio.CreateTask(ctx, value(1))
				_, err := other.Await(free)
				log.add("%v", errors.Is(err, aio.ErrCancelled))
				_, err = aio.Gather(ctx, other)
				log.add("%v", errors.Is(err, aio.ErrCancelled))
			}()
			f := aio.NewFuture[int](l)
			_, err := f.Await(ctx)
			return err
		})
	})
	aio.RunUntilComplete(l, func(ctx context.Context) (aio.None, error) { return aio.None{}, aio.Yield(ctx) })
	l.Close()
	if !task.Done() {
		t.Error("the task did not end")
	}
	log.want(t, "true", "true", "true", "true", "true", "last")
}
