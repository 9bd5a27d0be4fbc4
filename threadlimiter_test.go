package aio_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// threadGate is a function for ToThread that says when it has begun and goes on when it is told to.
type threadGate struct {
	began   chan struct{}
	release chan struct{}
}

func newThreadGate() *threadGate {
	return &threadGate{make(chan struct{}, 100), make(chan struct{}, 100)}
}

func (g *threadGate) pass(context.Context) error {
	g.began <- struct{}{}
	<-g.release
	return nil
}

func TestALimiterBoundsHowManyFunctionsRunAtATime(t *testing.T) {
	var under, most atomic.Int32
	fn := func(context.Context) error {
		now := under.Add(1)
		defer under.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		time.Sleep(time.Millisecond) // so that they would overlap
		return nil
	}
	for name, how := range map[string]func(ctx context.Context, l *aio.Limiter) error{
		"as an option of ToThread": func(ctx context.Context, l *aio.Limiter) error {
			_, err := aio.ToThread(ctx, aio.Action(fn), aio.LimitedBy(l))
			return err
		},
		"as an option of Blocking": func(ctx context.Context, l *aio.Limiter) error { return aio.Blocking(ctx, fn, aio.LimitedBy(l)) },
	} {
		most.Store(0)
		run(t, func(ctx context.Context) error {
			l := aio.NewLimiter(3)
			err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for range 20 {
					g.Go(func(ctx context.Context) error { return how(ctx, l) })
				}
				return nil
			})
			if l.Available() != 3 {
				t.Errorf("%s: %v", name, l)
			}
			return err
		})
		if n := most.Load(); n < 1 || n > 3 {
			t.Errorf("%s: %d at a time", name, n)
		}
	}
	most.Store(0)
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error { return aio.Blocking(ctx, fn) })
			}
			return nil
		})
	}, aio.WithThreadLimiter(1))
	if n := most.Load(); n != 1 {
		t.Errorf("as an option of the loop: %d at a time", n)
	}
	wantPanic(t, func() { aio.NewLoop(aio.WithThreadLimiter(0)) }, "the limit is 0")
}

func TestAnAbandonedFunctionKeepsItsTokenUntilItReturns(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.NewLimiter(1)
		slow, next := newThreadGate(), newThreadGate()
		first := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, slow.pass, aio.LimitedBy(l)) })
		second := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, next.pass, aio.LimitedBy(l)) })
		if _, _, err := aio.Recv(ctx, slow.began); err != nil {
			return err
		}
		first.Cancel(nil)
		if _, err := first.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if s := l.Statistics(); s.Borrowed != 1 || s.Waiting != 1 || len(next.began) != 0 {
			t.Errorf("%v, the next has begun: %v", l, len(next.began))
		}
		slow.release <- struct{}{}
		if _, _, err := aio.Recv(ctx, next.began); err != nil { // now it is its turn
			return err
		}
		next.release <- struct{}{}
		_, err := second.Await(ctx)
		if l.Available() != 1 {
			t.Error(l)
		}
		return err
	})
}

func TestAFunctionWhoseTaskIsCancelledWhileItWaitsForATokenIsNotCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.NewLimiter(1)
		slow := newThreadGate()
		never := func(context.Context) error { t.Error("it was called"); return nil }
		first := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, slow.pass, aio.LimitedBy(l)) })
		second := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, never, aio.LimitedBy(l)) })
		third := aio.Start(ctx, func(ctx context.Context) error { return aio.Blocking(ctx, never, aio.LimitedBy(l)) })
		if _, _, err := aio.Recv(ctx, slow.began); err != nil {
			return err
		}
		second.Cancel(errBoom)
		if _, err := second.Await(ctx); !errors.Is(err, errBoom) || l.Statistics().Waiting != 1 {
			t.Errorf("got %v, %v", err, l)
		}
		third.Cancel(nil)
		third.Await(ctx)
		slow.release <- struct{}{}
		if _, err := first.Await(ctx); err != nil {
			return err
		}
		if l.Available() != 1 {
			t.Error(l)
		}
		return aio.Blocking(ctx, func(context.Context) error { return nil }, aio.LimitedBy(l))
	})
}

// The task gets the token and is cancelled before it goes on, or is cancelled just before it would get it: fn is not called in either case.
func TestAFunctionWhoseTaskIsCancelledTogetherWithItsTokenIsNotCalled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		loop, l := aio.RunningLoop(ctx), aio.NewLimiter(1)
		var second *aio.Task[aio.None]
		first := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				_, err := loop.CallSoonThreadsafe(func() {
					loop.CallSoon(func() { second.Cancel(nil) }) // ahead of the task, which the end of this function wakes
				})
				return err
			}, aio.LimitedBy(l))
		})
		second = aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error { t.Error("it was called"); return nil }, aio.LimitedBy(l))
		})
		if _, _, err := aio.Wait(ctx, aio.AllCompleted, first, second); err != nil {
			return err
		}
		if first.Err() != nil || !second.Cancelled() || l.Available() != 1 {
			t.Errorf("got %v, %v, %v", first, second, l)
		}
		return nil
	})
}

func TestATokenComesBackAfterAPanicOrAnError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.NewLimiter(1)
		wantPanic(t, func() { aio.Blocking(ctx, func(context.Context) error { panic("in a thread") }, aio.LimitedBy(l)) }, "in a thread")
		if err := aio.Blocking(ctx, func(context.Context) error { return errBoom }, aio.LimitedBy(l)); err != errBoom {
			t.Errorf("got %v", err)
		}
		cancelled, cancel := aio.WithCancelCause(ctx)
		cancel(nil)
		if err := aio.Blocking(cancelled, func(context.Context) error { t.Error("it was called"); return nil }, aio.LimitedBy(l)); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if !strings.HasPrefix(l.String(), "<Limiter 0 of 1") {
			t.Error(l)
		}
		return nil
	})
}
