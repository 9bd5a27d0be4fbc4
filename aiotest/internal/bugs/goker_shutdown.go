package bugs

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// These are the kernels of GoKer about the end of a service; see goker_locks.go.
func init() {
	add("cockroach-13197", "goker: nobody ends the watcher of a transaction", watcherOfNothing)
	add("etcd-6857", "goker: question after the answerer has stopped", statusAfterStop)
	add("grpc-1460", "goker: keepalive is woken under its lock", keepalive)
	add("kubernetes-5316", "goker: result after the time-out has no reader", resultAfterTimeout)
	add("kubernetes-1321", "goker: stop waits for the loop that waits for it", stopAndDistribute)
	add("moby-28462", "goker: monitor and stop wait for each other", monitorAndStop)
}

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
