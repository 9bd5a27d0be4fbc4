package awaitgo

import (
	"context"
	"sync"
	"time"

	"example.com/vet/helpers"
	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func worker(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

func outside(ctx context.Context, q *aiosync.Queue[int], s *helpers.Server[int]) error {
	go func() {
		_ = aio.Sleep(ctx, time.Second) // want `aio.Sleep awaits, but runs on a goroutine that is not the loop's; use aio.Submit`
	}()
	go func(ctx context.Context) {
		defer func() { _ = aio.Yield(ctx) }() // want `aio.Yield awaits`
		func() {
			_, _ = q.Get(ctx) // want `aiosync.Queue.Get awaits`
		}()
		_ = helpers.Pause(ctx)            // want `helpers.Pause awaits`
		_, _ = s.Next(ctx)                // want `helpers.Server.Next awaits`
		for range helpers.Items(ctx, q) { // want `helpers.Items awaits`
		}
	}(ctx)
	go worker(ctx)        // want `awaitgo.worker awaits`
	go helpers.Pause(ctx) // want `helpers.Pause awaits`

	local := func() { _ = worker(ctx) }
	go local() // want `local awaits`

	next := s.Next
	go next(ctx) // want `next awaits`
	later := next
	later = nil
	go later(ctx) // it may hold another function

	var wg sync.WaitGroup
	wg.Go(local) // want `local awaits`
	wg.Go(func() {
		_ = worker(ctx) // want `awaitgo.worker awaits`
	})
	time.AfterFunc(time.Second, func() { _ = worker(ctx) })                       // want `awaitgo.worker awaits`
	context.AfterFunc(ctx, func() { _ = worker(ctx) })                            // want `awaitgo.worker awaits`
	helpers.OnGoroutine(func() { _ = worker(ctx) })                               // want `awaitgo.worker awaits`
	_ = aio.Blocking(ctx, func(ctx context.Context) error { return worker(ctx) }) // want `awaitgo.worker awaits`
	_ = aio.Blocking(ctx, worker)                                                 // want `awaitgo.worker awaits`
	_ = helpers.OnThread(ctx, worker)                                             // want `awaitgo.worker awaits`
	_, err := aio.ToThread(ctx, aio.Bind(fetch, 1))                               // want `awaitgo.fetch awaits`
	loop := aio.RunningLoop(ctx)
	loop.CallSoon(func() { _ = worker(ctx) })                  // want `awaitgo.worker awaits, but a callback cannot wait; start a task`
	loop.CallLater(time.Second, func() { _ = aio.Yield(ctx) }) // want `aio.Yield awaits, but a callback`
	return err
}

func fetch(ctx context.Context, n int) (int, error) { return n, aio.Yield(ctx) }

func inside(ctx context.Context, q *aiosync.Queue[int]) error {
	loop := aio.RunningLoop(ctx)
	go func() {
		_ = aio.Submit(ctx, loop, worker)
		_ = aio.Submit(ctx, loop, func(ctx context.Context) error { return aio.Yield(ctx) })
		_ = aio.Run(context.Background(), worker)
		_ = aio.Run(context.Background(), func(ctx context.Context) error { return worker(ctx) })
		_ = helpers.Anywhere(ctx)
		_ = helpers.Plain(ctx)
		_ = helpers.Items(ctx, q) // not ranged over
		loop.CallSoonThreadsafe(func() { aio.Start(loop.Context(), worker) })
		if aio.InTask(ctx) {
			_ = aio.Yield(ctx)
		}
	}()
	func() { _ = aio.Yield(ctx) }()
	defer func() { _ = aio.Yield(context.WithoutCancel(ctx)) }()
	changing := func() { _ = aio.Yield(ctx) }
	changing = func() {}
	go changing() // it may hold another function
	aio.Start(ctx, worker)
	_ = helpers.InGroup(ctx, worker)
	loop.CallSoon(func() { aio.Start(loop.Context(), worker) })
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(worker)
		g.Go(func(ctx context.Context) error { return worker(ctx) })
		return nil
	})
}
