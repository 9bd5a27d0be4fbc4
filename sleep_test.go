package aio_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

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
			log.add("queued")
			l.CallSoon(func() { log.add("queued later") })
		})
		err := aio.Sleep(ctx, 0)
		log.want(t, "queued")
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
