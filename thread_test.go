package aio_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Conformance: TH-002.
func TestAnErrorOfAThreadIsReturnedByTheAwait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 0, errBoom })
		if err != errBoom {
			t.Errorf("ToThread: %v", err)
		}
		if err := aio.Blocking(ctx, func(context.Context) error { return errBoom }); err != errBoom {
			t.Errorf("Blocking: %v", err)
		}
		return nil
	})
}

// Conformance: TH-003, TH-005, TH-006 (the goroutine is the executor).
func TestAFunctionIsCalledOnceOnAnotherGoroutineWithTheValuesOfTheContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		calls, onLoop := 0, true
		word, n := "spam", 3 // a closure carries arguments
		v, err := aio.ToThread(context.WithValue(ctx, runKey{}, "value"), func(ctx context.Context) (string, error) {
			calls++
			onLoop = panicOf(func() { aio.Sleep(ctx, 1) }) == nil
			if ctx.Value(runKey{}) != "value" {
				t.Error("the context has lost its value")
			}
			return strings.Repeat(word, n), nil
		})
		if v != "spamspamspam" || calls != 1 || onLoop {
			t.Errorf("got %q after %d calls, on the loop: %v", v, calls, onLoop)
		}
		return err
	})
}

// Conformance: TH-004.
func TestThreadsRunAtTheSameTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var here atomic.Int32
		all := make(chan struct{})
		fns := make([]aio.Func[int], 10)
		for i := range fns {
			fns[i] = func(ctx context.Context) (int, error) {
				return aio.ToThread(ctx, func(context.Context) (int, error) {
					if here.Add(1) == 10 {
						close(all)
					}
					<-all // each waits for the others
					return i, nil
				})
			}
		}
		got, err := aio.All(ctx, fns...)
		for i, v := range got {
			if i != v {
				t.Errorf("result %d is %d", i, v)
			}
		}
		return err
	})
}

// Conformance: TH-009 (a coroutine function fits, but its awaits are refused there).
func TestThreadsRefuseNilFunctions(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aio.ToThread[int](ctx, nil) }, "aio: ToThread: the function is nil")
		wantPanic(t, func() { aio.Blocking(ctx, nil) }, "aio: Blocking: the function is nil")
		return aio.Blocking(ctx, func(ctx context.Context) error {
			wantPanic(t, func() { spin(ctx) }, "aio: Yield: called from a goroutine that is not the loop's")
			return nil
		})
	})
}

func TestAPanicOfAThreadIsRaisedInTheCallerWithBothStacks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		p := panicErr(t, func() { aio.ToThread(ctx, panicsDeepInside) })
		if p.Value != "deep" || !strings.Contains(string(p.Stack), "panicsDeepInside") {
			t.Errorf("the panic is %v", p)
		}
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return aio.ToThread(ctx, panicsDeepInside) })
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { _, err := aio.GatherSettled(ctx, task); return err }); err != nil {
			return err
		}
		if !errors.As(task.Err(), &p) || !strings.Contains(string(p.Stack), "raised again in task") {
			t.Errorf("the outcome of the task is %v", task.Err())
		}
		return nil
	})
}

func TestAGoexitOfAThreadIsItsError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var exit *aio.GoexitError
		if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 1, nil }); !errors.As(err, &exit) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestACancelledThreadIsAbandonedAtOnceAndWhatBecomesOfItIsReported(t *testing.T) {
	release := make(chan struct{})
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		cancelled := make(chan error, 1)
		done := aio.NewFuture[int](l)
		l.ExpectPosts(1)
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return aio.ToThread(ctx, func(ctx context.Context) (int, error) {
				<-ctx.Done()
				cancelled <- context.Cause(ctx)
				<-release                     // it takes its time
				l.CallSoonThreadsafe(func() { // behind the report of its end, which comes next
					l.CallSoonThreadsafe(func() {
						l.ExpectPosts(-1)
						done.SetResult(1)
					})
				})
				return 0, errBoom
			})
		}, aio.Name("impatient"))
		if err := yields(ctx, 2); err != nil {
			return err
		}
		task.Cancel(errReason)
		_, err := task.Await(ctx)
		wantCancellation(t, err)
		if cause := <-cancelled; !errors.Is(cause, errReason) {
			t.Errorf("the thread's context ended because of %v", cause)
		}
		close(release)
		_, err = done.Await(ctx)
		return errors.Join(err, aio.Blocking(ctx, func(context.Context) error { return nil }))
	})
	list := seen.all()
	if err != nil || len(list) > 1 || len(list) == 1 && (list[0].Err != errBoom || list[0].TaskName != "impatient") {
		t.Fatalf("got %v, reports %+v", err, list)
	}
}

func TestAThreadThatEndsWithItsCancellationIsNotReported(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ended := make(chan struct{})
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			return aio.Blocking(ctx, func(ctx context.Context) error {
				defer close(ended)
				l.ExpectPosts(-1) // the virtual clock may go on without this one
				l.CallSoonThreadsafe(func() {})
				<-ctx.Done()
				l.ExpectPosts(1)
				return context.Cause(ctx)
			})
		})
		wantTimeout(t, err)
		<-ended
		return aio.Blocking(ctx, func(context.Context) error { return nil })
	})
}

func TestAThreadIsNotStartedForATaskThatIsCancelledAlready(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			_ = forever(ctx)
			return aio.Blocking(ctx, func(context.Context) error {
				t.Error("it was started")
				return nil
			})
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		_, err := task.Await(ctx)
		wantCancellation(t, err)
		return nil
	})
}

func TestAThreadThatGoesOnAfterTheLoopWasClosedIsReportedAndDisturbsNobody(t *testing.T) {
	release, ended := make(chan struct{}), make(chan struct{})
	var thread context.Context
	seen, err := runReports(t, func(ctx context.Context) error {
		started := make(chan struct{})
		aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(ctx context.Context) error { // the place that the report names
				defer close(ended)
				thread = ctx
				close(started)
				<-release
				return errBoom
			})
		}, aio.Name("owner"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		<-started
		return nil
	}, aio.WithShutdown(0, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if got := seen.strings(); len(got) != 1 || !strings.Contains(got[0], "goes on though the loop is closed: thread_test.go:") || !strings.HasSuffix(got[0], "|owner") {
		t.Errorf("the reports are %q", got)
	}
	select {
	case <-thread.Done():
	default:
		t.Error("the context of the thread did not end with the loop")
	}
	close(release)
	<-ended
}

func TestTheContextOfAThreadEndsWhenItsTaskIsEndedByForce(t *testing.T) {
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	ended := make(chan struct{})
	aio.Start(l.Context(), func(ctx context.Context) error {
		return aio.Blocking(context.WithoutCancel(ctx), func(ctx context.Context) error {
			<-ctx.Done()
			close(ended)
			return nil
		})
	})
	l.Stop()
	l.RunForever()
	l.Close()
	<-ended
}

func TestAPanicOfAnAbandonedThreadIsReportedAndRaisedByRun(t *testing.T) {
	seen := &reports{}
	release, cancelled := make(chan struct{}), make(chan struct{})
	p := panicErr(t, func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
				return aio.Blocking(ctx, func(ctx context.Context) error {
					<-ctx.Done()
					close(cancelled)
					<-release
					panic("late")
				})
			})
			wantTimeout(t, err)
			<-cancelled
			close(release)
			for len(seen.all()) == 0 {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}, seen.option())
	})
	if p.Value != "late" || len(seen.all()) != 1 {
		t.Errorf("Run panicked with %v; reports %q", p.Value, seen.strings())
	}
}

func TestCloseWaitsForThreadsThatNoticeTheirCancellation(t *testing.T) {
	ended := false
	run(t, func(ctx context.Context) error {
		started := make(chan struct{})
		aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(ctx context.Context) error {
				close(started)
				<-ctx.Done()
				runtime.Gosched() // it is not there at once
				ended = true
				return ctx.Err()
			})
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		<-started
		return nil
	})
	if !ended {
		t.Fatal("the thread was left behind")
	}
}

func TestTheContextInAThreadHasTheDeadlineOfTheCallUnlessTimeIsVirtual(t *testing.T) {
	deadline := func(clock ...aio.Option) (at time.Time, ok bool) {
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			ctx, cancel := aio.WithTimeout(ctx, time.Hour)
			defer cancel()
			want, _ := ctx.Deadline()
			return aio.Blocking(ctx, func(ctx context.Context) error {
				if at, ok = ctx.Deadline(); ok && !at.Equal(want) {
					t.Errorf("the deadline is %v, want %v", at, want)
				}
				return nil
			})
		}, clock...)
		if err != nil {
			t.Fatal(err)
		}
		return at, ok
	}
	if _, ok := deadline(); !ok {
		t.Error("no deadline in real time")
	}
	if at, ok := deadline(aio.WithClock(aio.NewVirtualClock())); ok {
		t.Errorf("a deadline in virtual time: %v", at)
	}
}

// A function that nobody waits for any more may say in its own words that it was cancelled: a status of a protocol, "redis: nil".
func TestAnErrorThatFollowsFromTheCancellationOfAThreadIsNotReported(t *testing.T) {
	for _, late := range []error{errBoom, context.Canceled, context.DeadlineExceeded, errors.New("redis: nil"), os.ErrDeadlineExceeded} {
		run(t, func(ctx context.Context) error {
			task := aio.Start(ctx, func(ctx context.Context) error {
				return aio.Blocking(ctx, func(ctx context.Context) error {
					<-ctx.Done()
					return late
				})
			})
			turns(ctx, 1)
			task.Cancel(nil)
			_, err := task.Await(ctx)
			wantCancellation(t, err)
			return nil
		})
	}
}
