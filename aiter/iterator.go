package aiter

import (
	"context"
	"iter"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// Iterator makes steps through a sequence by hand. See [Pull]. Its methods are for the loop only.
// Python: the result of aiter.
type Iterator[T any] struct{ g *Generator[aio.None, T] }

// Pull returns an iterator over seq, for steps by hand. The sequence begins with the first Next and
// runs in the task that makes the steps; ctx should be the one that seq was made with. Close the
// iterator when done. A sequence that opens a group around its yield has to be stepped and closed
// by one task. Python: aiter.
func Pull[T any](ctx context.Context, seq iter.Seq2[T, error]) *Iterator[T] {
	mustBe(seq != nil, "Pull", "the sequence is nil; pass one")
	return &Iterator[T]{NewGenerator(ctx,
		func(_ context.Context, yield func(T) (aio.None, error)) error {
			for v, err := range seq {
				if err != nil {
					return err
				}
				if _, err := yield(v); err != nil {
					return nil
				}
			}
			return nil
		})}
}

// Next returns the next value. At the end of the sequence it returns the error of the sequence
// once, and [ErrStopIteration] from then on. A panic of the sequence is re-panicked here. It panics
// if a step is under way in another task. Next is an [aio.Func]: aio.WaitFor(ctx, time.Second,
// it.Next) works. Python: anext.
//
// Cancellation: the current await of the sequence fails, which usually ends the sequence.
func (it *Iterator[T]) Next(ctx context.Context) (T, error) { return it.g.Next(ctx) }

// NextOr is Next, but returns end without an error if the sequence has ended. Python: anext with a
// default.
//
// Cancellation: as for Next.
func (it *Iterator[T]) NextOr(ctx context.Context, end T) (T, error) {
	v, err := it.g.Next(ctx)
	if errtree.Is(err, ErrStopIteration) {
		return end, nil
	}
	return v, err
}

// Close ends the sequence as leaving a loop over it does: its yield returns false, and Close
// returns when it has cleaned up. A sequence that has not begun never does. On an iterator that has
// ended it does nothing. If another task closes it already, Close waits for that; it panics if
// another kind of step is under way. The error is always nil; it is there for [Closing]. Python:
// aclose.
//
// Cancellation: awaits in the cleanup of a cancelled task fail, unless they use
// [context.WithoutCancel].
func (it *Iterator[T]) Close(ctx context.Context) error { return it.g.Close(ctx) }

// All is the sequence of the remaining items. If the loop ends early, the iterator stays where it
// is, and another range goes on from there. Python: async for over an iterator.
//
// Cancellation: as for Next.
func (it *Iterator[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return FromFunc(ctx, it.Next)
}
