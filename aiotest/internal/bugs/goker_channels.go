package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// These are the kernels of GoKer about channels and shared values; see goker_locks.go.
func init() {
	add("cockroach-1462", "goker: last event finds no reader", lastEvent)
	add("cockroach-2448", "goker: two loops send to each other", twoLoops)
	add("cockroach-13197", "goker: nobody ends the watcher of a transaction", watcherOfNothing)
	add("cockroach-24808", "goker: the queue is full before its reader starts", fullBeforeStart)
	add("cockroach-35073", "goker: reader gives up before the writer", readerGivesUp)
	add("etcd-6857", "goker: question after the answerer has stopped", statusAfterStop)
	add("etcd-6873", "goker: broadcast under the lock of its reader", broadcastUnderLock)
	add("etcd-7492", "goker: token keeper waits for its client", tokenKeeper)
	add("grpc-660", "goker: results are read until the time is over", benchmarkDone)
	add("grpc-1275", "goker: closed stream does not wake its reader", closedStream)
	add("grpc-1460", "goker: keepalive is woken under its lock", keepalive)
	add("istio-16224", "goker: notification under the lock of the notified", notifyUnderLock)
	add("kubernetes-5316", "goker: result after the time-out has no reader", resultAfterTimeout)
	add("kubernetes-1321", "goker: stop waits for the loop that waits for it", stopAndDistribute)
	add("moby-28462", "goker: monitor and stop wait for each other", monitorAndStop)
	add("moby-33293", "goker: second error finds no reader", secondError)
	add("etcd-4876", "goker: map is made twice", mapMadeTwice)
	add("grpc-1687", "goker: write after the handler has returned", writeAfterHandler)
	add("kubernetes-82239", "goker: status is copied in the middle of a change", statusCopied)
	add("moby-22941", "goker: variable is shared by requests", sharedRequest)
	add("serving-4908", "goker: log after the end of the test", logAfterEnd)
	add("istio-8967", "goker: channel is set to nil by stop", setToNil)
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

// watcherOfNothing starts a task that rolls back when the caller goes, also if there is no
// transaction.
func watcherOfNothing(ctx context.Context, t *aiotest.T, fixed bool) error {
	var over aiosync.Event
	down := false
	var watcher *aio.Task[aio.None]
	begin := func(ctx context.Context) error {
		watcher = aio.Start(ctx, func(ctx context.Context) error { return over.Wait(ctx) })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if down {
			if fixed {
				over.Set()
			}
			return errBegin
		}
		over.Set()
		return nil
	}
	err := together(ctx, func(ctx context.Context) error {
		if err := begin(ctx); err != errBegin {
			return err
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		down = true
		return nil
	})
	if err != nil || !over.IsSet() {
		return err
	}
	_, err = watcher.Await(ctx)
	return err
}

// fullBeforeStart has a queue of one place, into which start puts something before it reads.
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

// statusAfterStop asks the node for its status, which nobody answers after the stop.
func statusAfterStop(ctx context.Context, t *aiotest.T, fixed bool) error {
	questions := newRendezvous()
	var stopped aiosync.Event
	return together(ctx, func(ctx context.Context) error { // the node
		for !stopped.IsSet() {
			if !questions.items.Empty() {
				if err := questions.receive(ctx); err != nil {
					return err
				}
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		for fixed && !questions.items.Empty() {
			if err := questions.receive(ctx); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if fixed && stopped.IsSet() {
			return nil
		}
		return questions.send(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		stopped.Set()
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

// keepalive sleeps until there is a stream, and is woken by a handover under the lock that it takes
// first.
func keepalive(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	wake := newRendezvous()
	streams, dormant := 0, false
	return together(ctx, func(ctx context.Context) error { // keepalive
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		if streams > 0 {
			mu.Release()
			return nil
		}
		dormant = true
		mu.Release()
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if !fixed {
			if err := mu.With(ctx, aio.Yield); err != nil { // it counts itself as idle
				return err
			}
		}
		return wake.receive(ctx)
	}, func(ctx context.Context) error { // a new stream
		if err := work(ctx, 6); err != nil {
			return err
		}
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		defer mu.Release()
		streams++
		if dormant {
			dormant = false
			return wake.send(ctx)
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

// resultAfterTimeout hands the result to the caller, who has gone when the time was over.
func resultAfterTimeout(ctx context.Context, t *aiotest.T, fixed bool) error {
	result := newRendezvous()
	request := aio.Start(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 30*time.Second); err != nil {
			return err
		}
		return result.send(ctx)
	})
	if fixed {
		defer request.Cancel(nil)
	}
	err := aio.Timeout(ctx, 30*time.Second, result.receive)
	var late *aio.TimeoutError
	if errors.As(err, &late) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = request.Await(ctx)
	return err
}

// stopAndDistribute stops a watcher under the lock that the distributor holds while it sends to it.
func stopAndDistribute(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	watcher := newRendezvous()
	stopped := false
	return together(ctx, func(ctx context.Context) error { // the distributor
		if err := work(ctx, 2); err != nil {
			return err
		}
		return mu.With(ctx, func(ctx context.Context) error {
			if stopped {
				return nil
			}
			if fixed { // it has room for an event that nobody takes
				return watcher.items.PutNowait(aio.NewFuture[aio.None](ctx))
			}
			return watcher.send(ctx)
		})
	}, func(ctx context.Context) error { // the client of the watch
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		return mu.With(ctx, func(context.Context) error { stopped = true; return nil })
	})
}

// monitorAndStop stops the monitor of a container under its lock, which a probe takes as well.
func monitorAndStop(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	var stop, ended aiosync.Event
	return together(ctx, func(ctx context.Context) error { // the monitor
		defer ended.Set()
		for !stop.IsSet() {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if fixed && stop.IsSet() {
				return nil
			}
			if err := mu.With(ctx, func(context.Context) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		if fixed {
			stop.Set()
			return ended.Wait(ctx)
		}
		return mu.With(ctx, func(ctx context.Context) error {
			stop.Set()
			return ended.Wait(ctx)
		})
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

// mapMadeTwice makes the map of handlers when it is first used.
func mapMadeTwice(ctx context.Context, t *aiotest.T, fixed bool) error {
	var handlers map[string]bool
	register := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if handlers == nil {
				made := map[string]bool{}
				if !fixed {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				handlers = made
			}
			handlers[name] = true
			return nil
		}
	}
	err := together(ctx, register("a"), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return register("b")(ctx)
	})
	if err == nil && len(handlers) != 2 {
		t.Errorf("%d handlers are registered, want 2", len(handlers))
	}
	return err
}

// writeAfterHandler lets a helper write to the response, which ends with the handler.
func writeAfterHandler(ctx context.Context, t *aiotest.T, fixed bool) error {
	open := true
	writes := aiosync.NewQueue[string](0)
	write := func(text string) error {
		if !open {
			return errors.New("write after the handler has returned")
		}
		return writes.PutNowait(text)
	}
	helper := aio.Start(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		return write("trailer")
	})
	if err := work(ctx, 7); err != nil {
		return err
	}
	if fixed {
		if _, err := helper.Await(ctx); err != nil {
			return err
		}
	}
	open = false
	_, err := helper.Await(ctx)
	return err
}

// statusCopied copies a status of two fields that change one after the other.
func statusCopied(ctx context.Context, t *aiotest.T, fixed bool) error {
	type status struct{ phase, reason string }
	now := status{"running", "started"}
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if fixed {
			now = status{"failed", "no memory"}
			return nil
		}
		now.phase = "failed"
		if err := aio.Yield(ctx); err != nil { // the reason is asked for
			return err
		}
		now.reason = "no memory"
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 7); err != nil {
			return err
		}
		if s := now; s.phase == "failed" && s.reason != "no memory" {
			t.Errorf("the status is %v", s)
		}
		return nil
	})
}

// sharedRequest has one variable for the answer of all requests.
func sharedRequest(ctx context.Context, t *aiotest.T, fixed bool) error {
	var shared string
	serve := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			answer := &shared
			if fixed {
				answer = new(string)
			}
			*answer = "hello " + name
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if *answer != "hello "+name {
				t.Errorf("%s got %q", name, *answer)
			}
			return nil
		}
	}
	return together(ctx, serve("ann"), func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		return serve("bob")(ctx)
	})
}

// logAfterEnd has a task that logs to a test, which may be over.
func logAfterEnd(ctx context.Context, t *aiotest.T, fixed bool) error {
	over := false
	reporter := aio.Start(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if over {
			return errors.New("log after the end of the test")
		}
		return nil
	})
	if err := aio.Sleep(ctx, 50*time.Microsecond); err != nil {
		return err
	}
	if fixed {
		if _, err := reporter.Await(ctx); err != nil {
			return err
		}
	}
	over = true
	_, err := reporter.Await(ctx)
	return err
}

// setToNil has a loop that reads from a field which stop sets to nil.
func setToNil(ctx context.Context, t *aiotest.T, fixed bool) error {
	stop := &aiosync.Event{}
	mine := stop
	return together(ctx, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		if !fixed {
			mine = stop
		}
		return mine.Wait(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		stop.Set()
		stop = nil
		return nil
	})
}
