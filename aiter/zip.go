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

// Zip is the items of two sources in pairs, until either ends; an item of a that has no partner is dropped. Both run in the task that
// iterates: first a is asked, then b. Python: zip.
//
// Cancellation: ctx is the one that b was made with.
func Zip[A, B any](ctx context.Context, a iter.Seq2[A, error], b iter.Seq2[B, error]) iter.Seq2[Pair[A, B], error] {
	mustBe(a != nil && b != nil, "Zip", "a source is nil")
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

// closeNow is for deferred calls: there is nobody to return an error to.
func closeNow[T any](ctx context.Context, it *Iterator[T]) {
	if err := it.Close(ctx); err != nil && !isCancellation(err) {
		reportClosing(aio.RunningLoop(ctx), err)
	}
}
