package bugs

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

// The kernels of GoKer are small programs with the bugs of large ones: of CockroachDB, etcd, gRPC,
// Kubernetes, Docker and others. Here are their ideas in tasks, locks and queues, told anew; the
// names say where they come from. This file has those about locks.
func init() {
	add("cockroach-584", "goker: lock is kept when the loop ends", keptAtTheEndOfTheLoop)
	add("cockroach-1055", "goker: drain waits under the lock of those it waits for", drainUnderLock)
	add("cockroach-3710", "goker: read lock is taken again by a callee", readAgainInCallee)
	add("cockroach-7504", "goker: lock order of lease and name", leaseAndName)
	add("cockroach-9935", "goker: error path locks again", errorPathLocks)
	add("cockroach-10214", "goker: lock order in a rare case", rareOrder)
	add("etcd-6708", "goker: write lock below a read lock", writeBelowRead)
	add("hugo-5379", "goker: reset inside the initialisation", resetInInit)
	add("moby-4951", "goker: set and device lock each other", setAndDevice)
	add("moby-7559", "goker: lock is kept by a continue", keptByContinue)
	add("syncthing-4829", "goker: callback locks again", callbackLocks)
}

// keptAtTheEndOfTheLoop looks under the lock whether the gossip is over, and leaves the loop with
// it.
func keptAtTheEndOfTheLoop(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	closed := false
	return together(ctx, func(ctx context.Context) error {
		for {
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			if closed {
				if fixed {
					mu.Release()
				}
				break
			}
			mu.Release()
			if err := aio.Yield(ctx); err != nil {
				return err
			}
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

// drainUnderLock waits until no task is under way, with the lock that a task needs to sign off.
func drainUnderLock(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	var mu aiosync.Lock
	running, draining := 0, false
	task := func(ctx context.Context) error {
		if draining {
			return nil
		}
		running++
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if !fixed {
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			defer mu.Release()
		}
		running--
		return changed.With(ctx, func(context.Context) error { changed.NotifyAll(); return nil })
	}
	return together(ctx, task, func(ctx context.Context) error {
		if err := work(ctx, 4); err != nil {
			return err
		}
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		defer mu.Release()
		draining = true
		return changed.With(ctx, func(ctx context.Context) error {
			return changed.WaitUntil(ctx, func() bool { return running == 0 })
		})
	})
}

// readAgainInCallee scans with the read lock, and a callee three levels below takes it as well.
func readAgainInCallee(ctx context.Context, t *aiotest.T, fixed bool) error {
	var store aiosync.RWLock
	first := func(ctx context.Context) error { return store.WithRead(ctx, aio.Yield) }
	if fixed {
		first = aio.Yield
	}
	truncate := func(ctx context.Context) error { return first(ctx) }
	scan := func(ctx context.Context) error {
		return store.WithRead(ctx, func(ctx context.Context) error {
			for range 2 {
				if err := truncate(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, scan, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		return store.With(ctx, aio.Yield)
	})
}

// leaseAndName takes the lock of a lease and then of the names; the other way round to forget one.
func leaseAndName(ctx context.Context, t *aiotest.T, fixed bool) error {
	var lease, names aiosync.Lock
	nested := func(outer, inner *aiosync.Lock, before int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := work(ctx, before); err != nil {
				return err
			}
			return outer.With(ctx, func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return inner.With(ctx, aio.Yield)
			})
		}
	}
	if fixed {
		return together(ctx, nested(&lease, &names, 0), nested(&lease, &names, 5))
	}
	return together(ctx, nested(&lease, &names, 0), nested(&names, &lease, 5))
}

// errorPathLocks writes a log line under a lock, and what happens on a failure logs as well.
func errorPathLocks(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	full := false
	exit := func(ctx context.Context) error { return mu.With(ctx, aio.Yield) }
	write := func(ctx context.Context) error {
		if err := mu.Acquire(ctx); err != nil {
			return err
		}
		if full {
			if fixed {
				mu.Release()
				return exit(ctx)
			}
			defer mu.Release()
			return exit(ctx)
		}
		err := aio.Yield(ctx)
		mu.Release()
		return err
	}
	return together(ctx, func(ctx context.Context) error {
		for range 2 {
			if err := write(ctx); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := work(ctx, 6); err != nil {
			return err
		}
		full = true
		return nil
	})
}

// rareOrder sends heartbeats under one lock, and reports those that cannot be sent under another.
func rareOrder(ctx context.Context, t *aiotest.T, fixed bool) error {
	var queue, raft aiosync.Lock
	reachable := true
	return together(ctx, func(ctx context.Context) error { // it sends what is in the queue
		return queue.With(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if reachable || fixed {
				return nil
			}
			return raft.With(ctx, aio.Yield)
		})
	}, func(ctx context.Context) error { // it puts a heartbeat into the queue
		return raft.With(ctx, func(ctx context.Context) error {
			if err := work(ctx, 2); err != nil {
				return err
			}
			return queue.With(ctx, aio.Yield)
		})
	}, func(ctx context.Context) error {
		if err := work(ctx, 7); err != nil {
			return err
		}
		reachable = false
		return nil
	})
}

// writeBelowRead asks for the leader under the read lock, and writes it down if it has changed.
func writeBelowRead(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	leader, known := 1, 1
	return together(ctx, func(ctx context.Context) error {
		if err := mu.AcquireRead(ctx); err != nil {
			return err
		}
		changed := leader != known
		if changed && !fixed {
			defer mu.ReleaseRead()
			return mu.With(ctx, func(context.Context) error { known = leader; return nil })
		}
		mu.ReleaseRead()
		if changed {
			return mu.With(ctx, func(context.Context) error { known = leader; return nil })
		}
		return nil
	}, func(ctx context.Context) error {
		leader = 2
		return aio.Yield(ctx)
	})
}

// resetInInit initialises a site once, and a change that comes meanwhile resets it from the inside.
func resetInInit(ctx context.Context, t *aiotest.T, fixed bool) error {
	var once aiosync.Lock
	dirty, made := false, 0
	reset := func(ctx context.Context) error {
		return once.With(ctx, func(context.Context) error { made = 0; return nil })
	}
	initialise := func(ctx context.Context) error {
		again := false
		err := once.With(ctx, func(ctx context.Context) error {
			if err := work(ctx, 2); err != nil {
				return err
			}
			made++
			if dirty && !fixed {
				return reset(ctx)
			}
			again = dirty
			return nil
		})
		if err == nil && again {
			return reset(ctx)
		}
		return err
	}
	return together(ctx, initialise, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		dirty = true
		return nil
	})
}

// setAndDevice locks the set of devices and then one of them; to remove one it does the reverse.
func setAndDevice(ctx context.Context, t *aiotest.T, fixed bool) error {
	var set aiosync.Lock
	devices := make([]aiosync.Lock, 2)
	remove := func(ctx context.Context) error {
		return devices[1].With(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil { // it is unmounted
				return err
			}
			if fixed {
				return nil
			}
			return set.With(ctx, aio.Yield)
		})
	}
	list := func(ctx context.Context) error {
		return set.With(ctx, func(ctx context.Context) error {
			for i := range devices {
				if err := devices[i].With(ctx, aio.Yield); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, list, func(ctx context.Context) error {
		if err := work(ctx, 8); err != nil {
			return err
		}
		if err := remove(ctx); err != nil || !fixed {
			return err
		}
		return set.With(ctx, aio.Yield)
	})
}

// keptByContinue goes over the proxied connections, and keeps the lock of one that has ended.
func keptByContinue(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.Lock
	ended := []bool{false, false}
	return together(ctx, func(ctx context.Context) error {
		for i := range ended {
			if err := mu.Acquire(ctx); err != nil {
				return err
			}
			if ended[i] {
				if fixed {
					mu.Release()
				}
				continue
			}
			mu.Release()
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return mu.With(ctx, aio.Yield)
	}, func(ctx context.Context) error {
		if err := work(ctx, 3); err != nil {
			return err
		}
		ended[1] = true
		return nil
	})
}

// callbackLocks tells listeners of a new address under the lock, and one of them asks for it.
func callbackLocks(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	var listeners []func(ctx context.Context) error
	address := ""
	expire := func(ctx context.Context) error {
		var tell []func(ctx context.Context) error
		err := mu.With(ctx, func(ctx context.Context) error {
			address = ""
			for _, fn := range listeners {
				if fixed {
					tell = append(tell, fn)
				} else if err := fn(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		for _, fn := range tell {
			if err == nil {
				err = fn(ctx)
			}
		}
		return err
	}
	return together(ctx, expire, func(ctx context.Context) error {
		listeners = append(listeners, func(ctx context.Context) error {
			return mu.WithRead(ctx, func(context.Context) error { _ = address; return nil })
		})
		return nil
	})
}
