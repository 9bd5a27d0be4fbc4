package aio_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestATaskIsSmall(t *testing.T) {
	for name, size := range map[string]uintptr{"Task[None]": aio.SizeOfTask[aio.None](), "Task[int]": aio.SizeOfTask[int]()} {
		if size > 160 {
			t.Errorf("a %s takes %d bytes, more than 160", name, size)
		}
	}
}

func TestWhatIsHotDoesNotAllocate(t *testing.T) {
	if leaktest.RaceDetector {
		t.Skip("the race detector allocates")
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := aio.CreateTask(ctx, func(context.Context) (int, error) { return 1, nil })
		if _, err := done.Await(ctx); err != nil {
			return err
		}
		other := aio.Start(ctx, spin) // somebody to switch to
		defer other.Cancel(nil)
		var lock aio.Lock
		deadline := l.Time().Add(-time.Second)
		_ = deadline
		for name, fn := range map[string]func() error{
			"yield":                         func() error { return aio.Yield(ctx) },
			"await of a finished task":      func() error { _, err := done.Await(ctx); return err },
			"sleep of nothing":              func() error { return aio.Sleep(ctx, 0) },
			"sleep":                         func() error { return aio.Sleep(ctx, time.Microsecond) },
			"lock that nobody else wants":   func() error { err := lock.Acquire(ctx); lock.Release(); return err },
			"current task and running loop": func() error { _, _ = aio.CurrentTask(ctx), aio.RunningLoop(ctx); return nil },
		} {
			if n := testing.AllocsPerRun(100, func() {
				if err := fn(); err != nil {
					t.Error(err)
				}
			}); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
