package aiosync

import (
	"context"
	"fmt"
	"iter"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Latest is a value that changes, such as a configuration, and that tasks follow: they see the newest and may skip what lay between. The
// zero value holds the zero value of T, at version 0. It belongs to the first loop on which a task had to wait for it and must not be copied
// after first use. All methods are for the loop only. asyncio has no counterpart.
type Latest[T any] struct {
	value   T
	version uint64
	line    aio.Line
}

// LatestStatistics is what [Latest.Statistics] returns.
type LatestStatistics struct {
	Version uint64 // how often Set was called
	Waiting int    // tasks that wait for a change
}

// NewLatest makes a Latest that holds v, at version 0.
func NewLatest[T any](v T) *Latest[T] { return &Latest[T]{value: v} }

// Set changes the value. Tasks that wait for a change go on in the next pass, in the order in which they began to wait, and find the value
// that is the newest then.
func (l *Latest[T]) Set(v T) {
	l.value = v
	l.version++
	l.line.CallAll("Latest.Set")
}

// Get returns the value and its version, a number that grows with every Set.
func (l *Latest[T]) Get() (v T, version uint64) { return l.value, l.version }

// Next waits until the version is another than seen, and returns the value and its version. If it is so now, Next does not wait, also when the
// context is cancelled. The error is that of a cancellation.
//
// Cancellation: nothing is lost; ask again with the same version.
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

// WaitUntil waits until the value is one for which pred returns true, and returns it. If it is so now, WaitUntil does not wait. A value that is
// replaced in the pass in which it was set may be missed. The error is that of a cancellation.
//
// Cancellation: nothing changes.
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

// All returns an iterator over the value as it is and the newest one after each change. It ends with an error, its last element, when the task
// is cancelled.
//
// Cancellation: as for Next.
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

// Statistics returns a picture as it is now.
func (l *Latest[T]) Statistics() LatestStatistics {
	return LatestStatistics{Version: l.version, Waiting: l.line.Len()}
}

// String shows the value, its version and how many wait for a change.
func (l *Latest[T]) String() string {
	return fmt.Sprintf("<Latest %s, version:%d%s>", safetext.Value(l.value, 80), l.version, waitersText(l.line.Len()))
}
