package bugs

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("philosophers", "lock order", philosophers)
	add("mailbox", "missed wake-up", mailbox)
	add("pool-if", "if instead of while", poolIf)
	add("notify-one", "wrong task is notified", notifyOne)
	add("double-release", "permit is given back twice", doubleRelease)
	add("start-flag", "cleared event", startFlag)
	add("upgrade", "lock is upgraded", upgrade)
}

// philosophers take two locks in opposite order.
func philosophers(ctx context.Context, t *aiotest.T, fixed bool) error {
	var forks [3]aiosync.Lock
	eat := func(a, b int) func(ctx context.Context) error {
		if fixed && a > b {
			a, b = b, a
		}
		return func(ctx context.Context) error {
			return forks[a].With(ctx, func(ctx context.Context) error {
				if err := work(ctx, 1); err != nil {
					return err
				}
				return forks[b].With(ctx, func(ctx context.Context) error { return nil })
			})
		}
	}
	return together(ctx, eat(0, 1), eat(1, 2), eat(2, 0))
}

// mailbox looks whether there is mail, logs, and then waits for the next.
func mailbox(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mail []string
	var waiter *aio.Future[aio.None]
	receive := func(ctx context.Context) error {
		for len(mail) == 0 {
			if !fixed {
				if err := work(ctx, 1); err != nil { // it logs that it is going to wait
					return err
				}
			}
			waiter = aio.NewFuture[aio.None](ctx)
			if _, err := waiter.Await(ctx); err != nil {
				return err
			}
		}
		mail = mail[1:]
		return nil
	}
	return together(ctx, receive, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		mail = append(mail, "hello")
		if waiter != nil && !waiter.Done() {
			return waiter.SetResult(aio.None{})
		}
		return nil
	})
}

// poolIf waits for an item once, and takes it without looking again.
func poolIf(ctx context.Context, t *aiotest.T, fixed bool) error {
	var items []int
	var cond aiosync.Condition
	take := func(ctx context.Context) error {
		return cond.With(ctx, func(ctx context.Context) error {
			if len(items) == 0 {
				if err := cond.Wait(ctx); err != nil {
					return err
				}
			}
			for fixed && len(items) == 0 {
				if err := cond.Wait(ctx); err != nil {
					return err
				}
			}
			if len(items) == 0 {
				t.Fatal("there is no item to take")
			}
			items = items[1:]
			return nil
		})
	}
	put := func(ctx context.Context) error {
		return cond.With(ctx, func(ctx context.Context) error {
			items = append(items, 1)
			cond.NotifyAll()
			return nil
		})
	}
	return together(ctx, take, func(ctx context.Context) error {
		if err := put(ctx); err != nil {
			return err
		}
		if err := work(ctx, 4); err != nil {
			return err
		}
		return put(ctx)
	}, func(ctx context.Context) error {
		if err := work(ctx, 9); err != nil {
			return err
		}
		return take(ctx)
	})
}

// notifyOne has tasks that wait for different things at one condition, and notifies one of them.
func notifyOne(ctx context.Context, t *aiotest.T, fixed bool) error {
	empty := true
	var cond aiosync.Condition
	notify := func() {
		if fixed {
			cond.NotifyAll()
		} else {
			cond.Notify(1)
		}
	}
	put := func(ctx context.Context) error {
		return cond.With(ctx, func(ctx context.Context) error {
			if err := cond.WaitUntil(ctx, func() bool { return empty }); err != nil {
				return err
			}
			empty = false
			notify()
			return nil
		})
	}
	get := func(ctx context.Context) error {
		return cond.With(ctx, func(ctx context.Context) error {
			if err := cond.WaitUntil(ctx, func() bool { return !empty }); err != nil {
				return err
			}
			empty = true
			notify()
			return nil
		})
	}
	return together(ctx, put, get, put, get)
}

// doubleRelease gives a permit back in the error path and again in the deferred call.
func doubleRelease(ctx context.Context, t *aiotest.T, fixed bool) error {
	sem := aiosync.NewSemaphore(1)
	busy := 0
	call := func(fails bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := sem.Acquire(ctx); err != nil {
				return err
			}
			defer sem.Release()
			busy++
			if busy > 1 {
				t.Errorf("%d calls at once, at most 1 may be", busy)
			}
			err := work(ctx, 1)
			busy--
			if fails && !fixed {
				sem.Release()
			}
			return err
		}
	}
	return together(ctx, call(false), call(true), func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 40*time.Microsecond); err != nil {
			return err
		}
		return call(false)(ctx)
	}, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 80*time.Microsecond); err != nil {
			return err
		}
		return call(false)(ctx)
	})
}

// startFlag sets an event, and clears it for the next round before all have seen it.
func startFlag(ctx context.Context, t *aiotest.T, fixed bool) error {
	var start aiosync.Event
	ready := 0
	runner := func(ctx context.Context) error {
		if err := work(ctx, 1); err != nil {
			return err
		}
		ready++
		return start.Wait(ctx)
	}
	return together(ctx, runner, runner, func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		start.Set()
		if fixed {
			return nil
		}
		if err := work(ctx, 1); err != nil {
			return err
		}
		start.Clear()
		return nil
	})
}

// upgrade reads under the read lock, and takes the write lock while it still has it.
func upgrade(ctx context.Context, t *aiotest.T, fixed bool) error {
	var mu aiosync.RWLock
	n := 0
	bump := func(ctx context.Context) error {
		if fixed {
			return mu.With(ctx, func(ctx context.Context) error {
				n++
				return nil
			})
		}
		if err := mu.AcquireRead(ctx); err != nil {
			return err
		}
		had := n
		if err := work(ctx, 1); err != nil {
			mu.ReleaseRead()
			return err
		}
		mu.ReleaseRead()
		return mu.With(ctx, func(ctx context.Context) error {
			n = had + 1
			return nil
		})
	}
	err := together(ctx, bump, func(ctx context.Context) error {
		if err := work(ctx, 12); err != nil {
			return err
		}
		return bump(ctx)
	})
	if err == nil && n != 2 {
		t.Errorf("n = %d, want 2", n)
	}
	return err
}
