package aiosync

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aio-go/aio/internal/nocopy"

	"github.com/aio-go/aio"
)

// Broadcast sends each value to every subscriber. It never waits for them: it keeps the last so many values, and a subscriber that falls
// further behind is told how many it has missed. It belongs to the first loop on which a task had to wait for it. All methods are for the
// loop only. asyncio has no counterpart.
//
// A Broadcast does not know its subscribers, so a [Subscription] that is not used any more need not be closed.
type Broadcast[T any] struct {
	_      nocopy.Mark
	values []T
	sent   uint64 // values sent, ever; number i, from 0, is at i modulo the size
	closed bool
	line   aio.Line
}

// BroadcastStatistics is what [Broadcast.Statistics] returns.
type BroadcastStatistics struct {
	Size    int    // how many values are kept
	Sent    uint64 // values sent so far
	Waiting int    // subscribers that have had everything and wait for more
	Closed  bool
}

// A LaggedError tells a subscriber that it was too slow and has missed values. The subscription goes on with the oldest that was kept.
type LaggedError struct {
	Missed uint64 // how many values were lost to this subscriber
}

func (e *LaggedError) Error() string {
	return fmt.Sprintf("aio: the subscriber was too slow: %d values of the broadcast are lost to it", e.Missed)
}

// NewBroadcast makes a broadcast that keeps size values. It panics if size is less than one.
func NewBroadcast[T any](size int) *Broadcast[T] {
	if size < 1 {
		panic(misuse("NewBroadcast", fmt.Sprintf("the size is %d; use 1 or more", size)))
	}
	return &Broadcast[T]{values: make([]T, size)}
}

// Send sends a value. Subscribers that wait go on in the next pass, in the order in which they began to wait. The oldest value that is kept
// makes way. It never waits, and panics if the broadcast is closed.
func (b *Broadcast[T]) Send(v T) {
	const op = "Broadcast.Send"
	switch {
	case b.closed:
		panic(misuse(op, "the broadcast is closed; the last sender closes it"))
	case len(b.values) == 0:
		panic(misuse(op, "the broadcast has no size; make it with NewBroadcast"))
	}
	b.values[b.sent%uint64(len(b.values))] = v
	b.sent++
	b.line.CallAll(op)
}

// Close ends the broadcast: subscribers get what they have not had yet, and then [ErrBroadcastClosed]. A second Close does nothing.
func (b *Broadcast[T]) Close() {
	b.closed = true
	b.line.CallAll("Broadcast.Close")
}

// Subscribe makes a subscription to all values that are sent from now on.
func (b *Broadcast[T]) Subscribe() *Subscription[T] { return &Subscription[T]{from: b, next: b.sent} }

// Statistics returns a picture of the broadcast as it is now.
func (b *Broadcast[T]) Statistics() BroadcastStatistics {
	return BroadcastStatistics{Size: len(b.values), Sent: b.sent, Waiting: b.line.Len(), Closed: b.closed}
}

// String shows how many values were sent, and how many subscribers wait.
func (b *Broadcast[T]) String() string {
	s := fmt.Sprintf("<Broadcast size:%d, sent:%d", len(b.values), b.sent)
	if b.closed {
		s += ", closed"
	}
	return s + waitersText(b.line.Len()) + ">"
}

// Subscription is one subscriber's place in a [Broadcast]. Several tasks may use one; each value then goes to one of them.
type Subscription[T any] struct {
	_    nocopy.Mark
	from *Broadcast[T]
	next uint64
}

// Next waits for the next value and returns it. If there is one already it does not wait, also when the context is cancelled. The error is a
// [*LaggedError] if values were missed since the last call, once, with the count; [ErrBroadcastClosed] if no more values will come; or the
// error of a cancellation.
//
// Cancellation: the subscription stays where it is; no value is lost.
func (s *Subscription[T]) Next(ctx context.Context) (v T, err error) {
	const op = "Subscription.Next"
	t := aio.Running(ctx, op)
	b := s.from
	if b == nil {
		panic(misuse(op, "the subscription is not one of a broadcast; make it with Broadcast.Subscribe"))
	}
	b.line.MustFit(t, op)
	for s.next == b.sent {
		if b.closed {
			return v, ErrBroadcastClosed
		}
		if err := b.line.Wait(aio.NewWaiter(ctx, op, b)); err != nil {
			return v, err
		}
	}
	size := uint64(len(b.values))
	if b.sent-s.next > size {
		missed := b.sent - s.next - size
		s.next += missed
		return v, &LaggedError{missed}
	}
	v = b.values[s.next%size]
	s.next++
	return v, nil
}

// Behind returns how many values were sent that the subscriber has not had, those included that are lost to it.
func (s *Subscription[T]) Behind() uint64 { return s.from.sent - s.next }

// All returns an iterator over the values to come. Where values were missed it yields the [*LaggedError] and goes on; it ends quietly with
// the broadcast, and with an error, its last element, when the task is cancelled.
//
// Cancellation: as for Next.
func (s *Subscription[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := s.Next(ctx)
			if errors.Is(err, ErrBroadcastClosed) || !yield(v, err) {
				return
			}
			if _, lagged := err.(*LaggedError); err != nil && !lagged {
				return
			}
		}
	}
}
