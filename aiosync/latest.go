package aiosync

import (
	"context"
	"fmt"
	"iter"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Latest is a value that changes, such as a configuration. Tasks that follow it see the latest
// value and may skip older ones. The zero value holds the zero value of T, at version 0. asyncio
// has no counterpart.
type Latest[T any] struct {
	value   T
	version uint64
	line    aio.Line
}

// LatestStatistics is the result of [Latest.Statistics].
type LatestStatistics struct {
	Version uint64 // the number of calls of Set
	Waiting int    // tasks that wait for a change
}

// NewLatest returns a Latest that holds v, at version 0.
func NewLatest[T any](v T) *Latest[T] {
	l := &Latest[T]{value: v}
	l.line.MustBeHere("NewLatest")
	return l
}

// Set stores v and increases the version by 1. Tasks that wait for a change resume in the next
// pass, in FIFO order, and get the value that is the latest then.
func (l *Latest[T]) Set(v T) {
	l.line.MustBeHere("Latest.Set")
	l.value = v
	l.version++
	l.line.CallAll("Latest.Set")
}

// Get returns the value and its version.
func (l *Latest[T]) Get() (v T, version uint64) { return l.value, l.version }

// Next waits until the version differs from seen, and returns the value and its version. If it
// differs now, Next returns at once, even if the context is cancelled.
//
// Cancellation: Next returns the error. Nothing is lost: call it again with the same version.
func (l *Latest[T]) Next(ctx context.Context, seen uint64) (v T, version uint64, err error) {
	const op = "Latest.Next"
	t := aio.Running(ctx, op)
	l.line.MustFit(t, op)
	for l.version == seen {
		if err := l.line.Wait(aio.NewWaiter(ctx, op, l)); err != nil {
			return v, seen, err
		}
	}
	return l.value, l.version, nil
}

// WaitUntil waits until pred returns true for the value, and returns that value. If pred accepts
// the current value, it does not wait. It may miss a value that is replaced in the pass in which it
// was set.
//
// Cancellation: WaitUntil returns the error; nothing else changes.
func (l *Latest[T]) WaitUntil(ctx context.Context, pred func(T) bool) (T, error) {
	mustHave("Latest.WaitUntil", pred != nil)
	aio.Running(ctx, "Latest.WaitUntil")
	v, seen := l.value, l.version
	for !pred(v) {
		var err error
		if v, seen, err = l.Next(ctx, seen); err != nil {
			return v, err
		}
	}
	return v, nil
}

// All returns an iterator over the current value and then the latest value after each change.
//
// Cancellation: the iterator yields the error as its last element.
func (l *Latest[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		v, seen := l.value, l.version
		for {
			if !yield(v, nil) {
				return
			}
			var err error
			if v, seen, err = l.Next(ctx, seen); err != nil {
				yield(v, err)
				return
			}
		}
	}
}

// Statistics returns a copy of the current state.
func (l *Latest[T]) Statistics() LatestStatistics {
	return LatestStatistics{Version: l.version, Waiting: l.line.Len()}
}

// String shows the value, its version and how many tasks wait for a change.
func (l *Latest[T]) String() string {
	value := safetext.Value(l.value, 80)
	return fmt.Sprintf("<Latest %s, version:%d%s>", value, l.version, waitersText(l.line.Len()))
}
