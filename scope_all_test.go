package aio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// A part that ends with a cancellation of somebody else's making has no result, and no zero value
// may take its place.
func TestWhereAPartWasCancelledBySomebodyElseNoResultIsMadeUp(t *testing.T) {
	run(t, func(ctx context.Context) error {
		shared := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 5, aio.Sleep(ctx, time.Hour) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		shared.Cancel(errors.New("not needed any more"))
		seven := func(context.Context) (int, error) { return 7, nil }

		if got, err := aio.All(ctx, shared.Await, seven); got != nil || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("All: %v, %v", got, err)
		}
		calls := 0
		got, err := aio.Map(ctx, []int{1, 2, 3}, func(ctx context.Context, i int) (int, error) {
			calls++
			if i == 2 {
				return shared.Await(ctx)
			}
			return i, nil
		}, aio.Limit(1))
		if got != nil || !errors.Is(err, aio.ErrCancelled) || calls != 2 {
			t.Errorf("Map: %v, %v after %d calls", got, err, calls)
		}
		return nil
	})
}

func TestANilFunctionAmongOthersIsNamedBeforeAnyRuns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ran := false
		one := func(context.Context) (int, error) { ran = true; return 1, nil }
		wantPanic(t, func() { aio.All(ctx, one, nil) }, "aio: All: function 1 is nil")
		wantPanic(t, func() { aio.Race(ctx, nil, one) }, "aio: Race: function 0 is nil")
		if ran {
			t.Error("a function ran")
		}
		return nil
	})
}

// Two loops that ask each other must not stand still meanwhile.
func TestATaskMaySubmitToAnotherLoopWhileItsOwnGoesOn(t *testing.T) {
	other := make(chan *aio.Loop, 1)
	end := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			other <- aio.RunningLoop(ctx)
			_, _, err := aio.Recv(ctx, end)
			return err
		})
	}()
	theirs := <-other
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		ours := aio.RunningLoop(ctx)
		steps := 0
		ticker := aio.Start(ctx, func(ctx context.Context) error {
			for {
				steps++
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		})
		got, err := aio.SubmitValue(ctx, theirs, func(ctx context.Context) (int, error) {
			return aio.SubmitValue(ctx, ours, func(context.Context) (int, error) { return steps, nil }) // and back
		})
		if err != nil || got < 2 {
			t.Errorf("got %d, %v: the loop stood still", got, err)
		}
		ticker.Cancel(nil)
		wantPanic(t, func() {
			aio.SubmitValue(context.Background(), theirs, func(context.Context) (int, error) { return 0, nil })
		},
			"aio: SubmitValue: called from a loop", "pass the task's context")
		return nil
	})
	close(end)
	if err != nil || <-ended != nil {
		t.Error(err)
	}
}

func TestAFutureIsSetOnTheLoopOnly(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](ctx)
		for name, set := range map[string]func(){
			"Future.SetResult": func() { f.SetResult(1) },
			"Future.SetError":  func() { f.SetError(errors.New("x")) },
			"Cancel":           func() { f.Cancel(nil) },
		} {
			if err := aio.Blocking(ctx, func(context.Context) error {
				wantPanic(t, set, "aio: "+name+": called from a goroutine that is not the loop's", "CallSoonThreadsafe")
				return nil
			}); err != nil {
				return err
			}
		}
		if f.Done() {
			t.Error("it was set")
		}
		return nil
	}, strict)
}

func TestALockAskedForTwiceByOneTaskIsADeadlock(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error { // under the real clock
		var l aiosync.Lock
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		return l.Acquire(ctx)
	})
	if d, ok := errors.AsType[*aio.DeadlockError](err); !ok || len(d.Cycle) != 1 || d.Cycle[0].Name != "main" {
		t.Errorf("got %v", err)
	}
}

func TestTheCauseGivenToACancelFunctionIsTheCauseOfTheContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		why := errors.New("why")
		c, cancel := aio.WithCancelCause(ctx)
		std, stop := context.WithCancel(c)
		defer stop()
		cancel(why)
		if got := context.Cause(c); got != why {
			t.Errorf("of the context: %v", got)
		}
		if got := context.Cause(std); got != why {
			t.Errorf("of one derived from it: %v", got)
		}
		if err := aio.Sleep(c, time.Hour); !errors.Is(err, why) || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("of an await: %v", err)
		}
		return nil
	})
}

func TestASemaphoreWithoutANumberSaysSo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var s aiosync.Semaphore
		wantPanic(t, func() { s.Acquire(ctx) }, "aio: Semaphore.Acquire: the semaphore has no permits", "NewSemaphore")
		return nil
	})
}

func TestMapSettledKeepsWhatSucceeded(t *testing.T) {
	for _, opts := range [][]aio.MapOption{nil, {aio.Limit(1)}, {aio.Limit(2)}, {aio.Limit(100)}} {
		seen, err := runReports(t, func(ctx context.Context) error {
			failed := errors.New("no")
			outcomes, err := aio.MapSettled(ctx, []int{0, 1, 2, 3, 4}, func(ctx context.Context, i int) (int, error) {
				if err := aio.Sleep(ctx, time.Duration(5-i)*time.Second); err != nil {
					return 0, err
				}
				switch i {
				case 1:
					return 7, failed
				case 2:
					panic("oh")
				case 3:
					aio.CurrentTask(ctx).Cancel(nil)
					return 0, aio.Yield(ctx)
				}
				return 10 * i, nil
			}, opts...)
			if err != nil {
				return err
			}
			var p *aio.PanicError
			for i, o := range outcomes {
				right := o.Err == nil && o.Value == 10*i
				switch i {
				case 1:
					right = o.Err == failed && o.Value == 7
				case 2:
					right = errors.As(o.Err, &p) && p.Value == "oh"
				case 3:
					right = errors.Is(o.Err, aio.ErrCancelled)
				}
				if !right {
					t.Errorf("%v: outcome %d is %+v", opts, i, o)
				}
			}
			return nil
		})
		if err != nil || len(seen.All()) > 0 {
			t.Error(opts, err, seen.Strings())
		}
	}
}

func TestMapSettledEndsWithItsCaller(t *testing.T) {
	_, err := runReports(t, func(ctx context.Context) error {
		started, ended := 0, 0
		err := aio.Timeout(ctx, 90*time.Second, func(ctx context.Context) error {
			_, err := aio.MapSettled(ctx, make([]int, 9), func(ctx context.Context, _ int) (int, error) {
				started++
				defer func() { ended++ }()
				return 0, aio.Sleep(ctx, time.Minute)
			}, aio.Limit(2))
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || started != 4 || ended != 4 {
			t.Error(err, started, ended)
		}
		none, err := aio.MapSettled(ctx, nil, func(context.Context, int) (int, error) { return 0, nil })
		if none != nil || err != nil {
			t.Error(none, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What was not done must not look as if it had been.
func TestMapWhoseTaskWasCancelledFails(t *testing.T) {
	runReports(t, func(ctx context.Context) error {
		done := 0
		out, err := aio.Map(ctx, []int{0, 1, 2}, func(ctx context.Context, i int) (int, error) {
			if i == 1 {
				aio.CurrentTask(ctx).Cancel(nil)
			}
			err := aio.Yield(ctx)
			if err == nil {
				done++
			}
			return 1, err
		}, aio.Limit(1))
		if !errors.Is(err, aio.ErrCancelled) || out != nil || done != 1 {
			t.Error(out, err, done)
		}
		return nil
	})
}

func ExampleMapSettled() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.MapSettled(ctx, []int{6, 0, 3}, func(ctx context.Context, n int) (int, error) {
			if n == 0 {
				return 0, errors.New("division by zero")
			}
			return 12 / n, nil
		})
		for _, o := range outcomes {
			fmt.Println(o.Value, o.Err)
		}
		return err
	})
	// Output:
	// 2 <nil>
	// 0 division by zero
	// 4 <nil>
}

func TestItemsOfWorkersThatAreCancelledBeforeTheyBeginAreNotForgotten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop, main := aio.RunningLoop(ctx), aio.CurrentTask(ctx)
		cancelOthers := func() {
			for _, task := range loop.AllTasks() {
				if task != main {
					task.Cancel(nil)
				}
			}
		}
		double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		for limit := range 4 {
			items := []int{1, 2, 3}
			loop.CallSoon(cancelOthers)
			if out, err := aio.Map(ctx, items, double, aio.Limit(limit+1)); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("Map: got %v, %v", out, err)
			}
			loop.CallSoon(cancelOthers)
			out, err := aio.MapSettled(ctx, items, double, aio.Limit(limit+1))
			if got := fmt.Sprint(out, err); got != "[{2 <nil>} {4 <nil>} {6 <nil>}] <nil>" {
				t.Errorf("MapSettled: got %s", got)
			}
		}
		return nil
	})
}

func TestMapFailsIfItsLastCallWasCancelledAndSaysSoByTheContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		main := aio.CurrentTask(ctx)
		aio.RunningLoop(ctx).CallLater(time.Second, func() {
			for _, task := range aio.AllTasks(ctx) {
				if task != main {
					task.Cancel(nil)
				}
			}
		})
		out, err := aio.Map(ctx, []int{1}, func(ctx context.Context, _ int) (int, error) {
			forever(ctx)
			return 1, ctx.Err()
		})
		if err != context.Canceled || out != nil {
			t.Errorf("got %v, %v", out, err)
		}
		return nil
	})
}

func TestACallOfMapSettledThatExitsIsAnOutcome(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for limit := 1; limit <= 4; limit++ {
			out, err := aio.MapSettled(ctx, []int{1, 2, 3, 4}, func(ctx context.Context, n int) (int, error) {
				if n%2 == 0 {
					runtime.Goexit()
				}
				return n, aio.Sleep(ctx, time.Second)
			}, aio.Limit(limit))
			if err != nil || len(out) != 4 {
				t.Fatalf("limit %d: %v, %v", limit, out, err)
			}
			for i, o := range out {
				var exited *aio.GoexitError
				if i%2 == 0 && (o.Value != i+1 || o.Err != nil) || i%2 == 1 && !errors.As(o.Err, &exited) {
					t.Errorf("limit %d: outcome %d is %+v", limit, i, o)
				}
			}
		}
		return nil
	})
}
