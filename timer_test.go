package aio_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestATimerThatIsStoppedOrStartedAgainInThePassItFiresInDoesNotCall(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var calls journal
		began := l.Time()
		stopped := l.NewTimer(func() { calls.add("stopped") })
		again := l.NewTimer(func() { calls.add("again after %v", l.Time().Sub(began)) })
		l.CallLater(time.Second, func() { // fires first, in the pass in which the two fire
			stopped.Stop()
			again.Start(time.Second)
		})
		stopped.Start(time.Second)
		again.Start(time.Second)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if stopped.Running() || !again.Running() {
			t.Errorf("running: %t, %t; want false, true", stopped.Running(), again.Running())
		}
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		calls.want(t, "again after 2s")
		if again.Running() {
			t.Error("it has called, and runs")
		}
		return nil
	})
}

func TestStartingATimerAllocatesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		timer := aio.RunningLoop(ctx).NewTimer(func() {})
		wantNoAllocs(t, "Start and Stop", func() { timer.Start(time.Hour); timer.Stop() })
		return nil
	})
}

func TestAPanicInATimersFunctionIsReported(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).NewTimer(func() { panic("boom") }).Start(0)
		return aio.Sleep(ctx, time.Second)
	})
	if got := seen.all(); err != nil || len(got) != 1 || got[0].Err == nil {
		t.Errorf("reports %v, error %v", got, err)
	}
}

func TestATypedNilLimiterIsNoLimit(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var none *aio.Limiter
		v, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }, aio.LimitedBy(none))
		if v != 1 {
			t.Errorf("got %d", v)
		}
		return err
	}, aio.WithThreadLimiter(1))
}
