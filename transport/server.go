package transport

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// Server accepts connections and gives each a protocol of its own. [Listen] makes it.
//
// When its loop begins to shut down, the server closes and ends idle connections, see
// [Server.Shutdown]; the others go on. When the loop closes they are aborted. asyncio: Server.
type Server struct {
	_         nocopy.Mark
	hub       *hub
	listeners []*listening
	factory   func() Protocol
	o         *options
	serving   bool
	closed    bool
	active    int          // connections that were accepted and are not lost
	accepted  int          // connections accepted so far
	failures  int          // failures of accepting
	unshaken  int          // TLS handshakes that failed
	graceful  list.List    // protocols that have begun and not ended
	retiring  bool         // the protocols were asked to end when they are idle
	shutting  bool         // by Shutdown: connections of other protocols are closed
	waiters   []aio.Waiter // tasks in WaitClosed and Shutdown
	forever   aio.Waiter   // the task in ServeForever
	inForever bool
	remove    func() // the shutdown hook
}

// Listen accepts connections on address and gives each a protocol made by factory. network is
// "tcp", "tcp4", "tcp6" or "unix"; address is "host:port" or a path. An empty host means every
// interface, an empty port or 0 a free one; [Server.Addrs] returns it. A name is listened on at
// each of its addresses. The server accepts when Listen returns, unless [StartServing] says
// otherwise.
//
// At a unix path, a socket without a listener is replaced. One in use, and any other file, gives
// syscall.EADDRINUSE. Only the same user can connect to a unix socket unless [SocketMode] says
// otherwise. errors.Is finds syscall.EADDRINUSE and the like. After an error nothing is left open.
//
// It suspends the task only to look up a name. asyncio: create_server and create_unix_server.
//
// Cancellation: nothing is left open.
func Listen(
	ctx context.Context, network, address string, factory func() Protocol, opts ...Option,
) (*Server, error) {
	const op = "Listen"
	checkNetwork(op, network)
	checkFactory(op, factory)
	o := gather(op, opts)
	h := hubOf(aio.RunningLoop(ctx))
	n := NetworkFrom(ctx)
	where, err := listenAddresses(ctx, n, network, append([]string{address}, o.alsoOn...))
	if err != nil {
		return nil, err
	}
	lo := ListenOptions{
		Backlog:        o.backlog,
		ReusePort:      o.reusePort,
		KeepSocketFile: o.keepSocketFile,
		SocketMode:     o.socketMode,
		KeepAlive:      o.keepAlive,
	}
	var lns []Listener
	for _, a := range where {
		ln, err := n.Listen(ctx, network, a, lo)
		if err != nil {
			for _, ln := range lns {
				ln.Close()
			}
			return nil, err
		}
		lns = append(lns, ln)
	}
	return newServer(h, lns, factory, o)
}

// AdoptListener is [Listen] on a listener that was made elsewhere. The server owns ln from then on,
// also after an error: do not use ln any more. It panics if ln is nil or no stream listener. It
// does not suspend. asyncio: create_server(sock=...).
func AdoptListener(
	ctx context.Context, ln net.Listener, factory func() Protocol, opts ...Option,
) (*Server, error) {
	const op = "AdoptListener"
	if ln == nil {
		panic("transport: AdoptListener: the listener is nil; pass one, or use Listen")
	}
	checkFactory(op, factory)
	checkStream(op, ln.Addr())
	o := gather(op, opts)
	h := hubOf(aio.RunningLoop(ctx))
	l, err := adoptListener(ctx, h, ln)
	if err != nil {
		ln.Close()
		return nil, err
	}
	return newServer(h, []Listener{l}, factory, o)
}

func checkFactory(op string, factory func() Protocol) {
	if factory == nil {
		panic("transport: " + op + ": the protocol factory is nil; " +
			"pass a function that returns a new protocol")
	}
}

// listenAddresses resolves the addresses and drops repetitions.
func listenAddresses(
	ctx context.Context, n Network, network string, given []string,
) ([]string, error) {
	var all []string
	for _, address := range given {
		literals := []string{address}
		if network != "unix" {
			aps, err := resolve(ctx, n, "listen", network, address, serving)
			if err != nil {
				return nil, err
			}
			literals = literals[:0]
			for _, ap := range aps {
				literals = append(literals, ap.String())
			}
		}
		for _, a := range literals {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all, nil
}

func newServer(h *hub, lns []Listener, factory func() Protocol, o *options) (*Server, error) {
	s := &Server{hub: h, factory: factory, o: o}
	if o.tlsConfig != nil {
		o.tlsConfig = h.turns.signBeside(o.tlsConfig)
	}
	for _, ln := range lns {
		h.own(ln)
		s.listeners = append(s.listeners, &listening{s: s, ln: ln})
	}
	s.remove = h.loop.OnShutdown(func() {
		s.Close()
		s.retire()
	})
	if !o.notServing {
		if err := s.StartServing(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// StartServing begins to accept; until then connections wait in the backlog. On a server that
// accepts already it does nothing. On a closed server it returns [ErrServerClosed]. After any other
// error the server is closed.
func (s *Server) StartServing() error {
	s.hub.loop.MustBeHere("Server.StartServing")
	if s.closed {
		return ErrServerClosed
	}
	if s.serving {
		return nil
	}
	s.serving = true
	for _, l := range s.listeners {
		if err := l.ln.Start(l.accept); err != nil {
			s.Close()
			return err
		}
	}
	return nil
}

// IsServing reports whether the server accepts connections.
func (s *Server) IsServing() bool { return s.serving && !s.closed }

// Addrs returns the addresses listened on; they stay available after Close.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.ln.Addr()
	}
	return addrs
}

// Close stops listening. Accepted connections go on; see [Server.Shutdown], [Server.CloseClients]
// and [Server.WaitClosed]. At the end of the loop those that are idle end first, as in Shutdown. A
// second call does nothing.
func (s *Server) Close() {
	s.hub.loop.MustBeHere("Server.Close")
	if s.closed {
		return
	}
	s.closed = true
	for _, l := range s.listeners {
		if l.resume != nil {
			l.resume.Cancel()
		}
		s.hub.disown(l.ln)
		l.ln.Close()
	}
	s.forever.Unpark()
	s.wakeIfOver()
}

// CloseClients closes every accepted connection after its unsent bytes.
func (s *Server) CloseClients() {
	s.hub.loop.MustBeHere("Server.CloseClients")
	s.eachClient(Transport.Close)
}

// AbortClients drops every accepted connection and its unsent bytes.
func (s *Server) AbortClients() {
	s.hub.loop.MustBeHere("Server.AbortClients")
	s.eachClient(Transport.Abort)
}

func (s *Server) eachClient(do func(Transport)) {
	for t := s.hub.first; t != nil; {
		next := t.next
		switch {
		case t.server != s:
		case t.outer != nil:
			do(t.outer)
		default:
			do(t)
		}
		t = next
	}
}

// WaitClosed waits until the server is closed and the last accepted connection has ended. If that
// is so already, it returns at once.
//
// Cancellation: nothing changes.
func (s *Server) WaitClosed(ctx context.Context) error {
	if s.over() {
		return nil
	}
	w := aio.NewWaiter(ctx, "transport.Server.WaitClosed", s)
	s.waiters = append(s.waiters, w)
	err := w.Park()
	if err != nil {
		s.waiters = slices.DeleteFunc(s.waiters, func(x aio.Waiter) bool { return x == w })
	}
	return err
}

func (s *Server) over() bool { return s.closed && s.active == 0 }

func (s *Server) wakeIfOver() {
	if !s.over() {
		return
	}
	if s.graceful.Len() == 0 {
		s.remove()
	}
	for _, w := range s.waiters {
		w.Unpark()
	}
	s.waiters = nil
}

// ServeForever accepts until [Server.Close] is called, and then returns nil. On a closed server it
// returns [ErrServerClosed]. It panics if another task is in it.
//
// Cancellation: the server is closed; accepted connections go on.
func (s *Server) ServeForever(ctx context.Context) error {
	if s.inForever {
		panic("transport: Server.ServeForever: another task is in it; " +
			"call it once, others can use WaitClosed")
	}
	if err := s.StartServing(); err != nil {
		return err
	}
	s.inForever = true
	s.forever = aio.NewWaiter(ctx, "transport.Server.ServeForever", s)
	err := s.forever.Park()
	s.inForever, s.forever = false, aio.Waiter{}
	if err != nil {
		s.Close()
	}
	return err
}

// Scope runs fn, then closes the server and waits until its last connection has ended. It returns
// fn's error, or that of the wait. asyncio: async with server.
//
// Cancellation: the server is closed and the wait ends at once.
func (s *Server) Scope(ctx context.Context, fn func(ctx context.Context) error) error {
	defer s.Close()
	err := fn(ctx)
	s.Close()
	return errors.Join(err, s.WaitClosed(ctx))
}

func (s *Server) about() slog.Attr { return slog.String("server", s.String()) }

// String describes the server: its addresses and whether it accepts.
func (s *Server) String() string {
	state := "not serving"
	switch {
	case s.closed:
		state = "closed"
	case s.serving:
		state = "serving"
	}
	return fmt.Sprintf("<Server %s %v clients=%d>", state, s.Addrs(), s.active)
}
