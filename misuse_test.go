package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func TestAnAwaitOnAForeignGoroutinePanicsNamingTheRemedy(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		future := aio.NewFuture[int](l.Context())
		task := aio.Start(ctx, forever)
		defer task.Cancel(nil)
		for op, await := range map[string]func(){
			"Sleep":       func() { aio.Sleep(ctx, time.Second) },
			"Yield":       func() { aio.Yield(ctx) },
			"Task.Await":  func() { task.Await(ctx) },
			"Future.":     func() { future.Await(ctx) },
			"Gather":      func() { aio.Gather(ctx, task) },
			"Wait":        func() { aio.Wait(ctx, aio.AllCompleted, task) },
			"Group":       func() { aio.Group(ctx, func(context.Context, *aio.TaskGroup) error { return nil }) },
			"Timeout":     func() { aio.Timeout(ctx, time.Second, forever) },
			"WithTimeout": func() { aio.WithTimeout(ctx, time.Second) },
			"ToThread":    func() { aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }) },
			"gate":        func() { aio.NewWaiter(ctx, "gate", nil) },
		} {
			got := make(chan any)
			go func() { got <- panicOf(await) }()
			v := <-got
			wantPanic(t, func() { panic(v) }, "aio: "+op, "called from a goroutine that is not the loop's", "ToThread", "Submit")
		}
		return nil
	}, strict)
}

func TestAnAwaitInTheFunctionOfToThreadPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aio.Blocking(ctx, func(thread context.Context) error {
			wantPanic(t, func() { aio.Sleep(thread, time.Second) }, "aio: Sleep: called in a function of ToThread or Blocking", "await before it or after it")
			wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called in a function of ToThread or Blocking", "Submit")
			return nil
		})
	}, strict)
}

func TestAnAwaitInACallbackPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			for _, c := range []context.Context{l.Context(), ctx} {
				wantPanic(t, func() { aio.Sleep(c, time.Second) }, "aio: Sleep: called from a callback", "CreateTask(loop.Context(), ...)")
			}
		})
		return aio.Yield(ctx)
	})
}

func TestAnAwaitWithoutALoopOrContextPanics(t *testing.T) {
	wantPanic(t, func() { aio.Sleep(context.Background(), 1) }, "aio: Sleep: no running event loop", "aio.Run")
	wantPanic(t, func() { aio.CreateTask(context.Background(), panicsDeepInside) }, "aio: CreateTask: no running event loop")
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.Sleep(context.Background(), 1) }, "aio: Sleep: no running event loop")
		wantPanic(t, func() { aio.Sleep(nil, 1) }, "aio: Sleep: the context is nil") //nolint:staticcheck // misuse is the point
		wantPanic(t, func() { aio.CurrentTask(nil) }, "aio: CurrentTask: the context is nil")
		return nil
	})
}

func TestAnAwaitOnAClosedLoopPanics(t *testing.T) {
	var kept context.Context
	var task *aio.Task[aio.None]
	run(t, func(ctx context.Context) error {
		kept, task = ctx, aio.Start(ctx, aio.Yield)
		return yields(ctx, 2)
	})
	wantPanic(t, func() { aio.Sleep(kept, 1) }, "aio: Sleep: the loop is closed")
	wantPanic(t, func() { aio.Start(kept, forever) }, "aio: Start: the loop is closed")
	wantPanic(t, func() { aio.Group(kept, nil) }, "aio: Group: the loop is closed")
	if _, err := task.Await(kept); err != nil { // the outcome is there: nothing to wait for
		t.Errorf("awaiting a task that has ended: %v", err)
	}
	run(t, func(context.Context) error {
		wantPanic(t, func() { aio.Sleep(kept, 1) }, "aio: Sleep: the loop is closed")
		return nil
	})
}

func TestAnAwaitAcrossTwoLoopsPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := aio.Start(ctx, forever)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		err := aio.Blocking(ctx, func(context.Context) error {
			return aio.Run(context.Background(), func(other context.Context) error {
				wantPanic(t, func() { aio.Sleep(ctx, time.Second) }, "aio: Sleep: called from a goroutine that is not the loop's", "Submit")
				for op, await := range map[string]func(){
					"Task.Await": func() { child.Await(other) },
					"Gather":     func() { aio.Gather(other, child) },
					"Wait":       func() { aio.Wait(other, aio.AllCompleted, child) },
					"Shield":     func() { aio.Shield(other, child) },
				} {
					wantPanic(t, await, "aio: "+op, "belongs to another loop", "Submit")
				}
				return aio.Yield(other) // the misuse has left no trace
			})
		})
		child.Cancel(nil)
		return err
	}, strict)
}

func TestSubmitFromTasksAndCallbacksOfItsOwnLoopPanics(t *testing.T) {
	fn := func(context.Context) (int, error) { return 1, nil }
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		submit := func() { aio.SubmitValue(ctx, l, fn) }
		wantPanic(t, submit, "aio: SubmitValue: called from the loop itself", "CreateTask")
		wantPanic(t, func() { aio.SubmitValue[int](ctx, l, nil) }, "aio: SubmitValue: the function is nil")
		l.CallSoon(func() { wantPanic(t, submit, "aio: SubmitValue: called from the loop itself") })
		return aio.Yield(ctx)
	})
}

func TestRunUntilCompleteInsideATaskPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		wantPanic(t, func() { aio.RunUntilComplete(l, panicsDeepInside) }, "aio: RunUntilComplete: the loop is running already", "await")
		l.CallSoon(func() {
			wantPanic(t, func() { aio.RunUntilComplete(l, panicsDeepInside) }, "aio: RunUntilComplete: the loop is running already")
		})
		return aio.Yield(ctx)
	})
}

func TestLimitsAndModesOutOfRangePanic(t *testing.T) {
	run(t, func(ctx context.Context) error {
		items := []int{1}
		fn := func(context.Context, int) (int, error) { return 0, nil }
		task := aio.Start(ctx, aio.Yield)
		wantPanic(t, func() { aio.Map(ctx, items, fn, aio.Limit(0)) }, "aio: Limit: the limit is ")
		wantPanic(t, func() { aio.Map(ctx, items, fn, aio.Limit(-1)) }, "aio: Limit: the limit is ")
		wantPanic(t, func() { aio.Map[int, int](ctx, items, nil) }, "aio: Map: the function is nil")
		wantPanic(t, func() { aio.Wait(ctx, aio.When(9), task) }, "aio: Wait: unknown mode 9")
		wantPanic(t, func() { aio.NewFuture[int](nil) }, "aio: NewFuture: the context is nil")
		return nil
	})
}

func TestAWaiterIsGoodForOnePark(t *testing.T) {
	run(t, func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "gate", nil)
		aio.RunningLoop(ctx).CallSoon(func() {
			if !w.Unpark() || w.Unpark() {
				t.Error("Unpark should work once")
			}
		})
		if err := w.Park(); err != nil {
			return err
		}
		next := aio.NewWaiter(ctx, "gate", nil)
		wantPanic(t, func() { w.Park() }, "aio: Waiter.Park: this waiter was used before")
		wantPanic(t, func() { aio.Waiter{}.Park() }, "aio: Waiter.Park")
		if (aio.Waiter{}).Unpark() || w.Pending() || !next.Pending() || !next.Unpark() {
			t.Error("a stale or zero waiter reacts, or the live one does not")
		}
		return next.Park()
	})
}

func TestWhatIsNilOrZeroWhereAFunctionATaskOrAGroupIsNeededPanicsNamingTheOperation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var (
			task   *aio.Task[int]
			future *aio.Future[int]
			group  *aio.TaskGroup
			lock   aiosync.Lock
			rw     aiosync.RWLock
			cond   aiosync.Condition
			latest aiosync.Latest[int]
		)
		l := aio.RunningLoop(ctx)
		for want, fn := range map[string]func(){
			"Task.Await: the task is nil":                          func() { task.Await(ctx) },
			"Future.Await: the future is nil":                      func() { future.Await(ctx) },
			"TaskGroup.Go: the group is nil":                       func() { group.Go(forever) },
			"TaskGroup.Cancel: the group is nil":                   func() { new(aio.TaskGroup).Cancel(nil) },
			"GoValue: the group is nil":                            func() { aio.GoValue(group, task.Await) },
			"Lock.With: the function is nil":                       func() { lock.With(ctx, nil) },
			"RWLock.With: the function is nil":                     func() { rw.With(ctx, nil) },
			"RWLock.WithRead: the function is nil":                 func() { rw.WithRead(ctx, nil) },
			"Semaphore.With: the function is nil":                  func() { aiosync.NewSemaphore(1).With(ctx, nil) },
			"Condition.With: the function is nil":                  func() { cond.With(ctx, nil) },
			"Condition.WaitUntil: the function is nil":             func() { cond.WaitUntil(ctx, nil) },
			"Latest.WaitUntil: the function is nil":                func() { latest.WaitUntil(ctx, nil) },
			"Bind: the function is nil":                            func() { aio.Bind[int, int](nil, 1) },
			"Loop.OnShutdown: the function is nil":                 func() { l.OnShutdown(nil) },
			"Loop.OnClose: the function is nil":                    func() { l.OnClose(nil) },
			"Start: option 2 is nil":                               func() { aio.Start(ctx, forever, aio.Name("x"), nil) },
			"NewLoop: option 1 is nil":                             func() { aio.NewLoop(nil) },
			"WithPoller: the function is nil":                      func() { aio.WithPoller(nil) },
			"Select: case 1 is the zero value":                     func() { aio.Select(ctx, aio.ChannelCase{}) },
			"Subscription.Next: the subscription has no broadcast": func() { new(aiosync.Subscription[int]).Next(ctx) },
		} {
			wantPanic(t, fn, "aio: "+want)
		}
		return nil
	})
}

func panicsDeepInside(context.Context) (int, error) { panic("deep") }

// panicErr returns what fn panics with as a *PanicError, and fails the test if it is anything else.
func panicErr(t *testing.T, fn func()) *aio.PanicError {
	t.Helper()
	v := panicOf(fn)
	p, ok := v.(*aio.PanicError)
	if !ok {
		t.Fatalf("it panicked with %v, want a *PanicError", v)
	}
	return p
}

func TestAPanicIsRaisedAgainInTheAwaiterAndInRunWithAllStacks(t *testing.T) {
	p := panicErr(t, func() {
		runErr(t, func(ctx context.Context) error {
			return awaitsTheChild(ctx, aio.CreateTask(ctx, panicsDeepInside, aio.Name("child")))
		})
	})
	if p.Value != "deep" {
		t.Fatalf("the value is %v", p.Value)
	}
	stack := string(p.Stack)
	first, second := strings.Index(stack, "panicsDeepInside"), strings.Index(stack, "awaitsTheChild")
	if first < 0 || second < first || !strings.Contains(stack, "re-panicked in task main") {
		t.Fatalf("the stack should show the child's function, then the awaiter's:\n%s", stack)
	}
}

func awaitsTheChild(ctx context.Context, child *aio.Task[int]) error {
	_, err := child.Await(ctx)
	return err
}

func TestAnAwaiterMayRecoverFromThePanicOfATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := aio.CreateTask(ctx, panicsDeepInside)
		for range 2 { // each await raises it
			if p := panicErr(t, func() { child.Await(ctx) }); p.Value != "deep" {
				t.Errorf("the value is %v", p.Value)
			}
		}
		return nil
	})
}

func TestGatherRaisesThePanicOfATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		good := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, aio.Sleep(ctx, 10) })
		bad := aio.CreateTask(ctx, panicsDeepInside)
		if p := panicErr(t, func() { aio.Gather(ctx, good, bad) }); p.Value != "deep" {
			t.Errorf("the value is %v", p.Value)
		}
		v, err := good.Await(ctx)
		if v != 1 {
			t.Errorf("the sibling returned %d", v)
		}
		return err
	})
}

func TestResultErrAndGatherSettledReturnThePanicAsAnError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		bad := aio.CreateTask(ctx, func(context.Context) (int, error) { panic(errBoom) })
		out, err := aio.GatherSettled(ctx, bad)
		if err != nil {
			return err
		}
		_, result := bad.Result()
		for name, err := range map[string]error{"GatherSettled": out[0].Err, "Result": result, "Err": bad.Err()} {
			var p *aio.PanicError
			if !errors.As(err, &p) || p.Value != errBoom || !errors.Is(err, errBoom) {
				t.Errorf("%s returns %v", name, err)
			}
		}
		return nil
	})
}

func TestAllAndMapAndRaceRaiseAPanic(t *testing.T) {
	fine := func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) }
	for name, call := range map[string]func(ctx context.Context) error{
		"All": func(ctx context.Context) error {
			_, err := aio.All(ctx, fine, panicsDeepInside)
			return err
		},
		"Map": func(ctx context.Context) error {
			_, err := aio.Map(ctx, []int{1, 2}, func(ctx context.Context, n int) (int, error) {
				if n == 2 {
					return panicsDeepInside(ctx)
				}
				return fine(ctx)
			})
			return err
		},
		"Race": func(ctx context.Context) error {
			_, err := aio.Race(ctx, func(ctx context.Context) (int, error) { return 1, forever(ctx) }, panicsDeepInside)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				if p := panicErr(t, func() { call(ctx) }); p.Value != "deep" {
					t.Errorf("the value is %v", p.Value)
				}
				if left := aio.AllTasks(ctx); len(left) != 1 {
					t.Errorf("tasks are left: %v", left)
				}
				return nil
			})
		})
	}
}

func TestAGroupRaisesAPanicWhenItsChildrenHaveEndedWithTheirErrorsAttached(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		p := panicErr(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					_ = forever(ctx)
					if err := aio.Yield(context.WithoutCancel(ctx)); err != nil {
						return err
					}
					log.Add("the sibling has cleaned up")
					return errBoom
				})
				aio.GoValue(g, panicsDeepInside)
				return nil
			})
		})
		log.Add("the panic was raised")
		if p.Value != "deep" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("the panic is %v with %v", p.Value, p.Others)
		}
		if s := string(p.Stack); !strings.Contains(s, "panicsDeepInside") || !strings.Contains(s, "re-panicked in the group of task main") {
			t.Errorf("the stack is\n%s", s)
		}
		return nil
	})
	log.Want(t, "the sibling has cleaned up", "the panic was raised")
}

// Conformance: TG-020, TG-021.
func TestAPanicInTheBodyOfAGroupWaitsForTheChildrenAndCarriesTheirErrors(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var children []*aio.Task[aio.None]
		p := panicErr(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				children = append(children, g.Go(func(context.Context) error { return errBoom }), g.Go(forever))
				defer func() {
					if !errors.Is(context.Cause(ctx), errBoom) {
						t.Errorf("the body was not cancelled by the child's failure: %v", context.Cause(ctx))
					}
					panic("interrupt")
				}()
				return forever(ctx)
			})
		})
		if p.Value != "interrupt" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("the panic is %v with %v", p.Value, p.Others)
		}
		if !children[0].Done() || !children[1].Cancelled() {
			t.Errorf("the children are %v", children)
		}
		return nil
	})
}

// Conformance: TG-022.
func TestAPanicOfAChildCarriesTheErrorOfTheBody(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := panicErr(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				aio.GoValue(g, panicsDeepInside)
				_ = forever(ctx)
				return errBoom
			})
		})
		if p.Value != "deep" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("the panic is %v with %v", p.Value, p.Others)
		}
		return nil
	})
}

func TestOfSeveralPanicsInAGroupTheFirstIsRaisedAndCarriesTheOthers(t *testing.T) {
	run(t, func(ctx context.Context) error {
		child := func(value string) func(ctx context.Context) error {
			return func(context.Context) error { panic(value) }
		}
		p := panicErr(t, func() {
			aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(child("first"))
				g.Go(child("second"))
				_ = forever(ctx)
				panic("body")
			})
		})
		if p.Value != "first" || len(p.Others) != 2 {
			t.Fatalf("the panic is %v with %v", p.Value, p.Others)
		}
		for i, want := range []string{"second", "body"} {
			var other *aio.PanicError
			if !errors.As(p.Others[i], &other) || other.Value != want {
				t.Errorf("the other %d is %v, want the panic %q", i, p.Others[i], want)
			}
		}
		return nil
	})
}

func TestAPanicThatNobodyHasSeenIsReportedAndRaisedByRunAfterTheShutdown(t *testing.T) {
	seen := &reports{}
	cleaned := false
	p := panicErr(t, func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			aio.Start(ctx, func(ctx context.Context) error {
				defer func() { cleaned = true }()
				return forever(ctx)
			})
			lost := aio.CreateTask(ctx, panicsDeepInside, aio.Name("lost"))
			aio.CreateTask(ctx, func(context.Context) (int, error) { panic("second") }, aio.Name("later"))
			for !lost.Done() {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return aio.Yield(ctx)
		}, seen.Option())
	})
	if p.Value != "deep" || !strings.Contains(string(p.Stack), "panicsDeepInside") {
		t.Fatalf("Run panicked with %v", p)
	}
	if !cleaned {
		t.Fatal("the panic was raised before the other tasks had ended")
	}
	list := seen.All()
	if len(list) != 2 || list[0].TaskName != "lost" || list[1].TaskName != "later" || !strings.Contains(list[0].Message, "panicked") {
		t.Fatalf("the reports are %q", seen.Strings())
	}
}

func TestAPanicDuringTheShutdownIsRaisedByRun(t *testing.T) {
	seen := &reports{}
	p := panicErr(t, func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			aio.Start(ctx, func(ctx context.Context) error {
				_ = forever(ctx)
				panic("in the clean-up")
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			return errBoom
		}, seen.Option())
	})
	if p.Value != "in the clean-up" || len(seen.All()) != 1 {
		t.Fatalf("Run panicked with %v and reported %q", p.Value, seen.Strings())
	}
}

func TestAPanicThatSomebodyHasSeenIsNotRaisedByRun(t *testing.T) {
	run(t, func(ctx context.Context) error {
		lost := aio.CreateTask(ctx, panicsDeepInside)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if lost.Err() == nil {
			t.Error("it did not panic")
		}
		return nil
	})
}

func TestAPanicInACallbackIsReportedAndTheLoopGoesOn(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() { panic("in a callback") })
		l.CallSoon(func() { log.Add("next") })
		return aio.Yield(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	log.Want(t, "next")
	list := seen.All()
	var p *aio.PanicError
	if len(list) != 1 || !errors.As(list[0].Err, &p) || p.Value != "in a callback" {
		t.Fatalf("the reports are %+v", list)
	}
}

func TestAPanicInAHookIsReportedAndTheLoopIsClosedAllTheSame(t *testing.T) {
	var l *aio.Loop
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		l = aio.RunningLoop(ctx)
		l.OnShutdown(func() { log.Add("first shutdown hook") })
		l.OnShutdown(func() { panic("in a shutdown hook") })
		l.OnClose(func() { log.Add("first close hook") })
		l.OnClose(func() { panic("in a close hook") })
		return nil
	})
	log.Want(t, "first shutdown hook", "first close hook")
	if err != nil || !l.IsClosed() || len(seen.All()) != 2 {
		t.Fatalf("got %v, closed %v, reports %q", err, l.IsClosed(), seen.Strings())
	}
}

// inGoroutine calls fn on a goroutine of its own and reports whether fn returned; it did not if a
// Goexit or t.Fatal ended it.
func inGoroutine(fn func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
		returned = true
	}()
	<-done
	return returned
}

func TestAGoexitInATaskIsItsOutcome(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		cleaned := false
		task := aio.Start(ctx, func(context.Context) error {
			defer func() { cleaned = true }()
			runtime.Goexit() // as t.Fatal does
			return nil
		}, aio.Name("failing test"))
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) || exit.Name != "failing test" || !strings.Contains(err.Error(), "t.Fatal") || !cleaned {
			t.Errorf("the outcome is %v, deferred functions ran: %v", err, cleaned)
		}
		aio.Start(ctx, func(context.Context) error {
			runtime.Goexit()
			return nil
		}, aio.Name("nobody looks"))
		return aio.Yield(ctx)
	})
	if got := seen.Strings(); err != nil || len(got) != 1 || !strings.HasSuffix(got[0], "|nobody looks") {
		t.Fatalf("got %v, reports %q", err, got)
	}
}

func TestAGoexitInMainShutsTheLoopDownAndThenEndsTheGoroutine(t *testing.T) {
	var l *aio.Loop
	var log journal
	returned := inGoroutine(func() {
		runErr(t, func(ctx context.Context) error {
			l = aio.RunningLoop(ctx)
			aio.Start(ctx, func(ctx context.Context) error {
				defer log.Add("the other task has ended")
				return forever(ctx)
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			defer log.Add("main has ended")
			runtime.Goexit()
			return nil
		})
	})
	if returned || !l.IsClosed() {
		t.Fatalf("Run returned: %v, closed: %v", returned, l.IsClosed())
	}
	log.Want(t, "main has ended", "the other task has ended")
}

func TestAGoexitInACallbackShutsTheLoopDownAndThenEndsTheGoroutine(t *testing.T) {
	var l *aio.Loop
	var log journal
	returned := inGoroutine(func() {
		runErr(t, func(ctx context.Context) error {
			l = aio.RunningLoop(ctx)
			l.CallSoon(runtime.Goexit)
			defer log.Add("main has ended")
			err := forever(ctx)
			log.Add("main was cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		}, aio.WithInterrupt())
	})
	if returned || !l.IsClosed() {
		t.Fatalf("Run returned: %v, closed: %v", returned, l.IsClosed())
	}
	log.Want(t, "main was cancelled: true", "main has ended")
}

func TestAGoexitInAnExceptionHandlerDoesNotKeepTheLoopFromClosing(t *testing.T) {
	var l *aio.Loop
	calls := 0
	handler := aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {
		calls++
		runtime.Goexit() // as t.Fatal does
	})
	returned := inGoroutine(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			l = aio.RunningLoop(ctx)
			for range 3 {
				aio.Start(ctx, func(context.Context) error { return errBoom }) // nobody looks
				aio.Start(context.WithValue(ctx, runKey{}, 1), ignoresItsEnd)  // ended by force
			}
			return aio.Yield(ctx)
		}, handler, aio.WithClock(aio.NewVirtualClock()))
	})
	if returned || !l.IsClosed() || calls != 6 {
		t.Fatalf("Run returned: %v, closed: %v, %d reports", returned, l.IsClosed(), calls)
	}
}

// ignoresItsEnd waits for ever and takes no notice of its cancellation.
func ignoresItsEnd(ctx context.Context) error { return forever(context.WithoutCancel(ctx)) }

func TestAGoexitInTheBodyOfAGroupEndsTheChildrenFirst(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					_ = forever(ctx)
					if err := aio.Yield(context.WithoutCancel(ctx)); err != nil {
						return err
					}
					log.Add("the child has cleaned up")
					return errBoom
				})
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
		}, aio.Name("body"))
		_, err := task.Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) {
			t.Errorf("the outcome is %v", err)
		}
		log.Add("the task has ended")
		return nil
	})
	log.Want(t, "the child has cleaned up", "the task has ended")
	if list := seen.All(); err != nil || len(list) != 1 || list[0].Err != errBoom {
		t.Fatalf("got %v; the child's error was to be reported, got %+v", err, list)
	}
}

// ring is an error that wraps itself, in the end.
type ring struct{ next error }

func (r *ring) Error() string { return "ring" }
func (r *ring) Unwrap() error { return r.next }

// rings is one that wraps itself twice.
type rings struct{}

func (r *rings) Error() string   { return "rings" }
func (r *rings) Unwrap() []error { return []error{r, r} }

// wild is one whose methods panic.
type wild struct{}

func (wild) Error() string { panic("wild Error") }
func (wild) Unwrap() error { panic("wild Unwrap") }

func TestErrorsThatContainThemselvesOrPanicEndLikeOthers(t *testing.T) {
	self := &ring{}
	self.next = &ring{self}
	for _, bad := range []error{self, &rings{}, wild{}, fmt.Errorf("in front: %w", self), errors.Join(self, wild{})} {
		t.Run(fmt.Sprintf("%T", bad), func(t *testing.T) {
			var reports []string
			err := aio.Run(context.Background(), func(ctx context.Context) error {
				fails := func(ctx context.Context) error { return bad }
				held := aio.Start(ctx, fails)
				if _, err := held.Await(ctx); err != bad {
					t.Errorf("Await: got %T", err)
				}
				aio.Start(ctx, fails)
				turns(ctx, 3)
				stops := aio.Start(ctx, func(ctx context.Context) error { _ = aio.Sleep(ctx, time.Hour); return bad })
				turns(ctx, 1)
				stops.Cancel(bad)
				if _, err := stops.Await(ctx); err != bad {
					t.Errorf("Await of a task that was cancelled: got %T", err)
				}
				if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { g.Go(fails); return nil }); err != bad {
					t.Errorf("Group: got %T", err)
				}
				if err := aio.Timeout(ctx, time.Second, fails); err != bad {
					t.Errorf("Timeout: got %T", err)
				}
				if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 0, bad }); err != bad {
					t.Errorf("ToThread: got %T", err)
				}
				_ = aio.RunningLoop(ctx).Snapshot(true)
				aio.RunningLoop(ctx).CallExceptionHandler(aio.Report{Message: "seen", Err: bad})
				return bad
			}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r.Message) }))
			if err != bad || len(reports) != 2 {
				t.Errorf("got %T and the reports %q", err, reports)
			}
		})
	}
}

// brokenDesk panics whenever it is asked something.
type brokenDesk struct{}

func (brokenDesk) String() string          { panic("no text") }
func (brokenDesk) Blockers() []aio.TaskRef { panic("nobody") }

func TestABlockerThatPanicsHarmsNobody(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		waits := func(ctx context.Context) error { return aio.NewWaiter(ctx, "desk.Take", brokenDesk{}).Park() }
		aio.Start(ctx, waits, aio.Name("one"))
		two := aio.Start(ctx, waits, aio.Name("two"))
		turns(ctx, 2)
		if s := loop.Snapshot(false); len(s.Tasks) != 3 || len(s.Tasks[2].WaitsFor) != 0 {
			t.Errorf("got %+v", s.Tasks)
		}
		_ = fmt.Sprint(two)
		_, err := two.Await(ctx)
		return err
	})
	if _, ok := errors.AsType[*aio.DeadlockError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestDebugModeRefusesWhatIsForTheLoopOnlyOnOtherGoroutines(t *testing.T) {
	for _, debug := range []bool{false, true} {
		run(t, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			future, group := aio.NewFuture[int](ctx), (*aio.TaskGroup)(nil)
			future.SetResult(1)
			timer, source := l.NewTimer(func() {}), l.NewSource(func(aio.Interest) {})
			handle, later := l.CallSoon(func() {}), l.CallLater(time.Hour, func() {})
			defer later.Cancel()
			var block *aio.TimeoutBlock
			aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				return nil
			})
			aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				group = g
				return nil
			})
			waiter := aio.NewWaiter(ctx, "gate", nil)
			for op, call := range map[string]func(){
				"Handle.Cancel":            handle.Cancel,
				"Timer.Stop":               timer.Stop,
				"TaskGroup.Cancel":         func() { group.Cancel(nil) },
				"Source.Report":            func() { source.Report(0) },
				"Source.Close":             source.Close,
				"Future.SetResult":         func() { future.SetResult(2) },
				"Future.SetError":          func() { future.SetError(errBoom) },
				"Cancel":                   func() { future.Cancel(nil) },
				"AddDoneCallback":          func() { future.AddDoneCallback(func() {}) },
				"Waiter.Unpark":            func() { waiter.Unpark() },
				"TimeoutBlock.Reschedule":  func() { block.Reschedule(time.Time{}) },
				"Loop.OnClose":             func() { l.OnClose(func() {}) },
				"Loop.OnShutdown":          func() { l.OnShutdown(func() {}) },
				"Loop.RemoveReader":        func() { l.RemoveReader(999) },
				"Loop.RemoveWriter":        func() { l.RemoveWriter(999) },
				"Loop.RemoveSignalHandler": func() { l.RemoveSignalHandler(nil) },
			} {
				got := make(chan any)
				go func() { got <- panicOf(call) }()
				switch v := <-got; {
				case !debug && v != nil:
					t.Errorf("%s without debug mode: %v", op, v)
				case debug:
					wantPanic(t, func() { panic(v) }, "aio: "+op+": ",
						"called from a goroutine that is not the loop's", "CallSoonThreadsafe")
				}
			}
			got := make(chan any)
			go func() { got <- panicOf(later.Cancel) }()
			if v := <-got; debug != (v != nil) {
				t.Errorf("TimerHandle.Cancel: %v", v)
			}
			return nil
		}, aio.WithDebug(debug))
	}
}
