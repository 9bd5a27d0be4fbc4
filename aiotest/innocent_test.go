package aiotest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// innocent are programs without a bug.
var innocent = map[string]func(ctx context.Context, t *aiotest.T) error{
	"race": func(ctx context.Context, t *aiotest.T) error {
		answer := func(d time.Duration) aio.Func[time.Duration] {
			return func(ctx context.Context) (time.Duration, error) { return d, aio.Sleep(ctx, d) }
		}
		_, err := aio.Race(ctx, answer(time.Second), answer(time.Second), answer(2*time.Second))
		return err
	},
	"map with a limit": func(ctx context.Context, t *aiotest.T) error {
		running := 0
		t.Always("at most two at a time", func() bool { return running <= 2 })
		got, err := aio.Map(ctx, []int{1, 2, 3, 4}, func(ctx context.Context, n int) (int, error) {
			running++
			defer func() { running-- }()
			return n * n, aio.Sleep(ctx, time.Duration(5-n)*time.Second)
		}, aio.Limit(2))
		if fmt.Sprint(got) != "[1 4 9 16]" {
			t.Errorf("got %v, %v", got, err)
		}
		return err
	},
	"a group that fails": func(ctx context.Context, t *aiotest.T) error {
		boom := errors.New("boom")
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
			g.Go(func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return boom
			})
			return nil
		})
		if !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
		return nil
	},
	"nested time-outs of one deadline": func(ctx context.Context, t *aiotest.T) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Hour)
			})
		})
		var late *aio.TimeoutError
		if !errors.As(err, &late) {
			t.Errorf("got %v", err)
		}
		return nil
	},
	"producer and consumers": func(ctx context.Context, t *aiotest.T) error {
		q, sum := aiosync.NewQueue[int](2), 0
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for range 2 {
				g.Go(func(ctx context.Context) error {
					for v, err := range q.All(ctx) {
						if err != nil {
							return err
						}
						sum += v
					}
					return nil
				})
			}
			g.Go(func(ctx context.Context) error {
				for i := range 5 {
					if err := q.Put(ctx, i); err != nil {
						return err
					}
				}
				q.Shutdown(false)
				return nil
			})
			return nil
		})
	},
	"callbacks and timers": func(ctx context.Context, t *aiotest.T) error {
		l, f := aio.RunningLoop(ctx), aio.NewFuture[int](ctx)
		calls := 0
		timer := l.NewTimer(func() { calls++ })
		timer.Start(time.Second)
		l.CallLater(time.Second, func() { calls++ }).Cancel()
		l.CallLater(2*time.Second, func() { f.SetResult(1) })
		l.CallSoon(func() { calls++ })
		if _, err := f.Await(ctx); err != nil {
			return err
		}
		if calls != 2 {
			t.Errorf("%d calls", calls)
		}
		return nil
	},
	"threads": func(ctx context.Context, t *aiotest.T) error {
		square := func(n int) aio.Func[int] {
			return func(ctx context.Context) (int, error) {
				return aio.ToThread(ctx, func(context.Context) (int, error) { return n * n, nil })
			}
		}
		got, err := aio.All(ctx, square(2), square(3), square(4))
		if fmt.Sprint(got) != "[4 9 16]" {
			t.Errorf("got %v", got)
		}
		return err
	},
	"a channel": func(ctx context.Context, t *aiotest.T) error {
		ch := make(chan int, 1)
		sender := aio.Start(ctx, func(ctx context.Context) error { return aio.Send(ctx, ch, 5) })
		if v, _, err := aio.Recv(ctx, ch); v != 5 {
			t.Errorf("got %d, %v", v, err)
		}
		_, err := sender.Await(ctx)
		return err
	},
	"a task that is cancelled and not awaited": func(ctx context.Context, t *aiotest.T) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		defer task.Cancel(nil)
		return aio.Yield(ctx)
	},
	"a shield": func(ctx context.Context, t *aiotest.T) error {
		inner := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, 2*time.Second) })
		_, err := aio.WaitFor(ctx, time.Second, func(ctx context.Context) (aio.None, error) {
			return aio.Shield[aio.None](ctx, inner)
		})
		var late *aio.TimeoutError
		if !errors.As(err, &late) {
			t.Errorf("got %v", err)
		}
		_, err = inner.Await(ctx)
		return err
	},
	"polling": func(ctx context.Context, t *aiotest.T) error {
		ready := false
		task := aio.Start(ctx, func(ctx context.Context) error {
			for range 3 {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			ready = true
			return nil
		})
		for !ready {
			if err := aio.Sleep(ctx, 100*time.Microsecond); err != nil {
				return err
			}
		}
		_, err := task.Await(ctx)
		return err
	},
}

func TestNoInnocentProgramIsAccused(t *testing.T) {
	for name, fn := range innocent {
		t.Run(name, func(t *testing.T) {
			aiotest.Run(t, fn)
			for _, s := range []aiotest.Strategy{aiotest.Portfolio(), aiotest.RandomWalk(), aiotest.PCT(3)} {
				aiotest.Explore(t, fn, aiotest.With(s), aiotest.Schedules(200))
			}
		})
	}
}
