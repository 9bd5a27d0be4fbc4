package aiotest_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// Two tasks of ten steps each, a schedule an operation.
func BenchmarkScheduleOfTwoTasks(b *testing.B) {
	for _, s := range []aiotest.Strategy{aiotest.RandomWalk(), aiotest.PCT(3), aiotest.Exhaustive(-1),
		aiotest.Portfolio()} {
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			ten := func(ctx context.Context) error {
				for range 9 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				return nil
			}
			aiotest.Explore(b, func(ctx context.Context, t *aiotest.T) error {
				x, y := aio.Start(ctx, ten), aio.Start(ctx, ten)
				if _, err := x.Await(ctx); err != nil {
					return err
				}
				_, err := y.Await(ctx)
				return err
			}, aiotest.With(s), aiotest.Schedules(b.N))
		})
	}
}

// Steps of one long run with a scheduler, a step an operation.
func BenchmarkStepOfALongRun(b *testing.B) {
	aiotest.Explore(b, func(ctx context.Context, t *aiotest.T) error {
		many := func(ctx context.Context) error {
			for range b.N / 2 {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		x, y := aio.Start(ctx, many), aio.Start(ctx, many)
		if _, err := x.Await(ctx); err != nil {
			return err
		}
		_, err := y.Await(ctx)
		return err
	}, aiotest.With(aiotest.RandomWalk()), aiotest.Schedules(1), aiotest.MaxSteps(b.N+100))
}
