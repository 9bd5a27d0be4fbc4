package aiter

import (
	"context"
	"iter"
	"sync"

	"github.com/aio-go/aio"
)

// FromThread makes a sequence from a function that blocks: it is [Generate] on a goroutine of its
// own. Use it for subscriptions, streams and cursors of libraries that know nothing of loops.
//
//	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(Message) bool) error {
//		sub := client.Subscribe("prices")
//		defer sub.Close()
//		for {
//			m, err := sub.Receive(ctx)
//			if err != nil || !yield(m) {
//				return err
//			}
//		}
//	})
//
// yield hands a value to the loop and blocks until at most n values wait there: with 0 until the
// loop body has the value. So a slow body slows the source. yield may be called on any goroutine,
// such as that of a callback; the body then waits for the end of its context. It returns false if
// the value was not taken because the iteration was left, and at once after the body has returned.
//
// The error that the body returns ends the sequence, after the values before it; nil is a good end.
// When the loop is left, the context of the body ends, and the loop waits until the body has
// returned. So its deferred calls have closed the source. An error that it then returns is dropped.
// A source that ignores its context has to be closed from outside:
// defer context.AfterFunc(ctx, sub.Close)(). A panic of the body is re-panicked in the iterating
// task. Each range calls the body anew. The options are those of [aio.ToThread]; without them no
// limit applies. It panics if n is negative. Python: janus.Queue with a thread.
//
// Cancellation: of the wait for the next value; the body is told, and waited for. Values that wait
// are dropped; with n = 0 yield has then returned false for each of them.
func FromThread[T any](
	ctx context.Context, n int, body func(ctx context.Context, yield func(T) bool) error,
	opts ...aio.ThreadOption,
) iter.Seq2[T, error] {
	mustBe(body != nil, "FromThread", "the function is nil; pass one")
	mustBe(n >= 0, "FromThread", "the number of values that may wait is negative; use 0 or more")
	opts = append(append([]aio.ThreadOption{aio.LimitedBy(nil)}, opts...), aio.Joined())
	return func(yield func(T, error) bool) {
		c := &crew{ctx: ctx, name: "aiter.FromThread"}
		h := &handover[T]{n: n, loop: aio.RunningLoop(ctx), wake: c.wake}
		h.moved.L = &h.mu
		var failed error
		c.begin(func(ctx context.Context, _ *member) {
			failed = aio.Blocking(ctx, func(ctx context.Context) error {
				defer h.end()
				return body(ctx, h.put)
			}, opts...)
		}, func(err error) { failed = err })
		c.during(func() {
			defer h.leave()
			for {
				v, ok := h.take()
				if !ok {
					if !c.done() {
						if err := c.wait(ctx); err != nil {
							yield(v, err)
							return
						}
						continue
					}
					if failed != nil && len(c.broken) == 0 {
						yield(v, failed)
					}
					return
				}
				if !yield(v, nil) {
					return
				}
			}
		})
	}
}

// handover passes values from goroutines to the iterating task.
type handover[T any] struct {
	n    int // values that may wait when put returns
	loop *aio.Loop
	wake func() // resumes the task; on the loop

	mu     sync.Mutex // guards the rest
	moved  sync.Cond  // taken or left has changed
	items  []T        // values that wait
	taken  int        // values that were taken
	asleep bool       // the task has found no value
	ended  bool       // the body has returned: it has no more values
	left   bool       // the iteration is over
}

// put is the yield of the body.
func (h *handover[T]) put(v T) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left || h.ended {
		return false
	}
	mustBe(len(h.items) < h.n || !h.loop.IsHere(), "FromThread",
		"yield was called on the loop, which would wait for itself; call it on another goroutine")
	h.items = append(h.items, v)
	number := h.taken + len(h.items)
	if h.asleep {
		h.asleep = false
		// It fails if the loop is closed: leave follows.
		_, _ = h.loop.CallSoonThreadsafe(h.wake)
	}
	for number-h.taken > h.n && !h.left {
		h.moved.Wait()
	}
	return number-h.taken <= h.n
}

// take returns the next value, if there is one.
func (h *handover[T]) take() (v T, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.items) == 0 {
		h.items, h.asleep = nil, true
		return v, false
	}
	v = h.items[0]
	clear(h.items[:1])
	h.items = h.items[1:]
	h.taken++
	h.moved.Broadcast()
	return v, true
}

// end is called when the body has returned.
func (h *handover[T]) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
}

// leave ends the waits of put.
func (h *handover[T]) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = true
	h.moved.Broadcast()
}
