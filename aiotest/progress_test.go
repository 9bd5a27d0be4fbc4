package aiotest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func TestWhatEventuallyHoldsHasToHoldOnce(t *testing.T) {
	light := func(goesOn bool) func(ctx context.Context, t *aiotest.T) error {
		return func(ctx context.Context, t *aiotest.T) error {
			on := false
			t.Eventually("the light is on", func() bool { return on })
			_, err := aio.Start(ctx, func(ctx context.Context) error {
				on = goesOn
				err := aio.Yield(ctx)
				on = false // once is enough
				return err
			}).Await(ctx)
			return err
		}
	}
	aiotest.Run(t, light(true))
	aiotest.Explore(t, light(true))
	wantOne(t, explore(t, light(false)), "  never: the light is on never came true\n")
	if r := runOnce(t, light(false)); len(r.errors) != 1 ||
		r.errors[0] != "aiotest: never: the light is on never came true" {
		t.Errorf("%q", r.errors)
	}
}

func TestADeadlockNamesWhatNeverCameTrue(t *testing.T) {
	wantOne(t, explore(t, func(ctx context.Context, t *aiotest.T) error {
		t.Eventually("the answer is there", func() bool { return false })
		_, err := aio.NewFuture[int](ctx).Await(ctx)
		return err
	}), "  deadlock: ", "; the answer is there never came true")
}

// Two tasks that are polite for ever make steps and no progress.
func TestALivelockNamesTheTasksThatMakeTheStepsAndThoseThatWait(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		var done aiosync.Event
		crossed := false
		t.Eventually("somebody has crossed", func() bool { return crossed })
		polite := func(ctx context.Context) error {
			for !crossed {
				if err := aio.Yield(ctx); err != nil { // after you
					return err
				}
			}
			done.Set()
			return nil
		}
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			g.Go(polite, aio.Name("left"))
			g.Go(polite, aio.Name("right"))
			g.Go(done.Wait, aio.Name("judge"))
			return nil
		})
	}, aiotest.MaxSteps(2000))
	wantOne(t, r, "  no progress: the schedule has more steps than MaxSteps allows, 2000; "+
		"the last ones were made by left in Yield, right in Yield; meanwhile waited main in "+
		"Group, judge in Event.Wait; somebody has crossed never came true\n")
}

func TestATaskThatStarvesIsNamed(t *testing.T) {
	turns := func(fair bool) func(ctx context.Context, t *aiotest.T) error {
		return func(ctx context.Context, t *aiotest.T) error {
			var mine aiosync.Event
			rounds := 0
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					for ; rounds < 1000; rounds++ {
						if fair && rounds == 50 || rounds == 999 {
							mine.Set()
						}
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				}, aio.Name("greedy"))
				g.Go(mine.Wait, aio.Name("patient"))
				return nil
			})
		}
	}
	wantOne(t, explore(t, turns(false), aiotest.Patience(300), aiotest.Schedules(10)),
		"  starvation: patient has waited in Event.Wait for ", " steps of others")
	aiotest.Explore(t, turns(true), aiotest.Patience(300), aiotest.Schedules(10))
	aiotest.Explore(t, turns(false), aiotest.Schedules(10))
	if r := runOnce(t, turns(false), aiotest.Patience(300)); len(r.errors) == 0 ||
		!strings.HasPrefix(
			r.errors[0],
			"aiotest: starvation: patient has waited in Event.Wait for ",
		) {
		t.Errorf("%q", r.errors)
	}
}

func TestStepsHaveTheSameNumbersInEachRun(t *testing.T) {
	var seen [][]int
	for range 2 {
		var steps []int
		aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
			task := func(ctx context.Context) error {
				steps = append(steps, t.Steps())
				err := aio.Yield(ctx)
				steps = append(steps, t.Steps())
				return err
			}
			_, err := aio.Gather[aio.None](ctx, aio.Start(ctx, task), aio.Start(ctx, task))
			return err
		})
		seen = append(seen, steps)
	}
	for i, want := range []int{2, 3, 4, 5} {
		if seen[0][i] != want || seen[1][i] != want {
			t.Fatal(seen)
		}
	}
}
