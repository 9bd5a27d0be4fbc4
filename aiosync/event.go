package aiosync

import (
	"context"

	"github.com/aio-go/aio"
)

// Event is a flag that tasks wait for. The zero value is not set. It belongs to the first loop on which a task had to wait for it, and must
// not be copied after first use. Its methods are for the loop only; another goroutine sets it with CallSoonThreadsafe(event.Set).
// asyncio: Event.
type Event struct {
	set  bool
	line aio.Line
}

// EventStatistics is what [Event.Statistics] returns.
type EventStatistics struct {
	Set     bool
	Waiting int // tasks in line
}

// Set sets the flag. The tasks that wait for it go on in the next pass, in the order in which they came, even if the flag is cleared before
// that. asyncio: set.
func (e *Event) Set() {
	if !e.set {
		e.set = true
		e.line.CallAll("Event.Set")
	}
}

// Clear takes the flag back: from now on Wait waits. asyncio: clear.
func (e *Event) Clear() { e.set = false }

// IsSet reports whether the flag is set. asyncio: is_set.
func (e *Event) IsSet() bool { return e.set }

// Wait waits until the flag is set. If it is set it returns at once, also when the context is cancelled. It returns nil, or the error of a
// cancellation. asyncio: wait.
//
// Cancellation: the task leaves the line; nothing else changes.
func (e *Event) Wait(ctx context.Context) error {
	t := aio.Running(ctx, "Event.Wait")
	e.line.MustFit(t, "Event.Wait")
	if e.set {
		return nil
	}
	return e.line.Wait(aio.NewWaiter(ctx, "Event.Wait", e))
}

// Statistics returns a picture of the event as it is now.
func (e *Event) Statistics() EventStatistics {
	return EventStatistics{Set: e.set, Waiting: e.line.Len()}
}

// String shows whether the flag is set, and how many wait.
func (e *Event) String() string {
	s := "<Event unset"
	if e.set {
		s = "<Event set"
	}
	return s + waitersText(e.line.Len()) + ">"
}
