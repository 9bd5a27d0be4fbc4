package mutexawait

import (
	"context"
	"sync"
	"time"

	"example.com/vet/helpers"
	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

type account struct {
	mu    sync.Mutex
	rw    sync.RWMutex
	once  sync.Once
	cents int
}

type embedded struct{ sync.Mutex }

func (a *account) deferred(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return aio.Sleep(ctx, time.Second) // want `aio.Sleep awaits while a.mu is locked \(line 23\)`
}

func (a *account) explicit(ctx context.Context) error {
	a.mu.Lock()
	err := helpers.Pause(ctx) // want `helpers.Pause awaits while a.mu is locked`
	a.mu.Unlock()
	return err
}

func (a *account) reading(ctx context.Context) error {
	a.rw.RLock()
	defer a.rw.RUnlock()
	return helpers.Pause(ctx) // want `awaits while a.rw \(for reading\) is locked`
}

func (a *account) onOneWay(ctx context.Context, wait bool) error {
	a.mu.Lock()
	if wait {
		return aio.Yield(ctx) // want `awaits while a.mu is locked`
	}
	a.mu.Unlock()
	return aio.Yield(ctx)
}

func (a *account) inLoop(ctx context.Context) {
	for {
		a.mu.Lock()
		if a.cents > 0 {
			break
		}
		a.mu.Unlock()
		if aio.Yield(ctx) != nil {
			return
		}
	}
	_ = aio.Yield(ctx) // want `awaits while a.mu is locked`
	a.mu.Unlock()
}

func (e *embedded) method(ctx context.Context) error {
	e.Lock()
	defer e.Unlock()
	return aio.Yield(ctx) // want `awaits while e is locked`
}

func tried(ctx context.Context, mu *sync.Mutex) error {
	if mu.TryLock() {
		defer mu.Unlock()
		return aio.Yield(ctx) // want `awaits while mu is locked`
	}
	return aio.Yield(ctx)
}

func notTried(ctx context.Context, mu *sync.Mutex) error {
	if !mu.TryLock() {
		return aio.Yield(ctx)
	}
	mu.Unlock()
	return aio.Yield(ctx)
}

func ranged(ctx context.Context, l sync.Locker, q *aiosync.Queue[int]) {
	l.Lock()
	defer l.Unlock()
	for range q.All(ctx) { // want `aiosync.Queue.All awaits while l is locked`
	}
}

func (a *account) first(ctx context.Context) {
	a.once.Do(func() { _ = aio.Yield(ctx) }) // want `sync.Once.Do holds a mutex during an await`
	a.once.Do(func() { a.cents++ })
}

func literal(g *aio.TaskGroup, mu *sync.Mutex) {
	g.Go(func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		return aio.Yield(ctx) // want `awaits while mu is locked`
	})
}

func right(ctx context.Context, a *account, other *account) error {
	a.mu.Lock()
	a.cents++
	a.mu.Unlock()
	if err := aio.Yield(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	aio.Start(ctx, func(ctx context.Context) error { return aio.Yield(ctx) })
	a.mu.Unlock()
	func() {
		other.mu.Lock()
		defer other.mu.Unlock()
		other.cents++
	}()
	var lock aiosync.Lock
	if err := lock.Acquire(ctx); err != nil {
		return err
	}
	defer lock.Release()
	return aio.Yield(ctx)
}
