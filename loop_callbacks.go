package aio

import (
	"reflect"
	"runtime/debug"

	"github.com/aio-go/aio/internal/nocopy"
)

// runnable is an entry of the ready queue: a task to resume, a callback, or an internal step that
// needs a place in the order.
type runnable interface{ run() }

// doubt is called when an entry of the ready queue may have lost its point. Then all are looked at
// before the next step; otherwise only those that have come since the last.
func (l *Loop) doubt() {
	if s := l.scheduling; s != nil {
		s.checked = 0
	}
}

// strayed is called when a task gives up a wait, or a timer is set anew, while in the ready queue.
// Such an entry is doubted until it leaves: it has a point again while the next one is there too.
func (l *Loop) strayed() {
	if s := l.scheduling; s != nil {
		s.strays++
	}
}

// Handle is a callback that the loop will call. asyncio: Handle.
type Handle struct {
	_         nocopy.Mark
	loop      *Loop
	fn        func()
	cancelled bool
	created   uintptr // in debug mode: the place that scheduled it
}

// Cancel prevents the call if it has not been made. A second Cancel does nothing. asyncio: cancel.
func (h *Handle) Cancel() {
	h.cancelled = true
	h.fn = nil // let go of what the callback refers to
	if h.loop != nil {
		h.loop.doubt()
	}
}

// Cancelled reports whether Cancel was called. asyncio: cancelled.
func (h *Handle) Cancelled() bool { return h.cancelled }

// String shows the function and, in debug mode, the place that scheduled it.
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
	h.loop.report(Report{
		Message: "a callback panicked: " + h.String(),
		Err:     err,
		Site:    siteOf(h.created),
	})
}

// CallSoon makes the loop call fn in the next pass, after the entries that are ready already. A
// panic of fn is reported to the exception handler. CallSoon panics if the loop is closed or fn is
// nil. On other goroutines use [Loop.CallSoonThreadsafe]. asyncio: call_soon.
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
