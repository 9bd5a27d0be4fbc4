package aio_test

import (
	"context"
	"errors"
	"iter"
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
	if got := seen.Strings(); err != nil || !slices.Equal(got, []string{"a task failed and its error was never retrieved|inner"}) {
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
	if got := seen.All(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.Strings(), err)
	}
}

// named is a task that sleeps and returns its name.
func named(ctx context.Context, name string, d time.Duration) *aio.Task[string] {
	return aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return name, aio.Sleep(ctx, d) })
}

func results(seq iter.Seq2[*aio.Task[string], error]) (list []string, err error) {
	for task, err := range seq {
		if err != nil {
			return list, err
		}
		v, _ := task.Result()
		list = append(list, v)
	}
	return list, nil
}

func TestAsCompletedYieldsInTheOrderOfCompletion(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b, c := named(ctx, "a", 3*time.Second), named(ctx, "b", time.Second), named(ctx, "c", 2*time.Second)
		got, err := results(aio.AsCompleted(ctx, a, b, c, b))
		if !slices.Equal(got, []string{"b", "c", "a"}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: AC-002.
func TestATimeOutDuringAsCompletedLeavesTheRestRunning(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := named(ctx, "a", 100*time.Millisecond), named(ctx, "b", 150*time.Millisecond)
		var got []string
		err := aio.Timeout(ctx, 120*time.Millisecond, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, a, b))
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(got, []string{"a"}) || b.Done() {
			t.Errorf("got %v, %v; %v", got, err, b)
		}
		_, err = b.Await(ctx)
		return err
	})
}

// Conformance: AC-003.
func TestATimeOutThatAsCompletedDoesNotNeedHasNoEffect(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var got []string
		begin := aio.RunningLoop(ctx).Time()
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, named(ctx, "a", time.Millisecond)))
			return err
		})
		if err != nil || !slices.Equal(got, []string{"a"}) {
			t.Errorf("got %v, %v", got, err)
		}
		if err := aio.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		if d := aio.RunningLoop(ctx).Time().Sub(begin); d != 5*time.Second+time.Millisecond {
			t.Errorf("it took %v", d)
		}
		return nil
	})
}

// Conformance: AC-004.
func TestEachStepOfAsCompletedGetsTheEarliestResultThatIsLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		next, stop := iter.Pull2(aio.AsCompleted(ctx, named(ctx, "a", 2*time.Second), named(ctx, "b", time.Second)))
		defer stop()
		for _, want := range []string{"b", "a"} {
			task, err, ok := next()
			if v, _ := task.Result(); v != want || err != nil || !ok {
				t.Errorf("got %q, %v, %v; want %q", v, err, ok, want)
			}
		}
		return nil
	})
}

// Conformance: AC-007.
func TestAsCompletedRefusesNilAndForeignTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { results(aio.AsCompleted[*aio.Task[string]](ctx, nil)) }, "aio: AsCompleted: a task or future is nil")
		return nil
	})
}

// Conformance: AC-008.
func TestAsCompletedNeedsALoop(t *testing.T) {
	wantPanic(t, func() { results(aio.AsCompleted[*aio.Task[string]](t.Context())) }, "aio: AsCompleted: no running event loop")
}

// Conformance: V-024.
func TestAFailureComesAtItsTurnAndTheIterationGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		bad := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			aio.Sleep(ctx, 2*time.Second)
			return "", errBoom
		})
		var log journal
		for task, err := range aio.AsCompleted(ctx, named(ctx, "late", 3*time.Second), bad, named(ctx, "early", time.Second)) {
			if err != nil {
				return err
			}
			v, err := task.Await(ctx)
			log.Add("%s %v", v, err)
		}
		log.Want(t, "early <nil>", " boom", "late <nil>")
		return nil
	})
}

// Conformance: V-030.
func TestTasksForAsCompletedStartInTheOrderOfCreation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		var tasks []*aio.Task[aio.None]
		for i := range 5 {
			tasks = append(tasks, aio.Start(ctx, func(context.Context) error { log.Add("%d", i); return nil }))
		}
		for _, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return err
			}
		}
		log.Want(t, "0", "1", "2", "3", "4")
		return nil
	})
}

func TestACancelledAsCompletedEndsTheIterationAndLeavesTheTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := named(ctx, "a", time.Second), named(ctx, "b", time.Hour)
		var got []string
		task := aio.Start(ctx, func(ctx context.Context) (err error) {
			got, err = results(aio.AsCompleted(ctx, a, b))
			return err
		})
		aio.Sleep(ctx, 2*time.Second)
		task.Cancel(nil)
		task.Await(ctx)
		if !task.Cancelled() || b.Done() || !slices.Equal(got, []string{"a"}) {
			t.Errorf("%v, %v; got %v", task, b, got)
		}
		return nil
	})
}

func TestAsCompletedCanBeLeftEarlyAndUsedAgain(t *testing.T) {
	run(t, func(ctx context.Context) error {
		seq := aio.AsCompleted(ctx, named(ctx, "a", time.Second), named(ctx, "b", 2*time.Second))
		for range seq {
			break
		}
		got, err := results(seq)
		if !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

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
	if got := seen.All(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.Strings(), err)
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

func futures[T any](ctx context.Context, n int) []*aio.Future[T] {
	list := make([]*aio.Future[T], n)
	for i := range list {
		list[i] = aio.NewFuture[T](ctx)
	}
	return list
}

// gatherTask gathers in a task of its own, which has come to its wait.
func gatherTask[T any, A aio.TaskOrFuture[T]](ctx context.Context, aws ...A) *aio.Task[[]T] {
	task := aio.CreateTask(ctx, func(ctx context.Context) ([]T, error) { return aio.Gather(ctx, aws...) })
	aio.Yield(ctx)
	return task
}

func passes(ctx context.Context, n int) {
	for range n {
		aio.Yield(ctx)
	}
}

// Conformance: G-001.
func TestGatherReturnsResultsInTheOrderOfItsArguments(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[string](ctx, 3)
		task := gatherTask(ctx, fs...)
		fs[1].SetResult("b")
		passes(ctx, 3)
		fs[0].SetResult("a")
		passes(ctx, 3)
		if task.Done() {
			t.Error("done before the last one")
		}
		fs[2].SetResult("c")
		got, err := task.Await(ctx)
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: G-002, G-004, G-010.
func TestGatherSettledPutsEveryOutcomeAtItsPlace(t *testing.T) {
	run(t, func(ctx context.Context) error {
		plain, err := aio.GatherSettled(ctx, aio.CreateTask(ctx, value(1)), aio.CreateTask(ctx, value(2)))
		if err != nil || plain[0] != (aio.Outcome[int]{Value: 1}) || plain[1] != (aio.Outcome[int]{Value: 2}) {
			t.Errorf("without failures: %v, %v", plain, err)
		}
		fs := futures[int](ctx, 4)
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]aio.Outcome[int], error) { return aio.GatherSettled(ctx, fs...) })
		aio.Yield(ctx)
		fs[2].SetError(errBoom)
		fs[3].Cancel(errReason)
		passes(ctx, 3)
		if task.Done() {
			t.Error("a failure ended it")
		}
		fs[1].SetError(errReason)
		fs[0].SetResult(7)
		got, err := task.Await(ctx)
		if err != nil || got[0].Value != 7 || got[1].Err != errReason || got[2].Err != errBoom {
			t.Errorf("got %v, %v", got, err)
		}
		wantCancelled(t, got[3].Err, errReason)
		return nil
	})
}

// Conformance: G-005, G-006.
func TestGatheringNothingReturnsAtOnceButNeedsALoop(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ran := false
		aio.RunningLoop(ctx).CallSoon(func() { ran = true })
		got, err := aio.Gather[int, *aio.Task[int]](ctx)
		if got == nil || len(got) != 0 || ran {
			t.Errorf("got %v; it let others run: %v", got, ran)
		}
		return err
	})
	wantPanic(t, func() { aio.Gather[int, *aio.Task[int]](t.Context()) }, "aio: Gather: no running event loop")
}

// Conformance: G-007, G-008 (a gather is awaited where it is made), G-016.
func TestGatherChecksItsArgumentsBeforeAnything(t *testing.T) {
	other := aio.NewLoop()
	defer other.Close()
	foreign := aio.NewFuture[int](other.Context())
	run(t, func(ctx context.Context) error {
		good := futures[int](ctx, 1)[0]
		wantPanic(t, func() { aio.Gather(ctx, good, foreign) }, "aio: Gather:", "belongs to another loop")
		wantPanic(t, func() { aio.Gather(ctx, good, nil) }, "aio: Gather: a task or future is nil")
		wantPanic(t, func() { aio.Gather(ctx, good, &aio.Future[int]{}) }, "aio: Gather: the future has no loop")
		good.SetResult(1)
		if _, err := aio.Gather(ctx, good); err != nil {
			return err
		}
		_, err := aio.Gather(ctx, good) // and once more
		return err
	})
}

// Conformance: G-009.
func TestGatherFailsWithTheCancellationOfAChildAndLeavesTheSiblings(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		fs[0].AddDoneCallback(func() {})
		var got error
		task := started(ctx, func(ctx context.Context) error {
			_, got = aio.Gather(ctx, fs...)
			return nil
		})
		fs[1].Cancel(errReason)
		task.Await(ctx)
		wantCancelled(t, got, errReason)
		if fs[0].Done() || task.Cancelled() {
			t.Errorf("the sibling is %v, the waiting task %v", fs[0], task)
		}
		return nil
	})
}

// Conformance: G-011.
func TestADuplicateInAGatherRunsOnceAndAppearsAtEveryPlace(t *testing.T) {
	run(t, func(ctx context.Context) error {
		runs := 0
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			runs++
			mine := runs
			return mine, aio.Yield(ctx)
		})
		got, err := aio.Gather(ctx, task, task, task)
		if !slices.Equal(got, []int{1, 1, 1}) || runs != 1 {
			t.Errorf("got %v from %d runs", got, runs)
		}
		return err
	})
}

// Conformance: G-012.
func TestCancellingATaskThatGathersCancelsTheChildrenAndWhatTheyAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		a, b := aio.CreateTask(ctx, fs[0].Await), aio.CreateTask(ctx, fs[1].Await)
		task := gatherTask(ctx, a, b)
		if !task.Cancel(errReason) {
			t.Error("cancel returned false")
		}
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if !task.Cancelled() || !a.Cancelled() || !b.Cancelled() || !fs[0].Cancelled() || !fs[1].Cancelled() {
			t.Errorf("%v, %v, %v, %v, %v", task, a, b, fs[0], fs[1])
		}
		if task.Cancel(nil) {
			t.Error("a later cancel returned true")
		}
		return nil
	})
}

// Conformance: G-013.
func TestAGatherThatIsDoneCannotBeCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 1)
		fs[0].SetResult(3)
		task := gatherTask(ctx, fs...)
		got, err := task.Await(ctx)
		if err != nil || task.Cancel(nil) || task.Cancelled() {
			t.Errorf("cancel was accepted: %v, %v", task, err)
		}
		if again, _ := task.Result(); !slices.Equal(again, got) || !slices.Equal(got, []int{3}) {
			t.Errorf("got %v, then %v", got, again)
		}
		return nil
	})
}

// Conformance: G-014.
func TestACancelledGatherSettledFailsAndDoesNotFoldItIn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := aio.Start(ctx, forever)
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]aio.Outcome[aio.None], error) { return aio.GatherSettled(ctx, child) })
		aio.Yield(ctx)
		task.Cancel(errReason)
		got, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if got != nil || !child.Cancelled() || !task.Cancelled() {
			t.Errorf("got %v; %v, %v", got, child, task)
		}
		return nil
	})
}

// Conformance: G-015, V-006.
func TestErrorsOfSiblingsAfterAGatherFailedCountAsSeen(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 3)
		task := gatherTask(ctx, fs...)
		fs[0].SetError(errBoom)
		fs[1].SetError(errReason) // in the same pass
		if _, err := task.Await(ctx); err != errBoom {
			t.Errorf("the gather failed with %v", err)
		}
		fs[2].SetError(errReason) // later
		return aio.Yield(ctx)
	})
}

func TestAPanicOfASiblingAfterAGatherFailedComesOutOfRun(t *testing.T) {
	p, _ := panicOf(func() {
		runReports(t, func(ctx context.Context) error {
			bad := aio.Start(ctx, func(context.Context) error { return errBoom })
			worse := aio.Start(ctx, func(ctx context.Context) error {
				aio.Sleep(ctx, time.Second)
				panic("late")
			})
			if _, err := aio.Gather(ctx, bad, worse); err != errBoom {
				t.Errorf("the gather failed with %v", err)
			}
			return aio.Sleep(ctx, time.Minute)
		})
	}).(*aio.PanicError)
	if p == nil || p.Value != "late" {
		t.Errorf("raised: %v", p)
	}
}

// Conformance: G-017.
func TestTasksForAGatherBelongToTheRunningLoop(t *testing.T) {
	wantPanic(t, func() { aio.Gather(t.Context(), aio.CreateTask(t.Context(), value(1))) }, "no running event loop")
	run(t, func(ctx context.Context) error {
		got, err := aio.Gather(ctx, aio.CreateTask(ctx, value(1)), aio.CreateTask(ctx, value(2)))
		if !slices.Equal(got, []int{1, 2}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: G-019.
func TestNestedGathersMakeNoTasksOfTheirOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		created, most := 0, 0
		var node func(depth int) aio.Func[int]
		node = func(depth int) aio.Func[int] {
			return func(ctx context.Context) (int, error) {
				created++
				most = max(most, len(aio.AllTasks(ctx)))
				if depth == 0 {
					return 1, aio.Yield(ctx)
				}
				got, err := aio.Gather(ctx, aio.CreateTask(ctx, node(depth-1)), aio.CreateTask(ctx, node(depth-1)))
				if err != nil {
					return 0, err
				}
				return got[0] + got[1], nil
			}
		}
		leaves, err := aio.CreateTask(ctx, node(4)).Await(ctx)
		if leaves != 16 || created != 31 || most != 32 {
			t.Errorf("%d leaves, %d functions ran, at most %d tasks with main", leaves, created, most)
		}
		return err
	})
}

// Conformance: V-005.
func TestCancellingATaskWhoseGatherFailedDoesNotReachTheSiblings(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		task := gatherTask(ctx, fs...)
		fs[0].SetError(errBoom)
		task.Await(ctx)
		if task.Cancel(nil) {
			t.Error("cancel returned true")
		}
		fs[1].SetResult(1)
		v, err := fs[1].Await(ctx)
		if v != 1 {
			t.Errorf("the sibling has %d", v)
		}
		return err
	})
}

func TestACancelBetweenAFailureAndTheTurnOfTheGatherCancelsTheSiblingsAndDeliversTheError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		task := gatherTask(ctx, fs...)
		fs[0].SetError(errBoom)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		if !fs[1].Cancelled() {
			t.Errorf("the sibling is %v", fs[1])
		}
		return nil
	})
}

func TestACancelBetweenAFailureAndTheTurnOfTheGatherDoesNotWaitForTheCleanupOfSiblings(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		failing := aio.NewFuture[aio.None](l.Context())
		shared := aio.NewFuture[aio.None](l.Context())
		slow := aio.Start(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			aio.Sleep(context.WithoutCancel(ctx), time.Minute)
			return err
		})
		aio.Start(ctx, func(ctx context.Context) error { _, err := shared.Await(ctx); return err })
		task := started(ctx, func(ctx context.Context) error {
			_, err := aio.Gather[aio.None, aio.TaskOrFuture[aio.None]](ctx, slow, failing, shared)
			return err
		})
		aio.Yield(ctx)
		start := l.Time()
		failing.SetError(errBoom)
		task.Cancel(errReason)
		if _, err := task.Await(ctx); err != errBoom || l.Time() != start {
			t.Errorf("got %v after %v", err, l.Time().Sub(start))
		}
		if shared.Done() || slow.Done() {
			t.Errorf("%v, %v", shared, slow)
		}
		shared.SetResult(aio.None{})
		_, err := slow.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestACancelAfterTheTurnOfTheGatherEndsItAsCancelledAndTheErrorIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 2)
		task := gatherTask(ctx, fs...)
		l := aio.RunningLoop(ctx)
		fs[0].SetError(errBoom)
		l.CallSoon(func() { task.Cancel(errReason) }) // behind the turn of the gather
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		if fs[1].Done() {
			t.Errorf("the sibling is %v", fs[1])
		}
		return nil
	})
	if got := seen.All(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("got %v; reported: %v", err, got)
	}
}

func TestACancelAfterTheOnlyChildOfAGatherFailedEndsItAsCancelledAndTheErrorIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 1)
		task := gatherTask(ctx, fs...)
		fs[0].SetError(errBoom)
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
	if got := seen.All(); err != nil || len(got) != 1 || got[0].Err != errBoom {
		t.Errorf("got %v; reported: %v", err, got)
	}
}

func TestACancelledGatherSettledHidesNoErrorOfAChild(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		fs := futures[int](ctx, 3)
		fs[0].SetError(errBoom) // before it is gathered
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.GatherSettled(ctx, fs...)
			return err
		})
		aio.Yield(ctx)
		fs[1].SetError(errReason)
		passes(ctx, 3)
		task.Cancel(nil)
		_, err := task.Await(ctx)
		wantCancellation(t, err)
		return nil
	})
	if got := seen.All(); err != nil || len(got) != 2 || got[0].Err != errBoom || got[1].Err != errReason {
		t.Errorf("got %v; reported: %v", err, got)
	}
}

func TestACancelledGatherWaitsForAllChildrenAndReturnsTheErrorThatOneAnswersWith(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		child := func(name string, cleanup time.Duration, answer error) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				err := forever(ctx)
				aio.Sleep(context.WithoutCancel(ctx), cleanup)
				log.Add("%s ends", name)
				if answer != nil {
					return answer
				}
				return err
			})
		}
		task := gatherTask(ctx, child("a", 3*time.Second, nil), child("b", 1*time.Second, errBoom), child("c", 2*time.Second, errReason))
		task.Cancel(nil)
		_, err := task.Await(ctx)
		if err != errBoom || task.Cancelled() {
			t.Errorf("got %v", err)
		}
		log.Want(t, "b ends", "c ends", "a ends")
		return nil
	})
}

func TestACancelledGatherRaisesThePanicOfAChild(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := aio.Start(ctx, func(ctx context.Context) error {
			forever(ctx)
			panic("in cleanup")
		})
		task := gatherTask(ctx, child)
		task.Cancel(nil)
		p, _ := panicOf(func() { task.Await(ctx) }).(*aio.PanicError)
		if p == nil || p.Value != "in cleanup" {
			t.Errorf("raised: %v", p)
		}
		return nil
	})
}

func TestACancelledGatherLeavesTheChildrenThatOthersAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, aio.Sleep(ctx, time.Second) })
		alone := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 2, aio.Sleep(ctx, time.Second) })
		friend := aio.CreateTask(ctx, shared.Await)
		task := gatherTask(ctx, shared, alone, shared)
		task.Cancel(nil)
		task.Await(ctx)
		if !task.Cancelled() || shared.Done() || !alone.Cancelled() {
			t.Errorf("%v, %v, %v", task, shared, alone)
		}
		_, err := friend.Await(ctx)
		return err
	})
}

func TestAGatherWithACancelledContextCancelsItsChildrenAndWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		cleaned := false
		child := started(ctx, func(ctx context.Context) error {
			err := forever(ctx)
			aio.Sleep(context.WithoutCancel(ctx), time.Second)
			cleaned = true
			return err
		})
		task := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(errReason)
			_, err := aio.Gather(ctx, child)
			if !cleaned {
				t.Error("it did not wait for the child")
			}
			return err
		})
		_, err := task.Await(ctx)
		wantCancelled(t, err, errReason)
		return nil
	})
}

func TestGatherRaisesAPanic(t *testing.T) {
	run(t, func(ctx context.Context) error {
		bad := aio.CreateTask(ctx, func(context.Context) (int, error) { panic("kaboom") })
		p, _ := panicOf(func() { aio.Gather(ctx, bad) }).(*aio.PanicError)
		if p == nil || p.Value != "kaboom" {
			t.Errorf("raised: %v", p)
		}
		got, err := aio.GatherSettled(ctx, bad)
		if err != nil || !errors.As(got[0].Err, &p) {
			t.Errorf("settled: %v, %v", got, err)
		}
		return nil
	})
}

// The turn of a gather whose tasks have ended is in the ready queue. A cancellation does not overtake
// it, as in CPython, where the gathering future has not told its waiter yet.
func TestACancelledGatherWhoseTasksHaveEndedResumesInItsTurn(t *testing.T) {
	gather := func(ctx context.Context, child *aio.Task[aio.None]) error {
		_, err := aio.Gather(ctx, child)
		return err
	}
	for name, test := range map[string]struct {
		gather  func(ctx context.Context, child *aio.Task[aio.None]) error
		child   func(ctx context.Context) error
		reports int
	}{
		"settled": {gather: func(ctx context.Context, child *aio.Task[aio.None]) error {
			_, err := aio.GatherSettled(ctx, child)
			return err
		}, child: func(context.Context) error { return nil }},
		"a result": {gather: gather, child: func(context.Context) error { return nil }},
		"a cancellation": {gather: gather, child: func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(nil)
			return aio.Yield(ctx)
		}},
		"a failure": {gather: gather, child: func(context.Context) error { return errBoom }, reports: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			seen, err := runReports(t, func(ctx context.Context) error {
				loop := aio.RunningLoop(ctx)
				child := aio.Start(ctx, func(ctx context.Context) error {
					aio.Yield(ctx)
					return test.child(ctx)
				})
				gatherer := aio.Start(ctx, func(ctx context.Context) error {
					err := test.gather(ctx, child)
					j.Add("gather: %v", errors.Is(err, aio.ErrCancelled))
					return err
				})
				turns(ctx, 2)
				if !child.Done() || gatherer.Done() {
					t.Fatalf("child done: %v, gatherer done: %v", child.Done(), gatherer.Done())
				}
				gatherer.Cancel(nil)
				loop.CallSoon(func() {
					j.Add("the next pass")
					loop.CallSoon(func() { j.Add("the pass after") })
				})
				turns(ctx, 3)
				j.Want(t, "the next pass", "gather: true", "the pass after")
				return nil
			})
			if got := seen.All(); err != nil || len(got) != test.reports {
				t.Errorf("got %v; reported: %v", err, got)
			}
		})
	}
}

func TestAWaiterThatIsPreparedAndGivenUpDoesNotTouchTheNextWait(t *testing.T) {
	runErr(t, func(ctx context.Context) error {
		var free error
		err := aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			self := aio.CurrentTask(ctx)
			self.Cancel(errors.New("enough"))
			if w := aio.NewWaiter(ctx, "gate", nil); !w.Refused() || w.Pending() || w.Unpark() {
				t.Error("a wait with a cancelled context should be refused from the start")
			}
			free = aio.Sleep(context.WithoutCancel(ctx), time.Second)
			return aio.Yield(ctx)
		})
		if free != nil {
			t.Errorf("a sleep with a freed context failed: %v", free)
		}
		var cancelled *aio.CancelledError
		if !errors.As(err, &cancelled) {
			t.Errorf("got %v, want the cancellation", err)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAWaiterGivenUpWithASubscriptionDoesNotEndTheNextWait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		other, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		aio.NewWaiter(other, "gate", nil) // never parked
		return aio.Sleep(ctx, time.Minute)
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAnUnparkedWaiterThatIsGivenUpIsNotTheGrantOfTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "gate", nil)
		if !w.Unpark() {
			t.Error("the wait was prepared; Unpark should work")
		}
		l := aio.RunningLoop(ctx)
		began := l.Time()
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if took := l.Time().Sub(began); took != time.Minute {
			t.Errorf("the sleep took %v", took)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestASteadfastWaitOutlivesACancellation(t *testing.T) {
	var order []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.CurrentTask(ctx).Cancel(nil)
		w := aio.NewWaiter(ctx, "gate", nil).Steadfast()
		l.CallLater(time.Second, func() { order = append(order, "unparked"); w.Unpark() })
		if err := w.Park(); err != nil {
			t.Errorf("a steadfast wait failed: %v", err)
		}
		order = append(order, "resumed")
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
	if want := []string{"unparked", "resumed"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestATaskThatIsCalledAndThenEndedByForceDoesNotStayCalled(t *testing.T) {
	var line aio.Line
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		aio.Start(ctx, func(ctx context.Context) error {
			return line.Wait(aio.NewWaiter(ctx, "gate", nil))
		})
		return 0, aio.Yield(ctx)
	})
	line.Call("gate")
	l.Close()
	if !line.Idle() {
		t.Error("the line still counts a task that has ended")
	}
}

func TestALineCallsItsTasksInTheOrderInWhichTheyCame(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var line aio.Line
		var order []string
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var tasks []aio.AnyTask
			for _, name := range []string{"a", "b", "c", "d"} {
				tasks = append(tasks, g.Go(func(ctx context.Context) error {
					w := aio.NewWaiter(ctx, "gate", nil)
					w.SetNote(7)
					err := line.Wait(w)
					if err == nil && w.Note() != 8 || err != nil && w.Note() != 7 {
						t.Errorf("%s: note %d, error %v", name, w.Note(), err)
					}
					order = append(order, name)
					return err
				}, aio.Name(name)))
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			tasks[1].Cancel(nil)
			if n := line.Len(); n != 4 {
				t.Errorf("%d stand in line, want 4: the cancelled one has not resumed", n)
			}
			var waiting []string
			for w := range line.Waiting() {
				waiting = append(waiting, w.Task().Name())
			}
			if want := []string{"a", "c", "d"}; !slices.Equal(waiting, want) {
				t.Errorf("waiting: %v, want %v", waiting, want)
			}
			for range 3 {
				w := line.Call("gate")
				w.SetNote(8)
			}
			if !line.Taken() || line.Idle() || !line.Call("gate").Zero() {
				t.Error("three were called and have not resumed, nobody waits any more")
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if want := []string{"b", "a", "c", "d"}; !slices.Equal(order, want) || !line.Idle() {
				t.Errorf("order %v, want %v", order, want)
			}
			return nil
		})
	})
}

// Conformance: SL-001.
func TestSleepsAddUp(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begin := l.Time()
		sleep := func(d time.Duration, v string) (string, error) { return v, aio.Sleep(ctx, d) }
		if _, err := sleep(time.Second, "one"); err != nil {
			return err
		}
		v, err := sleep(2*time.Second, "two")
		if d := l.Time().Sub(begin); v != "two" || d != 3*time.Second {
			t.Errorf("got %q after %v", v, d)
		}
		return err
	})
}

// countingClock counts how often it was asked to go on to a timer.
type countingClock struct {
	*aio.VirtualClock
	advances int
}

func (c *countingClock) Advance(until time.Time) bool {
	c.advances++
	return c.VirtualClock.Advance(until)
}

// Conformance: SL-002.
func TestSleepZeroLetsRunWhatIsReadyAndUsesNoTimer(t *testing.T) {
	clock := &countingClock{VirtualClock: aio.NewVirtualClock()}
	run(t, func(ctx context.Context) error {
		var log journal
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			log.Add("queued")
			l.CallSoon(func() { log.Add("queued later") })
		})
		err := aio.Sleep(ctx, 0)
		log.Want(t, "queued")
		if clock.advances != 0 {
			t.Error("it waited for a timer")
		}
		return err
	}, aio.WithClock(clock))
}

// Conformance: SL-003.
func TestACancelledSleepTakesItsTimerBack(t *testing.T) {
	clock := &countingClock{VirtualClock: aio.NewVirtualClock()}
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		task.Cancel(nil)
		task.Await(ctx)
		if err := aio.Sleep(ctx, 2*time.Hour); err != nil {
			return err
		}
		if clock.advances != 1 {
			t.Errorf("the clock stopped %d times on the way", clock.advances)
		}
		return nil
	}, aio.WithClock(clock))
}

// idleCounter is the machine's clock, and counts how often the loop had nothing to do but wait.
type idleCounter struct{ idle int }

func (c *idleCounter) Now() time.Time { return time.Now() }

func (c *idleCounter) Advance(time.Time) bool {
	c.idle++
	return false
}

// Conformance: SL-005.
func TestTinySleepsDoNotSpin(t *testing.T) {
	clock := &idleCounter{}
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for d := 10 * time.Millisecond; d > 0; d /= 10 {
			begin := l.Time()
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			if took := l.Time().Sub(begin); took < d {
				t.Errorf("a sleep of %v took %v", d, took)
			}
		}
		return nil
	}, aio.WithClock(clock))
	if clock.idle > 40 {
		t.Errorf("the loop woke %d times for eight sleeps", clock.idle)
	}
}

// Conformance: SL-006.
func TestASleepTakesItsTimeByTheRealClock(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	begin := time.Now()
	_, err := aio.RunUntilComplete(l, func(ctx context.Context) (aio.None, error) {
		return aio.None{}, aio.Sleep(ctx, 20*time.Millisecond)
	})
	if took := time.Since(begin); err != nil || took < 20*time.Millisecond {
		t.Errorf("it took %v, %v", took, err)
	}
}

// reversed takes the last of what could be first.
type reversed struct{}

func (reversed) Choose(_ aio.Choice, n int) int { return n - 1 }

func TestACancelledSleepDoesNotCutTheNextWaitShortWhateverTheOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			aio.Sleep(ctx, time.Second)
			begin := l.Time()
			if err := aio.Sleep(context.WithoutCancel(ctx), time.Minute); err != nil {
				return err
			}
			if d := l.Time().Sub(begin); d != time.Minute {
				t.Errorf("the second sleep took %v", d)
			}
			return nil
		})
		l.CallLater(time.Second, func() { task.Cancel(nil) })
		_, err := task.Await(ctx)
		return err
	}, aio.WithChooser(reversed{}))
}

// The waits that end, and those that begin, are in one step of the task. Its next turn must be that
// of the wait in which it is parked.
func TestAWaitThatWasGivenUpDoesNotEndTheNextOneEarly(t *testing.T) {
	for name, giveUp := range map[string]func(ctx context.Context){
		"not at all": func(context.Context) {},
		"granted":    func(ctx context.Context) { aio.NewWaiter(ctx, "Given up", nil).Unpark() },
		"three times": func(ctx context.Context) {
			for range 3 {
				aio.NewWaiter(ctx, "Given up", nil).Unpark()
			}
		},
		"before others that are ready": func(ctx context.Context) {
			aio.NewWaiter(ctx, "Given up", nil).Unpark()
			for range 100 {
				aio.RunningLoop(ctx).CallSoon(func() {})
			}
		},
		"cancelled": func(ctx context.Context) {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				aio.NewWaiter(ctx, "Given up", nil)
				g.Cancel(nil)
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				passes := 0
				ticks := aio.Start(ctx, func(ctx context.Context) error {
					for {
						passes++
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
				})
				aio.Yield(ctx)
				var next aio.Waiter
				aio.RunningLoop(ctx).CallSoon(func() { next.Unpark() }) // in the next pass
				giveUp(ctx)
				before := passes
				next = aio.NewWaiter(ctx, "next", nil)
				if err := next.Park(); err != nil {
					t.Error(err)
				}
				if got := passes - before; got != 2 {
					t.Errorf("resumed after %d passes, want 2", got)
				}
				ticks.Cancel(nil)
				ticks.Await(ctx)
				return nil
			})
		})
	}
}
