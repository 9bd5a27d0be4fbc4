package aiosync

import (
	"context"

	"github.com/aio-go/aio"
)

// Event is a flag that tasks can wait for. The zero value is not set. Another goroutine sets it
// with CallSoonThreadsafe(event.Set). asyncio: Event.
type Event struct {
	set  bool
	line aio.Line
}

// EventStatistics is the result of [Event.Statistics].
type EventStatistics struct {
	Set     bool
	Waiting int // tasks in line
}

// Set sets the flag. All waiting tasks resume in the next pass, in FIFO order, even if the flag is
// cleared before that. asyncio: set.
func (e *Event) Set() {
	e.line.MustBeHere("Event.Set")
	if !e.set {
		e.set = true
		e.line.CallAll("Event.Set")
	}
}

// Clear resets the flag. Tasks that call Wait from now on wait. asyncio: clear.
func (e *Event) Clear() {
	e.line.MustBeHere("Event.Clear")
	e.set = false
}

// IsSet reports whether the flag is set. asyncio: is_set.
func (e *Event) IsSet() bool { return e.set }

// Wait waits until the flag is set. If it is set now, Wait returns nil at once, even if the context
// is cancelled. asyncio: wait.
//
// Cancellation: Wait returns the error; nothing else changes.
func (e *Event) Wait(ctx context.Context) error {
	t := aio.Running(ctx, "Event.Wait")
	e.line.MustFit(t, "Event.Wait")
	if e.set {
		return nil
	}
	return e.line.Wait(aio.NewWaiter(ctx, "Event.Wait", e))
}

// Statistics returns a copy of the event's current state.
func (e *Event) Statistics() EventStatistics {
	return EventStatistics{Set: e.set, Waiting: e.line.Len()}
}

// String shows whether the flag is set, and how many tasks wait.
func (e *Event) String() string {
	s := "<Event unset"
	if e.set {
		s = "<Event set"
	}
	return s + waitersText(e.line.Len()) + ">"
}
