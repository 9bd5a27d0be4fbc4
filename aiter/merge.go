package aiter

import (
	"context"
	"iter"
)

// offer is an item that a member has for the loop, or the error at its end.
type offer[T any] struct {
	v    T
	err  error
	from *member
}

// supply makes a member offer the items of src, and the error at the end if there is one. It holds
// the member while n items wait to be taken.
func supply[T any](m *member, src iter.Seq2[T, error], n int, put func(o offer[T])) {
	for v, err := range src {
		if err != nil {
			put(offer[T]{err: err, from: m})
			return
		}
		put(offer[T]{v: v, from: m})
		for m.offers >= n {
			if on, err := m.hold(); !on {
				if err != nil {
					put(offer[T]{err: err, from: m})
				}
				return
			}
		}
	}
}

// offers are the items that members have for the loop.
type offers[T any] struct {
	*crew
	ready []offer[T]
}

func newOffers[T any](ctx context.Context, name string) *offers[T] {
	return &offers[T]{crew: &crew{ctx: ctx, name: name}}
}

func (o *offers[T]) put(x offer[T]) {
	if x.from != nil {
		x.from.offers++
	}
	o.ready = append(o.ready, x)
	o.wake()
}

// take removes the first offer.
func (o *offers[T]) take() offer[T] {
	x := o.ready[0]
	o.ready[0] = offer[T]{}
	if o.ready = o.ready[1:]; len(o.ready) == 0 {
		o.ready = nil
	}
	if x.from != nil {
		x.from.offers--
		x.from.letGo()
	}
	return x
}

// from starts a member that supplies the items of src.
func (o *offers[T]) from(src iter.Seq2[T, error], n int) {
	o.begin(
		func(_ context.Context, m *member) { supply(m, src, n, o.put) },
		func(err error) { o.put(offer[T]{err: err}) },
	)
}

// deliver yields offers to the loop body until no more can come.
func (o *offers[T]) deliver(ctx context.Context, yield func(T, error) bool) {
	var zero T
	for {
		for len(o.ready) == 0 {
			if o.done() {
				return
			}
			if err := o.wait(ctx); err != nil {
				yield(zero, err)
				return
			}
		}
		x := o.take()
		if x.err != nil {
			yield(zero, x.err)
			return
		}
		if !yield(x.v, nil) {
			return
		}
	}
}

// Merge yields the items of all sources as they come. Items of the same pass come in the order in
// which their tasks ran. Each source has a task of its own and waits in its yield until its item is
// taken; it works on the next one while the loop body runs. The first error ends the sequence and
// the other sources; their waiting items are dropped. Python: aiostream.stream.merge.
//
// Cancellation: of the wait for the next item; the sources are ended and waited for.
func Merge[T any](ctx context.Context, srcs ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	for _, src := range srcs {
		mustBe(src != nil, "Merge", "a source is nil; leave it out")
	}
	return func(yield func(T, error) bool) {
		o := newOffers[T](ctx, "aiter.Merge")
		for _, src := range srcs {
			o.from(src, 1)
		}
		o.during(func() { o.deliver(ctx, yield) })
	}
}

// Prefetch yields the items of src. A task fetches up to n of them ahead while the loop body works.
// An error comes after the items before it. It panics if n is less than 1.
//
// Cancellation: of the wait for the next item; the source is ended and waited for.
func Prefetch[T any](ctx context.Context, src iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	mustBe(src != nil, "Prefetch", "the source is nil; pass one")
	mustBe(n >= 1, "Prefetch", "the number of items to fetch ahead is less than 1; use 1 or more")
	return func(yield func(T, error) bool) {
		o := newOffers[T](ctx, "aiter.Prefetch")
		o.from(src, n)
		o.during(func() { o.deliver(ctx, yield) })
	}
}
