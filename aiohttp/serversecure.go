package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/transport"
)

// secureConfig is the configuration of a server's handshakes: the settings of net/http's ServeTLS.
// Callbacks that find a certificate or a configuration run on another goroutine: they may ask a
// certificate authority.
func secureConfig(s *http.Server) (*tls.Config, error) {
	cfg := s.TLSConfig.Clone()
	if len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return nil, errors.New("aiohttp: Serve: TLSConfig has no certificate; " +
			"set Certificates or GetCertificate")
	}
	cfg.Renegotiation = tls.RenegotiateNever
	offered := []string{"h2", "http/1.1"}
	if !speaksHTTP2(s) {
		offered = offered[1:]
		cfg.NextProtos = slices.DeleteFunc(slices.Clone(cfg.NextProtos), func(p string) bool {
			return p == "h2"
		})
	}
	cfg.NextProtos = slices.Clip(cfg.NextProtos)
	for _, p := range offered {
		if !slices.Contains(cfg.NextProtos, p) {
			cfg.NextProtos = append(cfg.NextProtos, p)
		}
	}
	findElsewhere(cfg)
	if get := cfg.GetConfigForClient; get != nil {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := callElsewhere(hello, get)
			if c != nil {
				c = c.Clone()
				c.Renegotiation = tls.RenegotiateNever
				findElsewhere(c)
			}
			return c, err
		}
	}
	return cfg, nil
}

// speaksHTTP2 reports whether the settings of a server with TLS allow HTTP/2.
func speaksHTTP2(s *http.Server) bool {
	if s.Protocols != nil {
		return s.Protocols.HTTP2()
	}
	return s.TLSNextProto == nil // an empty map is the old way to switch HTTP/2 off
}

func findElsewhere(cfg *tls.Config) {
	if get := cfg.GetCertificate; get != nil {
		cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return callElsewhere(hello, get)
		}
	}
}

// callElsewhere calls a callback of a handshake off the loop; the handshake's task waits.
func callElsewhere[T any](
	hello *tls.ClientHelloInfo, fn func(*tls.ClientHelloInfo) (T, error),
) (T, error) {
	return aio.ToThread(hello.Context(),
		func(context.Context) (T, error) { return fn(hello) }, unbounded)
}

// handshakeTimeout is the limit as net/http derives it; 0: none.
func (s *Server) handshakeTimeout() (d time.Duration) {
	for _, x := range []time.Duration{s.http.ReadHeaderTimeout, s.http.ReadTimeout,
		s.http.WriteTimeout} {
		if x > 0 && (d == 0 || x < d) {
			d = x
		}
	}
	return d
}

// httpMethods are the first bytes of clients that do not use TLS. As in net/http, these get an
// answer that says so.
var httpMethods = [...]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}

// greet takes the first bytes of a connection before its handshake.
func (c *serverConn) greet(p []byte) {
	c.in.write(p)
	b := c.in.bytes()
	for _, m := range httpMethods {
		switch {
		case len(b) < len(m) && m[:len(b)] == string(b):
			return // more bytes have to come
		case bytes.HasPrefix(b, []byte(m)):
			c.notSecured(errors.New("client sent an HTTP request to an HTTPS server"))
			c.write([]byte("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an " +
				"HTTPS server.\n"))
			c.startLingering()
			return
		}
	}
	opts := []transport.Option{transport.AlreadyReceived(b)}
	c.in.drop()
	if d := c.s.handshakeTimeout(); d > 0 {
		opts = append(opts, transport.HandshakeTimeout(d))
	}
	aio.Start(c.ctx, func(ctx context.Context) error {
		t, err := transport.StartTLS(ctx, c.t, c.s.secure, true, opts...)
		if err != nil {
			c.notSecured(err)
			return nil
		}
		c.secured(t)
		return nil
	}, aio.Name("TLS handshake with "+c.remote), aio.Eager())
}

// notSecured logs why a handshake failed.
func (c *serverConn) notSecured(err error) {
	if !errtree.Is(err, aio.ErrCancelled) && !errtree.Is(err, aio.ErrLoopClosed) && !c.s.closed {
		c.s.logf("http: TLS handshake error from %s: %v", c.remote, err)
	}
}

// secured goes on after the handshake, with the negotiated protocol.
func (c *serverConn) secured(t transport.Transport) {
	c.readAt = time.Time{}
	state, _ := t.TLSConnectionState()
	c.tls = &state
	switch state.NegotiatedProtocol {
	case "", "http/1.1", "http/1.0":
		c.open(t)
	case "h2":
		c.t = t
		if state.Version < tls.VersionTLS12 {
			c.shut()
			return
		}
		c.phase, c.lent = connHijacked, true
		conn := &hijackedConn{c: c, ctx: c.s.loop.Context()}
		c.s.serveHTTP2().give(&foreignConn{conn, bufio.NewReaderSize(conn, lentAhead), c.tls})
	default: // a protocol that is not supported
		c.t = t
		c.shut()
	}
}

// lentAhead is how many bytes of a connection that net/http serves are read ahead.
const lentAhead = 16 << 10

// foreignConn is a connection that net/http serves. One goroutine reads, and asks for the head and
// the rest of each frame; a change of goroutines brings many of them.
type foreignConn struct {
	*hijackedConn
	in  *bufio.Reader
	tls *tls.ConnectionState
}

// Read implements net.Conn.
func (c *foreignConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// serveHTTP2 returns the server of net/http for the connections that speak HTTP/2, and starts it
// the first time. For that server they are plain connections: the loop has secured them.
func (s *Server) serveHTTP2() *handedListener {
	if s.foreign != nil {
		return s.foreign.listener.(*handedListener)
	}
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	own := s.http
	over := &onLoop{loop: s.loop, h: s.h, limits: s.on.limits, server: own}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.TLS, _ = r.Context().Value(tlsKey{}).(*tls.ConnectionState)
			over.ServeHTTP(w, r)
		}),
		Protocols:                    &only,
		HTTP2:                        own.HTTP2,
		ErrorLog:                     own.ErrorLog,
		MaxHeaderBytes:               own.MaxHeaderBytes,
		ReadTimeout:                  own.ReadTimeout,
		ReadHeaderTimeout:            own.ReadHeaderTimeout,
		WriteTimeout:                 own.WriteTimeout,
		IdleTimeout:                  own.IdleTimeout,
		DisableGeneralOptionsHandler: own.DisableGeneralOptionsHandler,
		BaseContext:                  func(net.Listener) context.Context { return s.base },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, tlsKey{}, c.(*foreignConn).tls)
		},
	}
	l := &handedListener{addr: s.listener, conns: make(chan net.Conn), closed: make(chan struct{})}
	s.foreign = &plainServer{s: s, on: over, http: server, listener: l}
	s.foreign.serve(func() error { return server.Serve(l) })
	return l
}

type tlsKey struct{}

// handedListener accepts the connections that are given to it.
type handedListener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// give passes a connection to Accept. It does not wait.
func (l *handedListener) give(c net.Conn) {
	go func() {
		select {
		case l.conns <- c:
		case <-l.closed:
			c.Close()
		}
	}()
}

func (l *handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *handedListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *handedListener) Addr() net.Addr { return l.addr }
