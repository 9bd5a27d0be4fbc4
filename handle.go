package aio

import (
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/nocopy"
)

// runnable is an entry of the ready queue: a task that goes on, a callback, or something of this package that has to take place in order.
type runnable interface{ run() }

// Handle is a callback that the loop is going to call. asyncio: Handle.
type Handle struct {
	_         nocopy.Mark
	loop      *Loop
	fn        func()
	cancelled bool
	created   uintptr // in debug mode: who scheduled it
}

// Cancel keeps the callback from being called, if it has not been. It may be called more than once. Loop only. asyncio: cancel.
func (h *Handle) Cancel() {
	h.cancelled = true
	h.fn = nil // let go of what the callback refers to
}

// Cancelled reports whether Cancel was called. asyncio: cancelled.
func (h *Handle) Cancelled() bool { return h.cancelled }

// String shows the function, and in debug mode who scheduled it.
func (h *Handle) String() string {
	switch {
	case h.cancelled:
		return "<Handle cancelled>"
	case h.fn == nil:
		return "<Handle done>"
	}
	s := "<Handle " + funcSite(reflect.ValueOf(h.fn).Pointer())
	if h.created != 0 {
		s += " scheduled at " + siteOf(h.created)
	}
	return s + ">"
}

func (h *Handle) run() {
	if h.cancelled {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.panicked(v)
		}
	}()
	h.fn()
}

func (h *Handle) panicked(v any) {
	err := &PanicError{Value: v, Stack: debug.Stack()}
	h.loop.report(Report{Message: "a callback panicked: " + h.String(), Err: err, Site: siteOf(h.created)})
}

// CallSoon has fn called by the loop in the next pass, behind what is ready already. A panic of fn is reported to the exception handler
// and the loop goes on. It panics if the loop is closed or fn is nil. Loop only; elsewhere use [Loop.CallSoonThreadsafe]. asyncio: call_soon.
func (l *Loop) CallSoon(fn func()) *Handle {
	l.checkCallback("Loop.CallSoon", fn)
	h := &Handle{loop: l, fn: fn}
	if l.debug.Load() {
		h.created = callerPC(0)
	}
	l.ready.Push(h)
	return h
}

func (l *Loop) checkCallback(op string, fn func()) {
	mustHave(op, fn != nil)
	l.check(op)
}

// mustBeHere is check for what wakes tasks: a call from another goroutine would be lost on a loop that waits, so it always panics.
func (l *Loop) mustBeHere(op string) {
	l.check(op)
	if goid.Fast && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, "called from a goroutine that is not the loop's; use CallSoonThreadsafe"))
	}
}

// check panics if the loop is closed, and in debug mode if the caller is on another goroutine.
func (l *Loop) check(op string) {
	if l.closed.Load() {
		panic(misuse(op, "the loop is closed; it runs nothing any more"))
	}
	if l.debug.Load() && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, fmt.Sprintf("called from a goroutine that is not the loop's (goroutine %d); use CallSoonThreadsafe or Submit", goroutineNumber())))
	}
}
