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
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
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
			wantPanic(t, func() { spin(ctx) }, "aio: Yield: called in a function of ToThread")
			return nil
		})
	}, strict)
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
		if !errors.As(task.Err(), &p) || !strings.Contains(string(p.Stack), "re-panicked in task") {
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
		done := aio.NewFuture[int](l.Context())
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
	list := seen.All()
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
	if got := seen.Strings(); len(got) != 1 || !strings.Contains(got[0], "still runs after the loop was closed: await_thread_test.go:") || !strings.HasSuffix(got[0], "|owner") {
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
			for len(seen.All()) == 0 {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}, seen.Option())
	})
	if p.Value != "late" || len(seen.All()) != 1 {
		t.Errorf("Run panicked with %v; reports %q", p.Value, seen.Strings())
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

// A function that nobody waits for any more may say in its own words that it was cancelled: a
// status of a protocol, "redis: nil".
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

func TestATaskThatWaitsWhileItIsLockedToItsThreadPanics(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("this platform cannot tell; there the runtime ends the process")
	}
	waits := map[string]func(ctx context.Context) error{
		"Sleep": func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) },
		"Yield": aio.Yield,
		"Future.Await": func(ctx context.Context) error {
			_, err := aio.NewFuture[int](ctx).Await(ctx)
			return err
		},
		"ToThread": func(ctx context.Context) error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		},
	}
	for op, wait := range waits {
		t.Run(op, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				task := aio.Start(ctx, func(ctx context.Context) error {
					runtime.LockOSThread()
					runtime.LockOSThread() // it counts
					return wait(ctx)
				})
				if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
					return err
				}
				p, ok := errors.AsType[*aio.PanicError](task.Err())
				if !ok {
					t.Fatalf("the task ended with %v", task.Err())
				}
				for _, want := range []string{"aio: " + op + ": runtime.LockOSThread is in force", "UnlockOSThread", "ToThread"} {
					if text := p.Value.(string); !strings.Contains(text, want) {
						t.Errorf("the panic is %q, without %q", text, want)
					}
				}
				return aio.Yield(ctx) // the loop goes on, on whichever thread
			})
		})
	}
}

func TestATaskMayLockItsThreadBetweenWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for range 3 {
			runtime.LockOSThread()
			runtime.UnlockOSThread()
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestATaskThatEndsLockedToItsThreadIsReportedAndTheThreadGivenBack(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("this platform cannot tell; there the runtime ends the process")
	}
	var reports []aio.Report
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error {
			runtime.LockOSThread()
			return nil
		}, aio.Name("careless"))
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) }))
	if err != nil || len(reports) != 1 || reports[0].TaskName != "careless" || !strings.Contains(reports[0].Message, "UnlockOSThread") {
		t.Errorf("got %v and the reports %v", err, reports)
	}
}

func TestALoopMayRunOnAThreadThatIsLocked(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// threadGate is a function for ToThread that says when it has begun and goes on when it is told to.
type threadGate struct {
	began   chan struct{}
	release chan struct{}
}

func newThreadGate() *threadGate {
	return &threadGate{make(chan struct{}, 100), make(chan struct{}, 100)}
}

func (g *threadGate) pass(context.Context) error {
	g.began <- struct{}{}
	<-g.release
	return nil
}

func TestALimiterBoundsHowManyFunctionsRunAtATime(t *testing.T) {
	var under, most atomic.Int32
	fn := func(context.Context) error {
		now := under.Add(1)
		defer under.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		time.Sleep(time.Millisecond) // so that they would overlap
		return nil
	}
	for name, how := range map[string]func(ctx context.Context, l *aiosync.Limiter) error{
		"as an option of ToThread": func(ctx context.Context, l *aiosync.Limiter) error {
			_, err := aio.ToThread(ctx, aio.Action(fn), aio.LimitedBy(l))
			return err
		},
		"as an option of Blocking": func(ctx context.Context, l *aiosync.Limiter) error { return aio.Blocking(ctx, fn, aio.LimitedBy(l)) },
	} {
		most.Store(0)
		run(t, func(ctx context.Context) error {
			l := aiosync.NewLimiter(3)
			err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for range 20 {
					g.Go(func(ctx context.Context) error { return how(ctx, l) })
				}
				return nil
			})
			if l.Available() != 3 {
				t.Errorf("%s: %v", name, l)
			}
			return err
		})
		if n := most.Load(); n < 1 || n > 3 {
			t.Errorf("%s: %d at a time", name, n)
		}
	}
	most.Store(0)
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error { return aio.Blocking(ctx, fn) })
			}
			return nil
		})
	}, aio.WithThreadLimiter(1))
	if n := most.Load(); n != 1 {
		t.Errorf("as an option of the loop: %d at a time", n)
	}
	wantPanic(t, func() { aio.NewLoop(aio.WithThreadLimiter(0)) }, "the limit is 0")
}

func TestAnAbandonedFunctionKeepsItsTokenUntilItReturns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		slow, next := newThreadGate(), newThreadGate()
		first := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, slow.pass, aio.LimitedBy(l)) })
		second := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, next.pass, aio.LimitedBy(l)) })
		if _, _, err := aio.Recv(ctx, slow.began); err != nil {
			return err
		}
		first.Cancel(nil)
		if _, err := first.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if s := l.Statistics(); s.Borrowed != 1 || s.Waiting != 1 || len(next.began) != 0 {
			t.Errorf("%v, the next has begun: %v", l, len(next.began))
		}
		slow.release <- struct{}{}
		if _, _, err := aio.Recv(ctx, next.began); err != nil { // now it is its turn
			return err
		}
		next.release <- struct{}{}
		_, err := second.Await(ctx)
		if l.Available() != 1 {
			t.Error(l)
		}
		return err
	})
}

func TestAFunctionWhoseTaskIsCancelledWhileItWaitsForATokenIsNotCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		slow := newThreadGate()
		never := func(context.Context) error { t.Error("it was called"); return nil }
		first := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, slow.pass, aio.LimitedBy(l)) })
		second := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, never, aio.LimitedBy(l)) })
		third := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, never, aio.LimitedBy(l)) })
		if _, _, err := aio.Recv(ctx, slow.began); err != nil {
			return err
		}
		second.Cancel(errBoom)
		if _, err := second.Await(ctx); !errors.Is(err, errBoom) || l.Statistics().Waiting != 1 {
			t.Errorf("got %v, %v", err, l)
		}
		third.Cancel(nil)
		third.Await(ctx)
		slow.release <- struct{}{}
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		if l.Available() != 1 {
			t.Error(l)
		}
		return aio.Blocking(ctx, func(context.Context) error { return nil }, aio.LimitedBy(l))
	})
}

// The task gets the token and is cancelled before it goes on, or is cancelled just before it would
// get it: fn is not called in either case.
func TestAFunctionWhoseTaskIsCancelledTogetherWithItsTokenIsNotCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop, l := aio.RunningLoop(ctx), aiosync.NewLimiter(1)
		var second *aio.Task[aio.None]
		first := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				_, err := loop.CallSoonThreadsafe(func() {
					loop.CallSoon(func() { second.Cancel(nil) }) // ahead of the task, which the end of this function wakes
				})
				return err
			}, aio.LimitedBy(l))
		})
		second = aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error { t.Error("it was called"); return nil }, aio.LimitedBy(l))
		})
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, first, second); err != nil {
			return err
		}
		if first.Err() != nil || !second.Cancelled() || l.Available() != 1 {
			t.Errorf("got %v, %v, %v", first, second, l)
		}
		return nil
	})
}

func TestATokenComesBackAfterAPanicOrAnError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		wantPanic(t, func() { aio.Blocking(ctx, func(context.Context) error { panic("in a thread") }, aio.LimitedBy(l)) }, "in a thread")
		if err := aio.Blocking(ctx, func(context.Context) error { return errBoom }, aio.LimitedBy(l)); err != errBoom {
			t.Errorf("got %v", err)
		}
		cancelled, cancel := aio.WithCancelCause(ctx)
		cancel(nil)
		if err := aio.Blocking(cancelled, func(context.Context) error { t.Error("it was called"); return nil }, aio.LimitedBy(l)); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if !strings.HasPrefix(l.String(), "<Limiter 0 of 1") {
			t.Error(l)
		}
		return nil
	})
}

func TestUnderARealClockOfAUsersOwnTimersFireWhileAFunctionRuns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		fired := make(chan struct{})
		aio.RunningLoop(ctx).CallLater(time.Millisecond, func() { close(fired) })
		return aio.Blocking(ctx, func(context.Context) error { <-fired; return nil })
	}, aio.WithClock(realClock{}))
}

// The function has returned and the task was woken. A cancellation comes before its turn.
func TestAThreadsFailureIsReportedIfItsTaskIsCancelledBeforeItsTurn(t *testing.T) {
	for name, fn := range map[string]func(ctx context.Context) (int, error){
		"error": func(context.Context) (int, error) { return 0, errBoom },
		"panic": func(context.Context) (int, error) { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			var reports []aio.Report
			var victim *aio.Task[int]
			turn := schedulerFunc(func(ready []aio.Entry) int {
				for _, e := range ready {
					if victim != nil && e.ID == victim.ID() && e.Op == "ToThread" {
						victim.Cancel(nil)
					}
				}
				return 0
			})
			defer func() {
				if v := recover(); v != nil && name != "panic" {
					t.Error(v)
				}
				if len(reports) != 1 || !errors.Is(reports[0].Err, errBoom) {
					t.Errorf("reports: %v", reports)
				}
			}()
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				victim = aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
					return aio.ToThread(ctx, fn)
				})
				_, err := aio.GatherSettled[int](ctx, victim)
				if !victim.Cancelled() {
					t.Errorf("%v", victim)
				}
				return err
			}, aio.WithScheduler(turn), aio.WithClock(aio.NewVirtualClock()),
				aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
					reports = append(reports, r)
				}))
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAJoinedThreadIsToldOfTheCancellationAndWaitedFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		limiter := aiosync.NewLimiter(1)
		began, gate := aio.NewFuture[aio.None](ctx), make(chan struct{})
		loop := aio.RunningLoop(ctx)
		told := false
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(ctx context.Context) error {
				loop.CallSoonThreadsafe(func() { _ = began.SetResult(aio.None{}) })
				<-ctx.Done()
				told = errors.Is(context.Cause(ctx), errBoom)
				<-gate
				return errors.New("of the library")
			}, aio.LimitedBy(limiter), aio.Joined())
		})
		if _, err := began.Await(ctx); err != nil {
			return err
		}
		task.Cancel(errBoom)
		task.Cancel(errors.New("again")) // changes nothing
		for range 10 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if task.Done() || limiter.Available() != 0 {
			t.Error("the task did not wait")
		}
		close(gate)
		_, err := task.Await(ctx)
		if !errors.Is(err, aio.ErrCancelled) || !errors.Is(err, errBoom) || !told {
			t.Errorf("told: %v, error: %v", told, err)
		}
		if limiter.Available() != 1 {
			t.Error("the token is not back")
		}
		return nil
	})
}

func TestNoValueOfAJoinedThreadIsLost(t *testing.T) {
	for seed := range 300 {
		run(t, func(ctx context.Context) error {
			items := make(chan int, 1)
			items <- 1
			got := 0
			task := aio.Start(ctx, func(ctx context.Context) (err error) {
				got, err = aio.ToThread(ctx, func(ctx context.Context) (int, error) {
					runtime.Gosched()
					return <-items, nil // whether it was cancelled or not
				}, aio.Joined())
				if err != nil {
					return err
				}
				return aio.Yield(ctx)
			})
			for range seed % 5 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			task.Cancel(nil)
			_, _ = task.Await(ctx)
			if got+len(items) != 1 {
				t.Errorf("after %d steps: got %d, left: %d", seed%5, got, len(items))
			}
			return nil
		})
	}
}

func TestAJoinedThreadWhoseCallWasCancelledBeforeItBeganIsNotCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx, cancel := aio.WithCancelCause(ctx)
		cancel(errBoom)
		err := aio.Blocking(ctx, func(context.Context) error {
			t.Error("called")
			return nil
		}, aio.Joined())
		if !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("error: %v", err)
		}
		return nil
	})
}

func TestAPanicOfAJoinedThreadThatWasCancelledIsRaisedInTheCaller(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ctx, cancel := aio.WithCancelCause(ctx)
		aio.RunningLoop(ctx).CallSoon(func() { cancel(errBoom) })
		p := panicErr(t, func() {
			_ = aio.Blocking(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				panic("boom")
			}, aio.Joined())
		})
		if p.Value != "boom" {
			t.Errorf("the panic is %v", p)
		}
		return nil
	})
}

func TestALoopThatClosesDoesNotWaitForAJoinedThreadForEver(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	began := make(chan struct{})
	var seen looptest.Reports
	err := aio.Run(t.Context(), func(ctx context.Context) error { // in real time, as the function
		aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				close(began)
				<-release
				return nil
			}, aio.Joined())
		})
		_, _, err := aio.Recv(ctx, began)
		return err
	}, aio.WithShutdown(0, 20*time.Millisecond), seen.Option())
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(seen.Strings(), "\n"); !strings.Contains(text, "still runs after the loop was closed") {
		t.Errorf("reports:\n%s", text)
	}
}

func TestAFailureThatArrivesBetweenACancellationAndTheTasksTurnIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error { return errBoom })
		})
		if err := aio.Yield(ctx); err != nil { // the thread begins
			return err
		}
		for !aio.HasPosts(loop) {
			runtime.Gosched()
		}
		_, _ = loop.CallSoonThreadsafe(func() {}) // the thread's end is in the ready queue
		task.Cancel(nil)                          // and now the task, behind it
		_, err := task.Await(ctx)
		if !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("error: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(seen.Strings(), "\n"); text != "a function abandoned in ToThread failed|Task-2" {
		t.Errorf("reports: %q", text)
	}
}
