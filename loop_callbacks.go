package aio

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"slices"

	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/signals"
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

// withdraw takes the last turn of the running task out of the ready queue. Behind it are only
// entries of this step, so that the search is short.
func (l *Loop) withdraw(t *taskCore) {
	i := l.ready.Len() - 1
	for i >= 0 && l.ready.At(i) != runnable(t) {
		i--
	}
	if i < 0 {
		return
	}
	l.ready.RemoveAt(i)
	if s := l.scheduling; s != nil && i < len(s.entries) {
		s.entries = slices.Delete(s.entries, i, i+1)
		l.doubt()
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
	if h.loop != nil {
		h.loop.MustBeHere("Handle.Cancel")
	}
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
	h.loop.trouble("a callback panicked")
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

// ErrSignal is returned for a signal that cannot be handled.
var ErrSignal = errors.New("aio: this signal cannot be handled")

// WithInterrupt makes Run handle the given signals, or os.Interrupt without arguments. The first
// signal cancels the main task, and Run returns an error that matches [ErrInterrupted]. From the
// second on, signals have their default effect. Default: Run handles no signals.
func WithInterrupt(sig ...os.Signal) Option {
	if len(sig) == 0 {
		sig = []os.Signal{os.Interrupt}
	}
	return option(func(l *Loop) { l.interrupt = sig })
}

// signalHandler is a registered handler. Its goroutine posts the signal to the loop.
type signalHandler struct {
	sig   os.Signal
	fn    func()
	c     chan os.Signal
	done  chan struct{}
	ended chan struct{}
}

// AddSignalHandler makes the loop call fn whenever the process gets sig, instead of the signal's
// default effect. It replaces a handler for the same signal. It returns an error that matches
// [ErrSignal] if sig is not a signal or cannot be caught. Close removes the handlers. asyncio:
// add_signal_handler.
func (l *Loop) AddSignalHandler(sig os.Signal, fn func()) error {
	l.checkCallback("Loop.AddSignalHandler", fn)
	if err := signals.Check(sig); err != nil {
		return fmt.Errorf("Loop.AddSignalHandler: %w: %w", ErrSignal, err)
	}
	l.RemoveSignalHandler(sig)
	h := &signalHandler{
		sig:   sig,
		fn:    fn,
		c:     make(chan os.Signal, 8),
		done:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	if l.signals == nil {
		l.signals = map[os.Signal]*signalHandler{}
		l.OnClose(l.removeSignals)
	}
	l.signals[sig] = h
	signal.Notify(h.c, sig)
	go h.pass(l)
	return nil
}

// pass posts signals to the loop until the handler is removed.
func (h *signalHandler) pass(l *Loop) {
	defer close(h.ended)
	for {
		select {
		case <-h.c:
			l.inbox.put(&Handle{loop: l, fn: func() {
				if l.signals[h.sig] == h {
					h.fn()
				}
			}})
		case <-h.done:
			return
		}
	}
}

// RemoveSignalHandler removes the handler for sig, restores the signal's previous effect, and
// reports whether there was a handler. asyncio: remove_signal_handler.
func (l *Loop) RemoveSignalHandler(sig os.Signal) bool {
	l.MustBeHere("Loop.RemoveSignalHandler")
	h := l.signals[sig]
	if h == nil {
		return false
	}
	delete(l.signals, sig)
	signal.Stop(h.c)
	close(h.done)
	<-h.ended
	return true
}

func (l *Loop) removeSignals() {
	for sig := range l.signals { // in any order: it cannot be seen
		l.RemoveSignalHandler(sig)
	}
}
