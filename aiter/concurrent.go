package aiter

import (
	"context"
	"iter"
)

// MapConcurrent is the sequence of the results of fn for the items of src, in the order of src. Up
// to limit calls run at the same time, each in a task of its own. A result counts until the loop
// has taken it, so at most limit items are between the source and the loop. An error of the source
// or of fn takes its place in the order, after the results before it, and ends the calls after it.
// It panics if limit is less than 1.
//
// Cancellation: of the wait for the next result; the source and all calls are cancelled and waited
// for.
func MapConcurrent[T, U any](
	ctx context.Context,
	src iter.Seq2[T, error],
	limit int,
	fn func(ctx context.Context, v T) (U, error),
) iter.Seq2[U, error] {
	return mapConcurrent(ctx, "MapConcurrent", src, limit, fn, true)
}

// MapUnordered is [MapConcurrent] with the results in the order in which the calls end. The first
// error ends it.
//
// Cancellation: as for MapConcurrent.
func MapUnordered[T, U any](
	ctx context.Context,
	src iter.Seq2[T, error],
	limit int,
	fn func(ctx context.Context, v T) (U, error),
) iter.Seq2[U, error] {
	return mapConcurrent(ctx, "MapUnordered", src, limit, fn, false)
}

// call is one call of fn: settled when there is a result.
type call[U any] struct {
	v       U
	err     error
	settled bool
}

func mapConcurrent[T, U any](
	ctx context.Context,
	op string,
	src iter.Seq2[T, error],
	limit int,
	fn func(ctx context.Context, v T) (U, error),
	ordered bool,
) iter.Seq2[U, error] {
	mustBe(src != nil && fn != nil, op, "the source or the function is nil; pass both")
	mustBe(limit >= 1, op, "the limit is less than 1; use 1 or more")
	return func(yield func(U, error) bool) {
		c := &crew{ctx: ctx, name: "aiter." + op}
		// results in the order of the loop; if ordered, also calls without a result yet
		var line []*call[U]
		var reader *member
		under := 0 // calls whose results were not taken
		settle := func(x *call[U], v U, err error) {
			if err != nil {
				var zero U
				v = zero
			}
			x.v, x.err, x.settled = v, err, true
			if !ordered {
				line = append(line, x)
			}
			c.wake()
		}
		fail := func(err error) { // of the source
			x := &call[U]{err: err, settled: true}
			line = append(line, x)
			c.wake()
		}
		c.begin(func(_ context.Context, m *member) {
			reader = m
			for v, err := range src {
				if err != nil {
					fail(err)
					return
				}
				x := &call[U]{}
				under++
				if ordered {
					line = append(line, x)
				}
				c.begin(func(ctx context.Context, _ *member) {
					u, err := fn(ctx, v)
					settle(x, u, err)
				}, func(err error) {
					var zero U
					settle(x, zero, err)
				})
				for under >= limit {
					if on, err := m.hold(); !on {
						if err != nil {
							fail(err)
						}
						return
					}
				}
			}
		}, fail)
		c.during(func() {
			var zero U
			for {
				for len(line) == 0 || !line[0].settled {
					if c.done() {
						return
					}
					if err := c.wait(ctx); err != nil {
						yield(zero, err)
						return
					}
				}
				x := line[0]
				line[0] = nil
				if line = line[1:]; len(line) == 0 {
					line = nil
				}
				if x.err != nil {
					yield(zero, x.err)
					return
				}
				under--
				reader.letGo()
				if !yield(x.v, nil) {
					return
				}
			}
		})
	}
}
