package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
)

// asynchronous lets the tasks wait at the same time: Sleep gives the turn to tasks that are ready.
func asynchronous(ctx context.Context, w *work) error {
	main := func(ctx context.Context) error { return together(ctx, w) }
	return cli.Loop(ctx, main, aio.WithClock(w.clock))
}

func together(ctx context.Context, w *work) error {
	queue := aiosync.NewQueue[int](0)
	for _, amount := range amounts {
		if err := queue.Put(ctx, amount); err != nil {
			return err
		}
	}
	total := w.clock.Stopwatch()
	_, err := aio.All(ctx,
		aio.Action(func(ctx context.Context) error { return sleeping(ctx, w, "One", queue) }),
		aio.Action(func(ctx context.Context) error { return sleeping(ctx, w, "Two", queue) }),
	)
	if err != nil {
		return err
	}
	w.printf("\nTotal elapsed time: %.1f\n", total().Seconds())
	return nil
}

func sleeping(ctx context.Context, w *work, name string, queue *aiosync.Queue[int]) error {
	for !queue.Empty() {
		delay, err := queue.Get(ctx)
		if err != nil {
			return err
		}
		w.printf("Task %s running\n", name)
		elapsed := w.clock.Stopwatch()
		if err := aio.Sleep(ctx, time.Duration(delay)*time.Second); err != nil {
			return err
		}
		w.printf("Task %s elapsed time: %.1f\n", name, elapsed().Seconds())
	}
	return nil
}
