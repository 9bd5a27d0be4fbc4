package transport

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

// Race is how a [Staggered] race has ended.
type Race[T any] struct {
	// Winner is the index of the candidate that succeeded, -1 if none did.
	Winner int
	// Value is what the winner returned.
	Value T
	// Errs has one entry for each candidate that was started, in their order: its error, nil for the
	// winner. A candidate that was still running when another won has a cancellation.
	Errs []error
}

// Staggered runs candidates, each in a task of its own, until one succeeds. The first starts at once;
// each other when the one before it has failed, or delay after the start of that one, whichever comes
// first. With a delay of 0 or less a candidate waits for the failure of the one before, however long
// that takes. When one has succeeded no more are started, and those still running are cancelled and
// waited for.
//
// A value that is no use any more, because another candidate won or a panic ended the race, is given to
// discard, which may be nil. The error is that of the race itself: its cancellation. That no candidate
// succeeded is no error; Race says so. If a candidate panics the others are cancelled and the panic is
// raised again here.
//
// It suspends the task; it is for the loop only. Cancellation: the candidates that run are cancelled and
// waited for; the value of a winner is discarded.
//
// It stands for staggered_race of asyncio.
func Staggered[T any](ctx context.Context, delay time.Duration, discard func(T), candidates ...aio.Func[T]) (Race[T], error) {
	race := Race[T]{Winner: -1}
	taken := false // by the caller
	throwAway := func(v T) {
		if discard != nil {
			discard(v)
		}
	}
	defer func() { // also after a panic, or if the task was ended where it waits
		if !taken && race.Winner >= 0 {
			throwAway(race.Value)
		}
	}()
	err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i, candidate := range candidates {
			failed := new(aiosync.Event)
			race.Errs = append(race.Errs, nil)
			g.Go(func(ctx context.Context) error {
				v, err := candidate(ctx)
				race.Errs[i] = err
				switch {
				case err != nil:
					failed.Set()
				case race.Winner >= 0:
					race.Errs[i] = aio.ErrCancelled
					throwAway(v)
				default:
					race.Winner, race.Value = i, v
					g.Cancel(nil)
				}
				return nil
			})
			if i == len(candidates)-1 {
				break
			}
			if err := waitAtMost(ctx, delay, failed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Race[T]{Winner: -1, Errs: race.Errs}, err
	}
	taken = true
	return race, nil
}

// waitAtMost waits for ev, or until d is over; without end if d is not positive.
func waitAtMost(ctx context.Context, d time.Duration, ev *aiosync.Event) error {
	if d <= 0 {
		return ev.Wait(ctx)
	}
	err := aio.Timeout(ctx, d, ev.Wait)
	if _, late := errtree.As[*aio.TimeoutError](err); late && ctx.Err() == nil {
		return nil
	}
	return err
}
