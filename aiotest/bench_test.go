package aiotest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// Two tasks of ten steps each, a schedule an operation.
func BenchmarkScheduleOfTwoTasks(b *testing.B) {
	for _, s := range []aiotest.Strategy{
		aiotest.RandomWalk(), aiotest.PCT(3), aiotest.POS(), aiotest.Exhaustive(-1),
		aiotest.Portfolio(),
	} {
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

// A tick of 1,000 tasks that tick each day, for as many days as it takes, an operation.
func BenchmarkTickOfManyTasks(b *testing.B) {
	const tasks = 1000
	days := 0
	program := func(ctx context.Context, t *aiotest.T) error {
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for range tasks {
				g.Go(func(ctx context.Context) error {
					for range days {
						if err := aio.Sleep(ctx, 24*time.Hour); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	}
	b.Run("Run", func(b *testing.B) {
		days = (b.N + tasks - 1) / tasks
		aiotest.Run(b, program, aiotest.MaxSteps(10*b.N+10*tasks))
	})
	for _, s := range []aiotest.Strategy{
		aiotest.Bytes(nil), aiotest.RandomWalk(), aiotest.POS(), aiotest.PCT(3),
	} {
		for name, level := range map[string]aiotest.Option{
			"documented": aiotest.DocumentedOrder(), "every": aiotest.EveryOrder(),
		} {
			b.Run(s.String()+"/"+name, func(b *testing.B) {
				days = (b.N + tasks - 1) / tasks
				aiotest.Explore(b, program, aiotest.With(s), level, aiotest.Schedules(1),
					aiotest.MaxSteps(10*b.N+10*tasks))
			})
		}
	}
}
