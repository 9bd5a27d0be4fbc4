package aiosync_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func TestUncontendedPrimitivesDoNotAllocate(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Lock
		var rw aiosync.RWLock
		var ev aiosync.Event
		s, lim, q := aiosync.NewSemaphore(1), aiosync.NewLimiter(1), aiosync.NewQueue[int](10)
		wantNoAllocs(t, "Lock", func() { l.Acquire(ctx); l.Release() })
		wantNoAllocs(t, "RWLock", func() { rw.Acquire(ctx); rw.Release(); rw.AcquireRead(ctx); rw.ReleaseRead() })
		wantNoAllocs(t, "Event", func() { ev.Set(); ev.Wait(ctx); ev.Clear() })
		wantNoAllocs(t, "Semaphore", func() { s.Acquire(ctx); s.Release() })
		wantNoAllocs(t, "Limiter", func() { lim.Acquire(ctx); lim.Release() })
		wantNoAllocs(t, "Queue", func() { q.Put(ctx, 1); q.Get(ctx); q.TaskDone() })
		return nil
	})
}

func TestContendedPrimitivesDoNotAllocate(t *testing.T) {
	var l aiosync.Lock
	var rw aiosync.RWLock
	var ping, pong aiosync.Event
	var c aiosync.Condition
	var last aiosync.Latest[int]
	s, lim, b := aiosync.NewSemaphore(0), aiosync.NewLimiter(1), aiosync.NewBarrier(2)
	q, news := aiosync.NewQueue[int](1), aiosync.NewBroadcast[int](1)
	sub := news.Subscribe()
	for _, x := range []struct {
		name        string
		mine, other func(ctx context.Context) // one round of each of two tasks
	}{
		{"Lock",
			func(ctx context.Context) { l.Acquire(ctx); aio.Yield(ctx); l.Release(); aio.Yield(ctx) },
			func(ctx context.Context) { l.Acquire(ctx); aio.Yield(ctx); l.Release() }},
		{"RWLock",
			func(ctx context.Context) { rw.Acquire(ctx); aio.Yield(ctx); rw.Release(); aio.Yield(ctx) },
			func(ctx context.Context) { rw.AcquireRead(ctx); aio.Yield(ctx); rw.ReleaseRead() }},
		{"Event",
			func(ctx context.Context) { ping.Set(); pong.Wait(ctx); pong.Clear() },
			func(ctx context.Context) { ping.Wait(ctx); ping.Clear(); pong.Set() }},
		{"Semaphore",
			func(ctx context.Context) { s.Release(); aio.Yield(ctx) },
			func(ctx context.Context) { s.Acquire(ctx) }},
		{"Limiter",
			func(ctx context.Context) { lim.Acquire(ctx); aio.Yield(ctx); lim.Release(); aio.Yield(ctx) },
			func(ctx context.Context) { lim.Acquire(ctx); aio.Yield(ctx); lim.Release() }},
		{"Barrier",
			func(ctx context.Context) { b.Wait(ctx) },
			func(ctx context.Context) { b.Wait(ctx) }},
		{"Queue",
			func(ctx context.Context) { q.Put(ctx, 1); q.Put(ctx, 2) },
			func(ctx context.Context) { q.Get(ctx); q.Get(ctx) }},
		{"Condition",
			func(ctx context.Context) { c.Acquire(ctx); c.Notify(1); c.Release(); aio.Yield(ctx) },
			func(ctx context.Context) { c.Acquire(ctx); c.Wait(ctx); c.Release() }},
		{"Broadcast",
			func(ctx context.Context) { news.Send(1); aio.Yield(ctx) },
			func(ctx context.Context) { sub.Next(ctx) }},
		{"Latest",
			func(ctx context.Context) { last.Set(1); aio.Yield(ctx) },
			func(ctx context.Context) { _, v := last.Get(); last.Next(ctx, v) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			l, rw, ping, pong, c, last = aiosync.Lock{}, aiosync.RWLock{}, aiosync.Event{}, aiosync.Event{}, aiosync.Condition{}, aiosync.Latest[int]{}
			run(t, func(ctx context.Context) error {
				ended := false
				w := aio.Start(ctx, func(ctx context.Context) error {
					for !ended && aio.Yield(ctx) == nil {
						x.other(ctx)
					}
					return nil
				})
				aio.Yield(ctx)
				wantNoAllocs(t, x.name, func() { x.mine(ctx) })
				ended = true
				w.Cancel(nil)
				return nil
			})
		})
	}
}
