package transport

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

// Race is the result of [Staggered].
type Race[T any] struct {
	// Winner is the index of the candidate that succeeded, -1 if none did.
	Winner int
	// Value is the value that the winner returned.
	Value T
	// Errs has one entry for each candidate that was started, in their order: its error, nil for
	// the winner. A candidate that was cancelled because another won has a cancellation.
	Errs []error
}

// Staggered runs candidates, each in a task of its own, until one succeeds. The first starts at
// once. Each other one starts when the one before it has failed, or delay after the start of that
// one, whichever comes first. With a delay of 0 or less a candidate waits for the failure of the
// one before, however long that takes. Once one has succeeded no more are started, and those still
// running are cancelled and waited for.
//
// A value that is not needed, because another candidate won or a panic ended the race, is passed to
// discard, which may be nil. The returned error is that of the wait only. If no candidate
// succeeded, that is no error; see [Race]. If a candidate panics, the others are cancelled and the
// panic is re-panicked here. asyncio: staggered_race.
//
// Cancellation: the running candidates are cancelled and waited for; the value of a winner is
// discarded.
func Staggered[T any](
	ctx context.Context, delay time.Duration, discard func(T), candidates ...aio.Func[T],
) (Race[T], error) {
	race := Race[T]{Winner: -1}
	taken := false // by the caller
	throwAway := func(v T) {
		if discard != nil {
			discard(v)
		}
	}
	defer func() { // also after a panic, or if the loop ends the task in its wait
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

// waitAtMost waits for ev, at most for d, or without a limit if d is not positive.
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
