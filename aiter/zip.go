package aiter

import (
	"context"
	"iter"

	"github.com/aio-go/aio"
)

// Pair is an item of each of two sequences. See [Zip].
type Pair[A, B any] struct {
	First  A
	Second B
}

// Zip yields the items of two sources in pairs, until either ends; an item of a without a partner
// is dropped. Both run in the iterating task: first a, then b. Python: zip.
//
// Cancellation: ctx is the one that b was made with.
func Zip[A, B any](
	ctx context.Context, a iter.Seq2[A, error], b iter.Seq2[B, error],
) iter.Seq2[Pair[A, B], error] {
	mustBe(a != nil && b != nil, "Zip", "a source is nil; leave it out")
	return func(yield func(Pair[A, B], error) bool) {
		partners := Pull(ctx, b)
		defer closeNow(ctx, partners)
		for v, err := range a {
			var partner B
			if err == nil {
				partner, err = partners.Next(ctx)
			}
			if err == ErrStopIteration {
				return
			}
			if err != nil {
				yield(Pair[A, B]{}, err)
				return
			}
			if !yield(Pair[A, B]{v, partner}, nil) {
				return
			}
		}
	}
}

// closeNow is for deferred calls, which can return no error.
func closeNow[T any](ctx context.Context, it *Iterator[T]) {
	if err := it.Close(ctx); err != nil && !isCancellation(err) {
		reportClosing(aio.RunningLoop(ctx), err)
	}
}
