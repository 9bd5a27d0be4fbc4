package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// exploreSuite measures package aiotest beside the same programs in bubbles of
// testing/synctest, whose order a seeded hook varies, and on shuttle.
var exploreSuite = suite{
	works: []work{
		{
			name: "schedule", unit: nsPerOp, size: 1,
			about:    "one schedule of two tasks of ten steps, in another order each time",
			baseline: "synctest", baselineIs: "a bubble, a random sleep before each step",
			aims: []aim{{max: 10_000}, {max: 0.5, rival: "synctest"}},
		},
		{
			name: "explored_step", unit: nsPerOp, size: 1,
			about:    "one step of a long run, in random order",
			baseline: "synctest", baselineIs: "a random sleep before each step",
			aims: []aim{{max: 333}},
		},
		{
			name: "virtual_year", unit: nsPerOp, size: yearTasks * yearTicks,
			about:    "one tick of 1,000 tasks that tick each day, for a year",
			baseline: "synctest", baselineIs: "time.Sleep in a bubble",
			aims: []aim{{max: 1, rival: "synctest"}},
		},
		{
			name: "schedule_cores", unit: nsPerOp, size: 1,
			about:    "the schedules of the first work, with a worker for each processor",
			baseline: "synctest", baselineIs: "bubbles in turn",
		},
	},
	rivals:     []string{"synctest", "shuttle"},
	procs:      []int{2, 1},
	rounds:     5,
	roundTime:  100 * time.Millisecond,
	newEntrant: newEntrant,
}

const (
	scheduleSteps = 10
	yearTasks     = 1000
	yearTicks     = 365
)

// aioExploreWorks are those works with aiotest.
var aioExploreWorks = map[string]round{
	"schedule":      aioSchedule,
	"explored_step": aioExploredStep,
	"virtual_year":  aioYear,

	"schedule_cores": aioScheduleCores,
}

// quiet is a test that nobody reads: it keeps what failed.
type quiet struct {
	testing.TB
	failed error
}

func (q *quiet) Helper()             {}
func (q *quiet) Name() string        { return "bench" }
func (q *quiet) Cleanup(func())      {}
func (q *quiet) Log(...any)          {}
func (q *quiet) Logf(string, ...any) {}
func (q *quiet) Errorf(format string, args ...any) {
	q.failed = fmt.Errorf(format, args...)
}

// explored explores a program of two tasks of so many steps.
func explored(steps, schedules int, opts ...aiotest.Option) error {
	var runs atomic.Int64
	task := func(ctx context.Context) error {
		for range steps - 1 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	q := &quiet{}
	aiotest.Explore(q, func(ctx context.Context, t *aiotest.T) error {
		runs.Add(1)
		a, b := aio.Start(ctx, task), aio.Start(ctx, task)
		if _, err := a.Await(ctx); err != nil {
			return err
		}
		_, err := b.Await(ctx)
		return err
	}, append(opts, aiotest.With(aiotest.RandomWalk()), aiotest.Schedules(schedules))...)
	return errors.Join(q.failed, expect("runs", int(runs.Load()), schedules))
}

func aioSchedule(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error { return explored(scheduleSteps, size*reps) })
}

func aioScheduleCores(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		return explored(scheduleSteps, size*reps, aiotest.Workers(0))
	})
}

func aioExploredStep(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		steps := size * reps
		return explored(max(1, steps/2), 1, aiotest.MaxSteps(steps+100))
	})
}

func aioYear(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		for range reps {
			ticks := 0
			q := &quiet{}
			aiotest.Explore(q, func(ctx context.Context, t *aiotest.T) error {
				return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
					for range yearTasks {
						g.Go(func(ctx context.Context) error {
							for range yearTicks {
								if err := aio.Sleep(ctx, 24*time.Hour); err != nil {
									return err
								}
								ticks++
							}
							return nil
						})
					}
					return nil
				})
			}, aiotest.With(aiotest.Bytes(nil)), aiotest.MaxSteps(10*size))
			if err := errors.Join(q.failed, expect("ticks", ticks, size)); err != nil {
				return err
			}
		}
		return nil
	})
}

// synctestWorks are the same with goroutines in a bubble.
var synctestWorks = map[string]round{
	"schedule":      synctestSchedule,
	"explored_step": synctestStep,
	"virtual_year":  synctestYear,

	"schedule_cores": synctestSchedule,
}

// theTest is the test that the contestant synctest serves in: bubbles need one.
var theTest *testing.T

// serveInTest runs serve in a test, and ends the process.
func serveInTest(serve func() error) {
	all := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "bench", F: func(t *testing.T) {
		theTest = t
		if err := serve(); err != nil {
			t.Fatal(err)
		}
	}}}, nil, nil)
}

// inTest calls fn with that test.
func inTest(fn func(t *testing.T) error) error {
	if theTest == nil {
		return errors.New("there is no test for a bubble")
	}
	return fn(theTest)
}

// bubble runs two goroutines of so many steps, each after a random sleep.
func bubble(t *testing.T, r *rand.Rand, steps int) error {
	made := 0
	synctest.Test(t, func(*testing.T) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range steps {
					mu.Lock()
					d := time.Duration(r.IntN(1000))
					made++
					mu.Unlock()
					time.Sleep(d)
				}
			})
		}
		wg.Wait()
	})
	return expect("steps", made, 2*steps)
}

func synctestSchedule(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		return inTest(func(t *testing.T) error {
			r := rand.New(rand.NewPCG(1, 1))
			for range size * reps {
				if err := bubble(t, r, scheduleSteps); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func synctestStep(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		return inTest(func(t *testing.T) error {
			return bubble(t, rand.New(rand.NewPCG(1, 1)), max(1, size*reps/2))
		})
	})
}

func synctestYear(size, reps int) (float64, error) {
	return timed(size, reps, func(reps int) error {
		return inTest(func(t *testing.T) error {
			for range reps {
				var mu sync.Mutex
				ticks := 0
				synctest.Test(t, func(*testing.T) {
					var wg sync.WaitGroup
					for range yearTasks {
						wg.Go(func() {
							for range yearTicks {
								time.Sleep(24 * time.Hour)
								mu.Lock()
								ticks++
								mu.Unlock()
							}
						})
					}
					wg.Wait()
				})
				if err := expect("ticks", ticks, size); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
