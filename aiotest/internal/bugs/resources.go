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
	add("lock-left-on-error", "lock is kept after an error", lockLeftOnError)
	add("three-locks", "lock order over three locks", threeLocks)
	add("writers-starve", "reader waits for a writer that waits for it", writersStarve)
	add("permit-lost-by-time-out", "permit is lost by a time-out", permitLostByTimeout)
	add("cancelled-checkout", "pool loses a connection", cancelledCheckout)
	add("rate-window", "limit is off by one", rateWindow)
	add("double-checked", "half-made object is used", doubleChecked)
	add("pool-grows", "check-then-act on the size of a pool", poolGrows)
	add("free-list", "connection is given out twice", freeList)
	add("bounded-buffer", "producer waits for its own consumer", boundedBuffer)
}

var errBroken = errors.New("the disk is full")

// lockLeftOnError releases the lock at the end of the function, which an early return misses.
func lockLeftOnError(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	free := 1
	write := func(ctx context.Context) error {
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		if fixed {
			defer mu.Release()
		}
		if free == 0 {
			return errBroken
		}
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if !fixed {
			mu.Release()
		}
		return nil
	}
	fill := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		free = 0
		return nil
	}
	tasks := []*aio.Task[aio.None]{
		aio.Start(ctx, write), aio.Start(ctx, fill), aio.Start(ctx, write), aio.Start(ctx, write),
	}
	_, err := aio.GatherSettled[aio.None](ctx, tasks...)
	return err
}

// threeLocks takes two of three locks in each task, in a circle.
func threeLocks(ctx context.Context, t *aiotest.T, fixed bool) error {
	var a, b, c aiosync.Lock
	both := func(first, second *aiosync.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return first.With(ctx, func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return second.With(ctx, func(ctx context.Context) error { return aio.Yield(ctx) })
			})
		}
	}
	last := both(&c, &a)
	if fixed {
		last = both(&a, &c)
	}
	return together(ctx, both(&a, &b), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return both(&b, &c)(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		return last(ctx)
	})
}

// writersStarve lets a reader wait, with its read lock, for a value that a writer has to write.
func writersStarve(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	written := aio.NewFuture[int](ctx)
	return together(ctx, func(ctx context.Context) error {
		return mu.With(ctx, func(ctx context.Context) error {
			return written.SetResult(1)
		})
	}, func(ctx context.Context) error {
		if fixed {
			_, err := written.Await(ctx)
			return err
		}
		return mu.WithRead(ctx, func(ctx context.Context) error {
			_, err := written.Await(ctx)
			return err
		})
	})
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

// rateWindow allows two calls a second, and counts a call after it has been made.
func rateWindow(ctx context.Context, t *aiotest.T, fixed bool) error {
	loop := aio.RunningLoop(ctx)
	count, begun := 0, loop.Time()
	sent := map[int]int{} // in each second
	call := func(ctx context.Context) error {
		for {
			if now := loop.Time(); now.Sub(begun) >= time.Second {
				count, begun = 0, now
			}
			if count < 2 {
				break
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		if fixed {
			count++
		}
		second := int(loop.Time().Unix())
		if sent[second]++; sent[second] > 2 {
			t.Errorf("%d calls in one second, at most 2 may be", sent[second])
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if !fixed {
			count++
		}
		return nil
	}
	return together(ctx, call, call, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		return call(ctx)
	})
}

type index struct{ words map[string]int }

// doubleChecked sets the index before it is loaded, so that the second check lets others pass.
func doubleChecked(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	var global *index
	lookUp := func(ctx context.Context) error {
		if global == nil {
			err := mu.With(ctx, func(ctx context.Context) error {
				if global != nil {
					return nil
				}
				made := &index{}
				if !fixed {
					global = made
				}
				if err := aio.Sleep(ctx, time.Millisecond); err != nil { // it is loaded
					return err
				}
				made.words = map[string]int{"go": 1}
				global = made
				return nil
			})
			if err != nil {
				return err
			}
		}
		if global.words["go"] != 1 {
			t.Error("the index is empty")
		}
		return nil
	}
	return together(ctx, lookUp, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		return lookUp(ctx)
	})
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

// boundedBuffer has a worker that puts the pages it has found into the queue that it takes from.
func boundedBuffer(ctx context.Context, t *aiotest.T, fixed bool) error {
	size := 1
	if fixed {
		size = 0
	}
	pages := aiosync.NewQueue[int](size)
	seen := 0
	worker := func(ctx context.Context) error {
		for {
			depth, err := pages.Get(ctx)
			if errors.Is(err, aiosync.ErrQueueShutdown) {
				return nil
			}
			if err != nil {
				return err
			}
			seen++
			if err := aio.Yield(ctx); err != nil { // the page is fetched
				return err
			}
			for range 2 {
				if depth > 0 {
					if err := pages.Put(ctx, depth-1); err != nil {
						return err
					}
				}
			}
			pages.TaskDone()
		}
	}
	return together(ctx, worker, worker, func(ctx context.Context) error {
		if err := pages.Put(ctx, 2); err != nil {
			return err
		}
		if err := pages.Join(ctx); err != nil {
			return err
		}
		pages.Shutdown(false)
		if seen != 7 {
			t.Errorf("%d pages were seen, want 7", seen)
		}
		return nil
	})
}
