package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
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
	f := aio.NewFuture[int](other)
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
		f := aio.NewFuture[string](aio.RunningLoop(ctx))
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
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
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
		f := aio.NewFuture[*box](aio.RunningLoop(ctx))
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
		f1, f2 := aio.NewFuture[bool](l), aio.NewFuture[bool](l)
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
		f := aio.NewFuture[any](aio.RunningLoop(ctx))
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
		aio.NewFuture[int](aio.RunningLoop(ctx)).SetError(errBoom)
		return aio.Yield(ctx)
	}, aio.WithDebug(true))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, r := range seen.all() {
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
	l := aio.NewLoop(seen.option())
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
	for _, r := range seen.all() {
		names = append(names, r.TaskName)
		if r.Site == "" {
			t.Errorf("%s has no site", r.TaskName)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"late", "orphan", "unborn"}) {
		t.Errorf("reported: %v", seen.strings())
	}
}

// Conformance: T-051, F-027 (design D5: in asyncio it counts as looking at the error).
func TestCancellingWhatHasFailedHidesNoError(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { return errBoom })
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		f.SetError(errReason)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if task.Cancel(nil) || f.Cancel(nil) {
			t.Error("cancel of something that has ended returned true")
		}
		return nil
	})
	got := seen.all()
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
	if got := seen.all(); len(got) != 1 {
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
	if _, err := aio.RunUntilDone(l, task); err != aio.ErrStopped || task.Done() {
		t.Fatalf("the first run returned %v, done: %v", err, task.Done())
	}
	if v, err := aio.RunUntilDone(l, task); v != "resumed" || err != nil {
		t.Fatalf("the second run returned %q, %v", v, err)
	}
}

func TestAFailureThatNobodyLooksAtIsReportedOnce(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(context.Context) error { return errBoom }, aio.Name("lonely"))
		return aio.Yield(ctx)
	})
	if want := []string{"a task failed, and nobody looked at its error|lonely"}; err != nil || !slices.Equal(seen.strings(), want) {
		t.Errorf("reported: %v, %v", seen.strings(), err)
	}
}

func TestAFailureThatOneOfTwoWaitersSawIsNotReportedWhenTheOtherIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
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
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
		waiter := aio.CreateTask(ctx, f.Await)
		aio.Yield(ctx)
		f.SetError(errBoom)
		waiter.Cancel(nil)
		return aio.Yield(ctx)
	})
	all := seen.all()
	if err != nil || len(all) != 1 || all[0].Message != "a future failed, and nobody looked at its error" || all[0].Err != errBoom {
		t.Errorf("reported: %v, %v", seen.strings(), err)
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
				log.add("sleep: %v", aio.Sleep(ctx, time.Second))
				v, err := aio.CreateTask(ctx, value(7)).Await(ctx)
				log.add("child: %d %v", v, err)
			}()
			panic("first")
		})
		p, _ := panicOf(func() { task.Await(ctx) }).(*aio.PanicError)
		if p == nil || p.Value != "first" {
			t.Errorf("raised: %v", p)
		}
		log.want(t, "sleep: <nil>", "child: 7 <nil>")
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
