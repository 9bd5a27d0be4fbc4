package transport

import (
	"cmp"
	"net"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// acceptPause is how long a listener rests after accepting failed.
const acceptPause = time.Second

// maxLost is how many connections in a row may fail before they are accepted, if the network may be
// the reason. After that it counts as a failure of the listener.
const maxLost = 100

// listening is one address of a server.
type listening struct {
	s       *Server
	ln      Listener
	queued  bool // accept is in the loop's queue
	waiting bool // the pause after a failure is not over
	full    bool // it has stopped because the server has its maximum of connections
	lost    int  // connections in a row that failed before they were accepted
	resume  *aio.TimerHandle
}

// accept accepts waiting connections. A turn ends after the backlog, or after acceptTime, so that a
// flood of connections leaves other tasks their turn.
func (l *listening) accept() {
	if l.queued {
		return
	}
	s := l.s
	begin := s.hub.loop.Time()
	for range cmp.Or(s.o.backlog, acceptsInOneGo) {
		if s.closed || l.waiting {
			return
		}
		if s.isFull() {
			l.full = true
			return
		}
		conn, err := l.ln.TryAccept()
		switch {
		case err == nil:
			l.lost = 0
			s.serve(conn)
			if s.hub.loop.Time().Sub(begin) >= acceptTime {
				l.acceptSoon()
				return
			}
		case givenUp(err):
		case concernsOne(err) && l.lost < maxLost:
			l.lost++ // the next one may be in order
		case err == ErrWouldBlock, errtree.Is(err, net.ErrClosed):
			return
		default:
			l.pause(err)
			return
		}
	}
	// Readiness is reported once: look again, after others had their turn.
	l.acceptSoon()
}

// acceptSoon queues another turn of accepting. Until then a report of readiness begins none.
func (l *listening) acceptSoon() {
	if !l.queued {
		l.queued = true
		l.s.hub.loop.CallSoon(func() {
			l.queued = false
			l.accept()
		})
	}
}

// pause reports that accepting failed and tries again later. Otherwise an exhausted system would be
// asked without end.
func (l *listening) pause(err error) {
	l.s.failures++
	what := "accepting failed"
	if isExhausted(err) {
		what = "accepting failed for lack of resources"
	}
	l.s.hub.report(what+", trying again in "+acceptPause.String(), err, l.s.about())
	if l.s.closed {
		return // by the handler
	}
	l.waiting, l.lost = true, 0
	l.resume = l.s.hub.loop.CallLater(acceptPause, func() {
		l.waiting, l.resume = false, nil
		l.accept()
	})
}

// serve gives conn its protocol.
func (s *Server) serve(conn Conn) {
	s.accepted++
	p := s.makeProtocol()
	if p == nil {
		conn.Close()
		return
	}
	s.enrol(p)
	if s.o.tlsConfig == nil {
		newTransport(s.hub, conn, p, s, nil).linger.patience = s.o.shutdownTimeout
		return
	}
	var raw *selectorTransport
	outer := wrapServerTLS(s.hub.loop, func(p Protocol) Transport {
		raw = newTransport(s.hub, conn, p, s, nil)
		raw.linger.patience = s.o.shutdownTimeout
		return raw
	}, p, s.o)
	raw.outer, outer.server = outer, s
}

// makeProtocol calls the factory, and reports its failure.
func (s *Server) makeProtocol() (p Protocol) {
	defer func() {
		if v := recover(); v != nil {
			s.hub.report("the protocol factory panicked", panicError(v), s.about())
		}
	}()
	if p = s.factory(); p == nil {
		panic("transport: Listen: the protocol factory returned nil; return a protocol")
	}
	return p
}
