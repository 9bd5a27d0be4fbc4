package main

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// aioSyncWorks are the works on queues and locks.
var aioSyncWorks = map[string]round{
	"queue":          aioQueue,
	"lock":           aioLock,
	"lock_contended": aioLockContended,
}

func aioQueue(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			items := aiosync.NewQueue[int](queueBound)
			producer := aio.Start(ctx, func(ctx context.Context) error {
				for i := range size * reps {
					if err := items.Put(ctx, i); err != nil {
						return err
					}
				}
				return nil
			})
			sum := 0
			for range size * reps {
				v, err := items.Get(ctx)
				if err != nil {
					return err
				}
				sum += v
			}
			if _, err := producer.Await(ctx); err != nil {
				return err
			}
			return expect("sum of items", sum, sumBelow(size*reps))
		})
	})
}

func aioLock(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			var mu aiosync.Lock
			count := 0
			for range size * reps {
				if err := mu.Acquire(ctx); err != nil {
					return err
				}
				count++
				mu.Release()
			}
			return expect("count", count, size*reps)
		})
	})
}

func aioLockContended(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		return timed(size, reps, func(reps int) error {
			var mu aiosync.Lock
			count := 0
			contend := func(ctx context.Context) error {
				for range reps {
					if err := mu.Acquire(ctx); err != nil {
						return err
					}
					before := count
					if err := aio.Yield(ctx); err != nil {
						return err
					}
					count = before + 1
					mu.Release()
				}
				return nil
			}
			err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for range size {
					g.Go(contend)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return expect("count", count, size*reps)
		})
	})
}
