package aio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Conformance: F-001, F-002.
func TestACancelledFutureIsDoneAndTakesNothingMore(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		if f.Done() || f.Cancelled() {
			t.Errorf("a new future is %v", f)
		}
		if !f.Cancel(errReason) || !f.Done() || !f.Cancelled() {
			t.Errorf("after cancel it is %v", f)
		}
		_, err := f.Result()
		wantCancelled(t, err, errReason)
		wantCancelled(t, f.Err(), errReason)
		if !errors.Is(f.SetResult(1), aio.ErrInvalidState) || !errors.Is(f.SetError(errBoom), aio.ErrInvalidState) || f.Cancel(nil) {
			t.Error("a cancelled future took something")
		}
		return nil
	})
}

// Conformance: F-003.
func TestAFutureHasItsValueOnceItIsSetAndOnlyThen(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		if _, err := f.Result(); !errors.Is(err, aio.ErrInvalidState) || !errors.Is(f.Err(), aio.ErrInvalidState) {
			t.Errorf("while pending: %v", err)
		}
		if err := f.SetResult(42); err != nil {
			return err
		}
		if v, err := f.Result(); v != 42 || err != nil || f.Err() != nil {
			t.Errorf("got %d, %v, %v", v, err, f.Err())
		}
		if !errors.Is(f.SetResult(1), aio.ErrInvalidState) || !errors.Is(f.SetError(errBoom), aio.ErrInvalidState) || f.Cancel(nil) {
			t.Error("a finished future took something")
		}
		return nil
	})
}

// Conformance: F-004.
func TestAFutureHasItsError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		wantPanic(t, func() { f.SetError(nil) }, "aio: Future.SetError: the error is nil")
		if err := f.SetError(errBoom); err != nil {
			return err
		}
		if _, err := f.Result(); err != errBoom || f.Err() != errBoom || f.Cancelled() {
			t.Errorf("got %v, %v", err, f)
		}
		if !errors.Is(f.SetError(errReason), aio.ErrInvalidState) {
			t.Error("it took a second error")
		}
		return nil
	})
}

// Conformance: F-007.
func TestAFinishedFutureIsAwaitedWithoutSuspending(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[string](ctx)
		aio.RunningLoop(ctx).CallSoon(func() { f.SetResult("v") })
		ran := false
		for range 2 {
			v, err := f.Await(ctx)
			if v != "v" || err != nil || ran {
				t.Errorf("got %q, %v; others ran: %v", v, err, ran)
			}
			aio.RunningLoop(ctx).CallSoon(func() { ran = true })
		}
		return nil
	})
}

// Conformance: F-008, F-009.
func TestDoneCallbacksRunInOrderAfterControlReturnsToTheLoop(t *testing.T) {
	for name, set := range map[string]func(f *aio.Future[int]){
		"value":  func(f *aio.Future[int]) { f.SetResult(1) },
		"error":  func(f *aio.Future[int]) { f.SetError(errBoom); f.Err() },
		"cancel": func(f *aio.Future[int]) { f.Cancel(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var log journal
				f := aio.NewFuture[int](ctx)
				f.AddDoneCallback(func() { log.Add("1") })
				f.AddDoneCallback(func() { log.Add("2") })
				set(f)
				log.Add("set")
				err := aio.Yield(ctx)
				log.Want(t, "set", "1", "2")
				return err
			})
		})
	}
}

// Conformance: F-010, F-011, F-012.
func TestRemovedCallbacksDoNotRun(t *testing.T) {
	for _, c := range []struct {
		remove []int
		want   []string
	}{
		{[]int{0, 0}, []string{"b", "c"}},
		{[]int{0, 1}, []string{"c"}},
		{[]int{2}, []string{"a", "b"}},
		{[]int{0, 1, 2}, nil},
	} {
		run(t, func(ctx context.Context) error {
			var log journal
			f := aio.NewFuture[int](ctx)
			var tokens []func() bool
			for _, name := range []string{"a", "b", "c"} {
				tokens = append(tokens, f.AddDoneCallback(func() { log.Add("%s", name) }))
			}
			removed := map[int]bool{}
			for _, i := range c.remove {
				if got := tokens[i](); got == removed[i] {
					t.Errorf("removing %d returned %v", i, got)
				}
				removed[i] = true
			}
			f.SetResult(1)
			err := aio.Yield(ctx)
			log.Want(t, c.want...)
			return err
		})
	}
}

// Conformance: F-013.
func TestEachTokenRemovesItsOwnEntry(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		calls := 0
		callback := func() { calls++ }
		var tokens []func() bool
		for range 6 {
			tokens = append(tokens, f.AddDoneCallback(callback))
		}
		count := func() (n int) {
			for _, token := range tokens {
				if token() {
					n++
				}
			}
			return n
		}
		if first, second := count(), count(); first != 6 || second != 0 {
			t.Errorf("removed %d, then %d", first, second)
		}
		f.SetResult(1)
		err := aio.Yield(ctx)
		if calls != 0 {
			t.Errorf("%d removed callbacks ran", calls)
		}
		return err
	})
}

// Conformance: F-014.
func TestACallbackThatRemovesOthersSkipsNone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		f := aio.NewFuture[int](ctx)
		var tokens []func() bool
		f.AddDoneCallback(func() {
			for _, token := range tokens {
				log.Add("first: %v", token()) // they are on their way already
			}
		})
		for _, name := range []string{"second", "third"} {
			tokens = append(tokens, f.AddDoneCallback(func() { log.Add("%s", name) }))
		}
		f.SetResult(1)
		err := aio.Yield(ctx)
		log.Want(t, "first: false", "first: false", "second", "third")
		return err
	})
}

// Conformance: F-016.
func TestAnOutcomeCanBeCopiedToAnotherFuture(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 3)
		fs[0].SetResult(10)
		fs[1].SetError(errBoom)
		fs[2].Cancel(errReason)
		for _, f := range fs {
			task := aio.CreateTask(ctx, f.Await)
			v, err := task.Await(ctx)
			want, wantErr := f.Result()
			if v != want || err != wantErr || task.Cancelled() != f.Cancelled() {
				t.Errorf("%v was copied to %v", f, task)
			}
		}
		return nil
	})
}

// Conformance: F-017.
func TestSettingAResultAfterACancelChangesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		f.Cancel(errReason)
		if err := f.SetResult(1); !errors.Is(err, aio.ErrInvalidState) {
			t.Errorf("got %v", err)
		}
		wantCancelled(t, f.Err(), errReason)
		return nil
	})
}

// Conformance: F-018, F-020.
func TestAFutureNeedsALoop(t *testing.T) {
	wantPanic(t, func() { aio.NewFuture[int](nil) }, "aio: NewFuture: the context is nil")
	wantPanic(t, func() { aio.NewFuture[int](aio.RunningLoop(t.Context()).Context()) }, "no running event loop")
	var f aio.Future[int]
	if _, err := f.Result(); !errors.Is(err, aio.ErrInvalidState) || !errors.Is(f.Err(), aio.ErrInvalidState) || f.Done() || f.Cancelled() {
		t.Errorf("a zero future: %v, %v", err, &f)
	}
	if !errors.Is(f.SetResult(1), aio.ErrInvalidState) || !errors.Is(f.SetError(errBoom), aio.ErrInvalidState) || f.Cancel(nil) {
		t.Error("a zero future took something")
	}
	wantPanic(t, func() { f.AddDoneCallback(func() {}) }, "aio: AddDoneCallback: the future has no loop")
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { f.Await(ctx) }, "aio: Future.Await: the future has no loop", "NewFuture")
		return nil
	})
}

func firstCallback()  {}
func middleCallback() {}
func lastCallback()   {}

// Conformance: F-021.
func TestTheTextOfAFutureShowsStateOutcomeAndCallbacks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 4)
		fs[0].SetResult(10)
		fs[1].SetError(errBoom)
		fs[1].Err()
		fs[2].Cancel(errReason)
		for f, want := range map[*aio.Future[int]]string{fs[0]: "finished result=10", fs[1]: "failed boom", fs[2]: "cancelled", fs[3]: "<Future pending>"} {
			if !strings.Contains(f.String(), want) {
				t.Errorf("%q is not in %s", want, f)
			}
		}
		f := fs[3]
		f.AddDoneCallback(firstCallback)
		one := f.String()
		f.AddDoneCallback(lastCallback)
		two := f.String()
		if strings.Count(one, "future_test.go:") != 1 || strings.Count(two, "future_test.go:") != 2 || strings.Contains(two, "more") {
			t.Errorf("with one and two callbacks: %s, %s", one, two)
		}
		for range 8 {
			f.AddDoneCallback(middleCallback)
		}
		if ten := f.String(); !strings.Contains(ten, "8 more") || strings.Count(ten, "future_test.go:") != 2 {
			t.Errorf("with ten: %s", ten)
		}
		var zero aio.Future[int]
		if !strings.Contains(zero.String(), "uninitialised") {
			t.Errorf("a zero future is %s", zero.String())
		}
		return nil
	})
}

// Conformance: F-023.
func TestTheReasonOfAFuturesCancelIsKept(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		f.Cancel(errReason)
		wantCancelled(t, f.Err(), errReason)
		_, err := f.Await(ctx)
		wantCancelled(t, err, errReason)
		wantCancelled(t, f.Err(), errReason)
		return nil
	})
}

// Conformance: F-024.
func TestAFailedFutureThatNobodyLookedAtIsReportedOnce(t *testing.T) {
	for _, debug := range []bool{false, true} {
		seen, err := runReports(t, func(ctx context.Context) error {
			aio.NewFuture[int](ctx).SetError(errBoom)
			return aio.Yield(ctx)
		}, aio.WithDebug(debug))
		if got := seen.All(); err != nil || len(got) != 1 || got[0].Err != errBoom || got[0].TaskName != "" || got[0].Message != "a future failed and its error was never retrieved" {
			t.Errorf("reported: %v, %v", seen.Strings(), err)
		}
	}
}

// Conformance: F-025.
func TestAFailedFutureThatSomebodyLookedAtIsNotReported(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 3)
		for _, f := range fs {
			f.SetError(errBoom)
		}
		fs[0].Err()
		fs[1].Result()
		fs[2].Await(ctx)
		return nil
	})
}

// Conformance: F-029.
func TestAValueComputedInAThreadArrivesInTheLoop(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return aio.ToThread(ctx, func(context.Context) (int, error) { return 42, nil })
		})
		v, err := task.Await(ctx)
		if v != 42 {
			t.Errorf("got %d", v)
		}
		return err
	})
}

// Conformance: F-031.
func TestCancellingTheLoopSideCancelsTheThreadsContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var err, cause error
		task := started(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				err, cause = ctx.Err(), context.Cause(ctx)
				return err
			})
		})
		task.Cancel(errReason)
		task.Await(ctx)
		if !task.Cancelled() {
			t.Error(task)
		}
		aio.Sleep(ctx, time.Second) // virtual time waits for the thread
		if err != context.Canceled || !errors.Is(cause, errReason) {
			t.Errorf("the thread's context has %v because of %v", err, cause)
		}
		return nil
	})
}

// Conformance: F-033.
func TestAThreadNeedsALoopToReturnTo(t *testing.T) {
	wantPanic(t, func() { aio.ToThread(t.Context(), value(1)) }, "aio: ToThread: no running event loop")
}

func TestTheLineOfAFutureStaysInOrderWhenWaitersLeave(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		f := gate(ctx)
		var tasks []*aio.Task[aio.None]
		for i := range 6 {
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				_, err := f.Await(ctx)
				if err == nil {
					log.Add("%d", i)
				}
				return err
			}))
		}
		aio.Yield(ctx)
		for _, i := range []int{0, 3, 5} { // the first, one in the middle, the last
			tasks[i].Cancel(nil)
		}
		aio.Yield(ctx)
		open(f)
		_, _, err := aio.Wait(ctx, aio.AllCompleted, tasks...)
		log.Want(t, "1", "2", "4")
		return err
	})
}

func TestOneTaskMayWaitOnSeveralLevelsAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		a := aio.CreateTask(ctx, f.Await)
		b := aio.CreateTask(ctx, a.Await)
		c := gatherTask(ctx, a, b)
		aio.RunningLoop(ctx).CallLater(time.Second, func() { f.SetResult(1) })
		got, err := c.Await(ctx)
		if !slices.Equal(got, []int{1, 1}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}
