package transport

import (
	"context"
	"slices"

	"github.com/aio-go/aio"
)

// Graceful is implemented by protocols that know when nothing is under way on their connections, for
// [Server.Shutdown] and the end of the loop. Those of package stream do.
type Graceful interface {
	Protocol
	// Enrol is called once, before ConnectionMade. In ConnectionMade the protocol calls begin, and end when all that it has begun
	// has ended, also what goes on after ConnectionLost. The other two methods are called only in between.
	Enrol(begin func() (end func()))
	// Retire asks the protocol to end its connection as soon as it is idle. It may be called more than once.
	Retire()
	// CutOff says that there is no more time. The transport is aborted right after.
	CutOff()
}

// enrol keeps account of a protocol from its beginning to its end.
func (s *Server) enrol(p Protocol) {
	g, ok := p.(Graceful)
	if !ok {
		return
	}
	g.Enrol(func() (end func()) {
		e := s.graceful.PushBack(g)
		if s.retiring { // it came in at the last moment
			g.Retire()
		}
		return func() {
			s.graceful.Remove(e)
			s.wakeIfOver()
		}
	})
}

// Shutdown ends the server in order: it stops accepting, closes connections that are idle, lets the others finish, and waits
// for them and for their handlers.
//
// A connection of package stream is idle while its handler waits for the peer in a read and nothing is buffered. The read then
// gets the end of the stream, as if the peer had left, so that the handler ends by itself and can still say goodbye. A line or
// frame of which a part has come is waited for; so is what [stream.Reader.ReadAll] reads, and a stream of bytes that has not been
// answered. Of other protocols those that implement [Graceful] are asked; connections of the rest are closed, after what
// they have left to send. Connections whose TLS handshake is under way are dropped.
//
// Give it a limit, with aio.Timeout(ctx, d, server.Shutdown). Do not call it in a handler, which would wait for itself.
//
// Cancellation: connections that are left are aborted and their handlers cancelled. [Server.WaitClosed] waits for the connections.
//
// It stands for Server.shutdown of net/http; asyncio has no counterpart.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Close()
	s.retire()
	s.eachClient(func(t Transport) {
		if handshaking(t) {
			t.Abort()
		} else if _, ok := t.Protocol().(Graceful); !ok {
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

// retire asks every protocol that can be asked to end.
func (s *Server) retire() {
	s.retiring = true
	s.each(Graceful.Retire)
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

// Look has what arrived already delivered now, unless reading is paused, so that a decision can follow. It is for a callback
// of the loop.
func (t *selectorTransport) Look() {
	if t.phase == open {
		t.readable = true
		t.read()
	}
}

// Look is that of the raw transport.
func (t *tlsTransport) Look() {
	if l, ok := t.raw.(interface{ Look() }); ok {
		l.Look()
	}
}
