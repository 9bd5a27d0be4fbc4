// Package helpers has functions whose nature its importers learn by facts.
package helpers

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Pause awaits.
func Pause(ctx context.Context) error { return deeper(ctx) }

func deeper(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

// Anywhere awaits in a task only.
func Anywhere(ctx context.Context) error {
	if aio.InTask(ctx) {
		return aio.Yield(ctx)
	}
	time.Sleep(time.Second)
	return nil
}

// Plain does neither await nor block.
func Plain(context.Context) error { return nil }

// Nap blocks.
func Nap() { napDeeper() }

func napDeeper() { time.Sleep(time.Second) }

// Items awaits where it is ranged over.
func Items(ctx context.Context, q *aiosync.Queue[int]) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for {
			v, err := q.Get(ctx)
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// OnThread runs fn on a thread.
func OnThread(ctx context.Context, fn func(ctx context.Context) error) error {
	return aio.Blocking(ctx, fn)
}

// InGroup runs fn in a task.
func InGroup(ctx context.Context, fn func(ctx context.Context) error) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(fn)
		return nil
	})
}

// OnGoroutine calls fn on a goroutine and waits.
func OnGoroutine(fn func()) {
	var wg sync.WaitGroup
	wg.Go(fn)
	wg.Wait()
}

// Server is a type whose methods await.
type Server[T any] struct{ q aiosync.Queue[T] }

// Next awaits.
func (s *Server[T]) Next(ctx context.Context) (T, error) { return s.q.Get(ctx) }
