package aiohttp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/unixsocket"
)

// Server is a server of net/http whose handlers are tasks of a loop. [Serve] makes it. Its methods
// are for the loop only.
type Server struct {
	_ nocopy.Mark
	// Drain is how long [Server.ServeForever] lets requests go on when it ends, before they are cut
	// off. Default: 10 s.
	Drain time.Duration

	loop     *aio.Loop
	http     *http.Server
	on       *onLoop
	listener net.Listener
	scheme   string
	failed   *aio.Future[aio.None] // when it cannot accept any more
	forget   [2]func()
	stopped  bool
	closed   bool
}

// Serve listens on an address and serves what comes with h, each request as a task of the running
// loop; see [OnLoop]. It serves when it returns. network is "tcp", or "unix" with a path: one that
// somebody listens on is refused, one that was left behind is replaced. The functions in setup may
// change the settings of the server before it begins; one that has a TLSConfig serves HTTPS. The
// server stops accepting when the loop's Run begins to shut down, and is closed with the loop. It
// stands for aiohttp.web.TCPSite and web.run_app.
//
// Clients are bounded unless setup says otherwise: ReadHeaderTimeout is 10 s, IdleTimeout 2
// minutes, MaxHeaderBytes 64 KiB, [BodyTimeout] 1 minute and [MaxConnections] 16384. Only the same user
// can connect to a Unix socket, see [SocketMode].
//
// Cancellation: nothing listens.
func Serve(
	ctx context.Context, network, address string, h http.Handler, setup ...func(*http.Server),
) (*Server, error) {
	loop := aio.LoopFor(ctx, "aiohttp.Serve")
	if h == nil {
		panic("aiohttp: Serve: the handler is nil; http.DefaultServeMux has to be named")
	}
	on := OnLoop(loop, h).(*onLoop)
	s := &Server{
		Drain: 10 * time.Second, loop: loop, on: on, scheme: "http",
		failed: aio.NewFuture[aio.None](loop),
	}
	s.http = &http.Server{
		Handler: on, ReadHeaderTimeout: defaultReadHeaderTimeout,
		IdleTimeout: defaultIdleTimeout, MaxHeaderBytes: defaultMaxHeaderBytes,
	}
	on.limits = limits{progress: defaultBodyTimeout, connections: defaultMaxConnections, socketMode: unixsocket.DefaultMode}
	on.limits.setUp(s.http, setup)
	// Only looking the name up takes time, and ends with ctx.
	open := func(context.Context) (net.Listener, error) {
		return listen(lifetime{ctx}, network, address, on.limits.socketMode)
	}
	listener, err := aio.ToThread(context.WithoutCancel(ctx), open, unbounded)
	if err != nil {
		return nil, err
	}
	listener = limitListener(listener, on.limits)
	s.listener = listener
	serve := func() error { return s.http.Serve(listener) }
	if s.http.TLSConfig != nil {
		s.scheme = "https"
		serve = func() error { return s.http.ServeTLS(listener, "", "") }
	}
	s.forget = [2]func(){loop.OnShutdown(s.stop), loop.OnClose(s.Close)}
	loop.MayPost(1) // requests
	go func() {
		defer loop.MayPost(-1)
		err := serve()
		loop.CallSoonThreadsafe(func() {
			if !s.stopped && !errors.Is(err, http.ErrServerClosed) {
				s.failed.SetError(err)
			}
		})
	}()
	return s, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL returns the address as a URL without a path: "http://127.0.0.1:8080".
func (s *Server) URL() string { return s.scheme + "://" + s.Addr().String() }

// ServeForever waits until the task or block around it is cancelled, and then ends the server:
// requests that are under way have the time Drain to end. It returns the error of the cancellation,
// or what has kept the server from accepting.
//
// Cancellation: this is what ends it.
func (s *Server) ServeForever(ctx context.Context) error {
	_, err := s.failed.Await(ctx)
	aio.Timeout(context.WithoutCancel(ctx), s.Drain, s.Shutdown) // those that are late are cut off
	return err
}

// Shutdown stops accepting, waits until the requests that are under way are done, and closes the
// server.
//
// Cancellation: the server is closed at once.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.Close()
	s.stop()
	for {
		if err := s.on.quiet(ctx); err != nil {
			return err
		}
		// All that came are answered. Some may be between a connection and a task yet; a connection
		// on which nothing ever came is not waited for.
		err := aio.Blocking(ctx, func(ctx context.Context) error {
			short, cancel := context.WithTimeout(lifetime{ctx}, moment)
			defer cancel()
			err := s.http.Shutdown(short)
			if short.Err() != nil || errors.Is(err, net.ErrClosed) { // closed by stop
				return nil
			}
			return err
		}, unbounded)
		if err != nil || s.on.active.Load() == 0 {
			return err
		}
	}
}

// moment is how long connections have, at the end, to become idle.
const moment = 250 * time.Millisecond

// stop ends accepting.
func (s *Server) stop() {
	if !s.stopped {
		s.stopped = true
		s.http.SetKeepAlivesEnabled(false)
		s.listener.Close()
	}
}

// Close ends the server and cuts off the requests that are under way: their tasks are cancelled. It
// never waits; a second one does nothing.
func (s *Server) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.stop()
	for _, forget := range s.forget {
		forget()
	}
	if s.scheme == "http" {
		s.http.Close()
	} else {
		go s.http.Close() // waits for peers that do not read
	}
}
