package aiotest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// rounds counts over all runs.
var rounds atomic.Int64

// deterministic returns what Deterministic would print.
func deterministic(t *testing.T, fn func(ctx context.Context, t *aiotest.T) error) *recorder {
	r := &recorder{TB: t, name: t.Name()}
	aiotest.Deterministic(r, fn)
	return r
}

// Each of these makes as many yields as something says that differs in each run.

func byMapOrder(ctx context.Context, _ *aiotest.T) error {
	m := map[int]bool{}
	for i := range 20 {
		m[i] = true
	}
	for n := range m { // by map
		return yields(ctx, n)
	}
	return nil
}

func byClock(ctx context.Context, _ *aiotest.T) error {
	return yields(ctx, int(time.Now().UnixNano()%50)) // by clock
}

func byLimit(ctx context.Context, _ *aiotest.T) error {
	limited, cancel := context.WithTimeout(ctx, time.Hour) // by limit
	defer cancel()
	end, _ := limited.Deadline()
	return yields(ctx, int(end.UnixNano()%50))
}

func byRandom(ctx context.Context, _ *aiotest.T) error {
	return yields(ctx, dice()%50)
}

func dice() int { return rand.Int() } // by random

func byGoroutine(ctx context.Context, t *aiotest.T) error {
	loop, f := aio.RunningLoop(ctx), aio.NewFuture[int](ctx)
	loop.ExpectPosts(1)
	wait := time.Duration(rounds.Add(1)%3) * 5 * time.Millisecond
	go func() { // by goroutine
		time.Sleep(wait) // real time is the fault that has to be found
		loop.CallSoonThreadsafe(func() {
			loop.ExpectPosts(-1)
			f.SetResult(1)
		})
	}()
	_, err := f.Await(ctx)
	if err == nil && wait > 0 {
		err = aio.Yield(ctx)
	}
	return err
}

func bySelect(ctx context.Context, _ *aiotest.T) error {
	a, b := make(chan int, 1), make(chan int, 1)
	for i := range 20 {
		a <- 0
		b <- 1
		select { // by select
		case <-a:
			<-b
		case <-b:
			<-a
			return yields(ctx, i)
		}
	}
	return nil
}

func byOldState(ctx context.Context, _ *aiotest.T) error {
	return yields(ctx, int(rounds.Add(1)))
}

func yields(ctx context.Context, n int) error {
	for range n {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestTheSourceOfADifferenceIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		fn   func(ctx context.Context, t *aiotest.T) error
		want string
	}{
		"map order": {byMapOrder, ": the order of a map differs in each run; sort the keys"},
		"clock":     {byClock, ": time.Now is the machine's clock; use aio.Loop.Time"},
		"limit":     {byLimit, ": context.WithTimeout follows the machine's clock; use aio.Timeout"},
		"random":    {byRandom, ": rand.Int has no seed; use aio.Loop.Rand"},
		"goroutine": {byGoroutine, ": a goroutine is none of the loop's; use tasks"},
		"select":    {bySelect, ": select takes any of the channels that are ready"},
		"old state": {byOldState, "state of the run before?"},
	} {
		t.Run(name, func(t *testing.T) {
			r := deterministic(t, c.fn)
			wantOne(
				t,
				r,
				"aiotest: the function is not deterministic. Two runs part at step ",
				c.want,
			)
			if name != "old state" {
				wantOne(t, r, "determinism_test.go:")
			}
		})
	}
}

func TestADifferenceInTheLogIsOne(t *testing.T) {
	wantOne(t, deterministic(t, func(_ context.Context, t *aiotest.T) error {
		t.Log(rounds.Add(1))
		return nil
	}), "The same steps led to another result:\n  log: ")
}

func TestProgramsThatAreDeterministicAreNotAccused(t *testing.T) {
	for name, fn := range innocent {
		t.Run(name, func(t *testing.T) { aiotest.Deterministic(t, fn) })
	}
	if r := deterministic(t, func(ctx context.Context, t *aiotest.T) error {
		t.Log(aio.RunningLoop(ctx).Rand().Int(), aio.RunningLoop(ctx).Time())
		return fmt.Errorf("the same each time")
	}); len(r.errors) > 0 {
		t.Error(strings.Join(r.errors, "\n"))
	}
}
