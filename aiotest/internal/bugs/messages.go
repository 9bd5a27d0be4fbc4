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
	add("task-done-early", "item counts as done too early", taskDoneEarly)
	add("lost-by-wait-for", "time-out takes the item along", lostByWaitFor)
	add("shutdown-loses-the-last", "items are left at the shutdown", shutdownLosesTheLast)
	add("stop-word", "one stop word for two workers", stopWord)
	add("subscriber-leaves", "map changes during an await", subscriberLeaves)
	add("request-and-reply", "reply goes to the wrong request", requestAndReply)
	add("batch", "flush by size and by time", batch)
}

// taskDoneEarly says that an item is done before it has been stored.
func taskDoneEarly(ctx context.Context, t *aiotest.T, fixed bool) error {
	jobs := aiosync.NewQueue[int](0)
	var stored []int
	worker := aio.Start(ctx, func(ctx context.Context) error {
		for job, err := range jobs.All(ctx) {
			if err != nil {
				return err
			}
			if !fixed {
				jobs.TaskDone()
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			stored = append(stored, job)
			if fixed {
				jobs.TaskDone()
			}
		}
		return nil
	})
	for i := range 3 {
		if err := jobs.Put(ctx, i); err != nil {
			return err
		}
	}
	if err := jobs.Join(ctx); err != nil {
		return err
	}
	if len(stored) != 3 {
		t.Errorf("the queue is joined, but %d of 3 jobs are stored", len(stored))
	}
	jobs.Shutdown(false)
	_, err := worker.Await(ctx)
	return err
}

// lostByWaitFor waits for an item with a time-out, and works on it below the time-out, too.
func lostByWaitFor(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](0)
	handled := 0
	handle := func(ctx context.Context, item int) error {
		if err := aio.Sleep(ctx, 30*time.Millisecond); err != nil {
			return err
		}
		handled += item
		return nil
	}
	err := together(ctx, func(ctx context.Context) error {
		var late *aio.TimeoutError
		for range 3 {
			if fixed {
				item, err := aio.WaitFor(ctx, 50*time.Millisecond, q.Get)
				if errors.As(err, &late) {
					continue
				}
				if err != nil {
					return err
				}
				return handle(ctx, item)
			}
			err := aio.Timeout(ctx, 50*time.Millisecond, func(ctx context.Context) error {
				item, err := q.Get(ctx)
				if err != nil {
					return err
				}
				return handle(ctx, item)
			})
			if err == nil || !errors.As(err, &late) {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		return q.Put(ctx, 7)
	})
	if err == nil && handled != 7 {
		t.Errorf("handled is %d, want 7", handled)
	}
	return err
}

// shutdownLosesTheLast ends the writer by a flag that it looks at before the queue.
func shutdownLosesTheLast(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](0)
	stopping, written := false, 0
	err := together(ctx, func(ctx context.Context) error {
		for !stopping || fixed && !q.Empty() {
			if _, err := q.GetNowait(); err == nil {
				written++
			}
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		for i := range 2 {
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
			if err := q.PutNowait(i); err != nil {
				return err
			}
		}
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		stopping = true
		return nil
	})
	if err == nil && written != 2 {
		t.Errorf("%d of 2 lines are written", written)
	}
	return err
}

// stopWord ends its workers with a word in the queue, but sends one for both.
func stopWord(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[string](0)
	worker := func(ctx context.Context) error {
		for {
			word, err := q.Get(ctx)
			if err != nil {
				return err
			}
			if word == "stop" {
				return nil
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if q.Empty() && !fixed {
				return nil // nothing is left to do
			}
		}
	}
	return together(ctx, worker, worker, func(ctx context.Context) error {
		for _, word := range []string{"a", "b", "stop"} {
			if err := q.Put(ctx, word); err != nil {
				return err
			}
			if err := work(ctx, 2); err != nil {
				return err
			}
		}
		if fixed {
			return q.Put(ctx, "stop")
		}
		return nil
	})
}

// subscriberLeaves sends to all subscribers by their numbers, and one leaves meanwhile.
func subscriberLeaves(ctx context.Context, t *aiotest.T, fixed bool) error {
	subs := map[int]*aiosync.Queue[string]{}
	for i := range 3 {
		subs[i] = aiosync.NewQueue[string](0)
	}
	return together(ctx, func(ctx context.Context) error {
		for i := range 3 {
			sub := subs[i]
			if fixed && sub == nil {
				continue
			}
			if err := sub.Put(ctx, "news"); err != nil {
				return err
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		delete(subs, 1)
		return nil
	})
}

// requestAndReply writes a request and then waits in line for its reply, without a lock for both.
func requestAndReply(ctx context.Context, t *aiotest.T, fixed bool) error {
	out := aiosync.NewQueue[int](0)
	var waiting []*aio.Future[int]
	var mu aiosync.Lock
	call := func(n int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			reply := aio.NewFuture[int](ctx)
			send := func(ctx context.Context) error {
				if err := out.Put(ctx, n); err != nil {
					return err
				}
				if err := aio.Yield(ctx); err != nil { // the flow control
					return err
				}
				waiting = append(waiting, reply)
				return nil
			}
			err := error(nil)
			if fixed {
				waiting = append(waiting, reply)
				err = out.Put(ctx, n)
			} else {
				err = send(ctx)
			}
			if err != nil {
				return err
			}
			got, err := reply.Await(ctx)
			if err == nil && got != n {
				t.Errorf("request %d got the reply to %d", n, got)
			}
			return err
		}
	}
	return together(ctx, call(1), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return call(2)(ctx)
	}, func(ctx context.Context) error {
		for range 2 {
			n, err := out.Get(ctx)
			if err != nil {
				return err
			}
			for len(waiting) == 0 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			waiting[0].SetResult(n)
			waiting = waiting[1:]
			mu.Release()
		}
		return nil
	})
}

// batch sends its lines when there are two, and after a second in any case.
func batch(ctx context.Context, t *aiotest.T, fixed bool) error {
	var lines, sent []string
	flush := func(ctx context.Context) error {
		out := lines
		if fixed {
			lines = nil
		}
		if err := aio.Yield(ctx); err != nil { // it is sent
			return err
		}
		sent = append(sent, out...)
		if !fixed {
			lines = nil
		}
		return nil
	}
	err := together(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return flush(ctx)
	}, func(ctx context.Context) error {
		for _, line := range []string{"a", "b"} {
			lines = append(lines, line)
			if len(lines) == 2 {
				if err := flush(ctx); err != nil {
					return err
				}
			}
			if err := aio.Sleep(ctx, 500*time.Millisecond); err != nil {
				return err
			}
		}
		lines = append(lines, "c")
		return nil
	})
	if err == nil && len(sent)+len(lines) != 3 {
		t.Errorf("sent %v, left %v", sent, lines)
	}
	return err
}
