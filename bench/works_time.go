package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// aioTimeWorks are the works on timers and sleeping tasks.
var aioTimeWorks = map[string]round{
	"timers_1m_insert": aioTimersInsert,
	"timers_1m_fire":   aioTimersFire(),
	"sleepers_10k":     aioSleepers(),
	"sleepers_1m":      aioSleepers(),
}

func aioTimersInsert(size, reps int) (float64, error) {
	return onLoop(func(ctx context.Context) (float64, error) {
		loop := aio.RunningLoop(ctx)
		timers := make([]*aio.TimerHandle, size)
		figure, err := timed(size, reps, func(int) error {
			for i := range timers {
				timers[i] = loop.CallLater(time.Hour+dueOffset(i, size)*1000, func() {})
			}
			return nil
		})
		for _, timer := range timers {
			timer.Cancel()
		}
		return figure, err
	})
}

func aioTimersFire() round {
	var lead time.Duration
	return func(size, _ int) (float64, error) {
		_, fire, err := untilDue(&lead, size,
			func(size int, first time.Time) (set time.Duration, last time.Time, err error) {
				err = aio.Run(context.Background(), func(ctx context.Context) error {
					began := time.Now()
					loop := aio.RunningLoop(ctx)
					done := aio.NewFuture[time.Time](loop.Context())
					fired := 0
					for i := range size {
						loop.CallLater(time.Until(first)+dueOffset(i, size), func() {
							if fired++; fired == size {
								done.SetResult(time.Now())
							}
						})
					}
					set = time.Since(began)
					last, err = done.Await(ctx)
					return err
				})
				return set, last, err
			})
		return perOp(fire, size), err
	}
}

func aioSleepers() round {
	var lead time.Duration
	return func(size, _ int) (float64, error) {
		set, fire, err := untilDue(&lead, size,
			func(size int, first time.Time) (set time.Duration, last time.Time, err error) {
				err = aio.Run(context.Background(), func(ctx context.Context) error {
					began := time.Now()
					asleep := 0
					tasks := make([]*aio.Task[aio.None], size)
					for i := range tasks {
						tasks[i] = aio.Start(ctx, func(ctx context.Context) error {
							d := time.Until(first) + dueOffset(i, size)
							if asleep++; asleep == size {
								set = time.Since(began)
							}
							return aio.Sleep(ctx, d)
						})
					}
					if _, err := aio.Gather(ctx, tasks...); err != nil {
						return err
					}
					if last = time.Now(); last.Before(first) {
						return fmt.Errorf("woke up %v early", first.Sub(last))
					}
					return expect("tasks that slept", asleep, size)
				})
				return set, last, err
			})
		return perOp(set+fire, size), err
	}
}
