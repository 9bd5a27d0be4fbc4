package aiosync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// noted is a test that keeps what Explore logs.
type noted struct {
	testing.TB
	log string
}

func (n *noted) Logf(format string, args ...any) { n.log += fmt.Sprintf(format, args...) }

// Two or three users of each primitive in every order there is, without a cancellation and with one
// at each moment of each await.
func TestEveryOrderOfSmallProgramsWithEveryCancellation(t *testing.T) {
	hold := func(acquire func(context.Context) error, release func()) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := acquire(ctx); err != nil {
				return err
			}
			defer release()
			return aio.Yield(ctx)
		}
	}
	free := func(ok bool, what any) error {
		if !ok {
			return fmt.Errorf("something is left: %v", what)
		}
		return nil
	}
	// A program returns what its users do, and a check for the end. Users are cancelled.
	type program = func() (users []func(ctx context.Context) error, end func() error)
	twice := func(fn func(context.Context) error) []func(context.Context) error {
		return []func(context.Context) error{fn, fn}
	}
	thrice := func(fn func(context.Context) error) []func(context.Context) error {
		return append(twice(fn), fn)
	}
	for name, make := range map[string]program{
		"Lock": func() ([]func(context.Context) error, func() error) {
			var l aiosync.Lock
			return thrice(hold(l.Acquire, l.Release)), func() error { return free(!l.Locked(), &l) }
		},
		"RWLock": func() ([]func(context.Context) error, func() error) {
			var l aiosync.RWLock
			users := []func(context.Context) error{
				hold(l.Acquire, l.Release), hold(l.AcquireRead, l.ReleaseRead),
				hold(l.AcquireRead, l.ReleaseRead),
			}
			return users, func() error { return free(!l.Locked() && l.Readers() == 0, &l) }
		},
		"Semaphore": func() ([]func(context.Context) error, func() error) {
			s := aiosync.NewSemaphore(1)
			return thrice(hold(s.Acquire, s.Release)),
				func() error { return free(s.Statistics().Value == 1, s) }
		},
		"Limiter": func() ([]func(context.Context) error, func() error) {
			l := aiosync.NewLimiter(1)
			return thrice(hold(l.Acquire, l.Release)),
				func() error { return free(l.Available() == 1, l) }
		},
		"Condition": func() ([]func(context.Context) error, func() error) {
			var c aiosync.Condition
			items, taken, gone := 0, 0, 0
			take := func(ctx context.Context) error {
				err := c.With(ctx, func(ctx context.Context) error {
					if err := c.WaitUntil(ctx, func() bool { return items > 0 }); err != nil {
						return err
					}
					items--
					taken++
					return nil
				})
				if err != nil {
					gone++ // the other one must not wait for the item for ever
					items++
					err = c.With(context.WithoutCancel(ctx), func(context.Context) error {
						c.Notify(1)
						return err
					})
				}
				return err
			}
			give := func(ctx context.Context) error {
				items++
				return c.With(context.WithoutCancel(ctx), func(context.Context) error {
					c.Notify(1)
					return nil
				})
			}
			return []func(context.Context) error{take, give}, func() error {
				return free(taken+items == 1+gone && !c.Locked(), &c)
			}
		},
		"Event": func() ([]func(context.Context) error, func() error) {
			var e aiosync.Event
			set := func(context.Context) error { e.Set(); return nil }
			return []func(context.Context) error{e.Wait, set, e.Wait},
				func() error { return free(e.IsSet(), &e) }
		},
		"Queue": func() ([]func(context.Context) error, func() error) {
			q := aiosync.NewQueue[int](1)
			put, got := 0, 0
			producer := func(ctx context.Context) error {
				defer q.Shutdown(false)
				for i := range 2 {
					if err := q.Put(ctx, i); err != nil {
						return err
					}
					put++
				}
				return nil
			}
			consumer := func(ctx context.Context) error {
				for {
					v, err := q.Get(ctx)
					if errors.Is(err, aiosync.ErrQueueShutdown) {
						return nil
					}
					if err != nil {
						q.Shutdown(true)
						return err
					}
					if v != got {
						return fmt.Errorf("got %d, want %d", v, got)
					}
					got++
				}
			}
			return []func(context.Context) error{producer, consumer}, func() error {
				return free(got <= put && q.Statistics().Getters == 0, q)
			}
		},
		"Barrier": func() ([]func(context.Context) error, func() error) {
			b := aiosync.NewBarrier(2)
			through := 0
			meet := func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				if err == nil {
					through++
				} else if !errors.Is(err, aiosync.ErrBrokenBarrier) {
					b.Abort()
				}
				return err
			}
			return twice(meet), func() error { return free(b.Waiting() == 0, b) }
		},
		"Latest": func() ([]func(context.Context) error, func() error) {
			l := aiosync.NewLatest(0)
			follow := func(ctx context.Context) error {
				_, seen := l.Get()
				if seen > 0 {
					return nil
				}
				v, _, err := l.Next(ctx, seen)
				if err == nil && v == 0 {
					return errors.New("there was no change")
				}
				return err
			}
			set := func(context.Context) error { l.Set(1); return nil }
			return []func(context.Context) error{follow, set, follow},
				func() error { return free(l.Statistics().Waiting == 0, l) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := &noted{TB: t}
			aiotest.Explore(n, func(ctx context.Context, t *aiotest.T) error {
				users, end := make()
				var tasks []*aio.Task[aio.None]
				for _, fn := range users {
					tasks = append(tasks, aio.Start(ctx, fn))
				}
				outcomes, err := aio.GatherSettled[aio.None](ctx, tasks...)
				for _, o := range outcomes {
					if o.Err != nil && !errors.Is(o.Err, context.Canceled) &&
						!errors.Is(o.Err, aiosync.ErrBrokenBarrier) &&
						!errors.Is(o.Err, aiosync.ErrQueueShutdown) {
						t.Error(o.Err)
					}
				}
				if err := end(); err != nil {
					t.Error(err)
				}
				return err
			}, aiotest.With(aiotest.Exhaustive(-1)), aiotest.CancelEachAwait(),
				aiotest.Schedules(20_000))
			if !strings.Contains(n.log, "covered all") {
				t.Errorf("not covered: %s", n.log)
			}
			t.Log(n.log)
		})
	}
}
