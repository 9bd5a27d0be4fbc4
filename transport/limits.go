package transport

import (
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
)

// MaxConnections sets how many connections a server serves at a time. Further ones wait in the
// system's backlog, not accepted, until one ends. ([Portable] accepts up to 16 more, which wait as
// well.) By default only the number of descriptors is a limit. It panics if n is less than 1. For
// [Listen] and [AdoptListener].
func MaxConnections(n int) Option {
	if n < 1 {
		panic("transport: MaxConnections: the number is less than 1; " +
			"pass a positive one, or leave the option out")
	}
	return optionFunc(func(o *options) { o.maxConnections = n })
}

// IdleTimeout ends a connection of a server on which no byte moves for d: the peer is silent, or
// does not take the bytes sent to it. ConnectionLost, and reads and drains of package stream, get a
// [*TimeLimitError].
//
// Time in which a handler of package stream works, or waits for something other than its peer, does
// not count. The same holds while a protocol's method Busy() bool returns true. After such work the
// connection has at least d, and less than twice d. By default there is no limit. It panics if d is
// not positive. For [Listen] and [AdoptListener].
func IdleTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: IdleTimeout: the time is not positive; " +
			"pass one above 0, or leave the option out")
	}
	return optionFunc(func(o *options) { o.idleTimeout = d })
}

// TotalTimeout ends a connection of a server, busy or not, with a [*TimeLimitError] when d has
// passed since it was accepted. By default there is no limit. It panics if d is not positive. For
// [Listen] and [AdoptListener].
func TotalTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: TotalTimeout: the time is not positive; " +
			"pass one above 0, or leave the option out")
	}
	return optionFunc(func(o *options) { o.totalTimeout = d })
}

// TimeLimitError ends a connection because of [IdleTimeout] or [TotalTimeout]. It matches
// [os.ErrDeadlineExceeded] and is a time-out for net.Error.
type TimeLimitError struct {
	After time.Duration
	Idle  bool // by IdleTimeout
}

// Error names the limit.
func (e *TimeLimitError) Error() string {
	if e.Idle {
		return fmt.Sprintf("transport: the connection was idle for %v", e.After)
	}
	return fmt.Sprintf("transport: the connection was open for %v, which is the limit", e.After)
}

// Is makes the error match os.ErrDeadlineExceeded.
func (e *TimeLimitError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// Timeout and Temporary make the error a net.Error.
func (e *TimeLimitError) Timeout() bool { return true }

// Temporary returns false.
func (e *TimeLimitError) Temporary() bool { return false }

// timeLimits are those of one connection.
type timeLimits struct {
	moved time.Time // when something was received or sent last
	idle  *aio.TimerHandle
	total *aio.TimerHandle
}

// limitTime begins to watch a connection, if the server has limits.
func (t *selectorTransport) limitTime(o *options) {
	if o.idleTimeout <= 0 && o.totalTimeout <= 0 {
		return
	}
	t.limits = &timeLimits{moved: t.hub.loop.Time()}
	if d := o.idleTimeout; d > 0 {
		t.watchIdle(d, d)
	}
	if d := o.totalTimeout; d > 0 {
		t.limits.total = t.hub.loop.CallLater(d, func() { t.overLimit(&TimeLimitError{After: d}) })
	}
}

// watchIdle checks the connection when a time has passed.
func (t *selectorTransport) watchIdle(limit, after time.Duration) {
	l := t.limits
	l.idle = t.hub.loop.CallLater(after, func() {
		now := t.hub.loop.Time()
		if b, ok := t.application().(interface{ Busy() bool }); ok && b.Busy() ||
			t.outer != nil && handshaking(t.outer) {
			l.moved = now // a handshake has a limit of its own
		}
		if left := limit - now.Sub(l.moved); left > 0 {
			t.watchIdle(limit, left)
			return
		}
		t.overLimit(&TimeLimitError{After: limit, Idle: true})
	})
}

// application returns the protocol behind those of TLS.
func (t *selectorTransport) application() Protocol {
	p := t.proto
	for {
		secured, ok := p.(tlsProtocol)
		if !ok {
			return p
		}
		p = secured.t.app
	}
}

func (t *selectorTransport) overLimit(err error) {
	t.file.lost(err)
	endSoon(t, err)
}

// bytesMoved is called when something was received or sent.
func (t *selectorTransport) bytesMoved() {
	if t.limits != nil {
		t.limits.moved = t.hub.loop.Time()
	}
}

func (l *timeLimits) stop() {
	if l == nil {
		return
	}
	if l.idle != nil {
		l.idle.Cancel()
	}
	if l.total != nil {
		l.total.Cancel()
	}
}

// isFull reports whether no connection can be accepted at the moment.
func (s *Server) isFull() bool { return s.o.maxConnections > 0 && s.active >= s.o.maxConnections }

// acceptAgain restarts listeners that stopped because the server was full.
func (s *Server) acceptAgain() {
	for _, l := range s.listeners {
		if l.full {
			l.full = false
			l.acceptSoon()
		}
	}
}
