package aio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/leaktest"
)

// Every *Task[T] is usable where a *Future[T] is: they share these interfaces.
var (
	_ aio.AnyFuture         = (*aio.Task[int])(nil)
	_ aio.AnyFuture         = (*aio.Future[int])(nil)
	_ aio.AnyTask           = (*aio.Task[int])(nil)
	_ aio.TaskOrFuture[int] = (*aio.Task[int])(nil)
	_ aio.TaskOrFuture[int] = (*aio.Future[int])(nil)
)

func value[T any](v T) aio.Func[T] {
	return func(context.Context) (T, error) { return v, nil }
}

// Conformance: T-001.
func TestFunctionsThatCallEachOtherMakeNoTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inner := func(ctx context.Context, s string) (string, error) {
			if err := aio.Yield(ctx); err != nil {
				return "", err
			}
			if n := len(aio.AllTasks(ctx)); n != 2 {
				t.Errorf("%d tasks inside a direct call, want main and outer", n)
			}
			return s, nil
		}
		outer := func(ctx context.Context) (string, error) {
			a, err := inner(ctx, "a")
			if err != nil {
				return "", err
			}
			b, err := inner(ctx, "b")
			return a + b, err
		}
		v, err := aio.CreateTask(ctx, outer).Await(ctx)
		if v != "ab" {
			t.Errorf("got %q", v)
		}
		return err
	})
}

// Conformance: T-002, T-003, T-021.
func TestATaskRunsOnTheLoopOfItsCreator(t *testing.T) {
	for range 2 { // a second loop is as good as the first
		run(t, func(ctx context.Context) error {
			here := aio.RunningLoop(ctx)
			task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				if aio.RunningLoop(ctx) != here {
					t.Error("the task runs on another loop")
				}
				return "ok", nil
			})
			if task.Done() {
				t.Error("done before it ran")
			}
			v, err := task.Await(ctx)
			if v != "ok" || !task.Done() || task.Cancelled() {
				t.Errorf("got %q, done %v, cancelled %v", v, task.Done(), task.Cancelled())
			}
			return err
		})
	}
}

// Conformance: T-004, T-030.
func TestWithoutALoopInTheContextATaskIsRefusedAndDoesNotRun(t *testing.T) {
	ran := false
	wantPanic(t, func() {
		aio.Start(t.Context(), func(context.Context) error { ran = true; return nil })
	}, "aio: Start: no running event loop", "aio.Run")
	wantPanic(t, func() {
		aio.CreateTask(t.Context(), func(context.Context) (int, error) { ran = true; return 0, nil })
	}, "aio: CreateTask: no running event loop")
	wantPanic(t, func() { aio.CurrentTask(t.Context()) }, "aio: CurrentTask: no running event loop")
	wantPanic(t, func() { aio.Start(nil, forever) }, "aio: Start: the context is nil") //nolint:staticcheck // the misuse is the point
	if ran {
		t.Error("a refused function ran")
	}
}

// Conformance: T-007.
func TestAFutureOfAnotherLoopIsRefused(t *testing.T) {
	other := aio.NewLoop()
	defer other.Close()
	f := aio.NewFuture[int](other.Context())
	run(t, func(ctx context.Context) error {
		for what, await := range map[string]func(){
			"Future.Await": func() { f.Await(ctx) },
			"Gather":       func() { aio.Gather(ctx, f) },
			"Wait":         func() { aio.Wait(ctx, aio.AllCompleted, f) },
			"Shield":       func() { aio.Shield(ctx, f) },
			"AsCompleted": func() {
				for range aio.AsCompleted(ctx, f) {
				}
			},
		} {
			wantPanic(t, await, "aio: "+what+":", "belongs to another loop")
		}
		return nil
	})
}

// doubler is something of the user's own that can be awaited.
type doubler struct{ n int }

func (d doubler) Await(ctx context.Context) (int, error) { return 2 * d.n, aio.Yield(ctx) }

// Conformance: T-009.
func TestWhatHasAnAwaitMethodCanBeMadeATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		v, err := aio.CreateTask(ctx, doubler{21}.Await).Await(ctx)
		if v != 42 {
			t.Errorf("got %d", v)
		}
		return err
	})
}

// Conformance: T-010, T-036.
func TestANilFunctionIsRefusedAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.CreateTask[int](ctx, nil) }, "aio: CreateTask: the function is nil")
		wantPanic(t, func() { aio.Start(ctx, nil) }, "aio: Start: the function is nil")
		wantPanic(t, func() { aio.Shield[int](ctx, (*aio.Task[int])(nil)) }, "aio: Shield: a task or future is nil")
		if n := len(aio.AllTasks(ctx)); n != 1 {
			t.Errorf("%d tasks are left, want main alone", n)
		}
		return nil
	})
}

// Conformance: T-012.
func TestATaskThatAwaitsItselfGetsAnErrorAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var self *aio.Task[int]
		self = aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return self.Await(ctx) })
		_, err := self.Await(ctx)
		if !errors.Is(err, aio.ErrInvalidState) || !strings.Contains(err.Error(), "own end") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// Conformance: T-014, T-017, T-018, T-019.
func TestTheTextOfATaskShowsNameStateAndWhatItWaitsFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[string](ctx)
		fetch := aio.CreateTask(ctx, f.Await, aio.Name("fetch"))
		if fetch.Name() != "fetch" {
			t.Errorf("the name is %q", fetch.Name())
		}
		text := func(task fmt.Stringer, words ...string) {
			t.Helper()
			for _, w := range words {
				if !strings.Contains(task.String(), w) {
					t.Errorf("%q is not in %s", w, task)
				}
			}
		}
		text(fetch, "Task fetch", "pending")
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		text(fetch, "pending", "in Future.Await", "for a future")
		parent := aio.CreateTask(ctx, fetch.Await)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		text(parent, "in Task.Await", "for task fetch")
		f.SetResult("body")
		v, err := parent.Await(ctx)
		text(fetch, "fetch", "finished", "result="+v)

		victim := aio.Start(ctx, func(ctx context.Context) error {
			forever(ctx)
			return forever(context.WithoutCancel(ctx))
		})
		aio.Yield(ctx)
		victim.Cancel(nil)
		aio.Yield(ctx)
		text(victim, "cancelling")
		gone := aio.Start(ctx, forever)
		gone.Cancel(nil)
		aio.Yield(ctx)
		text(gone, "cancelled")
		failed := aio.Start(ctx, func(context.Context) error { return errBoom })
		failed.Await(ctx)
		text(failed, "failed", "boom")
		return err
	}, aio.WithShutdown(0, 0), aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
}

// Conformance: T-015.
func TestTasksWithoutNameAreNumberedUpwards(t *testing.T) {
	run(t, func(ctx context.Context) error {
		last := 0
		for range 3 {
			task := aio.Start(ctx, func(context.Context) error { return nil })
			var n int
			if _, err := fmt.Sscanf(task.Name(), "Task-%d", &n); err != nil || n <= last {
				t.Errorf("the name %q does not follow Task-%d", task.Name(), last)
			}
			last = n
		}
		return nil
	})
}

func TestATaskCanBeRenamed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return nil }, aio.Name("old"))
		task.SetName("new")
		if task.Name() != "new" || aio.CurrentTask(ctx).Name() != "main" {
			t.Errorf("the names are %q and %q", task.Name(), aio.CurrentTask(ctx).Name())
		}
		return nil
	})
}

// Conformance: T-022.
func TestAResultThatIsAFutureIsNotAwaitedForYou(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		got, err := aio.CreateTask(ctx, value(f)).Await(ctx)
		if got != f || f.Done() {
			t.Error("the result is not the future as it was")
		}
		return err
	})
}

// Conformance: T-024.
func TestATaskGoesOnWithExactlyTheValueOfTheFuture(t *testing.T) {
	run(t, func(ctx context.Context) error {
		type box struct{ int }
		f := aio.NewFuture[*box](ctx)
		task := aio.CreateTask(ctx, f.Await)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if task.Done() {
			t.Error("done before the future")
		}
		b := &box{1}
		f.SetResult(b)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if got, err := task.Result(); got != b || err != nil {
			t.Errorf("one pass later the result is %v, %v", got, err)
		}
		return nil
	})
}

// Conformance: T-025.
func TestATaskHasNoSetters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.CreateTask(ctx, value(1))
		if _, ok := any(task).(interface{ SetResult(int) error }); ok {
			t.Error("a task has SetResult")
		}
		if _, ok := any(task).(interface{ SetError(error) error }); ok {
			t.Error("a task has SetError")
		}
		v, err := task.Await(ctx)
		if v != 1 {
			t.Errorf("got %d", v)
		}
		return err
	})
}

// Conformance: T-028, T-031.
func TestTheCurrentTaskIsTheOneThatRuns(t *testing.T) {
	l := aio.NewLoop()
	if l.CurrentTask() != nil {
		t.Error("a loop that is not running has a current task")
	}
	l.Close()
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var inCallback aio.AnyTask = aio.CurrentTask(ctx)
		l.CallSoon(func() { inCallback = l.CurrentTask() })
		var task *aio.Task[aio.None]
		task = aio.Start(ctx, func(ctx context.Context) error {
			if aio.CurrentTask(ctx) != aio.AnyTask(task) || l.CurrentTask() != aio.AnyTask(task) {
				t.Error("a task does not see itself as the current one")
			}
			return nil
		})
		_, err := task.Await(ctx)
		if inCallback != nil {
			t.Errorf("in a callback the current task is %v", inCallback)
		}
		return err
	})
}

// Conformance: T-029, T-034.
func TestTasksThatInterleaveAlwaysSeeThemselves(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		f1, f2 := aio.NewFuture[bool](l.Context()), aio.NewFuture[bool](l.Context())
		var tasks [2]*aio.Task[aio.None]
		inside := 0
		step := func(i int) {
			if inside++; inside != 1 {
				t.Error("two tasks run at the same time")
			}
			if l.CurrentTask() != aio.AnyTask(tasks[i]) {
				t.Errorf("task %d sees %v", i, l.CurrentTask())
			}
			inside--
		}
		job := func(i int, mine, other *aio.Future[bool]) *aio.Task[aio.None] {
			return aio.Start(ctx, func(ctx context.Context) error {
				step(i)
				l.CallSoon(func() { other.SetResult(true) })
				_, err := mine.Await(ctx)
				step(i)
				return err
			})
		}
		tasks[0], tasks[1] = job(0, f1, f2), job(1, f2, f1)
		_, err := aio.Gather(ctx, tasks[:]...)
		return err
	})
}

// Conformance: T-032, T-033.
func TestAllTasksListsTheUnfinishedOnesOfTheLoopInOrder(t *testing.T) {
	names := func(ctx context.Context) (list []string) {
		for _, task := range aio.AllTasks(ctx) {
			list = append(list, task.Name())
		}
		return list
	}
	other := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	defer other.Close()
	aio.Start(other.Context(), forever, aio.Name("elsewhere"))
	run(t, func(ctx context.Context) error {
		a := aio.Start(ctx, func(context.Context) error { return nil }, aio.Name("a"))
		aio.Start(ctx, forever, aio.Name("b"))
		aio.Start(ctx, forever, aio.Name("c"))
		if got := names(ctx); !slices.Equal(got, []string{"main", "a", "b", "c"}) {
			t.Errorf("listed: %v", got)
		}
		if _, err := a.Await(ctx); err != nil {
			return err
		}
		if got := names(ctx); !slices.Equal(got, []string{"main", "b", "c"}) {
			t.Errorf("after the end of a: %v", got)
		}
		return nil
	})
}

// Conformance: T-037, P4-001.
func TestAFunctionCanBeStartedAnyNumberOfTimes(t *testing.T) {
	run(t, func(ctx context.Context) error {
		n := 0
		count := func(ctx context.Context) (int, error) {
			n++
			mine := n
			return mine, aio.Yield(ctx)
		}
		got, err := aio.Gather(ctx, aio.CreateTask(ctx, count), aio.CreateTask(ctx, count), aio.CreateTask(ctx, count))
		if !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: T-041, T-042.
func TestTasksAndFuturesAreInterchangeable(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[any](ctx)
		f.SetResult(1)
		task := aio.CreateTask(ctx, func(context.Context) (any, error) { return "x", nil })
		done, _, err := aio.Wait[aio.AnyFuture](ctx, aio.AllCompleted, f, task)
		if len(done) != 2 {
			t.Errorf("done: %v", done)
		}
		return err
	})
}

type badState struct{ state string }

func (e *badState) Error() string { return "bad state " + e.state }

// Conformance: T-045.
func TestAnErrorOfATaskCanBeWrappedBesideTheOneInHand(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return &badState{"cleanup"} })
		err := func() (err error) {
			err = errBoom
			defer func() {
				_, cleanup := task.Await(ctx)
				err = errors.Join(err, cleanup)
			}()
			return err
		}()
		var bad *badState
		if !errors.Is(err, errBoom) || !errors.As(err, &bad) || bad.state != "cleanup" {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func panicHere() { panic("kaboom") }

// Conformance: T-047.
func TestThePanicOfATaskCarriesThePlaceWhereItHappened(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { panicHere(); return nil })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		var p *aio.PanicError
		if !errors.As(task.Err(), &p) || p.Value != "kaboom" || !strings.Contains(string(p.Stack), "panicHere") {
			t.Errorf("the error is %v", task.Err())
		}
		return nil
	})
}

// Conformance: T-048.
func TestAwaitingAPanicAgainDoesNotMakeItGrow(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { panicHere(); return nil })
		size := 0
		for i := range 3 {
			p, ok := panicOf(func() { task.Await(ctx) }).(*aio.PanicError)
			if !ok {
				t.Fatalf("await %d did not raise the panic", i)
			}
			if i > 0 && len(p.Stack) != size {
				t.Errorf("the stack grew from %d to %d bytes", size, len(p.Stack))
			}
			size = len(p.Stack)
		}
		return nil
	})
}

// Conformance: T-049, F-022.
func TestInDebugModeTasksAndFuturesKnowWhereTheyWereMade(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.CreateTask(ctx, func(context.Context) (int, error) { return 0, errBoom })
		aio.Start(ctx, func(context.Context) error { return errBoom })
		aio.NewFuture[int](ctx).SetError(errBoom)
		return aio.Yield(ctx)
	}, aio.WithDebug(true))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, r := range seen.All() {
		if !strings.HasPrefix(r.Site, "task_test.go:") {
			t.Errorf("%s: created at %q", r.Message, r.Site)
		}
		lines[r.Site] = true
	}
	if len(lines) != 3 {
		t.Errorf("the reports name the sites %v, want three lines of this file", lines)
	}
}

// Conformance: T-050.
func TestClosingALoopReportsATaskThatWasLeftPending(t *testing.T) {
	var seen reports
	l := aio.NewLoop(seen.Option())
	ended := false
	aio.Start(l.Context(), func(ctx context.Context) error {
		defer func() { ended = true }()
		return forever(ctx)
	}, aio.Name("orphan"))
	aio.Start(l.Context(), forever, aio.Name("unborn"))
	aio.RunUntilComplete(l, func(ctx context.Context) (aio.None, error) {
		aio.Start(ctx, forever, aio.Name("late"))
		return aio.None{}, nil
	})
	l.Close()
	if n := len(l.AllTasks()); n != 0 || !ended {
		t.Errorf("%d tasks are left, deferred functions ran: %v", n, ended)
	}
	var names []string
	for _, r := range seen.All() {
		names = append(names, r.TaskName)
		if r.Site == "" {
			t.Errorf("%s has no site", r.TaskName)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"late", "orphan", "unborn"}) {
		t.Errorf("reported: %v", seen.Strings())
	}
}

// Conformance: T-051, F-027 (design D5: in asyncio it counts as looking at the error).
func TestCancellingWhatHasFailedHidesNoError(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return errBoom })
		f := aio.NewFuture[int](ctx)
		f.SetError(errReason)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if task.Cancel(nil) || f.Cancel(nil) {
			t.Error("cancel of something that has ended returned true")
		}
		return nil
	})
	got := seen.All()
	if err != nil || len(got) != 2 || got[0].Err != errReason || got[1].Err != errBoom {
		t.Errorf("got %v; reported: %v", err, got)
	}
}

func TestADeferredCancelHidesNoPanic(t *testing.T) {
	seen := &reports{}
	p, _ := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			task := aio.Start(ctx, func(context.Context) error { panic("unseen") })
			defer task.Cancel(nil)
			return aio.Sleep(ctx, time.Second)
		}, testOptions(seen)...)
	}).(*aio.PanicError)
	if p == nil || p.Value != "unseen" {
		t.Errorf("raised: %v", p)
	}
	if got := seen.All(); len(got) != 1 {
		t.Errorf("reported: %v", got)
	}
}

// Conformance: T-052, T-053.
func TestAClosedLoopTakesNoTask(t *testing.T) {
	l := aio.NewLoop()
	l.Close()
	ran := false
	wantPanic(t, func() {
		aio.Start(l.Context(), func(context.Context) error { ran = true; return nil })
	}, "aio: Start: the loop is closed")
	if ran || len(l.AllTasks()) != 0 {
		t.Error("the refused task ran, or is listed")
	}
}

// Conformance: T-058.
func TestATaskWhoseLoopIsStoppedStaysPendingAndGoesOnLater(t *testing.T) {
	l := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer l.Close()
	task := aio.CreateTask(l.Context(), func(ctx context.Context) (string, error) {
		l.Stop()
		return "resumed", aio.Sleep(ctx, time.Second)
	})
	if _, err := aio.RunUntilComplete(l, task.Await); err != aio.ErrStopped || task.Done() {
		t.Fatalf("the first run returned %v, done: %v", err, task.Done())
	}
	if v, err := aio.RunUntilComplete(l, task.Await); v != "resumed" || err != nil {
		t.Fatalf("the second run returned %q, %v", v, err)
	}
}

func TestAFailureThatNobodyLooksAtIsReportedOnce(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(context.Context) error { return errBoom }, aio.Name("lonely"))
		return aio.Yield(ctx)
	})
	if want := []string{"a task failed and its error was never retrieved|lonely"}; err != nil || !slices.Equal(seen.Strings(), want) {
		t.Errorf("reported: %v, %v", seen.Strings(), err)
	}
}

func TestAFailureThatOneOfTwoWaitersSawIsNotReportedWhenTheOtherIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		var got error
		aio.Start(ctx, func(ctx context.Context) error { _, got = f.Await(ctx); return nil })
		second := aio.CreateTask(ctx, f.Await)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		f.SetError(errBoom)
		second.Cancel(nil)
		aio.Yield(ctx)
		if got != errBoom || !second.Cancelled() {
			t.Errorf("the first got %v, the second is %v", got, second)
		}
		return nil
	})
}

func TestAFailureWhoseOnlyWaiterIsCancelledBeforeItLooksIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		waiter := aio.CreateTask(ctx, f.Await)
		aio.Yield(ctx)
		f.SetError(errBoom)
		waiter.Cancel(nil)
		return aio.Yield(ctx)
	})
	all := seen.All()
	if err != nil || len(all) != 1 || all[0].Message != "a future failed and its error was never retrieved" || all[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.Strings(), err)
	}
}

func TestATaskCanEndItselfWithGoexit(t *testing.T) {
	run(t, func(ctx context.Context) error {
		cleaned := false
		task := aio.Start(ctx, func(ctx context.Context) error {
			defer func() {
				aio.Yield(ctx)
				cleaned = true
			}()
			runtime.Goexit()
			return nil
		}, aio.Name("quitter"))
		_, err := task.Await(ctx)
		var gone *aio.GoexitError
		if !errors.As(err, &gone) || gone.Name != "quitter" || !cleaned {
			t.Errorf("got %v, cleaned up: %v", err, cleaned)
		}
		return nil
	})
}

func TestADeferredFunctionCanAwaitWhileAPanicIsOnItsWay(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		task := aio.Start(ctx, func(ctx context.Context) error {
			defer func() {
				log.Add("sleep: %v", aio.Sleep(ctx, time.Second))
				v, err := aio.CreateTask(ctx, value(7)).Await(ctx)
				log.Add("child: %d %v", v, err)
			}()
			panic("first")
		})
		p, _ := panicOf(func() { task.Await(ctx) }).(*aio.PanicError)
		if p == nil || p.Value != "first" {
			t.Errorf("raised: %v", p)
		}
		log.Want(t, "sleep: <nil>", "child: 7 <nil>")
		return nil
	})
}

// Conformance: T-020.
func TestATaskHasItsNameAlsoWithAFactoryThatIgnoresNames(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return nil }, aio.Name("given"))
		if task.Name() != "given" {
			t.Errorf("the name is %q", task.Name())
		}
		_, err := task.Await(ctx)
		return err
	}, aio.WithTaskFactory(func(aio.AnyTask) error { return nil }))
}

type key string

// Conformance: TX-001.
func TestAChildSeesTheValuesOfItsCreationAndChangesNoneOfItsParent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), "at creation")
		child := aio.CreateTask(ctx, func(ctx context.Context) (any, error) {
			seen := ctx.Value(key("v"))
			ctx = context.WithValue(ctx, key("v"), "child's own")
			return seen, aio.Yield(ctx)
		})
		later := context.WithValue(ctx, key("v"), "set later")
		v, err := child.Await(later)
		if v != "at creation" || later.Value(key("v")) != "set later" || ctx.Value(key("v")) != "at creation" {
			t.Errorf("the child saw %v, the parent has %v", v, later.Value(key("v")))
		}
		return err
	})
}

// Conformance: TX-002.
func TestACallbackDoesNotChangeTheValuesOfATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), 1)
		f := aio.NewFuture[int](ctx)
		f.AddDoneCallback(func() {
			own := context.WithValue(aio.RunningLoop(ctx).Context(), key("v"), 2)
			if own.Value(key("v")) != 2 {
				t.Error("the callback does not see its own value")
			}
		})
		aio.RunningLoop(ctx).CallSoon(func() { f.SetResult(0) })
		_, err := f.Await(ctx)
		if ctx.Value(key("v")) != 1 {
			t.Errorf("after the await the value is %v", ctx.Value(key("v")))
		}
		return err
	})
}

// Conformance: TX-004.
func TestTasksThatAreGivenTheSameContextShareWhatItHolds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := context.WithValue(ctx, key("box"), new(string))
		first := aio.Start(shared, func(ctx context.Context) error {
			*ctx.Value(key("box")).(*string) = "from the first"
			return nil
		})
		second := aio.CreateTask(shared, func(ctx context.Context) (string, error) {
			return *ctx.Value(key("box")).(*string), nil
		})
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		v, err := second.Await(ctx)
		if v != "from the first" {
			t.Errorf("the second saw %q", v)
		}
		return err
	})
}

// Conformance: TX-005.
func TestTasksThatInterleaveKeepTheirOwnValues(t *testing.T) {
	run(t, func(ctx context.Context) error {
		divide := func(precision int) aio.Func[string] {
			return func(ctx context.Context) (string, error) {
				ctx = context.WithValue(ctx, key("precision"), precision)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return "", err
				}
				return fmt.Sprintf("%.*f", ctx.Value(key("precision")), 1.0/3), aio.Yield(ctx)
			}
		}
		got, err := aio.All(ctx, divide(3), divide(6))
		if err == nil && (got[0] != "0.333" || got[1] != "0.333333") {
			t.Errorf("got %v", got)
		}
		return err
	})
}

// Conformance: TX-006.
func TestAThreadSeesTheValuesOfItsCaller(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, key("v"), "mine")
		v, err := aio.ToThread(ctx, func(ctx context.Context) (any, error) { return ctx.Value(key("v")), nil })
		if v != "mine" {
			t.Errorf("the thread saw %v", v)
		}
		return err
	})
}

func TestTheValuesOfRunReachEveryTaskAndTheAmbientContext(t *testing.T) {
	outside := context.WithValue(t.Context(), key("v"), "outside")
	err := aio.Run(outside, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		fromCallback := aio.NewFuture[any](l.Context())
		l.CallSoon(func() {
			aio.Start(l.Context(), func(ctx context.Context) error { return fromCallback.SetResult(ctx.Value(key("v"))) })
		})
		v, err := fromCallback.Await(ctx)
		if v != "outside" || ctx.Value(key("v")) != "outside" {
			t.Errorf("main sees %v, a task made in a callback %v", ctx.Value(key("v")), v)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Conformance: TX-007.
func TestAReportHasTheValuesOfTheTaskThatFailed(t *testing.T) {
	begun := context.WithValue(t.Context(), key("v"), "the loop's")
	var seen []any
	err := aio.Run(begun, func(ctx context.Context) error {
		aio.Start(context.WithValue(ctx, key("v"), "the task's"), func(context.Context) error { return errors.New("boom") })
		aio.RunningLoop(ctx).CallSoon(func() { panic("boom") })
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		seen = append(seen, r.Context.Value(key("v")))
		if r.Context.Err() != nil {
			t.Errorf("the context of %q has ended: %v", r.Message, r.Context.Err())
		}
	}))
	if err != nil || !slices.Equal(seen, []any{"the loop's", "the task's"}) {
		t.Errorf("got %v, and the handler saw %v", err, seen)
	}
}

var lineNumber = regexp.MustCompile(`:\d+`)

// unnumbered takes the line numbers out, which change with every edit.
func unnumbered(lines ...string) []string {
	for i, s := range lines {
		lines[i] = lineNumber.ReplaceAllString(s, "")
	}
	return lines
}

func TestACancellationTellsTheBlocksThatItCameThroughOnItsWayIntoATask(t *testing.T) {
	var met *aio.CancelledError
	err := runErr(t, func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
						g.Go(func(ctx context.Context) error {
							err := aio.Sleep(ctx, time.Hour)
							errors.As(err, &met)
							return err
						})
						return nil
					})
				})
				return nil
			})
		})
	})
	if !errors.Is(err, context.DeadlineExceeded) || met == nil {
		t.Fatalf("got %v, and the task met %v", err, met)
	}
	const file = "task_test.go"
	if got, want := unnumbered(met.Through()...), []string{"Group at " + file, "Group at " + file}; !slices.Equal(got, want) {
		t.Errorf("through %q, want %q", got, want)
	}
	want := "cancelled by Timeout at task_test.go, through Group at task_test.go, Group at task_test.go: took longer than 1s"
	if got := unnumbered(met.Error())[0]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestACancellationTellsTheTasksThatPassedItOnByAwaiting(t *testing.T) {
	var met *aio.CancelledError
	run(t, func(ctx context.Context) error {
		leaf := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			err := aio.Sleep(ctx, time.Hour)
			errors.As(err, &met)
			return 0, err
		})
		gathering := aio.CreateTask(ctx, func(ctx context.Context) ([]int, error) { return aio.Gather(ctx, leaf) }, aio.Name("gatherer"))
		top := aio.CreateTask(ctx, gathering.Await, aio.Name("top"))
		aio.Yield(ctx)
		aio.Yield(ctx)
		top.Cancel(errors.New("enough"))
		if _, err := top.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("top: %v", err)
		}
		return nil
	})
	if met == nil {
		t.Fatal("the leaf was not cancelled")
	}
	if want := []string{"Task.Await in top", "Gather in gatherer"}; !slices.Equal(met.Through(), want) {
		t.Errorf("through %q, want %q", met.Through(), want)
	}
	want := "cancelled by task main at task_test.go, through Task.Await in top, Gather in gatherer: enough"
	if got := unnumbered(met.Error())[0]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestARequestThatMeetsItsOwnTaskHasComeThroughNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		aio.Yield(ctx)
		task.Cancel(nil)
		_, err := task.Await(ctx)
		var met *aio.CancelledError
		if !errors.As(err, &met) || len(met.Through()) != 0 {
			t.Errorf("got %v, through %q", err, met.Through())
		}
		return nil
	})
}

func TestASnapshotShowsWhatACancellationCameThrough(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inside := aio.NewFuture[int](ctx)
		return ignore(aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					aio.Sleep(ctx, time.Hour)
					inside.SetResult(1)
					return aio.Sleep(context.WithoutCancel(ctx), time.Second) // slow cleanup
				}, aio.Name("slow"))
				g.Go(func(ctx context.Context) error {
					inside.Await(context.WithoutCancel(ctx))
					i := infoOf(t, aio.RunningLoop(ctx).Snapshot(false), "slow")
					if i.Cancel == nil || !slices.Equal(unnumbered(i.Cancel.Through...), []string{"Group at task_test.go"}) {
						t.Errorf("got %+v", i.Cancel)
					}
					return nil
				})
				return nil
			})
		}), context.DeadlineExceeded)
	})
}

// ignore returns err unless it is one that was to be expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func TestATaskIsSmall(t *testing.T) {
	for name, size := range map[string]uintptr{"Task[None]": aio.SizeOfTask[aio.None](), "Task[int]": aio.SizeOfTask[int]()} {
		if size > 160 {
			t.Errorf("a %s takes %d bytes, more than 160", name, size)
		}
	}
}

func TestWhatIsHotDoesNotAllocate(t *testing.T) {
	if leaktest.RaceDetector {
		t.Skip("the race detector allocates")
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := aio.CreateTask(ctx, func(context.Context) (int, error) { return 1, nil })
		if _, err := done.Await(ctx); err != nil {
			return err
		}
		other := aio.Start(ctx, spin) // somebody to switch to
		defer other.Cancel(nil)
		var lock aiosync.Lock
		deadline := l.Time().Add(-time.Second)
		_ = deadline
		for name, fn := range map[string]func() error{
			"yield":                         func() error { return aio.Yield(ctx) },
			"await of a finished task":      func() error { _, err := done.Await(ctx); return err },
			"sleep of nothing":              func() error { return aio.Sleep(ctx, 0) },
			"sleep":                         func() error { return aio.Sleep(ctx, time.Microsecond) },
			"lock that nobody else wants":   func() error { err := lock.Acquire(ctx); lock.Release(); return err },
			"current task and running loop": func() error { _, _ = aio.CurrentTask(ctx), aio.RunningLoop(ctx); return nil },
		} {
			if n := testing.AllocsPerRun(100, func() {
				if err := fn(); err != nil {
					t.Error(err)
				}
			}); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Conformance: T-054 (a factory prepares tasks instead of making them).
func TestATaskFactoryIsCalledWithEveryTaskUntilItIsRemoved(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		if l.TaskFactory() != nil {
			t.Error("there is a factory from the start")
		}
		n := 0
		l.SetTaskFactory(func(task aio.AnyTask) error {
			n++
			task.SetName(fmt.Sprintf("made-%d", n))
			task.AddDoneCallback(func() { j.Add("%s ended", task.Name()) })
			return nil
		})
		if l.TaskFactory() == nil {
			t.Error("there is no factory")
		}
		first := aio.Start(ctx, aio.Yield)
		j.Add("%s", first.Name())
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		l.SetTaskFactory(nil)
		second := aio.Start(ctx, aio.Yield, aio.Name("plain"))
		j.Add("%s", second.Name())
		if _, err := second.Await(ctx); err != nil {
			return err
		}
		j.Want(t, "made-1", "made-1 ended", "plain")
		return nil
	})
}

// Conformance: T-055 (R9: what is no factory does not compile; nil is none).
func TestANilTaskFactoryIsNone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(nil)
		if l.TaskFactory() != nil {
			t.Error("there is a factory")
		}
		_, err := aio.Start(ctx, aio.Yield).Await(ctx)
		return err
	}, aio.WithTaskFactory(nil))
}

// Conformance: T-056.
func TestWhateverMakesATaskAsksTheFactory(t *testing.T) {
	var j journal
	one := func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		made := func(what string, n int, fn func() error) {
			t.Helper()
			j = nil
			if err := fn(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if len(j) != n {
				t.Errorf("%s: the factory was asked for %q, want %d tasks", what, j, n)
			}
		}
		j.Want(t, "main")
		made("CreateTask", 1, func() error { _, err := aio.CreateTask(ctx, one).Await(ctx); return err })
		made("Start", 1, func() error { _, err := aio.Start(ctx, aio.Yield, aio.Eager()).Await(ctx); return err })
		made("Group", 2, func() error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(aio.Yield)
				aio.GoValue(g, one)
				return nil
			})
		})
		made("All", 3, func() error { _, err := aio.All(ctx, one, one, one); return err })
		made("GoReady", 1, func() error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				_, err := aio.GoReady(ctx, g, func(_ context.Context, ready func(int)) error { ready(1); return nil })
				return err
			})
		})
		made("Submit", 1, func() error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return aio.SubmitValue(context.Background(), l, one) })
			return err
		})
		return nil
	}, aio.WithTaskFactory(func(task aio.AnyTask) error { j.Add("%s", task.Name()); return nil }))
}

func TestATaskThatTheFactoryRefusesNeverRuns(t *testing.T) {
	refuse := func(aio.AnyTask) error { return errBoom }
	never := func(context.Context) error { t.Error("it runs"); return nil }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(refuse)
		for _, opt := range []aio.TaskOption{aio.Name("later"), aio.Eager()} {
			task := aio.Start(ctx, never, opt)
			if !task.Done() || len(l.AllTasks()) != 1 {
				t.Errorf("done %v, all tasks %v", task.Done(), l.AllTasks())
			}
			if _, err := task.Await(ctx); err != errBoom {
				t.Errorf("got %v", err)
			}
		}
		l.SetTaskFactory(nil)
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			l.SetTaskFactory(refuse)
			g.Go(never)
			return forever(ctx) // the failure ends the group
		})
		if err != errBoom {
			t.Errorf("Group: %v", err)
		}
		_, err = aio.All(ctx, aio.Action(never), aio.Action(never))
		if !errors.Is(err, errBoom) {
			t.Errorf("All: %v", err)
		}
		return nil
	})
	if err := runErr(t, never, aio.WithTaskFactory(refuse)); err != errBoom {
		t.Errorf("Run: %v", err)
	}
}

func TestATaskThatNobodyAwaitsAndTheFactoryRefusesIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).SetTaskFactory(func(aio.AnyTask) error { return errBoom })
		aio.Start(ctx, forever, aio.Name("refused"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := seen.All(); len(list) != 1 || list[0].TaskName != "refused" || list[0].Err != errBoom {
		t.Errorf("reports: %+v", list)
	}
}

func TestAPanicOfTheFactoryIsThatOfTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		broken := func(aio.AnyTask) error { panic("broken factory") }
		l.SetTaskFactory(broken)
		task := aio.Start(ctx, forever)
		wantPanic(t, func() { task.Await(ctx) }, "broken factory")
		l.SetTaskFactory(nil)
		wantPanic(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				l.SetTaskFactory(broken)
				g.Go(forever)
				return forever(ctx)
			})
		}, "broken factory")
		return nil
	})
}

// Conformance: TS-005.
func TestAThreadSeesThatTheFactoryRefusedWhatItSubmitted(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetTaskFactory(func(aio.AnyTask) error { return errBoom })
		_, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			return aio.SubmitValue(context.Background(), l, func(context.Context) (int, error) { return 1, nil })
		})
		if err != errBoom {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := seen.All(); len(list) != 1 || list[0].Err != errBoom {
		t.Errorf("reports: %+v", list)
	}
}

type eagerKey struct{}

// Conformance: EG-002.
func TestAnEagerTaskTakesItsFirstStepAtOnceAndGoesOnAsAnyOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		aio.Start(ctx, func(context.Context) error { j.Add("ordinary"); return nil })
		f := aio.NewFuture[string](ctx)
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			j.Add("first step")
			if err := aio.Yield(ctx); err != nil {
				return "", err
			}
			j.Add("second step")
			return f.Await(ctx)
		}, aio.Eager(), aio.Name("eager"))
		j.Add("creator goes on")
		if task.Done() {
			t.Error("it is done")
		}
		aio.RunningLoop(ctx).CallLater(time.Second, func() { f.SetResult("the end") })
		v, err := task.Await(ctx)
		j.Add("%s %v", v, err)
		j.Want(t, "first step", "creator goes on", "ordinary", "second step", "the end <nil>")
		return nil
	})
}

// Conformance: EG-003, EG-005.
func TestAnEagerTaskThatEndsInItsFirstStepIsDoneAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		done := aio.CreateTask(ctx, func(context.Context) (int, error) { return 42, nil }, aio.Eager())
		if v, err := done.Result(); v != 42 || err != nil || done.Cancel(nil) {
			t.Errorf("got %d, %v", v, err)
		}
		failed := aio.Start(ctx, func(context.Context) error { return errBoom }, aio.Eager())
		if failed.Err() != errBoom {
			t.Errorf("got %v", failed.Err())
		}
		blocked := aio.Start(ctx, forever, aio.Eager(), aio.Name("blocked"))
		all := aio.AllTasks(ctx)
		if len(all) != 2 || all[0] != aio.CurrentTask(ctx) || all[1].Name() != "blocked" {
			t.Errorf("all tasks: %v", all)
		}
		if !blocked.Cancel(errBoom) {
			t.Error("it cannot be cancelled")
		}
		if _, err := blocked.Await(ctx); !errors.Is(err, errBoom) || !blocked.Cancelled() {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// Conformance: EG-006.
func TestTheValuesOfAnEagerTaskAreItsOwn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx = context.WithValue(ctx, eagerKey{}, "creator")
		aio.Start(ctx, func(ctx context.Context) error {
			if ctx.Value(eagerKey{}) != "creator" {
				t.Errorf("it sees %v", ctx.Value(eagerKey{}))
			}
			ctx = context.WithValue(ctx, eagerKey{}, "job")
			return aio.Yield(ctx)
		}, aio.Eager())
		if ctx.Value(eagerKey{}) != "creator" {
			t.Errorf("the creator sees %v", ctx.Value(eagerKey{}))
		}
		return aio.Yield(ctx)
	})
}

func TestTheCurrentTaskIsTheEagerOneOnlyDuringItsStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		who := func() {
			if task := l.CurrentTask(); task != nil {
				j.Add("%s", task.Name())
			} else {
				j.Add("nobody")
			}
		}
		start := func(name string, fn func(ctx context.Context) error) {
			aio.Start(l.Context(), func(ctx context.Context) error {
				who()
				if fn != nil {
					if err := fn(ctx); err != nil {
						return err
					}
				}
				who()
				return nil
			}, aio.Eager(), aio.Name(name))
		}
		who()
		start("short", nil)
		who()
		start("waits", aio.Yield)
		who()
		start("outer", func(ctx context.Context) error {
			start("inner", aio.Yield)
			who()
			return aio.Yield(ctx)
		})
		who()
		j.Want(t, "main", "short", "short", "main", "waits", "main", "outer", "inner", "outer", "main")
		j = nil
		l.CallSoon(func() { who(); start("of a callback", aio.Yield); who() })
		for range 3 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		j.Want(t, "waits", "inner", "outer", "nobody", "of a callback", "nobody", "of a callback")
		return nil
	})
}

func TestAnEagerTaskMayPanicOrExitInItsFirstStep(t *testing.T) {
	run(t, func(ctx context.Context) error {
		creator := aio.CurrentTask(ctx)
		bad := aio.Start(ctx, func(context.Context) error { panic("at once") }, aio.Eager())
		gone := aio.Start(ctx, func(context.Context) error { runtime.Goexit(); return nil }, aio.Eager())
		if aio.CurrentTask(ctx) != creator {
			t.Error("the current task is not the creator")
		}
		var p *aio.PanicError
		if !errors.As(bad.Err(), &p) || p.Value != "at once" {
			t.Errorf("got %v", bad.Err())
		}
		var g *aio.GoexitError
		if !errors.As(gone.Err(), &g) {
			t.Errorf("got %v", gone.Err())
		}
		return aio.Yield(ctx)
	})
}

func TestAnEagerTaskMayCancelItsCreatorAndStopTheLoop(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		creator := aio.CurrentTask(ctx)
		aio.Start(ctx, func(context.Context) error { creator.Cancel(errBoom); return nil }, aio.Eager())
		return aio.Yield(ctx)
	})
	if !errors.Is(err, errBoom) || !errors.Is(err, aio.ErrCancelled) {
		t.Errorf("got %v", err)
	}
	var j journal
	err = runErr(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.Start(ctx, func(context.Context) error { l.Stop(); return nil }, aio.Eager())
		aio.Start(ctx, func(context.Context) error { j.Add("same pass"); return nil }, aio.Eager())
		j.Add("creator goes on")
		err := aio.Yield(ctx)
		j.Add("%v", errors.Is(err, aio.ErrCancelled))
		return err
	})
	if err != aio.ErrStopped {
		t.Errorf("got %v", err)
	}
	j.Want(t, "same pass", "creator goes on", "true")
}

func TestEagerTasksOfAGroupBelongToIt(t *testing.T) {
	var j journal
	err := runErr(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				defer j.Add("first ended")
				j.Add("first")
				return forever(ctx)
			}, aio.Eager())
			g.Go(func(context.Context) error { j.Add("second fails"); return errBoom }, aio.Eager())
			j.Add("body")
			v := aio.GoValue(g, func(context.Context) (int, error) { return 3, nil }, aio.Eager())
			if n, err := v.Result(); n != 3 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
			err := forever(ctx)
			j.Add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
	})
	if err != errBoom {
		t.Errorf("got %v", err)
	}
	j.Want(t, "first", "second fails", "body", "first ended", "cancelled: true")
}

func TestAnEagerTaskOfALoopThatDoesNotRunWaitsForItsTurn(t *testing.T) {
	l := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	defer l.Close()
	began := false
	task := aio.Start(l.Context(), func(context.Context) error { began = true; return nil }, aio.Eager())
	if began {
		t.Error("it has begun")
	}
	if _, err := aio.RunUntilComplete(l, task.Await); err != nil || !began {
		t.Errorf("got %v, began %v", err, began)
	}
}

func TestManyEagerTasksInsideEachOther(t *testing.T) {
	run(t, func(ctx context.Context) error {
		const depth = 100
		ended := 0
		var nest func(ctx context.Context, n int) error
		nest = func(ctx context.Context, n int) error {
			if n < depth {
				if _, err := aio.Start(ctx, func(ctx context.Context) error { return nest(ctx, n+1) }, aio.Eager()).Await(ctx); err != nil {
					return err
				}
			} else if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			ended++
			return nil
		}
		if err := nest(ctx, 0); err != nil || ended != depth+1 {
			t.Errorf("%d ended, %v", ended, err)
		}
		return nil
	})
}

func boundOne(ctx context.Context, a int) (int, error)              { return a, aio.Yield(ctx) } // line 1384
func boundTwo(ctx context.Context, a, b int) (int, error)           { return a, aio.Yield(ctx) }
func boundThree(ctx context.Context, a, b, c int) (int, error)      { return a, aio.Yield(ctx) }
func boundAction(ctx context.Context) error                         { return aio.Yield(ctx) }
func (*boundMethods) bound(ctx context.Context, a int) (int, error) { return a, aio.Yield(ctx) }

type boundMethods struct{}

func TestATaskMadeOfABoundFunctionShowsWhereThatFunctionIs(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		one := aio.CreateTask(ctx, aio.Bind(boundOne, 1))
		two := aio.CreateTask(ctx, aio.Bind2(boundTwo, 1, 2))
		three := aio.CreateTask(ctx, aio.Bind3(boundThree, 1, 2, 3))
		action := aio.CreateTask(ctx, aio.Action(boundAction))
		method := aio.CreateTask(ctx, aio.Bind(new(boundMethods).bound, 1))
		for i, task := range []fmt.Stringer{one, two, three, action} {
			if got, want := task.String(), fmt.Sprintf(" task_test.go:%d>", 1384+i); !strings.HasSuffix(got, want) {
				t.Errorf("%s, want it to end with %s", got, want)
			}
		}
		if got, want := method.String(), "boundMethods).bound>"; !strings.HasSuffix(got, want) {
			t.Errorf("%s, want it to end with %s", got, want)
		}
		if _, err := aio.Gather(ctx, one, two, three, method); err != nil {
			return err
		}
		_, err := action.Await(ctx)
		return err
	}, aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
}

// meddler is an error whose methods do something.
type meddler struct{ do func() }

func (m meddler) Error() string { return "meddler" }
func (m meddler) Unwrap() error { m.do(); return nil }
func (m meddler) Is(error) bool { m.do(); return false }
func (m meddler) As(any) bool   { m.do(); return false }

func TestMethodsOfATasksErrorCannotKeepTheTaskFromEnding(t *testing.T) {
	for name, do := range map[string]func(ctx context.Context){
		"Goexit": func(context.Context) { runtime.Goexit() },
		"panic":  func(context.Context) { panic("in a method") },
		"await":  func(ctx context.Context) { aio.Sleep(ctx, time.Hour) },
		"Wait":   func(ctx context.Context) { aio.NewWaiter(ctx, "meddling", nil).Park() },
	} {
		runReports(t, func(ctx context.Context) error {
			task := started(ctx, func(ctx context.Context) error { return meddler{func() { do(ctx) }} })
			if !task.Done() || task.Err() == nil {
				t.Errorf("%s: got %v", name, task)
			}
			after := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			_, err := after.Await(ctx)
			return err
		})
	}
}

func TestIdleStacksFollowTheNeed(t *testing.T) {
	const tasks = 3000
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		burst := func() error {
			_, err := aio.Map(ctx, make([]struct{}, tasks), func(ctx context.Context, _ struct{}) (aio.None, error) {
				return aio.None{}, aio.Sleep(ctx, time.Microsecond)
			})
			return err
		}
		if err := burst(); err != nil {
			return err
		}
		if idle := aio.IdleStacks(ctx); idle < tasks {
			t.Errorf("%d stacks are kept after a burst of %d tasks", idle, tasks)
		}
		for aio.IdleStacks(ctx) > 1024 {
			runtime.GC()
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		for range 3 {
			runtime.GC()
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		if idle := aio.IdleStacks(ctx); idle != 1024 {
			t.Errorf("%d stacks are kept without need, want 1024", idle)
		}
		return burst()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestATaskTellsTheValuesOfItsContext(t *testing.T) {
	type key struct{}
	err := aio.Run(context.WithValue(context.Background(), key{}, "main"), func(ctx context.Context) error {
		inner := aio.Start(context.WithValue(ctx, key{}, "inner"), func(context.Context) error { return nil })
		if got := inner.Value(key{}); got != "inner" {
			t.Errorf("the value of the task is %v", got)
		}
		if got := inner.Value("another"); got != nil {
			t.Errorf("the value of another key is %v", got)
		}
		for _, task := range aio.AllTasks(ctx) {
			if task.Name() == "main" && task.Value(key{}) != "main" {
				t.Errorf("the value of main is %v", task.Value(key{}))
			}
		}
		_, err := inner.Await(ctx)
		if got := inner.Value(key{}); got != "inner" {
			t.Errorf("after its end the value is %v", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
