package bugs

import (
	"context"
	"errors"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// These are the kernels of GoKer about conditions and locked services; see goker_locks.go.
func init() {
	add("etcd-5509", "goker: lock is kept for a closed client", closedClient)
	add("grpc-795", "goker: stop locks what serve holds", stopLocksServe)
	add("kubernetes-11298", "goker: broadcast before the wait", broadcastBeforeWait)
	add("moby-29733", "goker: activation is missed", missedActivation)
	add("moby-30408", "goker: failed activation wakes nobody", failedActivation)
}

var errClientClosed = errors.New("the client is closed")

// closedClient takes the lock of a client, and returns at once if the client is closed.
func closedClient(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	closed := false
	remote := func(ctx context.Context) error {
		if err := mu.AcquireRead(ctx); err != nil {
			return err
		}
		if fixed {
			defer mu.ReleaseRead()
		}
		if closed {
			return errClientClosed
		}
		err := aio.Yield(ctx)
		if !fixed {
			mu.ReleaseRead()
		}
		return err
	}
	return together(ctx, func(ctx context.Context) error {
		if err := remote(ctx); err != errClientClosed {
			return err
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		closed = true
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		return mu.With(ctx, aio.Yield)
	})
}

// stopLocksServe holds the server's lock while it waits for connections, and stop needs it.
func stopLocksServe(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	var stopped aiosync.Event
	return together(ctx, func(ctx context.Context) error {
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		if stopped.IsSet() {
			mu.Release()
			return nil
		}
		if fixed {
			mu.Release()
			return stopped.Wait(ctx)
		}
		defer mu.Release()
		return stopped.Wait(ctx)
	}, func(ctx context.Context) error {
		return mu.With(ctx, func(context.Context) error { stopped.Set(); return nil })
	})
}

// broadcastBeforeWait starts workers that wait for a signal, and signals when the first has begun.
func broadcastBeforeWait(ctx context.Context, t *aiotest.T, fixed bool) error {
	var signal aiosync.Condition
	released, started := false, 0
	worker := func(ctx context.Context) error {
		started++
		return signal.With(ctx, func(ctx context.Context) error {
			if fixed {
				return signal.WaitUntil(ctx, func() bool { return released })
			}
			return signal.Wait(ctx)
		})
	}
	return together(ctx, worker, worker, func(ctx context.Context) error {
		for started == 0 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return signal.With(ctx, func(context.Context) error {
			released = true
			signal.NotifyAll()
			return nil
		})
	})
}

// missedActivation waits for the activation of a plugin, which may have been activated before.
func missedActivation(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	active := false
	return together(ctx, func(ctx context.Context) error {
		return changed.With(ctx, func(ctx context.Context) error {
			if fixed && active {
				return nil
			}
			return changed.Wait(ctx)
		})
	}, func(ctx context.Context) error {
		return changed.With(ctx, func(context.Context) error {
			active = true
			changed.NotifyAll()
			return nil
		})
	})
}

// failedActivation wakes those that wait for the plugin only if the activation works.
func failedActivation(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	done, up := false, true
	return together(ctx, func(ctx context.Context) error {
		return changed.With(ctx, func(ctx context.Context) error {
			return changed.WaitUntil(ctx, func() bool { return done })
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 2); err != nil {
			return err
		}
		failed := !up
		return changed.With(ctx, func(context.Context) error {
			done = true
			if !failed || fixed {
				changed.NotifyAll()
			}
			return nil
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		up = false
		return nil
	})
}
