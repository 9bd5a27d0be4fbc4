package aio

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/aio-go/aio/internal/signals"
)

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
