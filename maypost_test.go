package aio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestALoopWaitsForGoroutinesThatMayPostInsteadOfCallingItADeadlock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		f := aio.NewFuture[int](l)
		l.MayPost(1)
		go func() {
			time.Sleep(50 * time.Millisecond) // real time, that of a world which the virtual clock does not move
			_, _ = l.CallSoonThreadsafe(func() {
				l.MayPost(-1)
				_ = f.SetResult(1)
			})
		}()
		_, err := f.Await(ctx)
		return err
	})
}

func TestGoroutinesThatMayPostDoNotHideADeadlockForEver(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		aio.SetSilence(l, time.Millisecond)
		l.MayPost(1)
		defer l.MayPost(-1)
		return forever(ctx)
	})
	if _, ok := errors.AsType[*aio.DeadlockError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestGoroutinesThatMayPostDoNotStopAVirtualClock(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.MayPost(1)
		defer l.MayPost(-1)
		begin := l.Time()
		err := aio.Timeout(ctx, time.Hour, forever)
		wantTimeout(t, err)
		if d := l.Time().Sub(begin); d != time.Hour {
			t.Errorf("it took %v", d)
		}
		return nil
	})
}
