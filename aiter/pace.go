package aiter

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

// BatchWithin yields the items of src in slices of up to n. A batch ends when it is full, when d
// has passed since its first item, or when the source has ended. A task reads the source meanwhile,
// also while the loop body works, but at most one full batch ahead. Before an error it yields the
// items before the error. It panics if n is less than 1 or d is not positive. See [Batch].
//
// Cancellation: of the wait for the next batch; the items in it are dropped, the source is ended
// and waited for.
func BatchWithin[T any](
	ctx context.Context, src iter.Seq2[T, error], n int, d time.Duration,
) iter.Seq2[[]T, error] {
	mustBe(src != nil, "BatchWithin", "the source is nil; pass one")
	mustBe(
		n >= 1 && d > 0,
		"BatchWithin",
		"the size is less than 1 or the time not positive; use 1 or more of each",
	)
	return func(yield func([]T, error) bool) {
		o := newOffers[T](ctx, "aiter.BatchWithin")
		loop := aio.RunningLoop(ctx)
		var timer *aio.TimerHandle // of the current batch
		due := false
		put := func(x offer[T]) {
			if len(o.ready) == 0 {
				due = false
				timer = loop.CallLater(d, func() { due = true; o.wake() })
			}
			o.put(x)
		}
		o.begin(
			func(_ context.Context, m *member) { supply(m, src, n, put) },
			func(err error) { o.put(offer[T]{err: err}) },
		)
		failed := func() bool { return len(o.ready) > 0 && o.ready[len(o.ready)-1].err != nil }
		o.during(func() {
			defer func() {
				if timer != nil {
					timer.Cancel()
				}
			}()
			for {
				for !(due && len(o.ready) > 0 || len(o.ready) >= n || failed()) {
					if o.done() {
						break
					}
					if err := o.wait(ctx); err != nil {
						yield(nil, err)
						return
					}
				}
				if len(o.ready) == 0 {
					return
				}
				if timer != nil {
					timer.Cancel()
				}
				due = false
				var batch []T
				for len(o.ready) > 0 && len(batch) < n {
					x := o.take()
					if x.err != nil {
						if len(batch) == 0 || yield(batch, nil) {
							yield(nil, x.err)
						}
						return
					}
					batch = append(batch, x.v)
				}
				if !yield(batch, nil) {
					return
				}
			}
		})
	}
}

// RateLimit yields the items of src as fast as the limiter lets them pass. Several sequences may
// share the limiter.
//
// Cancellation: of the wait for the limiter; the item that waited for it is dropped.
func RateLimit[T any](
	ctx context.Context, src iter.Seq2[T, error], limiter *aiosync.RateLimiter,
) iter.Seq2[T, error] {
	mustBe(src != nil && limiter != nil, "RateLimit", "the source or the limiter is nil; pass both")
	return Map(ctx, src, func(ctx context.Context, v T) (T, error) {
		return v, limiter.Acquire(ctx)
	})
}

// TimeoutEach yields the items of src. The loop waits at most d for each; the time of the loop body
// does not count. If an item takes longer, the current await of the source is cancelled. The
// sequence ends with an [*aio.TimeoutError], unless the source catches the cancellation and yields
// an item.
//
// Cancellation: ctx is the one that src was made with.
func TimeoutEach[T any](
	ctx context.Context, src iter.Seq2[T, error], d time.Duration,
) iter.Seq2[T, error] {
	mustBe(src != nil, "TimeoutEach", "the source is nil; pass one")
	return func(yield func(T, error) bool) {
		it := Pull(ctx, src)
		defer closeNow(ctx, it)
		for {
			var v T
			err := aio.Timeout(ctx, d, func(ctx context.Context) (err error) {
				v, err = it.Next(ctx)
				return err
			})
			if errtree.Is(err, ErrStopIteration) {
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Backoff says how often and when [Retry] tries again.
type Backoff struct {
	// failures in a row without an item, the first try included; 0 or less: no limit
	Attempts int
	First    time.Duration // the pause before the second try; it doubles with each further one
	Max      time.Duration // the longest pause; 0: no limit

	// Retryable reports whether an error is worth another try; nil: all are. Cancellations never
	// are.
	Retryable func(err error) bool
}

// Retry yields the items of the sequence that begin returns. When that fails, it calls begin again
// after a pause, as b says, and goes on with the items of the new sequence. begin gets the number
// of failures in a row; if needed, it should continue after the last item that it has yielded. An
// item resets the count. After the last attempt the sequence ends with the last error, wrapped with
// the number of attempts. Pauses are exact, without jitter: a random part would make tests differ.
//
// Cancellation: of the pause; it is never retried.
func Retry[T any](
	ctx context.Context,
	b Backoff,
	begin func(ctx context.Context, failures int) iter.Seq2[T, error],
) iter.Seq2[T, error] {
	mustBe(begin != nil, "Retry", "the function is nil; pass one")
	return func(yield func(T, error) bool) {
		var zero T
		for failures := 0; ; {
			var failure error
			for v, err := range begin(ctx, failures) {
				if err != nil {
					failure = err
					break
				}
				failures = 0
				if !yield(v, nil) {
					return
				}
			}
			if failure == nil {
				return
			}
			failures++
			if isCancellation(failure) || b.Retryable != nil && !b.Retryable(failure) {
				yield(zero, failure)
				return
			}
			if failures == b.Attempts {
				yield(zero, fmt.Errorf("aiter: Retry: %d attempts failed, the last with: %w",
					failures, failure))
				return
			}
			if err := aio.Sleep(ctx, b.pause(failures)); err != nil {
				yield(zero, err)
				return
			}
		}
	}
}

// pause is the pause after this number of failures in a row.
func (b Backoff) pause(failures int) time.Duration {
	d := b.First
	for range failures - 1 {
		if d <= 0 || d >= b.Max && b.Max > 0 || d > 1<<61 {
			break
		}
		d *= 2
	}
	if b.Max > 0 {
		d = min(d, b.Max)
	}
	return d
}
