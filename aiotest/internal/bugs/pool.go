package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("permit-lost-by-time-out", "permit is lost by a time-out", permitLostByTimeout)
	add("cancelled-checkout", "pool loses a connection", cancelledCheckout)
	add("pool-grows", "check-then-act on the size of a pool", poolGrows)
	add("free-list", "connection is given out twice", freeList)
}

// permitLostByTimeout waits for a permit below a time-out, and forgets it when the time is over.
func permitLostByTimeout(ctx context.Context, t *aiotest.T, fixed bool) error {
	sem := aiosync.NewSemaphore(2)
	call := func(ctx context.Context) error {
		err := aio.Timeout(ctx, 50*time.Millisecond, func(ctx context.Context) error {
			if err := sem.Acquire(ctx); err != nil {
				return err
			}
			if fixed {
				defer sem.Release()
			}
			if err := aio.Sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
			if !fixed {
				sem.Release()
			}
			return nil
		})
		var late *aio.TimeoutError
		if errors.As(err, &late) {
			return nil
		}
		return err
	}
	err := together(ctx, call, call)
	if v := sem.Statistics().Value; err == nil && v != 2 {
		t.Errorf("%d of 2 permits are left", v)
	}
	return err
}

// pool hands out connections and lets callers wait for one.
type pool struct {
	free    []int
	waiters []*aio.Future[int]
}

func (p *pool) get(ctx context.Context, fixed bool) (int, error) {
	if len(p.free) > 0 {
		c := p.free[0]
		p.free = p.free[1:]
		return c, nil
	}
	w := aio.NewFuture[int](ctx)
	p.waiters = append(p.waiters, w)
	c, err := w.Await(ctx)
	if err != nil && fixed {
		if c, gone := w.Result(); gone == nil { // it came at the same time
			p.put(c)
		}
	}
	return c, err
}

func (p *pool) put(c int) {
	for len(p.waiters) > 0 {
		w := p.waiters[0]
		p.waiters = p.waiters[1:]
		if !w.Done() {
			w.SetResult(c)
			return
		}
	}
	p.free = append(p.free, c)
}

// cancelledCheckout cancels a caller that has just been given a connection.
func cancelledCheckout(ctx context.Context, t *aiotest.T, fixed bool) error {
	p := &pool{free: []int{1}}
	c, err := p.get(ctx, fixed)
	if err != nil {
		return err
	}
	waiting := aio.Start(ctx, func(ctx context.Context) error {
		c, err := p.get(ctx, fixed)
		if err != nil {
			return err
		}
		p.put(c)
		return nil
	})
	err = together(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		p.put(c)
		return nil
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		waiting.Cancel(nil)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := aio.GatherSettled[aio.None](ctx, waiting); err != nil {
		return err
	}
	if len(p.free) != 1 {
		t.Errorf("%d connections are in the pool, want 1", len(p.free))
	}
	return nil
}

// poolGrows opens another connection if there are fewer than two, and counts it when it is open.
func poolGrows(ctx context.Context, t *aiotest.T, fixed bool) error {
	open, most := 0, 0
	get := func(ctx context.Context) error {
		if open >= 2 {
			return nil
		}
		if fixed {
			open++
		}
		if err := aio.Sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
		if !fixed {
			open++
		}
		most = max(most, open)
		return nil
	}
	err := together(ctx, get, get, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
		return get(ctx)
	})
	if most > 2 {
		t.Errorf("%d connections are open, at most 2 may be", most)
	}
	return err
}

// freeList looks for a free connection, pings it, and marks it then.
func freeList(ctx context.Context, t *aiotest.T, fixed bool) error {
	busy := make([]bool, 2)
	var mu aiosync.Lock
	users := make([]int, 2)
	use := func(ctx context.Context) error {
		mine := -1
		find := func(ctx context.Context) error {
			for i, b := range busy {
				if !b {
					if err := aio.Yield(ctx); err != nil { // a ping
						return err
					}
					busy[i], mine = true, i
					return nil
				}
			}
			return nil
		}
		if fixed {
			if err := mu.With(ctx, find); err != nil {
				return err
			}
		} else if err := find(ctx); err != nil {
			return err
		}
		if mine < 0 {
			return nil
		}
		if users[mine]++; users[mine] > 1 {
			t.Errorf("connection %d has two users", mine)
		}
		err := aio.Yield(ctx)
		users[mine]--
		busy[mine] = false
		return err
	}
	return together(ctx, use, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		return use(ctx)
	})
}
