package aiosync_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// Each primitive is explored with simple users, one of which is cancelled at each of its awaits in turn.

// several starts n tasks, which may be cancelled, and waits for all, whatever becomes of them. Main
// runs first, if it is given; it is not cancelled.
func several(ctx context.Context, n int, fn func(ctx context.Context, i int) error, main ...func(ctx context.Context) error) error {
	tasks := make([]*aio.Task[aio.None], n)
	for i := range tasks {
		tasks[i] = aio.Start(ctx, func(ctx context.Context) error { return fn(ctx, i) })
	}
	for _, fn := range main {
		if err := fn(ctx); err != nil {
			return err
		}
	}
	_, err := aio.GatherSettled[aio.None](ctx, tasks...)
	return err
}

// exclusion checks something that lets at most limit tasks in at a time.
func exclusion(limit int, acquire func(ctx context.Context) error, release func(), free func() bool) func(context.Context, *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		inside := 0
		t.Always("no more are inside than may be", func() bool { return inside <= limit })
		err := several(ctx, 3, func(ctx context.Context, i int) error {
			if err := acquire(ctx); err != nil {
				return err
			}
			inside++
			defer func() {
				inside--
				release()
			}()
			return aio.Yield(ctx)
		})
		if inside != 0 || !free() {
			t.Errorf("%d inside at the end, free %t", inside, free())
		}
		return err
	}
}

func TestExploredLocksLetOneIn(t *testing.T) {
	for name, fn := range map[string]func(ctx context.Context, t *aiotest.T) error{
		"Lock": func(ctx context.Context, t *aiotest.T) error {
			var l aiosync.Lock
			return exclusion(1, l.Acquire, l.Release, func() bool { return !l.Locked() })(ctx, t)
		},
		"RWLock": func(ctx context.Context, t *aiotest.T) error {
			var l aiosync.RWLock
			return exclusion(1, l.Acquire, l.Release, func() bool { return !l.Locked() })(ctx, t)
		},
		"Semaphore": func(ctx context.Context, t *aiotest.T) error {
			s := aiosync.NewSemaphore(2)
			return exclusion(2, s.Acquire, s.Release, func() bool { return !s.Locked() })(ctx, t)
		},
		"Limiter": func(ctx context.Context, t *aiotest.T) error {
			l := aiosync.NewLimiter(2)
			return exclusion(2, l.Acquire, l.Release, func() bool { return l.Available() == 2 })(ctx, t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			aiotest.Explore(t, fn, aiotest.CancelEachAwait(), aiotest.Schedules(1500))
		})
	}
}

func TestAnExploredRWLockKeepsReadersAndWritersApart(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var l aiosync.RWLock
		readers, writers := 0, 0
		t.Always("readers and writers are apart", func() bool { return writers <= 1 && (writers == 0 || readers == 0) })
		err := several(ctx, 4, func(ctx context.Context, i int) error {
			if i%2 == 0 {
				return l.WithRead(ctx, func(ctx context.Context) error {
					readers++
					defer func() { readers-- }()
					return aio.Yield(ctx)
				})
			}
			return l.With(ctx, func(ctx context.Context) error {
				writers++
				defer func() { writers-- }()
				return aio.Yield(ctx)
			})
		})
		if l.Locked() || l.Readers() != 0 {
			t.Errorf("%v at the end", &l)
		}
		return err
	}, aiotest.CancelEachAwait(), aiotest.Schedules(1500))
}

func TestAnExploredQueueLosesNoItem(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		q := aiosync.NewQueue[int](1)
		put, got, last := 0, 0, map[int]int{}
		err := several(ctx, 4, func(ctx context.Context, i int) error {
			for n := range 2 {
				if i%2 == 0 {
					if err := q.Put(ctx, 10*i+n+1); err != nil {
						return err
					}
					put++
					continue
				}
				v, err := q.Get(ctx)
				if err != nil {
					return err
				}
				got++
				if from := v / 10; v <= last[from] {
					t.Errorf("%d comes after %d", v, last[from])
				} else {
					last[from] = v
				}
				if got+put == 8 {
					return nil
				}
			}
			q.Shutdown(false) // who is first to end ends it for all
			return nil
		})
		if put != got+q.Len() {
			t.Errorf("%d items were put, %d taken, %d are left", put, got, q.Len())
		}
		return err
	}, aiotest.CancelEachAwait(), aiotest.Schedules(1500))
}

func TestAnExploredConditionLosesNoNotification(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var c aiosync.Condition
		items, taken, cancelled := 0, 0, 0
		err := several(ctx, 3, func(ctx context.Context, i int) error {
			err := c.With(ctx, func(ctx context.Context) error {
				if err := c.WaitUntil(ctx, func() bool { return items > 0 }); err != nil {
					return err
				}
				items--
				taken++
				return nil
			})
			if err != nil {
				cancelled++
			}
			return nil
		}, func(ctx context.Context) error {
			for range 3 {
				if err := c.With(ctx, func(ctx context.Context) error {
					items++
					c.Notify(1)
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if taken+cancelled != 3 || taken+items != 3 || c.Locked() {
			t.Errorf("%d taken, %d cancelled, %d left", taken, cancelled, items)
		}
		return err
	}, aiotest.CancelEachAwait(), aiotest.Schedules(1500))
}

func TestAnExploredEventWakesAll(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		var e aiosync.Event
		return several(ctx, 3, func(ctx context.Context, i int) error {
			if i == 2 {
				e.Set()
				return nil
			}
			return e.Wait(ctx)
		})
	}, aiotest.With(aiotest.Exhaustive(-1)))
}
