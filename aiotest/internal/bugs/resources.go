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
	add("rate-window", "limit is off by one", rateWindow)
	add("double-checked", "half-made object is used", doubleChecked)
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
