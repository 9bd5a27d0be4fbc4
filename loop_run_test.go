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

// Conformance: R-001.
func TestRunReturnsTheValueOfMainAndClosesTheLoop(t *testing.T) {
	var l *aio.Loop
	v, err := aio.RunValue(t.Context(), func(ctx context.Context) (string, error) {
		l = aio.RunningLoop(ctx)
		return "spam", aio.Yield(ctx)
	})
	if v != "spam" || err != nil || !l.IsClosed() || l.IsRunning() {
		t.Fatalf("got %q, %v, closed %v, running %v", v, err, l.IsClosed(), l.IsRunning())
	}
}

// Conformance: R-002.
func TestRunReturnsTheErrorOfMainAndClosesTheLoop(t *testing.T) {
	var l *aio.Loop
	err := runErr(t, func(ctx context.Context) error {
		l = aio.RunningLoop(ctx)
		return errBoom
	})
	if err != errBoom || !l.IsClosed() {
		t.Fatalf("got %v, closed %v", err, l.IsClosed())
	}
}

// Conformance: R-003.
func TestRunRefusesWhatItCannotRun(t *testing.T) {
	ctx := t.Context()
	main := func(context.Context) error { return nil }
	r := aio.NewRunner()
	defer r.Close()
	l := aio.NewLoop()
	defer l.Close()
	wantPanic(t, func() { aio.Run(ctx, nil) }, "aio: Run: the function is nil")
	wantPanic(t, func() { aio.RunValue[int](ctx, nil) }, "the function is nil")
	wantPanic(t, func() { r.Run(ctx, nil) }, "aio: Runner.Run: the function is nil")
	wantPanic(t, func() { aio.RunUntilComplete[int](l, nil) }, "aio: RunUntilComplete: the function is nil")
	wantPanic(t, func() { aio.Run(nil, main) }, "aio: Run: the context is nil", "context.Background()") //nolint:staticcheck // misuse is the point
}

// Conformance: R-004.
func TestTheDebugOptionOfRunSetsTheDebugFlagOfTheLoop(t *testing.T) {
	debug := func(opts ...aio.Option) (on bool) {
		run(t, func(ctx context.Context) error {
			on = aio.RunningLoop(ctx).Debug()
			return nil
		}, opts...)
		return on
	}
	t.Setenv("AIO_DEBUG", "")
	if !debug(aio.WithDebug(true)) || debug(aio.WithDebug(false)) || debug() {
		t.Fatal("the option does not decide, or the default without the environment variable is on")
	}
	t.Setenv("AIO_DEBUG", "1")
	if !debug() || debug(aio.WithDebug(false)) {
		t.Fatal("the environment variable does not set the default, or wins over the option")
	}
}

// Conformance: R-005.
func TestRunInsideRunPanicsAndStartsNothing(t *testing.T) {
	started := false
	inner := func(context.Context) error {
		started = true
		return nil
	}
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		nested := func(where string) {
			wantPanic(t, func() { aio.Run(ctx, inner) }, "aio: Run: another loop is running on this goroutine", "await")
			wantPanic(t, func() { aio.Run(context.Background(), inner) }, "aio: Run: another loop is running on this goroutine")
			wantPanic(t, func() { aio.NewRunner().Run(context.Background(), inner) }, "aio: Runner.Run: another loop")
			if started {
				t.Errorf("the inner main was started %s", where)
			}
		}
		nested("in a task")
		l.CallSoon(func() { nested("in a callback") })
		l.OnShutdown(func() { nested("in a shutdown hook") })
		l.OnClose(func() {
			nested("in a close hook")
			l.CallSoon(func() { nested("in a callback during Close") })
		})
		return aio.Yield(ctx)
	})
	if started {
		t.Fatal("the inner main was started")
	}
}

// Conformance: R-007.
func TestALeftOverTaskThatFailsAtShutdownIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			_ = forever(ctx)
			return errBoom
		}, aio.Name("left-over"))
		return aio.Yield(ctx)
	})
	if err != nil {
		t.Fatalf("main returned %v", err)
	}
	list := seen.All()
	if len(list) != 1 || list[0].Err != errBoom || list[0].TaskName != "left-over" || !strings.Contains(list[0].Message, "during shutdown") {
		t.Fatalf("the reports are %+v", list)
	}
}

// Conformance: R-008, V-027.
func TestLeftOverTasksEndBeforeRunReturnsAlsoIfMainFailed(t *testing.T) {
	var log journal
	err := runErr(t, func(ctx context.Context) error {
		for _, name := range []string{"a", "b", "c"} {
			aio.Start(ctx, func(ctx context.Context) error {
				defer log.Add("%s closed", name)
				for range generator(&log, name) {
					if err := aio.Sleep(ctx, time.Hour); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		return errBoom
	})
	if err != errBoom {
		t.Fatalf("got %v", err)
	}
	log.Want(t, "a generator closed", "a closed", "b generator closed", "b closed", "c generator closed", "c closed")
}

func generator(log *journal, name string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		defer log.Add("%s generator closed", name)
		for i := 0; yield(i); i++ {
		}
	}
}

func TestLeftOverTasksAreCancelledInTheOrderOfTheirCreation(t *testing.T) {
	var log journal
	run(t, func(ctx context.Context) error {
		for _, name := range []string{"1", "2", "3", "4", "5"} {
			aio.Start(ctx, func(ctx context.Context) error {
				err := forever(ctx)
				log.Add("%s", name)
				return err
			})
		}
		return aio.Yield(ctx)
	})
	log.Want(t, "1", "2", "3", "4", "5")
}

// Conformance: R-011.
func TestTheLoopOfARunnerIsMadeFromItsOptions(t *testing.T) {
	clock := aio.NewVirtualClock()
	r := aio.NewRunner(aio.WithClock(clock))
	defer r.Close()
	err := r.Run(t.Context(), func(ctx context.Context) error {
		if aio.RunningLoop(ctx) != r.Loop() {
			t.Error("the running loop is not the runner's")
		}
		return aio.Sleep(ctx, time.Hour)
	})
	if want := time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC); err != nil || !clock.Now().Equal(want) {
		t.Fatalf("got %v; the clock shows %v", err, clock.Now())
	}
}

// Conformance.
func TestAClosedRunnerRunsNothing(t *testing.T) {
	r := aio.NewRunner()
	l := r.Loop()
	v := 0
	err := r.Run(t.Context(), func(context.Context) error { v = 42; return nil })
	if v != 42 || err != nil || l.IsClosed() {
		t.Fatalf("got %d, %v, closed %v", v, err, l.IsClosed())
	}
	r.Close()
	if !l.IsClosed() {
		t.Fatal("the loop is not closed")
	}
	ran := false
	wantPanic(t, func() {
		r.Run(t.Context(), func(context.Context) error {
			ran = true
			return nil
		})
	}, "aio: Runner.Run: the runner is closed")
	wantPanic(t, func() { r.Loop() }, "aio: Runner.Loop: the runner is closed")
	if ran {
		t.Fatal("it ran")
	}
}

// Conformance.
func TestClosingARunnerThatNeverRanClosesItsLoopAndASecondCloseDoesNothing(t *testing.T) {
	r := aio.NewRunner()
	l := r.Loop()
	for range 2 {
		if r.Close(); !l.IsClosed() {
			t.Fatal("the loop is not closed")
		}
	}
	wantPanic(t, func() { r.Loop() }, "the runner is closed")
}

type runKey struct{}

// Conformance: R-016.
func TestEachRunOfARunnerHasTheValuesOfItsContextAndTasksGoOnBetweenThem(t *testing.T) {
	r := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()))
	ctx, ticks := t.Context(), 0
	var ticker *aio.Task[aio.None]
	for i := range 3 {
		next := context.WithValue(ctx, runKey{}, i)
		err := r.Run(next, func(ctx context.Context) error {
			if v := ctx.Value(runKey{}); v != i {
				t.Errorf("run %d sees the value %v", i, v)
			}
			if ticker == nil {
				ticker = aio.Start(ctx, func(ctx context.Context) error {
					for ; ; ticks++ {
						if err := aio.Sleep(ctx, time.Second); err != nil {
							return err
						}
					}
				})
			}
			return aio.Sleep(ctx, 10*time.Second+time.Millisecond)
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx = next // the caller carries the values from one run to the next
	}
	if ticks != 30 || ticker.Done() {
		t.Fatalf("%d ticks in 30 s, done %v", ticks, ticker.Done())
	}
	r.Close()
	if !ticker.Cancelled() {
		t.Fatal("Close did not cancel the task")
	}
}

func TestACloseOfARunnerThatIsRunningPanicsAndDisturbsNothing(t *testing.T) {
	r := aio.NewRunner()
	defer r.Close()
	err := r.Run(t.Context(), func(ctx context.Context) error {
		r.Loop().OnShutdown(func() {
			if r.Loop().IsRunning() && aio.CurrentTask(ctx) != nil {
				t.Error("the shutdown began inside the task")
			}
		})
		wantPanic(t, func() { r.Close() }, "Close: the loop is running")
		return aio.Yield(ctx)
	})
	if err != nil {
		t.Fatalf("main was disturbed: %v", err)
	}
}

func TestMainIsCancelledWithTheContextOfRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	err := aio.Run(ctx, func(ctx context.Context) error {
		cancel(errBoom)
		return forever(ctx)
	})
	if !errors.Is(err, aio.ErrCancelled) || !errors.Is(err, errBoom) {
		t.Fatalf("got %v", err)
	}
}

func TestMainDoesNotStartIfTheContextOfRunHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		err := aio.Run(ctx, func(context.Context) error {
			t.Error("main was started")
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestMainGetsATimeoutErrorWhenTheDeadlineOfRunPasses(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := aio.Run(ctx, forever)
	var te *aio.TimeoutError
	if !errors.As(err, &te) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

// Conformance: LP-025.
func TestStopEndsARunBeforeItsMainHasEnded(t *testing.T) {
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {})) // the task that is left is reported
	defer l.Close()
	_, err := aio.RunUntilComplete(l, stopAndSleep)
	if err != aio.ErrStopped {
		t.Fatalf("RunUntilComplete returned %v", err)
	}
	left := l.AllTasks()
	if len(left) != 1 || left[0].Done() {
		t.Fatalf("the tasks left are %v", left)
	}
	left[0].Cancel(nil)

	closed := false
	v, err := aio.RunValue(t.Context(), func(ctx context.Context) (int, error) {
		defer func() { closed = true }()
		aio.RunningLoop(ctx).Stop()
		return 1, forever(ctx)
	})
	if v != 0 || err != aio.ErrStopped || !closed {
		t.Fatalf("RunValue returned %d, %v; deferred functions ran: %v", v, err, closed)
	}
}

func stopAndSleep(ctx context.Context) (int, error) {
	aio.RunningLoop(ctx).Stop()
	return 1, forever(ctx)
}

func TestAMainThatEndsInThePassOfAStopHasItsResult(t *testing.T) {
	v, err := aio.RunValue(t.Context(), func(ctx context.Context) (int, error) {
		aio.RunningLoop(ctx).Stop()
		return 7, nil
	})
	if v != 7 || err != nil {
		t.Fatalf("got %d, %v", v, err)
	}
}

// Conformance: LP-019.
func TestTheEndOfOneRunDoesNotStopTheNext(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	_, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		l.Stop() // the loop ends after this pass, and so does the task: two reasons to stop
		return 1, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	passes, err := aio.RunUntilComplete(l, func(ctx context.Context) (n int, err error) {
		for ; n < 5; n++ {
			if err = aio.Yield(ctx); err != nil {
				break
			}
		}
		return n, err
	})
	if passes != 5 || err != nil {
		t.Fatalf("the second run got %d, %v", passes, err)
	}
}

// Conformance: LP-017.
func TestATaskOfAnAbortedRunDoesNotStopTheNextWhenItEnds(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	first := aio.NewFuture[int](l.Context())
	l.CallSoon(l.Stop)
	if _, err := aio.RunUntilComplete(l, first.Await); err != aio.ErrStopped {
		t.Fatalf("the first run returned %v", err)
	}
	v, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		if err := first.SetResult(1); err != nil {
			return 0, err
		}
		for range 5 {
			if err := aio.Yield(ctx); err != nil {
				return 0, err
			}
		}
		return first.Await(ctx)
	})
	if v != 1 || err != nil {
		t.Fatalf("the second run returned %d, %v", v, err)
	}
}

// Conformance: LP-018, LP-019.
func TestARunEndedByAPanicOfItsMainLeavesTheLoopFitForTheNext(t *testing.T) {
	seen := &reports{}
	l := aio.NewLoop(seen.Option())
	v := panicOf(func() {
		aio.RunUntilComplete(l, func(context.Context) (int, error) { panic("fatal") })
	})
	if p, ok := v.(*aio.PanicError); !ok || p.Value != "fatal" {
		t.Fatalf("the run panicked with %v", v)
	}
	n, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) { return 1, aio.Sleep(ctx, time.Millisecond) })
	if n != 1 || err != nil {
		t.Fatalf("the next run returned %d, %v", n, err)
	}
	l.Close()
	if got := seen.Strings(); len(got) != 0 {
		t.Fatalf("reports: %q", got)
	}
}

// Conformance: LP-016.
func TestRunUntilCompleteRefusesAFutureOfAnotherLoop(t *testing.T) {
	a, b := aio.NewLoop(), aio.NewLoop()
	defer a.Close()
	defer b.Close()
	f := aio.NewFuture[int](b.Context())
	wantPanic(t, func() { aio.RunUntilComplete(a, f.Await) }, "belongs to another loop")
}

// Conformance: LP-023.
func TestANestedRunOfTheSameLoopPanicsAndTheOuterRunGoesOn(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	v, err := aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		wantPanic(t, func() { aio.RunUntilComplete(l, stopAndSleep) }, "RunUntilComplete", "running already", "await")
		other := aio.Start(ctx, aio.Yield)
		wantPanic(t, func() { aio.RunUntilComplete(l, other.Await) }, "running already")
		wantPanic(t, l.RunForever, "aio: Loop.RunForever", "running already")
		_, err := other.Await(ctx)
		for range 5 { // the end of other must not stop the outer run
			err = errors.Join(err, aio.Yield(ctx))
		}
		return len(l.AllTasks()), err
	})
	if v != 1 || err != nil {
		t.Fatalf("the outer run returned %d tasks, %v", v, err)
	}
}

// Conformance: LP-024.
func TestALoopInsideAnotherLoopPanicsAndStartsNothing(t *testing.T) {
	a, b := aio.NewLoop(), aio.NewLoop()
	defer a.Close()
	_, err := aio.RunUntilComplete(a, func(ctx context.Context) (int, error) {
		wantPanic(t, func() { aio.RunUntilComplete(b, stopAndSleep) }, "RunUntilComplete: another loop is running")
		wantPanic(t, b.RunForever, "Loop.RunForever: another loop is running")
		if left := b.AllTasks(); len(left) != 0 {
			t.Errorf("the other loop has %v", left)
		}
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}

// Conformance: LP-034, V-021.
func TestTheRunningLoopIsFoundThroughTheContext(t *testing.T) {
	wantPanic(t, func() { aio.RunningLoop(context.Background()) }, "aio: RunningLoop: no running event loop", "aio.Run")
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for name, c := range map[string]context.Context{
			"a value":         context.WithValue(ctx, runKey{}, 1),
			"WithoutCancel":   context.WithoutCancel(ctx),
			"ambient context": l.Context(),
		} {
			if aio.RunningLoop(c) != l {
				t.Errorf("not found through %s", name)
			}
		}
		spinning := aio.Start(ctx, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, 0); err != nil {
					return err
				}
			}
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		spinning.Cancel(nil)
		if err := aio.Yield(ctx); err != nil || !spinning.Cancelled() {
			t.Errorf("a loop of zero sleeps did not stop at the next of them: %v, %v", spinning, err)
		}
		return nil
	})
}

func TestAGoroutineOfItsOwnMayRunALoopWhileAnotherWaitsForIt(t *testing.T) {
	started := false
	run(t, func(ctx context.Context) error {
		outer := aio.RunningLoop(ctx)
		return aio.Blocking(ctx, func(ctx context.Context) error {
			return aio.Run(ctx, func(ctx context.Context) error {
				started = aio.RunningLoop(ctx) != outer
				return aio.Yield(ctx)
			})
		})
	})
	if !started {
		t.Fatal("it did not run, or on the wrong loop")
	}
}

func TestTwoLoopsRunAtTheSameTimeOnTwoGoroutines(t *testing.T) {
	sums := make(chan int, 2)
	for range 2 {
		go func() {
			sum, err := aio.RunValue(context.Background(), func(ctx context.Context) (int, error) {
				sum := 0
				err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
					for i := range 100 {
						g.Go(func(ctx context.Context) error {
							for range 10 {
								sum += i
								if err := aio.Yield(ctx); err != nil {
									return err
								}
							}
							return nil
						})
					}
					return nil
				})
				return sum, err
			})
			if err != nil {
				t.Error(err)
			}
			sums <- sum
		}()
	}
	if got := []int{<-sums, <-sums}; !slices.Equal(got, []int{49500, 49500}) {
		t.Fatalf("the sums are %v", got)
	}
}

func TestARunWhoseContextIsOutOfTimeIsATimeOut(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	err := aio.Run(ctx, func(context.Context) error {
		t.Error("main has started")
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, aio.ErrCancelled) {
		t.Errorf("got %v", err)
	}
}
