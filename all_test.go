package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// A part that ends with a cancellation of somebody else's making has no result, and no zero value may take its place.
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
		if a, b, err := aio.All2(ctx, shared.Await, seven); a != 0 || b != 0 || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("All2: %v, %v, %v", a, b, err)
		}
		if a, b, c, err := aio.All3(ctx, seven, shared.Await, seven); a != 0 || b != 0 || c != 0 || !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("All3: %v, %v, %v, %v", a, b, c, err)
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
		got, err := aio.Submit(ctx, theirs, func(ctx context.Context) (int, error) {
			return aio.Submit(ctx, ours, func(context.Context) (int, error) { return steps, nil }) // and back
		})
		if err != nil || got < 2 {
			t.Errorf("got %d, %v: the loop stood still", got, err)
		}
		ticker.Cancel(nil)
		wantPanic(t, func() { aio.Submit(context.Background(), theirs, func(context.Context) (int, error) { return 0, nil }) },
			"aio: Submit: called from a loop", "pass the task's context")
		return nil
	})
	close(end)
	if err != nil || <-ended != nil {
		t.Error(err)
	}
}

func TestAFutureIsSetOnTheLoopOnly(t *testing.T) {
	run(t, func(ctx context.Context) error {
		f := aio.NewFuture[int](aio.RunningLoop(ctx))
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
		var l aio.Lock
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
		var s aio.Semaphore
		wantPanic(t, func() { s.Acquire(ctx) }, "aio: Semaphore.Acquire: the semaphore has no number of permits", "NewSemaphore")
		return nil
	})
}
