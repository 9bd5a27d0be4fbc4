package transport

import (
	"context"
	"slices"
	"time"

	"github.com/aio-go/aio"
)

// Graceful is implemented by protocols that know when their connections are idle. [Server.Shutdown]
// and the end of the loop use it. The protocols of package stream implement it.
type Graceful interface {
	Protocol
	// Enrol is called once, before ConnectionMade. In ConnectionMade the protocol calls begin. It
	// calls end when all its work has ended, including work after ConnectionLost. The other two
	// methods are called only in between.
	Enrol(begin func() (end func()))
	// Retire asks the protocol to end its connection as soon as it is idle. It may be called more
	// than once.
	Retire()
	// CutOff says that no time is left. The transport is aborted right after it.
	CutOff()
}

// lateGrace is how long a connection that begins during a shutdown has for its first words.
const lateGrace = time.Second

// enrol keeps count of a protocol from its beginning to its end.
func (s *Server) enrol(p Protocol) {
	g, ok := p.(Graceful)
	if !ok {
		return
	}
	g.Enrol(func() (end func()) {
		e := s.graceful.PushBack(g)
		var late *aio.TimerHandle
		if s.retiring { // the connection was accepted just before, or its handshake took until now
			late = s.hub.loop.CallLater(lateGrace, g.Retire)
		}
		return func() {
			if late != nil {
				late.Cancel()
			}
			s.graceful.Remove(e)
			s.wakeIfOver()
		}
	})
}

// Shutdown ends the server in order. It stops accepting, closes idle connections, lets the others
// finish, and waits for them and for their handlers.
//
// A connection of package stream is idle while its handler waits for the peer in a read and nothing
// is buffered. The read then gets the end of the stream, as if the peer had left, so the handler
// ends by itself and can still say goodbye. A connection is not idle while a line or frame has
// arrived in part, in [stream.Reader.ReadAll], and while a stream of bytes has no answer yet. Of
// other protocols those that implement [Graceful] are asked. Other connections are closed after
// their unsent bytes. A TLS handshake that the peer has begun may end, and the connection then has
// a second for its first words. A handshake that the peer has not begun is dropped.
//
// Give it a limit with aio.Timeout(ctx, d, server.Shutdown). Do not call it in a handler, which
// would wait for itself. asyncio has no counterpart; it works like Server.Shutdown of net/http.
//
// Cancellation: the remaining connections are aborted and their handlers cancelled.
// [Server.WaitClosed] waits for the connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Close()
	s.shutting = true
	s.retire()
	s.eachClient(func(t Transport) {
		if _, ok := t.Protocol().(Graceful); !ok && !handshaking(t) {
			t.Close()
		}
	})
	for s.active > 0 || s.graceful.Len() > 0 {
		w := aio.NewWaiter(ctx, "transport.Server.Shutdown", s)
		s.waiters = append(s.waiters, w)
		if err := w.Park(); err != nil {
			s.waiters = slices.DeleteFunc(s.waiters, func(x aio.Waiter) bool { return x == w })
			s.each(Graceful.CutOff)
			s.AbortClients()
			return err
		}
	}
	return nil
}

// retire asks every [Graceful] protocol to end.
func (s *Server) retire() {
	s.retiring = true
	s.each(Graceful.Retire)
	s.eachClient(func(t Transport) {
		if handshaking(t) && !t.(*tlsTransport).heard {
			t.Abort()
		}
	})
}

// shaken is told that a TLS handshake is over.
func (s *Server) shaken(t *tlsTransport) {
	if _, ok := t.app.(Graceful); !ok && s.shutting {
		t.Close()
	}
}

func (s *Server) each(do func(Graceful)) {
	for e := s.graceful.Front(); e != nil; {
		next := e.Next()
		do(e.Value.(Graceful))
		e = next
	}
}

func handshaking(t Transport) bool {
	secured, ok := t.(*tlsTransport)
	return ok && secured.state == tlsHandshaking && !secured.upgrade
}

// Look delivers bytes that have arrived now, unless reading is paused, so that a decision can
// follow. It is for callbacks of the loop.
func (t *selectorTransport) Look() {
	if t.phase == open {
		t.readable = true
		t.read()
	}
}

// Look calls Look of the raw transport.
func (t *tlsTransport) Look() {
	if l, ok := t.raw.(interface{ Look() }); ok {
		l.Look()
	}
}
