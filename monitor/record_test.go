package monitor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/recorder"
)

// beats sleeps again and again.
func beats(ctx context.Context) error {
	for {
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// beside runs main, and ask on another goroutine when main has begun. Main is cancelled afterwards.
func beside(t *testing.T, main func(ctx context.Context) error, ask func(loop uint64), opts ...aio.Option) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	err := aio.Run(ctx, func(ctx context.Context) error {
		number := uint64(0)
		for _, e := range inspect.Running() {
			if e.Loop() == aio.RunningLoop(ctx) {
				number = e.Number
			}
		}
		asking.Go(func() { defer stop(); ask(number) })
		return main(ctx)
	}, opts...)
	asking.Wait()
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestALoopWithoutARecorderRecordsWhileSomebodyWaits(t *testing.T) {
	beside(t, beats, func(loop uint64) {
		q := monitor.RecordQuestion{Loop: loop}
		if _, err := monitor.Record(t.Context(), q); !errors.Is(err, recorder.ErrOff) {
			t.Errorf("before: %v", err)
		}
		q.For = time.Second
		all, err := monitor.Record(t.Context(), q)
		if err != nil || len(all) != 1 || len(all[0].Events) < 10 {
			t.Errorf("%v, it records %+v", err, all)
		}
		q.For = 0
		for { // the loop is told that nobody waits any more
			if _, err := monitor.Record(t.Context(), q); errors.Is(err, recorder.ErrOff) {
				return
			}
		}
	})
}

func TestARecordingOfATaskHasWhatWokeIt(t *testing.T) {
	main := func(ctx context.Context) error {
		aio.Start(ctx, beats, aio.Name("other"))
		return beats(ctx)
	}
	beside(t, main, func(loop uint64) {
		q := monitor.RecordQuestion{Loop: loop, For: 100 * time.Millisecond, Task: 1, Last: 9}
		all, err := monitor.Record(t.Context(), q)
		if err != nil || len(all) != 1 {
			t.Fatal(err)
		}
		if n := len(all[0].Events); n == 0 || n > 9 {
			t.Errorf("%d events", n)
		}
		for _, e := range all[0].Events {
			if e.Task != 1 {
				t.Errorf("it has %+v", e)
			}
		}
		if len(all[0].Tasks) != 1 || all[0].Tasks[0].Name != "main" {
			t.Errorf("its tasks are %+v", all[0].Tasks)
		}
	}, recorder.On())
}

func TestWhatCannotBeRecordedIsAnError(t *testing.T) {
	for want, q := range map[string]monitor.RecordQuestion{
		"at most 1m0s":          {For: 2 * time.Minute},
		"there is no such loop": {Loop: 1 << 60},
	} {
		if _, err := monitor.Record(t.Context(), q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// blocking is something to wait for whose String method blocks.
type blocking struct {
	begun chan struct{}
	free  chan struct{}
}

func (b blocking) String() string {
	select {
	case b.begun <- struct{}{}:
	default:
	}
	<-b.free
	return "something"
}

func TestAStringMethodThatBlocksDoesNotHoldUpThoseWhoAsk(t *testing.T) {
	b := blocking{make(chan struct{}, 1), make(chan struct{})}
	main := func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error { return aio.NewWaiter(ctx, "wait", b).Park() })
		return looptest.Forever(ctx)
	}
	beside(t, main, func(loop uint64) {
		defer close(b.free)
		p, err := monitor.Take(t.Context(), monitor.Question{Loop: loop})
		if err != nil || len(p.Loops) != 1 || p.Loops[0].Busy == nil {
			t.Fatalf("%v, %+v", err, p)
		}
		if at := p.Loops[0].Busy.Stack; len(at) == 0 || !strings.Contains(at[0], "blocking.String") {
			t.Errorf("it stands still at %q", at)
		}
		<-b.begun
	})
}
