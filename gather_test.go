package aio_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func futures[T any](ctx context.Context, n int) []*aio.Future[T] {
	list := make([]*aio.Future[T], n)
	for i := range list {
		list[i] = aio.NewFuture[T](aio.RunningLoop(ctx))
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
	foreign := aio.NewFuture[int](other)
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
		failing := aio.NewFuture[aio.None](l)
		shared := aio.NewFuture[aio.None](l)
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
	if got := seen.all(); err != nil || len(got) != 1 || got[0].Err != errBoom {
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
	if got := seen.all(); err != nil || len(got) != 1 || got[0].Err != errBoom {
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
	if got := seen.all(); err != nil || len(got) != 2 || got[0].Err != errBoom || got[1].Err != errReason {
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
				log.add("%s ends", name)
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
		log.want(t, "b ends", "c ends", "a ends")
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
