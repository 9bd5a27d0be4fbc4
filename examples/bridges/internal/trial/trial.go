// Package trial puts bridges to the test: many tasks that are cancelled at random, and servers that
// are killed in the middle.
package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Tasks is how many tasks a trial has.
const Tasks = 200

// Size is how many operations a trial has: 10,000, and a tenth of that in short mode.
func Size() int {
	if testing.Short() {
		return 1_000
	}
	return 10_000
}

// Account says how operations have ended. Each is a set of numbers of operations.
type Account struct {
	Done      map[int]bool
	Cancelled map[int]bool // cancelled by the trial; the operation may have been made or not
	Failures  int          // attempts that failed and were made again
	Last      error        // the last of these failures
}

func (a *Account) String() string {
	return fmt.Sprintf("done: %d, cancelled: %d, failures: %d (the last: %v)",
		len(a.Done), len(a.Cancelled), a.Failures, a.Last)
}

// Run makes the operations 0 to n-1 with as many tasks as Tasks says. A fourth of them is cancelled
// at a random moment. An operation that fails is made again. halfway is called when half of the
// operations have ended.
func Run(
	ctx context.Context, seed uint64, n int, op func(ctx context.Context, id int) error,
	halfway func(ctx context.Context) error,
) (*Account, error) {
	a := &Account{Done: map[int]bool{}, Cancelled: map[int]bool{}}
	random := rand.New(rand.NewPCG(seed, 0))
	loop, next := aio.RunningLoop(ctx), 0
	worker := func(ctx context.Context, g *aio.TaskGroup) error {
		for next < n {
			id := next
			if next++; id == n/2 && halfway != nil {
				g.Go(halfway)
			}
			task := aio.Start(
				ctx,
				func(ctx context.Context) error { return a.attempt(ctx, id, op) },
			)
			if random.IntN(4) == 0 {
				stop := loop.CallLater(time.Duration(random.IntN(3_000))*time.Microsecond,
					func() { task.Cancel(errAtRandom) })
				task.AddDoneCallback(stop.Cancel)
			}
			switch _, err := task.Await(ctx); {
			case err == nil:
				a.Done[id] = true
			case errors.Is(err, errAtRandom):
				a.Cancelled[id] = true
			default:
				return fmt.Errorf("operation %d: %w", id, err)
			}
		}
		return nil
	}
	err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for range Tasks {
			g.Go(func(ctx context.Context) error { return worker(ctx, g) })
		}
		return nil
	})
	if err == nil && len(a.Done)+len(a.Cancelled) != n {
		err = fmt.Errorf("of %d operations: %v", n, a)
	}
	return a, err
}

var errAtRandom = errors.New("cancelled at random")

// attempt makes an operation until it succeeds or is cancelled.
func (a *Account) attempt(ctx context.Context, id int, op func(context.Context, int) error) error {
	for {
		err := op(ctx, id)
		if err == nil || errors.Is(err, errAtRandom) {
			return err
		}
		a.Failures++
		a.Last = err
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}
