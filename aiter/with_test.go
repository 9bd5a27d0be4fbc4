package aiter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// resource is a manager that writes down what happens to it. Entering and leaving await.
type resource struct {
	name  string
	log   *journal
	enter error
	exit  error
	slow  time.Duration // leaving takes so long
}

func (r *resource) Enter(ctx context.Context) (string, error) {
	if err := aio.Yield(ctx); err != nil {
		return "", err
	}
	r.log.add("%s entered", r.name)
	return r.name, r.enter
}

func (r *resource) Exit(ctx context.Context, err error) error {
	slept := aio.Sleep(ctx, r.slow)
	var p *aio.PanicError
	var exit *aio.GoexitError
	switch {
	case errors.As(err, &p):
		err = fmt.Errorf("panic %v", p.Value)
	case errors.As(err, &exit):
		err = errors.New("exit")
	case errors.Is(err, aio.ErrCancelled):
		err = errors.New("cancelled")
	}
	r.log.add("%s left after %v", r.name, err)
	if slept != nil {
		return fmt.Errorf("%s: %w", r.name, slept)
	}
	return r.exit
}

func works(context.Context, string) error { return nil }

func TestWithEntersAndLeaves(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		err := aiter.With(ctx, &resource{name: "r", log: &log}, func(ctx context.Context, name string) error {
			log.add("body with %s", name)
			return nil
		})
		log.want(t, "r entered", "body with r", "r left after <nil>")
		return err
	})
}

func TestTheErrorOfAScopeIsTheBodysThenThatOfLeaving(t *testing.T) {
	errExit := errors.New("cannot leave")
	for _, c := range []struct {
		name       string
		body, exit error
		want       string
	}{
		{"nothing fails", nil, nil, "<nil>"},
		{"the body fails", errBoom, nil, "boom"},
		{"leaving fails", nil, errExit, "cannot leave"},
		{"both fail", errBoom, errExit, "boom\ncannot leave"},
		{"leaving returns the error that it was given", errBoom, errBoom, "boom"},
		{"leaving wraps it", errBoom, fmt.Errorf("while leaving: %w", errBoom), "while leaving: boom"},
		{"leaving swallows it", errBoom, aiter.ErrSuppress, "<nil>"},
		{"leaving would swallow one if there were", nil, aiter.ErrSuppress, "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var log journal
				err := aiter.With(ctx, &resource{log: &log, exit: c.exit}, func(context.Context, string) error { return c.body })
				if got := fmt.Sprint(err); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				stack := aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, s *aiter.ExitStack) error {
					_, _ = aiter.Enter(ctx, s, &resource{log: &log, exit: c.exit})
					return c.body
				})
				if got := fmt.Sprint(stack); got != c.want {
					t.Errorf("with a stack: got %q, want %q", got, c.want)
				}
				return nil
			})
		})
	}
}

func TestAScopeThatWasNotEnteredIsNotLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		if err := aiter.With(ctx, &resource{name: "r", log: &log, enter: errBoom}, works); err != errBoom {
			t.Errorf("got %v", err)
		}
		log.want(t, "r entered")
		return nil
	})
}

func TestAScopeIsLeftWithAwaitsWhenItIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		task := started(ctx, func(ctx context.Context) error {
			return aiter.With(ctx, &resource{name: "r", log: &log, slow: 9 * time.Second}, func(ctx context.Context, _ string) error {
				return aio.Sleep(ctx, time.Hour)
			})
		})
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		if !task.Cancelled() || !errors.Is(err, errReason) {
			t.Errorf("the task ended with %v", err)
		}
		log.want(t, "r entered", "r left after cancelled")
		err = aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aiter.With(ctx, &resource{name: "r", log: &log, slow: 9 * time.Second}, func(ctx context.Context, _ string) error {
				return aio.Sleep(ctx, time.Hour)
			})
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestLeavingACancelledScopeIsBounded(t *testing.T) {
	forEver := func(log *journal) aiter.Manager[string] {
		return &resource{name: "r", log: log, slow: 1000 * time.Hour}
	}
	for _, c := range []struct {
		name   string
		cancel time.Duration // when
		opts   []aiter.WithOption
		want   time.Duration
	}{
		{"before it is left", time.Second, nil, 11 * time.Second},
		{"while it is left", 5 * time.Second, nil, 15 * time.Second},
		{"with a limit of its own", 5 * time.Second, []aiter.WithOption{aiter.ExitLimit(time.Minute)}, 65 * time.Second},
		{"without a limit", 5 * time.Second, []aiter.WithOption{aiter.ExitLimit(0)}, 2*time.Second + 1000*time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var log journal
				var err error
				took := elapsed(ctx, func() {
					task := aio.Start(ctx, func(ctx context.Context) error {
						return aiter.With(ctx, forEver(&log), func(ctx context.Context, _ string) error { return aio.Sleep(ctx, 2*time.Second) }, c.opts...)
					})
					_ = aio.Sleep(ctx, c.cancel)
					task.Cancel(errReason)
					_, err = task.Await(ctx)
				})
				if timedOut := errors.Is(err, context.DeadlineExceeded); took != c.want || timedOut != (c.name != "without a limit") {
					t.Errorf("it took %s and ended with %v", took, err)
				}
				return nil
			})
		})
	}
}

func TestAScopeThatIsNotCancelledMayTakeItsTimeToBeLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		took := elapsed(ctx, func() {
			if err := aiter.With(ctx, &resource{name: "r", log: &log, slow: time.Hour}, works); err != nil {
				t.Error(err)
			}
		})
		if took != time.Hour {
			t.Errorf("it took %s", took)
		}
		return nil
	})
}

func TestAScopeIsLeftWhenItsBodyPanicsOrExits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		v := panicValue(func() {
			_ = aiter.With(ctx, &resource{name: "r", log: &log, exit: errBoom}, func(context.Context, string) error { panic("in the body") })
		})
		p, ok := v.(*aio.PanicError)
		if !ok || p.Value != "in the body" || len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("the panic is %v", v)
		}
		swallows := &resource{name: "r", log: &log, exit: aiter.ErrSuppress}
		wantPanic(t, func() {
			_ = aiter.With(ctx, swallows, func(context.Context, string) error { panic("cannot be swallowed") })
		}, "cannot be swallowed")
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			return aiter.With(ctx, swallows, func(context.Context, string) error { return exits() })
		}).Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) {
			t.Errorf("the task ended with %v", err)
		}
		log.want(t, "r entered", "r left after panic in the body", "r entered", "r left after panic cannot be swallowed", "r entered", "r left after exit")
		return nil
	})
}

func TestAPanicWhileAPanicIsOnItsWayIsAddedToIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		broken := aiter.Scope[string]{End: func(context.Context, error) error { panic("second") }}
		v := panicValue(func() { _ = aiter.With(ctx, broken, func(context.Context, string) error { panic("first") }) })
		p, ok := v.(*aio.PanicError)
		if !ok || p.Value != "first" || len(p.Others) != 1 {
			t.Fatalf("the panic is %v", v)
		}
		var second *aio.PanicError
		if !errors.As(p.Others[0], &second) || second.Value != "second" {
			t.Errorf("the other is %v", p.Others[0])
		}
		wantPanic(t, func() { _ = aiter.With(ctx, broken, works) }, "second")
		return nil
	})
}

func TestAnErrorOfLeavingAfterAGoexitIsReported(t *testing.T) {
	seen, _ := runReports(t, func(ctx context.Context) error {
		var log journal
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			return aiter.With(ctx, &resource{log: &log, exit: errBoom}, func(context.Context, string) error { return exits() })
		}).Await(ctx)
		_ = err
		return nil
	})
	if len(*seen) != 1 || (*seen)[0].Err != errBoom {
		t.Fatalf("the reports are %+v", *seen)
	}
}

func TestAnEmptyScopeDoesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		return aiter.With(ctx, aiter.Scope[int]{}, func(_ context.Context, v int) error {
			if v != 0 {
				t.Errorf("the value is %d", v)
			}
			return nil
		})
	})
}

// Conformance: AG-028.
func TestClosingClosesAGeneratorBeforeTheScopeEnds(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		for _, end := range []error{nil, errBoom} {
			err := aiter.With(ctx, aiter.Closing(aiter.Pull(ctx, count(ctx, &log, 3, nil))), func(ctx context.Context, it *aiter.Iterator[int]) error {
				v, _ := it.Next(ctx)
				log.add("%d", v)
				return end
			})
			log.add("%v", err)
		}
		log.want(t, "1", closed, "<nil>", "1", closed, "boom")
		return nil
	})
}

// Conformance: AG-029.
func TestAScopeMadeOfAFunctionWithOneYield(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		handled := errors.New("handled")
		m := aiter.ContextManager(func(ctx context.Context, yield func(int) (context.Context, error)) error {
			log.add("enter %v", aio.Yield(ctx))
			ctx, err := yield(42)
			log.add("surfaced %v, cleanup %v", err, aio.Sleep(ctx, time.Second))
			if err == handled {
				return nil
			}
			return err
		})
		for _, end := range []error{nil, errBoom, handled} {
			err := aiter.With(ctx, m, func(_ context.Context, v int) error {
				log.add("body %d", v)
				return end
			})
			log.add("%v", err)
		}
		log.want(t, "enter <nil>", "body 42", "surfaced <nil>, cleanup <nil>", "<nil>",
			"enter <nil>", "body 42", "surfaced boom, cleanup <nil>", "boom",
			"enter <nil>", "body 42", "surfaced handled, cleanup <nil>", "<nil>")

		log = nil
		task := started(ctx, func(ctx context.Context) error {
			return aiter.With(ctx, m, func(ctx context.Context, _ int) error { return aio.Sleep(ctx, time.Hour) })
		})
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) || len(log) != 2 {
			t.Errorf("cancelled: %v, %v", err, log)
		}
		wantPanic(t, func() { _ = aiter.With(ctx, m, func(context.Context, int) error { panic("in the body") }) }, "in the body")
		return nil
	})
}

func TestAScopeMadeOfAFunctionThatYieldsTooOftenOrNotAtAllFails(t *testing.T) {
	run(t, func(ctx context.Context) error {
		never := aiter.ContextManager(func(context.Context, func(int) (context.Context, error)) error { return nil })
		body := func(context.Context, int) error { return nil }
		if err := aiter.With(ctx, never, body); err == nil {
			t.Error("a function that does not yield is accepted")
		}
		failing := aiter.ContextManager(func(context.Context, func(int) (context.Context, error)) error { return errBoom })
		if err := aiter.With(ctx, failing, body); err != errBoom {
			t.Errorf("got %v", err)
		}
		twice := aiter.ContextManager(func(_ context.Context, yield func(int) (context.Context, error)) error {
			_, _ = yield(1)
			_, _ = yield(2)
			return nil
		})
		if err := aiter.With(ctx, twice, body); err == nil {
			t.Error("a function that yields twice is accepted")
		}
		wantPanic(t, func() {
			m := aiter.ContextManager(func(_ context.Context, yield func(int) (context.Context, error)) error {
				_, err := yield(1)
				return err
			})
			_ = aiter.With(ctx, m, func(ctx context.Context, _ int) error { return aiter.With(ctx, m, body) })
		}, "entered already")
		return nil
	})
}

// Conformance: AG-030.
func TestAStackIsLeftInReverseOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		translated := errors.New("translated")
		err := aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, s *aiter.ExitStack) error {
			_, _ = aiter.Enter(ctx, s, &resource{name: "first", log: &log})
			s.Push(func(_ context.Context, err error) error {
				log.add("suppresses %v", err)
				return aiter.ErrSuppress
			})
			s.Defer(func(ctx context.Context) error {
				log.add("fails %v", aio.Yield(ctx))
				return translated
			})
			if _, err := aiter.Enter(ctx, s, &resource{name: "last", log: &log}); err != nil {
				return err
			}
			if _, err := aiter.Enter(ctx, s, &resource{name: "not", log: &log, enter: errReason}); err != errReason {
				t.Errorf("Enter returned %v", err)
			}
			return errBoom
		})
		log.want(t, "first entered", "last entered", "not entered", "last left after boom", "fails <nil>", "suppresses boom\ntranslated", "first left after <nil>")
		return err
	})
}

func TestAnErrorAfterASuppressedOneTakesItsPlace(t *testing.T) {
	run(t, func(ctx context.Context) error {
		later := errors.New("later")
		err := aiter.With(ctx, &aiter.ExitStack{}, func(_ context.Context, s *aiter.ExitStack) error {
			s.Defer(func(context.Context) error { return later })
			s.Push(func(context.Context, error) error { return aiter.ErrSuppress })
			return errBoom
		})
		if err != later {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAPanicOrExitInAStackDoesNotKeepTheRestFromBeingLeft(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		fill := func(s *aiter.ExitStack, middle func(context.Context) error) {
			_, _ = aiter.Enter(ctx, s, &resource{name: "outer", log: &log})
			s.Defer(middle)
			_, _ = aiter.Enter(ctx, s, &resource{name: "inner", log: &log})
		}
		wantPanic(t, func() {
			_ = aiter.With(ctx, &aiter.ExitStack{}, func(_ context.Context, s *aiter.ExitStack) error {
				fill(s, func(context.Context) error { panic("in the middle") })
				return nil
			})
		}, "in the middle")
		log.want(t, "outer entered", "inner entered", "inner left after <nil>", "outer left after panic in the middle")
		log = nil
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			return aiter.With(ctx, &aiter.ExitStack{}, func(_ context.Context, s *aiter.ExitStack) error {
				fill(s, func(context.Context) error { return exits() })
				return nil
			})
		}).Await(ctx)
		var exit *aio.GoexitError
		if !errors.As(err, &exit) {
			t.Errorf("the task ended with %v", err)
		}
		log.want(t, "outer entered", "inner entered", "inner left after <nil>", "outer left after exit")
		return nil
	})
}

func TestWhatIsPoppedIsLeftLater(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		var kept *aiter.ExitStack
		err := aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, s *aiter.ExitStack) error {
			_, _ = aiter.Enter(ctx, s, &resource{name: "kept", log: &log, exit: errBoom})
			kept = s.PopAll()
			return nil
		})
		log.add("%v", err)
		log.add("%v", kept.Close(ctx))
		log.add("%v", kept.Close(ctx))
		log.want(t, "kept entered", "<nil>", "kept left after <nil>", "boom", "<nil>")
		return nil
	})
}

func TestAGeneratorScopeOfAnAbandonedStackIsClosedAtShutdown(t *testing.T) {
	var log journal
	seen, err := runReports(t, func(ctx context.Context) error {
		var s aiter.ExitStack // nobody leaves it
		_, err := aiter.Enter(ctx, &s, aiter.ContextManager(func(_ context.Context, yield func(int) (context.Context, error)) error {
			ctx, err := yield(1)
			log.add("%v, cleanup %v", err == aiter.ErrClosed, aio.Sleep(ctx, time.Second))
			return err
		}))
		return err
	})
	if err != nil || len(*seen) != 0 {
		t.Fatalf("got %v, reports %v", err, *seen)
	}
	log.want(t, "true, cleanup <nil>")
}

func TestACancellationThatComesWhileAScopeIsLeftIsNotLost(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, c := range []struct {
			name       string
			body, exit error
			want       error
		}{
			{"nothing fails", nil, nil, context.DeadlineExceeded},
			{"leaving swallows", errBoom, aiter.ErrSuppress, context.DeadlineExceeded},
			{"the body fails", errBoom, nil, errBoom},
		} {
			var log journal
			late, cancel := aio.WithTimeout(ctx, time.Second)
			err := aiter.With(late, &resource{name: c.name, log: &log, slow: 2 * time.Second, exit: c.exit},
				func(context.Context, string) error { return c.body })
			cancel()
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v", c.name, err)
			}
			log.want(t, c.name+" entered", c.name+" left after "+fmt.Sprint(c.body))
		}
		return nil
	})
}

func TestAPanicWhileAScopeIsLeftTakesTheOtherErrorsAlong(t *testing.T) {
	fail := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	panics := func(context.Context) error { panic("in an exit") }
	errOther := errors.New("the other")
	for name, c := range map[string]struct {
		exits []func(context.Context) error // the last one first
		body  error
		want  []error
	}{
		"an error before":  {[]func(context.Context) error{panics, fail(errOther)}, nil, []error{errOther}},
		"an error after":   {[]func(context.Context) error{fail(errOther), panics}, nil, []error{errOther}},
		"the body's error": {[]func(context.Context) error{panics}, errBoom, []error{errBoom}},
		"all of them":      {[]func(context.Context) error{fail(errOther), panics}, errBoom, []error{errBoom, errOther}},
	} {
		run(t, func(ctx context.Context) error {
			defer func() {
				p, ok := recover().(*aio.PanicError)
				if !ok || p.Value != "in an exit" || !slices.Equal(p.Others, c.want) {
					t.Errorf("%s: got %+v", name, p)
				}
			}()
			return aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, s *aiter.ExitStack) error {
				for _, exit := range c.exits {
					s.Defer(exit)
				}
				return c.body
			})
		})
	}
	run(t, func(ctx context.Context) error {
		defer func() {
			if p, ok := recover().(*aio.PanicError); !ok || !slices.Equal(p.Others, []error{errBoom}) {
				t.Errorf("With: got %+v", p)
			}
		}()
		m := aiter.Scope[int]{End: func(context.Context, error) error { panic("in an exit") }}
		return aiter.With(ctx, m, func(context.Context, int) error { return errBoom })
	})
}
