package aiter

import (
	"context"
	"iter"
)

// values is the items of src, for a loop that makes another sequence of them. An error of src is
// passed to yield and ends the loop.
func values[T, U any](src iter.Seq2[T, error], yield func(U, error) bool) iter.Seq[T] {
	return func(each func(T) bool) {
		for v, err := range src {
			if err != nil {
				var zero U
				yield(zero, err)
				return
			}
			if !each(v) {
				return
			}
		}
	}
}

// Map is the sequence of the results of fn for the items of src. fn may await. The next item is
// fetched when the loop body has ended. An error of fn ends the sequence. Python: (await fn(v)
// async for v in src).
//
// Cancellation: fn gets ctx.
func Map[T, U any](
	ctx context.Context, src iter.Seq2[T, error], fn func(ctx context.Context, v T) (U, error),
) iter.Seq2[U, error] {
	mustBe(src != nil && fn != nil, "Map", "the source or the function is nil; pass both")
	return func(yield func(U, error) bool) {
		var zero U
		for v := range values(src, yield) {
			u, err := fn(ctx, v)
			if err != nil {
				yield(zero, err)
				return
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

// Filter yields the items of src for which keep returns true. keep may await; its error ends the
// sequence. Python: (v async for v in src if await keep(v)).
//
// Cancellation: keep gets ctx.
func Filter[T any](
	ctx context.Context, src iter.Seq2[T, error], keep func(ctx context.Context, v T) (bool, error),
) iter.Seq2[T, error] {
	mustBe(src != nil && keep != nil, "Filter", "the source or the function is nil; pass both")
	return func(yield func(T, error) bool) {
		var zero T
		for v := range values(src, yield) {
			ok, err := keep(ctx, v)
			if err != nil {
				yield(zero, err)
				return
			}
			if ok && !yield(v, nil) {
				return
			}
		}
	}
}

// FlatMap yields the items of the sequences that fn returns for the items of src, one sequence
// after the other. Python: (u async for v in src async for u in fn(v)).
//
// Cancellation: fn gets ctx.
func FlatMap[T, U any](
	ctx context.Context,
	src iter.Seq2[T, error],
	fn func(ctx context.Context, v T) iter.Seq2[U, error],
) iter.Seq2[U, error] {
	mustBe(src != nil && fn != nil, "FlatMap", "the source or the function is nil; pass both")
	return func(yield func(U, error) bool) {
		var zero U
		for v := range values(src, yield) {
			for u, err := range fn(ctx, v) {
				if err != nil {
					yield(zero, err)
					return
				}
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// Indexed is an item with its place in a sequence, counted from 0. See [Enumerate].
type Indexed[T any] struct {
	Index int
	Value T
}

// Enumerate yields the items of src with their numbers, from 0. Python: enumerate.
func Enumerate[T any](src iter.Seq2[T, error]) iter.Seq2[Indexed[T], error] {
	mustBe(src != nil, "Enumerate", "the source is nil; pass one")
	return func(yield func(Indexed[T], error) bool) {
		n := 0
		for v := range values(src, yield) {
			if !yield(Indexed[T]{n, v}, nil) {
				return
			}
			n++
		}
	}
}

// Chain yields the items of the first source, then those of the second, and so on. A source begins
// when its turn comes, and is closed before the next one begins. The first error ends the sequence.
// Python: itertools.chain.
func Chain[T any](srcs ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	for _, src := range srcs {
		mustBe(src != nil, "Chain", "a source is nil; leave it out")
	}
	return func(yield func(T, error) bool) {
		for _, src := range srcs {
			for v, err := range src {
				if err != nil {
					var zero T
					yield(zero, err)
					return
				}
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// Take yields the first n items of src. The source is closed as soon as it has yielded the nth;
// with n <= 0 it does not begin. Python: itertools.islice.
func Take[T any](src iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	mustBe(src != nil, "Take", "the source is nil; pass one")
	return func(yield func(T, error) bool) {
		if n <= 0 {
			return
		}
		left := n
		for v := range values(src, yield) {
			left--
			if !yield(v, nil) || left == 0 {
				return
			}
		}
	}
}

// Drop yields the items of src without the first n.
func Drop[T any](src iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	mustBe(src != nil, "Drop", "the source is nil; pass one")
	return func(yield func(T, error) bool) {
		left := n
		for v := range values(src, yield) {
			if left > 0 {
				left--
				continue
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// TakeWhile yields the items of src before the first for which keep returns false; then the source
// is closed. Python: itertools.takewhile.
//
// Cancellation: keep gets ctx.
func TakeWhile[T any](
	ctx context.Context, src iter.Seq2[T, error], keep func(ctx context.Context, v T) (bool, error),
) iter.Seq2[T, error] {
	mustBe(src != nil && keep != nil, "TakeWhile", "the source or the function is nil; pass both")
	return func(yield func(T, error) bool) {
		var zero T
		for v := range values(src, yield) {
			ok, err := keep(ctx, v)
			if err != nil {
				yield(zero, err)
				return
			}
			if !ok || !yield(v, nil) {
				return
			}
		}
	}
}

// DropWhile yields the items of src, beginning with the first for which drop returns false. Python:
// itertools.dropwhile.
//
// Cancellation: drop gets ctx.
func DropWhile[T any](
	ctx context.Context, src iter.Seq2[T, error], drop func(ctx context.Context, v T) (bool, error),
) iter.Seq2[T, error] {
	mustBe(src != nil && drop != nil, "DropWhile", "the source or the function is nil; pass both")
	return func(yield func(T, error) bool) {
		dropping := true
		keep := func(ctx context.Context, v T) (bool, error) {
			if !dropping {
				return true, nil
			}
			var err error
			dropping, err = drop(ctx, v)
			return !dropping, err
		}
		Filter(ctx, src, keep)(yield)
	}
}

// Batch yields the items of src in slices of n; the last one has the rest. Before an error it
// yields the items before the error. It panics if n is less than 1. Python: itertools.batched.
func Batch[T any](src iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	mustBe(src != nil, "Batch", "the source is nil; pass one")
	mustBe(n >= 1, "Batch", "the size is less than 1; use 1 or more")
	return func(yield func([]T, error) bool) {
		var batch []T
		for v, err := range src {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if batch = append(batch, v); len(batch) == n {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
