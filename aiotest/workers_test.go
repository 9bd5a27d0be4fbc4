package aiotest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// hidden fails in one of many orders.
func hidden(ctx context.Context, t *aiotest.T) error {
	order := ""
	task := func(name string) *aio.Task[aio.None] {
		return aio.Start(ctx, func(ctx context.Context) error {
			for range 3 {
				order += name
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	_, err := aio.Gather[aio.None](ctx, task("a"), task("b"), task("c"))
	if order == "cbabacbca" {
		t.Error(order)
	}
	return err
}

func TestWorkersFindTheSameWhateverTheirSpeed(t *testing.T) {
	var first string
	for i := range 3 {
		r := explore(
			t,
			hidden,
			aiotest.Workers(4),
			aiotest.With(aiotest.RandomWalk()),
			aiotest.Schedules(50_000),
		)
		wantOne(t, r, "  check: ", "cbabacbca")
		if i == 0 {
			first = r.errors[0]
		} else if r.errors[0] != first {
			t.Fatalf("got\n%s\nafter\n%s", r.errors[0], first)
		}
	}
	t.Setenv("AIO_REPLAY", tokenIn.FindStringSubmatch(first)[1])
	wantOne(t, explore(t, hidden), "the schedule of AIO_REPLAY fails")
}

func TestWorkersShareTheSchedules(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 7} {
		var mu sync.Mutex
		runs := 0
		r := explore(t, func(ctx context.Context, t *aiotest.T) error {
			mu.Lock()
			runs++
			mu.Unlock()
			t.Sometimes("it runs", true)
			return twice(ctx, 20)
		}, aiotest.Workers(workers), aiotest.Schedules(101))
		if len(r.errors) > 0 || runs != 101 {
			t.Errorf("%d workers: %d runs, %q", workers, runs, r.errors)
		}
	}
}

func TestWorkersEndWhenAllIsCovered(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error { return twice(ctx, 2) },
		aiotest.Workers(2), aiotest.With(aiotest.Exhaustive(-1)))
	if len(r.errors) > 0 || len(r.logs) != 1 || r.logs[0] != "aiotest: covered all 20 schedules" {
		t.Errorf("%q, %q", r.errors, r.logs)
	}
}
