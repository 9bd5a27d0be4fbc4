package transport

import (
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
)

// MaxConnections is how many connections a server serves at a time. Those that come then wait in the line of the system,
// not accepted, until one ends. By default there is no limit but that of descriptors. ([Portable] accepts up to 16 more, which
// wait as well.) It panics if n is less than 1. For [Listen] and [AdoptListener].
func MaxConnections(n int) Option {
	if n < 1 {
		panic("transport: MaxConnections: the number is less than 1; pass a positive one, or leave the option out")
	}
	return optionFunc(func(o *options) { o.maxConnections = n })
}

// IdleTimeout ends connections of a server on which nothing was received and nothing sent for d: the peer is silent, or does
// not take what is sent to it. ConnectionLost, and reads and drains of package stream, get a [*TimeLimitError].
//
// The time in which a handler of package stream works, and waits for something else than its peer, does not count; a protocol
// with a method Busy() bool that returns true is left alone in the same way. After such work the connection has at least d, and
// less than twice as much. By default there is no limit. It panics if d is not positive. For [Listen] and [AdoptListener].
func IdleTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: IdleTimeout: the time is not positive; pass one above 0, or leave the option out")
	}
	return optionFunc(func(o *options) { o.idleTimeout = d })
}

// TotalTimeout ends connections of a server when d has passed since they were accepted, whatever they do, with a
// [*TimeLimitError]. By default there is no limit. It panics if d is not positive. For [Listen] and [AdoptListener].
func TotalTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: TotalTimeout: the time is not positive; pass one above 0, or leave the option out")
	}
	return optionFunc(func(o *options) { o.totalTimeout = d })
}

// TimeLimitError ends a connection because of [IdleTimeout] or [TotalTimeout]. It matches [os.ErrDeadlineExceeded] and is a
// time-out for net.Error.
type TimeLimitError struct {
	After time.Duration
	Idle  bool // by IdleTimeout
}

// Error tells which limit it was.
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

// watchIdle looks after the connection when a time has passed.
func (t *selectorTransport) watchIdle(limit, after time.Duration) {
	l := t.limits
	l.idle = t.hub.loop.CallLater(after, func() {
		now := t.hub.loop.Time()
		if b, ok := t.application().(interface{ Busy() bool }); ok && b.Busy() || t.outer != nil && handshaking(t.outer) {
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

// acceptAgain goes on with listeners that have stopped because the server was full.
func (s *Server) acceptAgain() {
	for _, l := range s.listeners {
		if l.full {
			l.full = false
			l.acceptSoon()
		}
	}
}
