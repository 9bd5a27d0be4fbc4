package aiotest_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// stages is a program of some tasks of some steps. It fails if the given steps of the given tasks
// are made in the order of the list, whatever comes between them.
func stages(
	tasks, steps int, list ...[2]int,
) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		reached := 0
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for me := range tasks {
				g.Go(func(ctx context.Context) error {
					for i := range steps {
						if reached < len(list) && list[reached] == [2]int{me, i} {
							reached++
						}
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		if reached == len(list) {
			t.Error("all stages are reached")
		}
		return err
	}
}

// The last of ten tasks has to come first, and to be interrupted by the first one: two departures.
// Random orders have many more, and most of them need each other.
func TestDeparturesThatNeedEachOtherAreShrunk(t *testing.T) {
	program := stages(10, 15, [2]int{9, 10}, [2]int{0, 0}, [2]int{9, 11})
	for _, seed := range []uint64{1, 2, 3} {
		wantOne(t, explore(t, program, aiotest.Seed(seed), aiotest.With(aiotest.POS())),
			"the shortest found has 2 departures")
	}
}

// A task may have to go on for longer than the plain order lets it: that is one departure for each
// time that the order would switch, not one for each step.
func TestALongRunOfOneTaskIsAFewDepartures(t *testing.T) {
	program := stages(2, 120, [2]int{0, 110}, [2]int{1, 3}, [2]int{0, 111})
	r := explore(t, program, aiotest.With(aiotest.PCT(2)))
	wantOne(t, r, "departures from the plain order")
	if n := len(tokenOf(t, r)); n > 60 {
		t.Errorf("the token has %d bytes: %s", n, tokenOf(t, r))
	}
}
