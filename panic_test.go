package aio_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio"
)

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
	if first < 0 || second < first || !strings.Contains(stack, "raised again in task main") {
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
					log.add("the sibling has cleaned up")
					return errBoom
				})
				aio.Spawn(g, panicsDeepInside)
				return nil
			})
		})
		log.add("the panic was raised")
		if p.Value != "deep" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("the panic is %v with %v", p.Value, p.Others)
		}
		if s := string(p.Stack); !strings.Contains(s, "panicsDeepInside") || !strings.Contains(s, "raised again in the group of task main") {
			t.Errorf("the stack is\n%s", s)
		}
		return nil
	})
	log.want(t, "the sibling has cleaned up", "the panic was raised")
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
				aio.Spawn(g, panicsDeepInside)
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
		}, seen.option())
	})
	if p.Value != "deep" || !strings.Contains(string(p.Stack), "panicsDeepInside") {
		t.Fatalf("Run panicked with %v", p)
	}
	if !cleaned {
		t.Fatal("the panic was raised before the other tasks had ended")
	}
	list := seen.all()
	if len(list) != 2 || list[0].TaskName != "lost" || list[1].TaskName != "later" || !strings.Contains(list[0].Message, "panicked") {
		t.Fatalf("the reports are %q", seen.strings())
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
		}, seen.option())
	})
	if p.Value != "in the clean-up" || len(seen.all()) != 1 {
		t.Fatalf("Run panicked with %v and reported %q", p.Value, seen.strings())
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
		l.CallSoon(func() { log.add("next") })
		return aio.Yield(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	log.want(t, "next")
	list := seen.all()
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
		l.OnShutdown(func() { log.add("first shutdown hook") })
		l.OnShutdown(func() { panic("in a shutdown hook") })
		l.OnClose(func() { log.add("first close hook") })
		l.OnClose(func() { panic("in a close hook") })
		return nil
	})
	log.want(t, "first shutdown hook", "first close hook")
	if err != nil || !l.IsClosed() || len(seen.all()) != 2 {
		t.Fatalf("got %v, closed %v, reports %q", err, l.IsClosed(), seen.strings())
	}
}

// inGoroutine calls fn on a goroutine of its own and reports whether fn returned; it did not if a Goexit or t.Fatal ended it.
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
	if got := seen.strings(); err != nil || len(got) != 1 || !strings.HasSuffix(got[0], "|nobody looks") {
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
				defer log.add("the other task has ended")
				return forever(ctx)
			})
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			defer log.add("main has ended")
			runtime.Goexit()
			return nil
		})
	})
	if returned || !l.IsClosed() {
		t.Fatalf("Run returned: %v, closed: %v", returned, l.IsClosed())
	}
	log.want(t, "main has ended", "the other task has ended")
}

func TestAGoexitInACallbackShutsTheLoopDownAndThenEndsTheGoroutine(t *testing.T) {
	var l *aio.Loop
	var log journal
	returned := inGoroutine(func() {
		runErr(t, func(ctx context.Context) error {
			l = aio.RunningLoop(ctx)
			l.CallSoon(runtime.Goexit)
			defer log.add("main has ended")
			err := forever(ctx)
			log.add("main was cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		}, aio.WithInterrupt())
	})
	if returned || !l.IsClosed() {
		t.Fatalf("Run returned: %v, closed: %v", returned, l.IsClosed())
	}
	log.want(t, "main was cancelled: true", "main has ended")
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
					log.add("the child has cleaned up")
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
		log.add("the task has ended")
		return nil
	})
	log.want(t, "the child has cleaned up", "the task has ended")
	if list := seen.all(); err != nil || len(list) != 1 || list[0].Err != errBoom {
		t.Fatalf("got %v; the child's error was to be reported, got %+v", err, list)
	}
}
