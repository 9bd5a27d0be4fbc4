package aiosync

import (
	"context"
	"fmt"
	"iter"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// Broadcast sends each value to every subscriber. Send never waits: the broadcast keeps only the
// latest values. A subscriber that falls further behind gets a [LaggedError] with the number of
// values it missed. asyncio has no counterpart.
//
// A Broadcast keeps no list of its subscribers, so a [Subscription] needs no Close.
type Broadcast[T any] struct {
	_      nocopy.Mark
	values []T
	sent   uint64 // values sent, ever; number i, from 0, is at i modulo the size
	closed bool
	line   aio.Line
}

// BroadcastStatistics is the result of [Broadcast.Statistics].
type BroadcastStatistics struct {
	Size    int    // how many values are kept
	Sent    uint64 // values sent so far
	Waiting int    // tasks that wait for the next value
	Closed  bool
}

// A LaggedError tells a subscriber that it was too slow and missed values. The subscription
// continues with the oldest value that is kept.
type LaggedError struct {
	Missed uint64 // how many values this subscriber missed
}

func (e *LaggedError) Error() string {
	return fmt.Sprintf("aio: the subscriber was too slow and missed %d values", e.Missed)
}

// NewBroadcast returns a broadcast that keeps the last size values. It panics if size is less than
// 1.
func NewBroadcast[T any](size int) *Broadcast[T] {
	if size < 1 {
		panic(misuse("NewBroadcast", fmt.Sprintf("the size is %d; use 1 or more", size)))
	}
	b := &Broadcast[T]{values: make([]T, size)}
	b.line.MustBeHere("NewBroadcast")
	return b
}

// Send sends a value and drops the oldest one if the broadcast keeps size values already.
// Subscribers that wait resume in the next pass, in FIFO order. It never waits. It panics if the
// broadcast is closed.
func (b *Broadcast[T]) Send(v T) {
	const op = "Broadcast.Send"
	b.line.MustBeHere(op)
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

// Close ends the broadcast. Subscribers still get the values that are kept, and then
// [ErrBroadcastClosed]. A second Close does nothing.
func (b *Broadcast[T]) Close() {
	b.line.MustBeHere("Broadcast.Close")
	b.closed = true
	b.line.CallAll("Broadcast.Close")
}

// Subscribe returns a subscription to all values sent from now on.
func (b *Broadcast[T]) Subscribe() *Subscription[T] {
	b.line.MustBeHere("Broadcast.Subscribe")
	return &Subscription[T]{from: b, next: b.sent}
}

// Statistics returns a copy of the broadcast's current state.
func (b *Broadcast[T]) Statistics() BroadcastStatistics {
	return BroadcastStatistics{
		Size:    len(b.values),
		Sent:    b.sent,
		Waiting: b.line.Len(),
		Closed:  b.closed,
	}
}

// String shows how many values were sent, and how many subscribers wait.
func (b *Broadcast[T]) String() string {
	s := fmt.Sprintf("<Broadcast size:%d, sent:%d", len(b.values), b.sent)
	if b.closed {
		s += ", closed"
	}
	return s + waitersText(b.line.Len()) + ">"
}

// Subscription is one subscriber's position in a [Broadcast]. If several tasks use the same
// subscription, each value goes to one of them.
type Subscription[T any] struct {
	_    nocopy.Mark
	from *Broadcast[T]
	next uint64
}

// Next returns the next value. It waits until there is one; if there is one now it returns at once,
// even if the context is cancelled. After values were missed it returns a [*LaggedError] once. It
// returns [ErrBroadcastClosed] when no more values will come.
//
// Cancellation: Next returns the error and the subscription keeps its position. No value is lost.
func (s *Subscription[T]) Next(ctx context.Context) (v T, err error) {
	const op = "Subscription.Next"
	t := aio.Running(ctx, op)
	b := s.from
	if b == nil {
		panic(misuse(op, "the subscription has no broadcast; make it with Broadcast.Subscribe"))
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

// Behind returns how many values the subscriber has not received, including those it has missed.
func (s *Subscription[T]) Behind() uint64 { return s.from.sent - s.next }

// All returns an iterator over the next values. After missed values it yields a [*LaggedError] and
// continues. It ends without an error when the broadcast is closed.
//
// Cancellation: the iterator yields the error as its last element. No value is lost.
func (s *Subscription[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := s.Next(ctx)
			if err == ErrBroadcastClosed || !yield(v, err) {
				return
			}
			if _, lagged := err.(*LaggedError); err != nil && !lagged {
				return
			}
		}
	}
}
