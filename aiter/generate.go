package aiter

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

// Generate makes a sequence from a function. The values that the function yields are the items; the
// error that it returns ends the sequence, nil is a good end. The function may await, also in
// deferred cleanup. When yield returns false, the loop has been left and the function must return.
// An error that it then returns goes to the loop's exception handler, unless it is a cancellation,
// since no caller can take it. Each range over the sequence calls the function anew, in the
// iterating task. Python: an async generator function.
//
// Cancellation: body gets ctx, and its awaits fail.
func Generate[T any](
	ctx context.Context, body func(ctx context.Context, yield func(T) bool) error,
) iter.Seq2[T, error] {
	mustBe(body != nil, "Generate", "the function is nil; pass one")
	return func(yield func(T, error) bool) {
		left := false
		err := body(ctx, func(v T) bool {
			mustBe(!left, "Generate",
				"the function yielded again after yield had returned false; it must return then")
			left = !yield(v, nil)
			return !left
		})
		switch {
		case err == nil || errtree.Is(err, ErrStopIteration):
		case !left:
			var zero T
			yield(zero, err)
		case !isCancellation(err):
			reportClosing(aio.RunningLoop(ctx), err)
		}
	}
}

// reportClosing reports the failure of a generator that has no caller any more.
func reportClosing(l *aio.Loop, err error) {
	l.CallExceptionHandler(aio.Report{
		Message: "an error occurred while a generator was being closed",
		Err:     err,
	})
}

// isCancellation reports whether err is a cancellation, wrapped or not. A cancellation that is
// joined to other errors is none: these must not get lost.
func isCancellation(err error) bool {
	for n := 0; err != nil && n < errtree.Max; n++ {
		if err == context.Canceled {
			return true
		}
		switch err.(type) {
		case *aio.CancelledError:
			return true
		case *aio.PanicError:
			return false
		}
		_, err = errtree.Unwrap(err)
	}
	return false
}

// FromSlice is the sequence of the items, in order. It never waits and never fails.
func FromSlice[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range items {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// FromSeq is the sequence of an ordinary iterator's values. It never fails.
func FromSeq[T any](seq iter.Seq[T]) iter.Seq2[T, error] {
	mustBe(seq != nil, "FromSeq", "the iterator is nil; pass one")
	return func(yield func(T, error) bool) {
		for v := range seq {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// FromFunc is the sequence of the results of next, which is called again and again. It ends when
// next returns [ErrStopIteration] or io.EOF, a good end, or another error. Most sources have such a
// method: a cursor, a reader, [Iterator.Next]. Python: an object with __anext__.
//
// Cancellation: next gets ctx.
func FromFunc[T any](ctx context.Context, next aio.Func[T]) iter.Seq2[T, error] {
	mustBe(next != nil, "FromFunc", "the function is nil; pass one")
	return func(yield func(T, error) bool) {
		for {
			v, err := next(ctx)
			if err == io.EOF || errtree.Is(err, ErrStopIteration) {
				return
			}
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

// FromChannel is the sequence of the values of a Go channel, until the channel is closed. A value
// is taken when the loop asks for it, not before.
//
// Cancellation: as for [aio.Recv]; no value is lost.
func FromChannel[T any](ctx context.Context, ch <-chan T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, ok, err := aio.Recv(ctx, ch)
			if err != nil || !ok {
				if err != nil {
					yield(v, err)
				}
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// FromQueue is the sequence of the items of a queue, until the queue is shut down and empty. Unlike
// [aiosync.Queue.All] it calls TaskDone for each item when the loop body has ended, in any way, so
// that Join waits for the bodies.
//
// Cancellation: as for [aiosync.Queue.Get].
func FromQueue[T any](ctx context.Context, q *aiosync.Queue[T]) iter.Seq2[T, error] {
	mustBe(q != nil, "FromQueue", "the queue is nil; pass one")
	return func(yield func(T, error) bool) {
		body := func(v T) bool {
			defer q.TaskDone()
			return yield(v, nil)
		}
		for v, err := range q.All(ctx) {
			if err != nil {
				yield(v, err)
				return
			}
			if !body(v) {
				return
			}
		}
	}
}

// Tick is an endless sequence: the time by the loop's clock, each d, the first time after d. If the
// loop body takes longer than d, missed ticks are left out; ticks stay at whole multiples of d from
// the beginning. It panics if d is not positive.
//
// Cancellation: ends the wait for the next tick.
func Tick(ctx context.Context, d time.Duration) iter.Seq2[time.Time, error] {
	mustBe(
		d > 0,
		"Tick",
		"the time between two ticks is not positive; use time.Second, for example",
	)
	return func(yield func(time.Time, error) bool) {
		loop := aio.RunningLoop(ctx)
		for next := loop.Time().Add(d); ; next = next.Add(d) {
			if late := loop.Time().Sub(next); late > 0 {
				next = next.Add((late - 1) / d * d).Add(d) // in two steps: the sum may overflow
			}
			if err := aio.Sleep(ctx, max(next.Sub(loop.Time()), 0)); err != nil {
				yield(time.Time{}, err)
				return
			}
			if !yield(next, nil) {
				return
			}
		}
	}
}
