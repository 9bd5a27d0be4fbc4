package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// These are the kernels of GoKer about channels; see goker_locks.go.
func init() {
	add("cockroach-1462", "goker: last event finds no reader", lastEvent)
	add("cockroach-2448", "goker: two loops send to each other", twoLoops)
	add("cockroach-24808", "goker: the queue is full before its reader starts", fullBeforeStart)
	add("cockroach-35073", "goker: reader gives up before the writer", readerGivesUp)
	add("etcd-6873", "goker: broadcast under the lock of its reader", broadcastUnderLock)
	add("etcd-7492", "goker: token keeper waits for its client", tokenKeeper)
	add("grpc-660", "goker: results are read until the time is over", benchmarkDone)
	add("grpc-1275", "goker: closed stream does not wake its reader", closedStream)
	add("istio-16224", "goker: notification under the lock of the notified", notifyUnderLock)
	add("moby-33293", "goker: second error finds no reader", secondError)
}

// rendezvous is a channel without a buffer: a sender waits until its item was taken.
type rendezvous struct {
	items *aiosync.Queue[*aio.Future[aio.None]]
}

func newRendezvous() *rendezvous {
	return &rendezvous{aiosync.NewQueue[*aio.Future[aio.None]](0)}
}

func (r *rendezvous) send(ctx context.Context) error {
	taken := aio.NewFuture[aio.None](ctx)
	if err := r.items.Put(ctx, taken); err != nil {
		return err
	}
	_, err := taken.Await(ctx)
	return err
}

func (r *rendezvous) receive(ctx context.Context) error {
	taken, err := r.items.Get(ctx)
	if err != nil {
		return err
	}
	return taken.SetResult(aio.None{})
}

// lastEvent has a worker that reports its end, and a reader that stops before.
func lastEvent(ctx context.Context, t *aiotest.T, fixed bool) error {
	events := newRendezvous()
	var stop aiosync.Event
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if fixed && stop.IsSet() {
			return nil
		}
		return events.send(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 1); err != nil {
			return err
		}
		for !stop.IsSet() || !events.items.Empty() {
			if !events.items.Empty() {
				if err := events.receive(ctx); err != nil {
					return err
				}
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		stop.Set()
		return nil
	})
}

// twoLoops has the raft loop tell the store, and the store ask the raft loop, with one place each.
func twoLoops(ctx context.Context, t *aiotest.T, fixed bool) error {
	size := 1
	if fixed {
		size = 2
	}
	raft, store := aiosync.NewQueue[int](size), aiosync.NewQueue[int](size)
	loop := func(in, out *aiosync.Queue[int]) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			left := 2
			if !in.Empty() { // what is there comes first
				if _, err := in.Get(ctx); err != nil {
					return err
				}
				left--
			}
			if err := aio.Yield(ctx); err != nil { // it is handled
				return err
			}
			for i := range 2 {
				if err := out.Put(ctx, i); err != nil {
					return err
				}
			}
			for range left {
				if _, err := in.Get(ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return together(ctx, loop(raft, store), loop(store, raft))
}

var errBegin = errors.New("no transaction")

// fullBeforeStart has a queue of one place, into which start puts an item before it reads.
func fullBeforeStart(ctx context.Context, t *aiotest.T, fixed bool) error {
	q := aiosync.NewQueue[int](1)
	return together(ctx, func(ctx context.Context) error {
		if fixed {
			if err := q.PutNowait(0); err != nil && !errors.Is(err, aiosync.ErrQueueFull) {
				return err
			}
		} else if err := q.Put(ctx, 0); err != nil {
			return err
		}
		_, err := q.Get(ctx)
		return err
	}, func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		if q.Empty() {
			return q.PutNowait(1)
		}
		return nil
	})
}

// readerGivesUp reads rows until it has enough, and the writer does not know.
func readerGivesUp(ctx context.Context, t *aiotest.T, fixed bool) error {
	rows := aiosync.NewQueue[int](1)
	enough := 4
	return together(ctx, func(ctx context.Context) error {
		for i := range 4 {
			err := rows.Put(ctx, i)
			if errors.Is(err, aiosync.ErrQueueShutdown) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		for n := 0; n < enough; n++ {
			if _, err := rows.Get(ctx); err != nil {
				return err
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if fixed {
			rows.Shutdown(true)
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 9); err != nil {
			return err
		}
		enough = 1
		return nil
	})
}

// broadcastUnderLock hands an update over under a lock that the receiver takes before it reads.
func broadcastUnderLock(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	updates := newRendezvous()
	return together(ctx, func(ctx context.Context) error {
		if fixed {
			return updates.send(ctx)
		}
		return mu.With(ctx, updates.send)
	}, func(ctx context.Context) error {
		if err := mu.With(ctx, aio.Yield); err != nil {
			return err
		}
		return updates.receive(ctx)
	})
}

// tokenKeeper adds a token under the lock, through a queue of one; the keeper needs the lock to
// delete those that are old.
func tokenKeeper(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	added := aiosync.NewQueue[int](1)
	assign := func(ctx context.Context) error {
		if fixed {
			if err := mu.With(ctx, aio.Yield); err != nil {
				return err
			}
			return added.Put(ctx, 1)
		}
		return mu.With(ctx, func(ctx context.Context) error { return added.Put(ctx, 1) })
	}
	return together(ctx, assign, assign, assign, func(ctx context.Context) error {
		for i := range 3 {
			if _, err := added.Get(ctx); err != nil {
				return err
			}
			if i == 0 { // the ticker
				if err := mu.With(ctx, func(context.Context) error { return nil }); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// benchmarkDone collects the results of workers until the time is over.
func benchmarkDone(ctx context.Context, t *aiotest.T, fixed bool) error {
	results := newRendezvous()
	worker := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return results.send(ctx)
	}
	a, b := aio.Start(ctx, worker), aio.Start(ctx, worker)
	got := 0
	err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
		for ; got < 2; got++ {
			if err := results.receive(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	var late *aio.TimeoutError
	if err != nil && !errors.As(err, &late) {
		return err
	}
	for ; fixed && got < 2; got++ {
		if err := results.receive(ctx); err != nil {
			return err
		}
	}
	_, err = aio.Gather[aio.None](ctx, a, b)
	return err
}

// closedStream reads what comes, and close forgets to wake the reader if nothing came.
func closedStream(ctx context.Context, t *aiotest.T, fixed bool) error {
	var data aiosync.Event
	closed := false
	return together(ctx, func(ctx context.Context) error {
		if closed {
			return nil
		}
		if err := aio.Yield(ctx); err != nil { // the header
			return err
		}
		return data.Wait(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		if !closed {
			data.Set()
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		closed = true
		if fixed {
			data.Set()
		}
		return nil
	})
}

// notifyUnderLock tells the handler of a change under the lock that the handler's owner needs.
func notifyUnderLock(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	done := newRendezvous()
	synced := false
	return together(ctx, func(ctx context.Context) error {
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		synced = true
		if fixed {
			mu.Release()
			return done.send(ctx)
		}
		defer mu.Release()
		return done.send(ctx)
	}, func(ctx context.Context) error {
		for range 5 {
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			is := synced
			mu.Release()
			if is {
				break
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return done.receive(ctx)
	})
}

// secondError reports errors to one who reads a single one.
func secondError(ctx context.Context, t *aiotest.T, fixed bool) error {
	size := 1
	if fixed {
		size = 2
	}
	errs := aiosync.NewQueue[int](size)
	var gone aiosync.Event
	fail := func(ctx context.Context) error {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		return errs.Put(ctx, 1)
	}
	return together(ctx, fail, fail, func(ctx context.Context) error {
		if err := gone.Wait(ctx); err != nil {
			return err
		}
		_, err := errs.Get(ctx)
		return err
	}, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if fixed || errs.Len() < 1 {
			gone.Set()
			return nil
		}
		if _, err := errs.GetNowait(); err != nil {
			return err
		}
		if err := work(ctx, 4); err != nil {
			return err
		}
		if errs.Len() == 1 {
			gone.Set()
			return nil
		}
		return errs.Put(ctx, 2)
	})
}
