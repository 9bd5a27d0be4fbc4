package aio_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/inspect"
)

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
		f := aio.NewFuture[int](ctx)
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
			f := aio.NewFuture[int](ctx)
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
		f := aio.NewFuture[int](ctx)
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
		f1, f2, f3 := aio.NewFuture[int](l.Context()), aio.NewFuture[int](l.Context()), aio.NewFuture[int](l.Context())
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
		f := aio.NewFuture[int](ctx)
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
		f := aio.NewFuture[int](ctx)
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
			log.Add("inner %v", errors.Is(err, aio.ErrCancelled))
			return err
		}
		task := started(ctx, func(ctx context.Context) error {
			err := inner(ctx)
			log.Add("outer %v", errors.Is(err, aio.ErrCancelled))
			return nil
		})
		task.Cancel(nil)
		_, err := task.Await(ctx)
		log.Want(t, "inner true", "outer true")
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
		if !errors.As(err, &c) || c.By() != "task killer" || !strings.HasPrefix(c.At(), "scope_cancel_test.go:") {
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
		f := aio.NewFuture[int](ctx)
		aio.CreateTask(ctx, f.Await, aio.Name("surprised"))
		aio.Yield(ctx)
		f.Cancel(nil)
		return aio.Yield(ctx)
	})
	if got := seen.Strings(); err != nil || len(got) != 1 || got[0] != "a task ended as cancelled without a request|surprised" {
		t.Errorf("reported: %v, %v", got, err)
	}
}

// Conformance: V-002.
func TestACancelBeatsAResultThatTheTaskHasNotSeen(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
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
			log.Add("inner")
			return err
		})
		outer := started(ctx, func(ctx context.Context) error {
			_, err := inner.Await(ctx)
			log.Add("outer, inner done: %v", inner.Done())
			return err
		})
		outer.Cancel(errReason)
		_, err := outer.Await(ctx)
		wantCancelled(t, err, errReason)
		if !inner.Cancelled() || !outer.Cancelled() {
			t.Errorf("%v, %v", inner, outer)
		}
		log.Want(t, "inner", "outer, inner done: true")
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
		set := aio.NewFuture[int](ctx)
		set.SetResult(2)
		var lock aiosync.Lock
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
			log.Add("cleanup: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
			return err
		})
		task.Cancel(nil)
		aio.Yield(ctx)
		if !task.Cancel(nil) {
			t.Error("the second cancel returned false")
		}
		task.Await(ctx)
		log.Want(t, "cleanup: <nil>")
		return nil
	})
}

func TestATaskThatIgnoresItsCancellationLeavesRoomForOthersAndIsEndedAtLast(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		var cleanup journal
		stubborn := started(ctx, func(ctx context.Context) error {
			defer func() {
				cleanup.Add("freed: %v", aio.Sleep(context.WithoutCancel(ctx), time.Second))
				cleanup.Add("own: %v", errors.Is(aio.Yield(ctx), aio.ErrCancelled))
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
		cleanup.Want(t, "freed: <nil>", "own: true")
		return nil
	})
	if got := seen.Strings(); err != nil || len(got) != 1 || got[0] != "a task ignored the errors of 10000 awaits in a row and was ended|Task-2" {
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
	l := aio.NewLoop(seen.Option())
	var log journal
	task := aio.Start(l.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			defer func() { log.Add("last") }()
			defer func() {
				free := context.WithoutCancel(ctx)
				for range 3 {
					log.Add("%v", errors.Is(aio.Sleep(free, time.Second), aio.ErrCancelled))
				}
				other := aio.CreateTask(ctx, value(1))
				_, err := other.Await(free)
				log.Add("%v", errors.Is(err, aio.ErrCancelled))
				_, err = aio.Gather(ctx, other)
				log.Add("%v", errors.Is(err, aio.ErrCancelled))
			}()
			f := aio.NewFuture[int](l.Context())
			_, err := f.Await(ctx)
			return err
		})
	})
	aio.RunUntilComplete(l, func(ctx context.Context) (aio.None, error) { return aio.None{}, aio.Yield(ctx) })
	l.Close()
	if !task.Done() {
		t.Error("the task did not end")
	}
	log.Want(t, "true", "true", "true", "true", "true", "last")
}

// The contexts in these tests come from anywhere: an outer block, another task, the standard
// library. An await takes them all, and ends when the context does or the innermost block around
// the await, unless the context was freed.

// awaits are the ways to wait that have to treat contexts alike.
var awaits = map[string]func(ctx context.Context) error{
	"Sleep": func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) },
	"Future.Await": func(ctx context.Context) error {
		_, err := aio.NewFuture[int](ctx).Await(ctx)
		return err
	},
	"Task.Await": func(ctx context.Context) error {
		_, err := aio.Start(ctx, forever).Await(ctx)
		return err
	},
	"Gather": func(ctx context.Context) error {
		_, err := aio.Gather(ctx, aio.Start(ctx, forever), aio.Start(ctx, forever))
		return err
	},
	"Wait": func(ctx context.Context) error {
		_, _, err := aio.Wait(ctx, aio.AllCompleted, aio.NewFuture[int](ctx))
		return err
	},
	"AsCompleted": func(ctx context.Context) error {
		for _, err := range aio.AsCompleted(ctx, aio.NewFuture[int](ctx)) {
			return err
		}
		return nil
	},
	"Shield": func(ctx context.Context) error {
		_, err := aio.Shield(ctx, aio.NewFuture[int](ctx))
		return err
	},
	"Waiter": forever,
	"Group": func(ctx context.Context) error {
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(forever)
			return nil
		})
	},
	"Timeout": func(ctx context.Context) error {
		return aio.Timeout(ctx, 2*time.Hour, forever)
	},
	"All": func(ctx context.Context) error {
		_, err := aio.All(ctx, aio.Action(forever), aio.Action(forever))
		return err
	},
}

func eachAwait(t *testing.T, test func(t *testing.T, ctx context.Context, await func(ctx context.Context) error)) {
	for name, await := range awaits {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				test(t, ctx, await)
				return nil
			})
		})
	}
}

func TestAnAwaitInATimeoutBlockWithTheContextFromOutsideIsInterrupted(t *testing.T) {
	eachAwait(t, func(t *testing.T, outer context.Context, await func(ctx context.Context) error) {
		begin := aio.RunningLoop(outer).Time()
		err := aio.Timeout(outer, time.Second, func(context.Context) error { return await(outer) })
		if d := aio.RunningLoop(outer).Time().Sub(begin); !errors.Is(err, context.DeadlineExceeded) || d != time.Second {
			t.Errorf("got %v after %v", err, d)
		}
	})
}

func TestAnAwaitWithTheContextOfAnotherTaskEndsWithEither(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		for _, cancelLender := range []bool{true, false} {
			var lent context.Context
			lender := started(ctx, func(ctx context.Context) error {
				lent = ctx
				return forever(ctx)
			})
			borrower := started(ctx, func(context.Context) error { return await(lent) })
			passes(ctx, 2)
			if cancelLender {
				lender.Cancel(errReason)
			} else {
				borrower.Cancel(errReason)
			}
			_, err := borrower.Await(ctx)
			wantCancelled(t, err, errReason)
			if lender.Done() != cancelLender {
				t.Errorf("the lender is %v", lender)
			}
			lender.Cancel(nil)
			lender.Await(ctx)
			borrower.Err()
		}
	})
}

func TestAFreedContextIsNotInterrupted(t *testing.T) {
	free := map[string]func(ctx context.Context) (context.Context, func()){
		"WithoutCancel": func(ctx context.Context) (context.Context, func()) { return context.WithoutCancel(ctx), func() {} },
		"a value on top": func(ctx context.Context) (context.Context, func()) {
			return context.WithValue(context.WithoutCancel(ctx), key("k"), 1), func() {}
		},
		"std WithTimeout on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			return c, cancel
		},
		"std WithCancel and a value on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := context.WithCancel(context.WithoutCancel(ctx))
			return context.WithValue(c, key("k"), 1), cancel
		},
		"WithTimeout on top": func(ctx context.Context) (context.Context, func()) {
			c, cancel := aio.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			return c, cancel
		},
		"WithTimeout on std WithCancel on top": func(ctx context.Context) (context.Context, func()) {
			std, stop := context.WithCancel(context.WithoutCancel(ctx))
			c, cancel := aio.WithTimeout(std, time.Hour)
			return c, func() { cancel(); stop() }
		},
		"WithCancelCause twice on top": func(ctx context.Context) (context.Context, func()) {
			c1, cancel1 := aio.WithCancelCause(context.WithoutCancel(ctx))
			c2, cancel2 := aio.WithCancelCause(c1)
			return c2, func() { cancel2(nil); cancel1(nil) }
		},
	}
	for name, free := range free {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				task := started(ctx, func(outer context.Context) error {
					return aio.Timeout(outer, time.Second, func(inner context.Context) error {
						for _, ctx := range []context.Context{outer, inner} {
							ctx, cancel := free(ctx)
							if err := aio.Sleep(ctx, time.Minute); err != nil {
								t.Errorf("a sleep over the deadline: %v", err)
							}
							if err := aio.Timeout(ctx, time.Minute, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }); err != nil {
								t.Errorf("a block made from it: %v", err)
							}
							cancel()
						}
						return nil
					})
				})
				aio.Sleep(ctx, 30*time.Second)
				task.Cancel(nil) // the task's own cancellation does not reach it either
				task.Await(ctx)
				return nil
			})
		})
	}
}

func TestAnAwaitInAFreedBlockWithTheContextFromOutsideIsInterrupted(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		task := started(ctx, func(outer context.Context) error {
			return aio.Timeout(context.WithoutCancel(outer), 24*time.Hour, func(context.Context) error { return await(outer) })
		})
		passes(ctx, 2)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
	})
}

func TestContextsOfTheStandardLibraryEndAnyAwait(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		l := aio.RunningLoop(ctx)
		for range 2 {
			std, cancel := context.WithCancelCause(context.WithValue(ctx, key("k"), "v"))
			std = context.WithValue(std, key("k2"), "v2")
			task := started(ctx, func(context.Context) error { return await(std) })
			passes(ctx, 2)
			l.ExpectPosts(1) // the cancellation comes through a goroutine of package context
			task.AddDoneCallback(func() { l.ExpectPosts(-1) })
			cancel(errReason)
			_, err := task.Await(ctx)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, errReason) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestADeadlineOfTheStandardLibraryEndsAnAwaitAsATimeOut(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		std, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		return forever(std)
	})
	var te *aio.TimeoutError
	if !errors.As(err, &te) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) {
		t.Errorf("got %v", err)
	}
}

func TestCancellingATaskReachesTheContextsMadeFromItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var std, later context.Context
		before := runtime.NumGoroutine()
		task := started(ctx, func(ctx context.Context) error {
			std = ctx
			for range 10 {
				child, cancel := context.WithCancel(std)
				defer cancel()
				std = child
			}
			if n := runtime.NumGoroutine(); n > before+1 { // the task itself
				t.Errorf("%d goroutines for ten contexts", n-before-1)
			}
			err := forever(std)
			if std.Err() != context.Canceled || !errors.Is(context.Cause(std), errReason) {
				t.Errorf("the context has %v because of %v", std.Err(), context.Cause(std))
			}
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			later = child
			return err
		})
		task.Cancel(errReason)
		if std.Err() == nil { // at once, before any task runs
			t.Error("the cancellation has not reached the context")
		}
		task.Await(ctx)
		if later.Err() != context.Canceled || !errors.Is(context.Cause(later), errReason) {
			t.Errorf("a context made afterwards has %v because of %v", later.Err(), context.Cause(later))
		}
		return nil
	})
}

func TestTheContextOfAFinishedTaskServesAnyGoroutineForEver(t *testing.T) {
	var kept context.Context
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("k"), "v")
		_, err := aio.Start(ctx, func(ctx context.Context) error { kept = ctx; return nil }).Await(ctx)
		return err
	})
	var goroutines sync.WaitGroup
	for range 4 {
		goroutines.Go(func() {
			child, cancel := context.WithCancel(kept)
			if kept.Err() != nil || child.Err() != nil || kept.Value(key("k")) != "v" || context.Cause(kept) != nil {
				t.Errorf("it has %v, %v, %v", kept.Err(), child.Err(), kept.Value(key("k")))
			}
			if _, ok := kept.Deadline(); ok {
				t.Error("it has a deadline")
			}
			select {
			case <-kept.Done():
				t.Error("it is done")
			default:
			}
			cancel()
			<-child.Done()
			_ = kept.(interface{ String() string }).String()
		})
	}
	goroutines.Wait()
}

func TestAContextIsSafeOnOtherGoroutinesWhileItsTaskIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for range 50 {
			var lent context.Context
			task := started(ctx, func(ctx context.Context) error {
				lent = ctx
				return forever(ctx)
			})
			var goroutines sync.WaitGroup
			for range 3 {
				goroutines.Go(func() {
					<-lent.Done()
					if lent.Err() != context.Canceled || !errors.Is(context.Cause(lent), errReason) {
						t.Errorf("it has %v because of %v", lent.Err(), context.Cause(lent))
					}
				})
			}
			task.Cancel(errReason)
			goroutines.Wait()
			task.Await(ctx)
		}
		return nil
	})
}

func TestAContextWithItsOwnCancelFollowsTheLoopsClock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		limited, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		if at, ok := limited.Deadline(); !ok || !at.Equal(l.Time().Add(time.Second)) {
			t.Errorf("its deadline is %v", at)
		}
		err := forever(limited)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) || limited.Err() != context.DeadlineExceeded {
			t.Errorf("got %v, the context has %v", err, limited.Err())
		}
		early, cancel := aio.WithTimeout(ctx, time.Second)
		cancel()
		wantCancelled(t, forever(early), nil)
		return aio.Sleep(ctx, time.Minute) // its timer has no effect on others
	})
}

func TestCancelFunctionsWorkOnAnyGoroutine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		own, cancel := aio.WithCancelCause(ctx)
		task := started(ctx, func(context.Context) error { return forever(own) })
		err := aio.Blocking(ctx, func(context.Context) error {
			cancel(errReason)
			if own.Err() != context.Canceled || !errors.Is(context.Cause(own), errReason) {
				t.Errorf("right after cancel it has %v because of %v", own.Err(), context.Cause(own))
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestAnAwaitOnAnotherGoroutinePanicsWithTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := gate(ctx)
		elsewhere := func(op string, await func()) {
			t.Helper()
			var v any
			done := make(chan struct{})
			go func() {
				defer close(done)
				v = panicOf(await)
			}()
			<-done
			wantPanic(t, func() { panic(v) }, "aio: "+op+": called from a goroutine that is not the loop's", "ToThread", "Submit")
		}
		std, cancel := context.WithCancel(ctx)
		defer cancel()
		for _, ctx := range []context.Context{ctx, std, context.WithoutCancel(ctx), aio.RunningLoop(ctx).Context()} {
			elsewhere("Sleep", func() { aio.Sleep(ctx, time.Second) })
			elsewhere("Yield", func() { aio.Yield(ctx) })
			elsewhere("Future.Await", func() { f.Await(ctx) })
			elsewhere("Gather", func() { aio.Gather(ctx, f) })
			elsewhere("Group", func() { aio.Group(ctx, nil) })
			elsewhere("Timeout", func() { aio.Timeout(ctx, time.Second, nil) })
			elsewhere("Gate.Pass", func() { aio.NewWaiter(ctx, "Gate.Pass", nil) })
		}
		return aio.Blocking(ctx, func(ctx context.Context) error {
			wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called in a function of ToThread")
			return nil
		})
	}, strict)
}

func TestAnAwaitInACallbackPanicsWithTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			wantPanic(t, func() { aio.Sleep(l.Context(), time.Second) }, "aio: Sleep: called from a callback", "CreateTask")
			wantPanic(t, func() { aio.Yield(ctx) }, "aio: Yield: called from a callback")
		})
		return aio.Yield(ctx)
	})
}

func TestAnIteratorOfTheUsersOwnMayAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		ticks := func(yield func(int) bool) {
			defer func() { log.Add("cleanup: %v", aio.Yield(ctx)) }()
			for i := range 3 {
				if err := aio.Sleep(ctx, time.Second); err != nil || !yield(i) {
					log.Add("stopped: %v", err)
					return
				}
			}
		}
		other := aio.Start(ctx, func(ctx context.Context) error {
			for range 2 {
				aio.Sleep(ctx, 1500*time.Millisecond)
				log.Add("other")
			}
			return nil
		})
		next, stop := iter.Pull(ticks)
		for range 2 {
			v, ok := next()
			log.Add("%d %v", v, ok)
			aio.Yield(ctx)
		}
		stop()
		other.Await(ctx)
		log.Want(t, "0 true", "other", "1 true", "stopped: <nil>", "cleanup: <nil>", "other")
		return nil
	})
}

func TestAnIteratorThatAwaitsIsInterruptedWithItsTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			var err error
			next, stop := iter.Pull(func(yield func(int) bool) { err = forever(ctx) })
			defer stop()
			next()
			return err
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestABlockInAnIteratorThatOutlivesTheBlockAroundItIsCancelledWithTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error {
			next, stop := iter.Pull(func(yield func(int) bool) {
				_ = aio.Timeout(ctx, time.Hour, func(context.Context) error {
					yield(1)
					return nil
				})
			})
			defer stop()
			_ = aio.Timeout(ctx, time.Minute, func(context.Context) error {
				next() // the hour begins inside the minute and goes on after it
				return nil
			})
			return forever(ctx)
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestABlockInAnIteratorThatOutlivesAFreedBlockLeavesTheTaskCancellable(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var inside error
		task := started(ctx, func(ctx context.Context) error {
			next, stop := iter.Pull(func(yield func(int) bool) {
				free := context.WithoutCancel(ctx)
				_ = aio.Timeout(free, time.Hour, func(block context.Context) error {
					yield(1)
					inside = aio.Sleep(block, time.Second)
					return nil
				})
			})
			defer stop()
			_ = aio.Timeout(context.WithoutCancel(ctx), time.Minute, func(context.Context) error {
				next()
				return nil
			})
			return forever(ctx)
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if inside != nil {
			t.Errorf("the freed block inside the iterator ended with %v", inside)
		}
		return nil
	})
}

func TestTheAmbientContextAwaitsForWhateverTaskRuns(t *testing.T) {
	eachAwait(t, func(t *testing.T, ctx context.Context, await func(ctx context.Context) error) {
		ambient := aio.RunningLoop(ctx).Context()
		task := started(ctx, func(context.Context) error { return await(context.WithValue(ambient, key("k"), 1)) })
		passes(ctx, 2)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
	})
}

func TestContextsOfTheStandardLibraryBelowATaskNeedNoGoroutine(t *testing.T) {
	run(t, func(ctx context.Context) error {
		before := runtime.NumGoroutine()
		for range 100 {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			grandchild, cancel := context.WithTimeout(context.WithValue(child, runKey{}, 1), time.Hour)
			defer cancel()
			<-closedChannel // a goroutine of a context, if it had one, would start now
			if grandchild.Err() != nil {
				t.Error(grandchild.Err())
			}
		}
		if n := runtime.NumGoroutine(); n > before { // fewer: some of an earlier test were still ending
			t.Errorf("%d goroutines were started", n-before)
		}
		return nil
	})
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func TestTheCauseOfACancellationIsSeenThroughContextsOfTheStandardLibrary(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, early := range []bool{true, false} {
			task := aio.Start(ctx, func(ctx context.Context) error {
				var child context.Context
				if early {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					child = c
				}
				err := forever(ctx)
				if !early {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					child = c
				}
				for _, c := range []context.Context{ctx, child} {
					if cause := context.Cause(c); !errors.Is(cause, errBoom) || !errors.Is(cause, aio.ErrCancelled) || c.Err() != context.Canceled {
						t.Errorf("the cause is %v, the error %v", cause, c.Err())
					}
				}
				return err
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			task.Cancel(errBoom)
			if err := aio.Yield(ctx); err != nil || !task.Cancelled() {
				t.Errorf("%v, %v", err, task)
			}
		}
		return nil
	})
}

func TestInTaskKnowsWhoMayAwait(t *testing.T) {
	if aio.InTask(t.Context()) {
		t.Error("without a loop")
	}
	run(t, func(ctx context.Context) error {
		if !aio.InTask(ctx) || !aio.InTask(aio.RunningLoop(ctx).Context()) {
			t.Error("not in a task")
		}
		next, stop := iter.Pull(func(yield func(bool) bool) { yield(aio.InTask(ctx)) })
		defer stop()
		if in, _ := next(); !in {
			t.Error("not in an iterator of a task")
		}
		in, err := aio.ToThread(ctx, func(thread context.Context) (bool, error) {
			return aio.InTask(ctx) || aio.InTask(thread), nil
		})
		if in || err != nil {
			t.Error("on a goroutine: ", in, err)
		}
		called := aio.NewFuture[bool](ctx)
		aio.RunningLoop(ctx).CallSoon(func() { called.SetResult(aio.InTask(ctx)) })
		in, err = called.Await(ctx)
		if in || err != nil {
			t.Error("in a callback: ", in, err)
		}
		return nil
	})
}

// A task may end its context when its work is done, for those who keep it. Its outcome stays.
func TestAContextThatEndsWithItsTaskIsNoCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for name, want := range map[string]error{"a value": nil, "an error": errors.New("oops")} {
			var kept, derived, limited context.Context
			task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
				kept = ctx
				var cancel context.CancelFunc
				derived, cancel = context.WithCancel(ctx)
				defer cancel()
				limited, cancel = aio.WithTimeout(ctx, time.Hour)
				defer cancel()
				inspect.EndContext(ctx)
				if derived.Err() == nil || limited.Err() == nil {
					t.Errorf("%s: a context derived from it has not ended", name)
				}
				return 7, want
			})
			v, err := task.Await(ctx)
			if err == nil && v != 7 || err != want || task.Cancelled() {
				t.Errorf("%s: %d, %v, cancelled: %v", name, v, err, task.Cancelled())
			}
			later, cancel := context.WithCancel(kept)
			defer cancel()
			for _, c := range []context.Context{kept, later, derived} {
				select {
				case <-c.Done():
				default:
					t.Errorf("%s: %v is not done", name, c)
				}
				if c.Err() != context.Canceled || context.Cause(c) != context.Canceled {
					t.Errorf("%s: %v, %v", name, c.Err(), context.Cause(c))
				}
			}
		}
		return nil
	})
}
