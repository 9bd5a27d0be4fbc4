package aiosync_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// dice makes every choice of a loop at random.
type dice struct{ *rand.Rand }

func (d dice) Choose(_ aio.Choice, n int) int { return d.IntN(n) }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 1))} }

// TestNoPermitIsLostOrDoubledWhateverIsCancelled has tasks take and give back permits, cancels some
// of them, and runs what is ready in any order. There must never be more inside than permitted,
// everybody must get through, and at the end all must be free.
func TestNoPermitIsLostOrDoubledWhateverIsCancelled(t *testing.T) {
	type permits struct {
		name   string
		most   int
		take   func(ctx context.Context) error
		give   func()
		atRest func() string
	}
	all := func() []permits {
		var l aiosync.Lock
		var rw, readers aiosync.RWLock
		var c aiosync.Condition
		s, lim := aiosync.NewBoundedSemaphore(2), aiosync.NewLimiter(3)
		return []permits{
			{"Lock", 1, l.Acquire, l.Release, l.String},
			{"RWLock", 1, rw.Acquire, rw.Release, rw.String},
			{"readers", 1000, readers.AcquireRead, readers.ReleaseRead, readers.String},
			{"Semaphore", 2, s.Acquire, s.Release, s.String},
			{"Limiter", 3, lim.Acquire, lim.Release, lim.String},
			{"Condition", 1, func(ctx context.Context) error {
				if err := c.Acquire(ctx); err != nil {
					return err
				}
				c.Notify(1)
				if err := c.Wait(ctx); err != nil {
					c.Release()
					return err
				}
				return nil
			}, c.Release, c.String},
		}
	}
	for seed := range uint64(40) {
		for _, p := range all() {
			d := newDice(seed)
			what := fmt.Sprintf("%s, seed %d", p.name, seed)
			free := p.atRest()
			run(t, func(ctx context.Context) error {
				inside := 0
				var tasks []*aio.Task[aio.None]
				for range 60 {
					tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
						if err := p.take(ctx); err != nil {
							return err
						}
						if inside++; inside > p.most {
							t.Errorf("%s: %d inside", what, inside)
						}
						turns(ctx, d.IntN(3))
						inside--
						p.give()
						return nil
					}))
					if d.IntN(2) == 0 {
						turns(ctx, 1)
					}
					if d.IntN(2) == 0 {
						tasks[d.IntN(len(tasks))].Cancel(nil)
					}
				}
				turns(ctx, 500)
				if p.name == "Condition" { // the last ones wait for a notification
					for _, w := range tasks {
						w.Cancel(nil)
					}
					turns(ctx, 500)
				}
				for i, w := range tasks {
					if !w.Done() {
						t.Errorf("%s: task %d is stuck: %v", what, i, w)
					}
				}
				if text := p.atRest(); inside != 0 || text != free {
					t.Errorf("%s: at the end %d inside, %s", what, inside, text)
				}
				return nil
			}, aio.WithChooser(d))
		}
	}
}
