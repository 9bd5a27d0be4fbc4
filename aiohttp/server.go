package aiohttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/unixsocket"
	"github.com/aio-go/aio/transport"
)

// Server answers requests with a handler of net/http that runs in tasks of a loop. [Serve] makes
// it. Its methods are for the loop only.
type Server struct {
	_ nocopy.Mark
	// Drain is how long [Server.ServeForever] waits at its end for requests before it cuts them
	// off. Default: 10 s.
	Drain time.Duration

	loop     *aio.Loop
	http     *http.Server // the settings; and the server, if plain is not nil
	on       *onLoop
	listener net.Addr
	scheme   string
	forget   [2]func()
	stopped  bool
	closed   bool
	failed   *aio.Future[aio.None] // set when it cannot accept any more

	plain   *plainServer // the server of net/http; nil: this package's own
	foreign *plainServer // net/http's, for connections that speak HTTP/2; nil: there were none
	secure  *tls.Config  // nil: connections are plain

	h              http.Handler
	routes, blocks bool            // h is a http.ServeMux; h is known to block
	values         context.Context // of the requests
	base           context.Context // what net/http would make them of
	accepting      *transport.Server
	first          *serverConn   // the connections, without hijacked ones
	changed        aiosync.Event // set when there is one less
	count          ServerStatistics
	scratch        []byte // where answers are assembled, one at a time
	arriving       []byte // where requests arrive, one at a time
	heads          headReader
	arrived        http.Request // a plain one, until its task has begun
	dateText       string
	dateSecond     int64
	noKeepAlive    *atomic.Bool // what SetKeepAlivesEnabled has set; nil: unknown
	ending         atomic.Bool  // stop was called
	fullDuplex     bool         // handlers may read on when they have begun to answer
	memory         *simnet.Host // of the connections of Direct; nil for any other server
}

// ServerStatistics is the result of [Server.Statistics].
type ServerStatistics struct {
	Connections int // open now, without hijacked ones
	Active      int // requests being answered now
	Requests    int // all requests so far
	Refused     int // heads answered with an error, without the handler
}

// Serve listens on an address and serves requests with h, each as a task of the running loop. It
// serves when it returns. network is "tcp", or "unix" with a path: a path in use is refused, one
// without a listener is replaced. The functions in setup may change the settings of the server
// before it begins; a TLSConfig makes it serve HTTPS. The server stops accepting when the loop's
// Run begins to shut down, and is closed with the loop. Python: aiohttp.web.TCPSite, web.run_app.
//
// The context of a request is that of its task, which is cancelled when the client goes away. It
// ends when h has returned, for other goroutines that have kept it. Reading the request's body and
// writing the response suspend the task instead of blocking. All features of a net/http handler
// work: Flush, Hijack, 1xx, 100-continue, trailers, ReadFrom and the methods of
// [http.ResponseController]. Other goroutines may use body, writer and a hijacked connection; there
// they block. A panic of h gives status 500 if nothing has been sent, and
// otherwise cuts the answer off. It is logged to the server's ErrorLog, except
// [http.ErrAbortHandler]. h must not block the loop; [OffLoop] is for handlers that do.
//
// Clients are bounded unless setup says otherwise: ReadHeaderTimeout is 10 s, IdleTimeout 2
// minutes, or each ReadTimeout if that is shorter. MaxHeaderBytes is 64 KiB, [BodyTimeout] 1 minute
// and [MaxConnections] 16384. Only the same user can connect to a Unix socket, see [SocketMode].
// Shutdown of the [http.Server] in a request's context stops the server too, but does not wait.
//
// The loop itself speaks HTTP/1.1, with and without TLS. HTTP/2, which clients agree on by TLS, is
// that of net/http on its goroutines, and h runs as under [OnLoop]. The same holds for the whole
// server with unencrypted HTTP/2 in Protocols, with functions in TLSNextProto, and with the hooks
// ConnState and ConnContext.
//
// Cancellation: nothing listens.
func Serve(
	ctx context.Context, network, address string, h http.Handler, setup ...func(*http.Server),
) (*Server, error) {
	loop := aio.RunningLoop(ctx)
	if h == nil {
		panic("aiohttp: Serve: the handler is nil; http.DefaultServeMux has to be named")
	}
	s := newServer(loop, h, setup)
	if isSimulated(ctx) {
		if err := s.listenInMemory(ctx, network, address); err != nil {
			return nil, err
		}
		return s, nil
	}
	// Only the look-up of the name takes time. It ends with ctx.
	open := func(context.Context) (net.Listener, error) {
		return listen(lifetime{ctx}, network, address, s.on.limits.socketMode)
	}
	listener, err := aio.ToThread(context.WithoutCancel(ctx), open, unbounded)
	if err != nil {
		return nil, err
	}
	s.listener = listener.Addr()
	s.forget = [2]func(){loop.OnShutdown(s.stop), loop.OnClose(s.Close)}
	if s.http.TLSConfig != nil {
		s.scheme = "https"
		if s.secure, err = secureConfig(s.http); err != nil {
			listener.Close()
			s.Close()
			return nil, err
		}
	}
	if s.isPlain() {
		s.plain = servePlain(s, listener)
		return s, nil
	}
	s.setHandler()
	s.follow()
	s.setValues(listener)
	var opts []transport.Option
	if n := s.on.limits.connections; n > 0 {
		opts = append(opts, transport.MaxConnections(n))
	}
	s.accepting, err = transport.AdoptListener(ctx, listener, s.newConn, opts...)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// listenInMemory makes the server serve on a network in memory. There it speaks HTTP/1.1 alone:
// HTTP/2 and the hooks are those of net/http, which needs connections of the system.
func (s *Server) listenInMemory(ctx context.Context, network, address string) (err error) {
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.forget = [2]func(){s.loop.OnShutdown(s.stop), s.loop.OnClose(s.Close)}
	if s.http.TLSConfig != nil {
		s.scheme = "https"
		if s.secure, err = secureConfig(s.http); err != nil {
			return err
		}
		isH2 := func(p string) bool { return p == "h2" }
		s.secure.NextProtos = slices.DeleteFunc(slices.Clone(s.secure.NextProtos), isH2)
	}
	if s.isPlain() {
		return fmt.Errorf("aiohttp: Serve: on a network in memory the settings ConnState, "+
			"ConnContext, TLSNextProto and unencrypted HTTP/2: %w", errors.ErrUnsupported)
	}
	s.setHandler()
	s.follow()
	opts := []transport.Option{
		transport.SocketMode(s.on.limits.socketMode), transport.StartServing(false),
	}
	if n := s.on.limits.connections; n > 0 {
		opts = append(opts, transport.MaxConnections(n))
	}
	if s.accepting, err = transport.Listen(ctx, network, address, s.newConn, opts...); err != nil {
		return err
	}
	s.listener = s.accepting.Addrs()[0]
	s.setValues(simulatedListener{s.listener})
	return s.accepting.StartServing()
}

func newServer(loop *aio.Loop, h http.Handler, setup []func(*http.Server)) *Server {
	on := OnLoop(loop, h).(*onLoop)
	s := &Server{
		Drain: 10 * time.Second, loop: loop, on: on, scheme: "http",
		failed: aio.NewFuture[aio.None](loop.Context()),
	}
	s.http = &http.Server{
		Handler: on, ReadHeaderTimeout: defaultReadHeaderTimeout,
		IdleTimeout: defaultIdleTimeout, MaxHeaderBytes: defaultMaxHeaderBytes,
	}
	on.limits = limits{
		progress:    defaultBodyTimeout,
		connections: defaultMaxConnections,
		socketMode:  unixsocket.DefaultMode,
	}
	on.limits.setUp(s.http, setup)
	// net/http adds to it as well
	s.http.MaxHeaderBytes = min(s.http.MaxHeaderBytes, math.MaxInt-headSlop)
	// Where only ReadTimeout is set, it is the limit for heads and idle connections, too.
	if d := s.http.ReadTimeout; d > 0 {
		if s.http.ReadHeaderTimeout == defaultReadHeaderTimeout {
			s.http.ReadHeaderTimeout = min(d, defaultReadHeaderTimeout)
		}
		if s.http.IdleTimeout == defaultIdleTimeout {
			s.http.IdleTimeout = min(d, defaultIdleTimeout)
		}
	}
	// net/http has no method that returns this setting.
	f := reflect.ValueOf(s.http).Elem().FieldByName("disableKeepAlives")
	if f.IsValid() && f.Type() == reflect.TypeFor[atomic.Bool]() {
		s.noKeepAlive = (*atomic.Bool)(f.Addr().UnsafePointer())
	}
	return s
}

// keepsAlive reports whether a connection may have another request.
func (s *Server) keepsAlive() bool {
	return !s.stopped && (s.noKeepAlive == nil || !s.noKeepAlive.Load())
}

// follow makes the Shutdown of net/http's server, which handlers find in their contexts, stop this
// one.
func (s *Server) follow() {
	s.http.RegisterOnShutdown(func() {
		if s.ending.Load() {
			return
		}
		s.loop.CallSoonThreadsafe(func() {
			if !s.stopped {
				s.stop()
				s.endsWith(http.ErrServerClosed)
			}
		})
	})
}

// isPlain reports whether the settings ask for a feature that only the server of net/http has.
func (s *Server) isPlain() bool {
	p := s.http.Protocols
	return s.http.ConnState != nil || s.http.ConnContext != nil || len(s.http.TLSNextProto) > 0 ||
		p != nil && (p.UnencryptedHTTP2() || !p.HTTP1())
}

// setValues makes the context with the values of all requests.
func (s *Server) setValues(l net.Listener) {
	values := s.loop.Context()
	s.base = context.Background()
	if f := s.http.BaseContext; f != nil {
		s.base = f(l)
		values = &bothValues{values, s.base}
	}
	s.values = requestValues{context.WithValue(values, http.ServerContextKey, s.http), s.on}
}

// endsWith ends ServeForever.
func (s *Server) endsWith(err error) {
	s.failed.SetError(err)
	if errtree.Is(err, http.ErrServerClosed) {
		_ = s.failed.Err() // it was on purpose, so there is nothing to report
	}
}

// bothValues are the values of a loop's context, and behind them those of another.
type bothValues struct {
	context.Context
	more context.Context
}

func (v *bothValues) Value(key any) any {
	if x := v.Context.Value(key); x != nil {
		return x
	}
	return v.more.Value(key)
}

// newConn is the factory of transport.
func (s *Server) newConn() transport.Protocol { return &serverConn{s: s} }

// setHandler finds the handler.
func (s *Server) setHandler() {
	s.h = s.http.Handler // setup may have replaced it
	if on, ok := s.h.(*onLoop); ok && on == s.on {
		s.h = on.h
	} else if s.h == nil {
		s.h = http.DefaultServeMux
	}
	_, s.routes = s.h.(*http.ServeMux)
	s.blocks = !s.routes && blocks(s.h)
}

// answer calls the handler of a request.
func (s *Server) answer(w *reply) {
	switch {
	case s.routes:
		run(w.ctx, s.h, w, w.req, nil)
	case s.blocks:
		away(w.ctx, s.h, w, w.req, nil)
	default:
		s.h.ServeHTTP(w, w.req)
	}
}

// buffer is the buffer for received bytes if no task waits for them.
func (s *Server) buffer() []byte {
	if s.arriving == nil {
		s.arriving = make([]byte, maxAhead)
	}
	return s.arriving
}

func (s *Server) logf(format string, args ...any) {
	if s.http.ErrorLog != nil {
		s.http.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener }

// URL returns the address as a URL without a path: "http://127.0.0.1:8080".
func (s *Server) URL() string { return s.scheme + "://" + s.Addr().String() }

// Statistics returns the current state of the server. If net/http runs the server, see [Serve],
// only Active counts.
func (s *Server) Statistics() ServerStatistics {
	if s.plain != nil {
		return ServerStatistics{Active: int(s.on.active.Load())}
	}
	count := s.count
	if s.foreign != nil {
		count.Active += int(s.foreign.on.active.Load())
	}
	return count
}

// ServeForever waits until the task or block around it is cancelled, and then ends the server.
// Requests under way may last for the time Drain. It returns the error of the cancellation, or the
// error that stopped accepting: [http.ErrServerClosed] if a handler has called Shutdown of the
// [http.Server] in its context.
//
// Cancellation: it ends the server as above.
func (s *Server) ServeForever(ctx context.Context) error {
	_, err := s.failed.Await(ctx)
	aio.Timeout(context.WithoutCancel(ctx), s.Drain, s.Shutdown) // late requests are cut off
	return err
}

// Shutdown stops accepting, closes idle connections, waits for requests under way, and closes the
// server.
//
// Cancellation: the server is closed at once.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.Close()
	s.stop()
	if s.plain != nil {
		return s.plain.shutdown(ctx)
	}
	//aiovet:ignore it has no connections; it calls the functions of RegisterOnShutdown
	s.http.Shutdown(lifetime{ctx})
	if s.foreign != nil {
		if err := s.foreign.shutdown(ctx); err != nil {
			return err
		}
		for c := s.first; c != nil; {
			next := c.next
			if c.lent {
				c.t.Close()
			}
			c = next
		}
	}
	for s.first != nil {
		s.changed.Clear()
		if err := s.changed.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// moment is how long connections have, at the end, to become idle.
const moment = 250 * time.Millisecond

// stop ends accepting.
func (s *Server) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	s.ending.Store(true)
	switch {
	case s.plain != nil:
		s.plain.stop()
	case s.accepting != nil:
		s.accepting.Close()
	}
	if s.foreign != nil {
		s.foreign.stop()
	}
	for c := s.first; c != nil; {
		next := c.next
		c.retire()
		c = next
	}
}

// retire ends an idle connection. A new one, or one with a part of a head, has a moment.
func (c *serverConn) retire() {
	switch {
	case c.phase > connIdle:
	case c.phase == connIdle && c.served && !c.begun:
		c.shut()
	default:
		c.waitUntil(c.s.loop.Time().Add(moment))
	}
}

// Close ends the server and cuts off requests under way: their tasks are cancelled. It never waits;
// a second call does nothing.
func (s *Server) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.stop()
	for _, forget := range s.forget {
		forget()
	}
	if s.plain != nil {
		s.plain.close()
		return
	}
	if s.foreign != nil {
		s.foreign.close()
	}
	for c := s.first; c != nil; {
		next := c.next
		c.abort()
		c = next
	}
}

// link puts a connection in the list.
func (s *Server) link(c *serverConn) {
	if c.next = s.first; c.next != nil {
		c.next.prev = c
	}
	s.first = c
	s.count.Connections++
}

func (s *Server) unlink(c *serverConn) {
	switch {
	case c.prev != nil:
		c.prev.next = c.next
	case s.first == c:
		s.first = c.next
	default:
		return // it was removed before
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	s.count.Connections--
	s.changed.Set()
}
