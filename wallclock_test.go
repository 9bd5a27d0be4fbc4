package aio_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/aio-go/aio"
)

// steppedClock is a virtual clock whose times have a monotonic reading, as those of the machine's do, and whose wall clock can be set.
type steppedClock struct {
	start  time.Time
	passed time.Duration
	step   time.Duration // by so much, in whole seconds, the wall clock was set
}

func (c *steppedClock) Now() time.Time {
	t := c.start.Add(c.passed)
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.step/time.Second) << 30 // the seconds of the wall clock, see package time
	return t
}

func (c *steppedClock) Advance(until time.Time) bool {
	c.passed = max(c.passed, until.Sub(c.start))
	return true
}

func TestTheClockOfTheseTestsIsSetWithoutTimePassing(t *testing.T) {
	c := &steppedClock{start: time.Now()}
	before := c.Now()
	c.step = time.Hour
	if after := c.Now(); after.Sub(before) != 0 || after.Round(0).Sub(before.Round(0)) != time.Hour {
		t.Fatalf("%v and %v", before, after)
	}
}

func TestATimeOfTheWallClockIsMeantByTheWallClockAsItIsNow(t *testing.T) {
	for _, step := range []time.Duration{0, time.Hour, -time.Hour, 40 * 365 * 24 * time.Hour} {
		clock := &steppedClock{start: time.Now()}
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			clock.step = step
			in := func(d time.Duration) time.Time { return l.Time().Add(d).Round(0).UTC() } // as a database returns it
			ends := map[string]func() error{
				"Loop.CallAt": func() error {
					f := aio.NewFuture[int](l)
					h := l.CallAt(in(10*time.Second), func() { _ = f.SetResult(1) })
					if d := h.When().Sub(l.Time()); d != 10*time.Second {
						t.Errorf("after a step of %v the callback says that it is due in %v", step, d)
					}
					if d := h.When().Round(0).Sub(l.Time().Round(0)); d != 10*time.Second {
						t.Errorf("after a step of %v the callback says that it is due in %v of the wall clock", step, d)
					}
					_, err := f.Await(ctx)
					return err
				},
				"TimeoutAt": func() error {
					return timedOut(aio.TimeoutAt(ctx, in(10*time.Second), sleepLong))
				},
				"Reschedule": func() error {
					return timedOut(aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
						if err := aio.CurrentTimeout(ctx).Reschedule(in(10 * time.Second)); err != nil {
							return err
						}
						return sleepLong(ctx)
					}))
				},
				"WithDeadline": func() error {
					ctx, cancel := aio.WithDeadline(ctx, in(10*time.Second))
					defer cancel()
					return timedOut(sleepLong(ctx))
				},
				"TimeoutAt with a monotonic reading": func() error {
					return timedOut(aio.TimeoutAt(ctx, l.Time().Add(10*time.Second), sleepLong))
				},
			}
			for name, fn := range ends {
				begin := l.Time()
				if err := fn(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if d := l.Time().Sub(begin); d != 10*time.Second {
					t.Errorf("after a step of %v %s took %v, not 10s", step, name, d)
				}
			}
			return nil
		}, aio.WithClock(clock))
		if err != nil {
			t.Error(err)
		}
	}
}

func sleepLong(ctx context.Context) error { return aio.Sleep(ctx, 1000*time.Hour) }

func timedOut(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(errors.New("not a time-out"), err)
	}
	return nil
}

func TestEqualTimesOfTheWallClockKeepTheOrderOfTheCalls(t *testing.T) {
	var got []int
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		at := time.Now().Round(0).Add(10 * time.Millisecond)
		f := aio.NewFuture[int](l)
		for i := range 200 {
			l.CallAt(at, func() { got = append(got, i) })
		}
		l.CallAt(at.Add(1), func() { _ = f.SetResult(1) })
		_, err := f.Await(ctx)
		return err
	})
	if err != nil || len(got) != 200 || !slices.IsSorted(got) {
		t.Errorf("%v, order %v", err, got)
	}
}

func TestTimesBeyondWhatAClockCanCountAreFarAwayOrOver(t *testing.T) {
	for _, clock := range []aio.Clock{&steppedClock{start: time.Now()}, aio.NewVirtualClock()} {
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			if c, ok := clock.(*steppedClock); ok {
				c.step = -1000 * time.Hour
			}
			for _, at := range []time.Time{time.Unix(1<<40, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), l.Time().Add(math.MaxInt64)} {
				far := l.CallAt(at, func() { t.Errorf("%v has come", at) })
				defer far.Cancel()
			}
			for _, at := range []time.Time{{}, time.Unix(-1<<40, 0), time.Unix(0, 0)} {
				over := false
				l.CallAt(at, func() { over = true })
				for range 3 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				if !over {
					t.Errorf("%v is not over", at)
				}
			}
			return aio.TimeoutAt(ctx, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Hour)
			})
		}, aio.WithClock(clock))
		if err != nil {
			t.Error(err)
		}
	}
}
