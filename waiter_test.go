package aio_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestAWaiterThatIsPreparedAndGivenUpDoesNotTouchTheNextWait(t *testing.T) {
	runErr(t, func(ctx context.Context) error {
		var free error
		err := aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			self := aio.CurrentTask(ctx)
			self.Cancel(errors.New("enough"))
			if w := aio.NewWaiter(ctx, "gate", nil); !w.Refused() || w.Pending() || w.Unpark() {
				t.Error("a wait with a cancelled context should be refused from the start")
			}
			free = aio.Sleep(context.WithoutCancel(ctx), time.Second)
			return aio.Yield(ctx)
		})
		if free != nil {
			t.Errorf("a sleep with a freed context failed: %v", free)
		}
		var cancelled *aio.CancelledError
		if !errors.As(err, &cancelled) {
			t.Errorf("got %v, want the cancellation", err)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAWaiterGivenUpWithASubscriptionDoesNotEndTheNextWait(t *testing.T) {
	run(t, func(ctx context.Context) error {
		other, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		aio.NewWaiter(other, "gate", nil) // never parked
		return aio.Sleep(ctx, time.Minute)
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAnUnparkedWaiterThatIsGivenUpIsNotTheGrantOfTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		w := aio.NewWaiter(ctx, "gate", nil)
		if !w.Unpark() {
			t.Error("the wait was prepared; Unpark should work")
		}
		l := aio.RunningLoop(ctx)
		began := l.Time()
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if took := l.Time().Sub(began); took != time.Minute {
			t.Errorf("the sleep took %v", took)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestASteadfastWaitOutlivesACancellation(t *testing.T) {
	var order []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.CurrentTask(ctx).Cancel(nil)
		w := aio.NewWaiter(ctx, "gate", nil).Steadfast()
		l.CallLater(time.Second, func() { order = append(order, "unparked"); w.Unpark() })
		if err := w.Park(); err != nil {
			t.Errorf("a steadfast wait failed: %v", err)
		}
		order = append(order, "resumed")
		return aio.Yield(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
	if want := []string{"unparked", "resumed"}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestATaskThatIsCalledAndThenEndedByForceDoesNotStayCalled(t *testing.T) {
	var line aio.Line
	l := aio.NewLoop(aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	aio.RunUntilComplete(l, func(ctx context.Context) (int, error) {
		aio.Start(ctx, func(ctx context.Context) error {
			return line.Wait(aio.NewWaiter(ctx, "gate", nil))
		})
		return 0, aio.Yield(ctx)
	})
	line.Call("gate")
	l.Close()
	if !line.Idle() {
		t.Error("the line still counts a task that has ended")
	}
}

func TestALineCallsItsTasksInTheOrderInWhichTheyCame(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var line aio.Line
		var order []string
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var tasks []aio.AnyTask
			for _, name := range []string{"a", "b", "c", "d"} {
				tasks = append(tasks, g.Go(func(ctx context.Context) error {
					w := aio.NewWaiter(ctx, "gate", nil)
					w.SetNote(7)
					err := line.Wait(w)
					if err == nil && w.Note() != 8 || err != nil && w.Note() != 7 {
						t.Errorf("%s: note %d, error %v", name, w.Note(), err)
					}
					order = append(order, name)
					return err
				}, aio.Name(name)))
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			tasks[1].Cancel(nil)
			if n := line.Len(); n != 4 {
				t.Errorf("%d stand in line, want 4: the cancelled one has not resumed", n)
			}
			var waiting []string
			for w := range line.Waiting() {
				waiting = append(waiting, w.Task().Name())
			}
			if want := []string{"a", "c", "d"}; !slices.Equal(waiting, want) {
				t.Errorf("waiting: %v, want %v", waiting, want)
			}
			for range 3 {
				w := line.Call("gate")
				w.SetNote(8)
			}
			if !line.Taken() || line.Idle() || !line.Call("gate").Zero() {
				t.Error("three were called and have not resumed, nobody waits any more")
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if want := []string{"b", "a", "c", "d"}; !slices.Equal(order, want) || !line.Idle() {
				t.Errorf("order %v, want %v", order, want)
			}
			return nil
		})
	})
}
