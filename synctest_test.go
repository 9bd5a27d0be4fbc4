package aio_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aio-go/aio"
)

func TestInABubbleARunSleepsHoursInNoTimeAndLeavesNothingBehind(t *testing.T) {
	for range 3 { // a bubble must not meet what an earlier one left
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				hours := func(n int) aio.Func[int] {
					return func(ctx context.Context) (int, error) { return n, aio.Sleep(ctx, time.Duration(n)*time.Hour) }
				}
				got, err := aio.All(ctx, hours(3), hours(1), hours(2))
				if len(got) != 3 || got[0] != 3 {
					t.Errorf("the results are %v", got)
				}
				return err
			})
			if took := time.Since(start); err != nil || took != 3*time.Hour {
				t.Errorf("got %v after %v", err, took)
			}
		})
	}
}

func TestInABubbleThreadsSubmitsAndTheStandardLibrarysDeadlinesWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		loops := make(chan *aio.Loop, 1)
		submitted := make(chan error, 1)
		go func() {
			l := <-loops
			time.Sleep(time.Minute)
			v, err := aio.Submit(t.Context(), l, func(ctx context.Context) (int, error) { return 7, aio.Sleep(ctx, time.Minute) })
			if v != 7 {
				t.Errorf("Submit returned %d", v)
			}
			submitted <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour)
		defer cancel()
		err := aio.Run(ctx, func(ctx context.Context) error {
			loops <- aio.RunningLoop(ctx)
			if err := aio.Blocking(ctx, func(context.Context) error { time.Sleep(time.Hour); return nil }); err != nil {
				return err
			}
			limited, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			wantTimeout(t, forever(limited))
			aio.Start(ctx, forever) // left over
			return forever(ctx)
		})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Hour {
			t.Errorf("got %v after %v", err, took)
		}
		if err := <-submitted; err != nil {
			t.Error(err)
		}
	})
}

func TestInABubblePanicsGoexitsAndIgnoredCancellationsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &reports{}
		v := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				aio.CreateTask(ctx, panicsDeepInside)
				aio.Start(ctx, func(context.Context) error { runtime.Goexit(); return nil })
				aio.Start(ctx, ignoresItsEnd)
				return aio.Sleep(ctx, time.Hour)
			}, seen.option())
		})
		if p, ok := v.(*aio.PanicError); !ok || p.Value != "deep" || len(seen.all()) != 3 {
			t.Errorf("Run panicked with %v; reports %q", v, seen.strings())
		}
	})
}

func TestInABubbleALostErrorIsReportedThoughTheCollectorIsOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &reports{}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			for range 10 {
				aio.Start(ctx, failWith(errBoom))
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			return aio.Blocking(ctx, func(context.Context) error {
				for range 5 { // the loop waits while the collector finds the tasks
					runtime.GC()
				}
				return nil
			})
		}, seen.option())
		if err != nil || len(seen.all()) != 10 {
			t.Errorf("got %v, reports %q", err, seen.strings())
		}
	})
}
