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

// Conformance: SL-001.
func TestSleepsAddUp(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begin := l.Time()
		sleep := func(d time.Duration, v string) (string, error) { return v, aio.Sleep(ctx, d) }
		if _, err := sleep(time.Second, "one"); err != nil {
			return err
		}
		v, err := sleep(2*time.Second, "two")
		if d := l.Time().Sub(begin); v != "two" || d != 3*time.Second {
			t.Errorf("got %q after %v", v, d)
		}
		return err
	})
}

// countingClock counts how often it was asked to go on to a timer.
type countingClock struct {
	*aio.VirtualClock
	advances int
}

func (c *countingClock) Advance(until time.Time) bool {
	c.advances++
	return c.VirtualClock.Advance(until)
}

// Conformance: SL-002.
func TestSleepZeroLetsRunWhatIsReadyAndUsesNoTimer(t *testing.T) {
	clock := &countingClock{VirtualClock: aio.NewVirtualClock()}
	run(t, func(ctx context.Context) error {
		var log journal
		l := aio.RunningLoop(ctx)
		l.CallSoon(func() {
			log.Add("queued")
			l.CallSoon(func() { log.Add("queued later") })
		})
		err := aio.Sleep(ctx, 0)
		log.Want(t, "queued")
		if clock.advances != 0 {
			t.Error("it waited for a timer")
		}
		return err
	}, aio.WithClock(clock))
}

// Conformance: SL-003.
func TestACancelledSleepTakesItsTimerBack(t *testing.T) {
	clock := &countingClock{VirtualClock: aio.NewVirtualClock()}
	run(t, func(ctx context.Context) error {
		task := started(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		task.Cancel(nil)
		task.Await(ctx)
		if err := aio.Sleep(ctx, 2*time.Hour); err != nil {
			return err
		}
		if clock.advances != 1 {
			t.Errorf("the clock stopped %d times on the way", clock.advances)
		}
		return nil
	}, aio.WithClock(clock))
}

// idleCounter is the machine's clock, and counts how often the loop had nothing to do but wait.
type idleCounter struct{ idle int }

func (c *idleCounter) Now() time.Time { return time.Now() }

func (c *idleCounter) Advance(time.Time) bool {
	c.idle++
	return false
}

// Conformance: SL-005.
func TestTinySleepsDoNotSpin(t *testing.T) {
	clock := &idleCounter{}
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for d := 10 * time.Millisecond; d > 0; d /= 10 {
			begin := l.Time()
			if err := aio.Sleep(ctx, d); err != nil {
				return err
			}
			if took := l.Time().Sub(begin); took < d {
				t.Errorf("a sleep of %v took %v", d, took)
			}
		}
		return nil
	}, aio.WithClock(clock))
	if clock.idle > 40 {
		t.Errorf("the loop woke %d times for eight sleeps", clock.idle)
	}
}

// Conformance: SL-006.
func TestASleepTakesItsTimeByTheRealClock(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	begin := time.Now()
	_, err := aio.RunUntilComplete(l, func(ctx context.Context) (aio.None, error) {
		return aio.None{}, aio.Sleep(ctx, 20*time.Millisecond)
	})
	if took := time.Since(begin); err != nil || took < 20*time.Millisecond {
		t.Errorf("it took %v, %v", took, err)
	}
}

// reversed takes the last of what could be first.
type reversed struct{}

func (reversed) Choose(_ aio.Choice, n int) int { return n - 1 }

func TestACancelledSleepDoesNotCutTheNextWaitShortWhateverTheOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			aio.Sleep(ctx, time.Second)
			begin := l.Time()
			if err := aio.Sleep(context.WithoutCancel(ctx), time.Minute); err != nil {
				return err
			}
			if d := l.Time().Sub(begin); d != time.Minute {
				t.Errorf("the second sleep took %v", d)
			}
			return nil
		})
		l.CallLater(time.Second, func() { task.Cancel(nil) })
		_, err := task.Await(ctx)
		return err
	}, aio.WithChooser(reversed{}))
}
