package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// newTLS makes the secured side of a connection whose raw transport is still to come.
func newTLS(l *aio.Loop, app Protocol, o *options, server bool) *tlsTransport {
	t := &tlsTransport{loop: l, app: app, turns: hubOf(l).turns, answers: server}
	t.bio.addr = t
	t.patience.handshake, t.patience.shutdown = o.handshakeTimeout, o.shutdownTimeout
	if t.patience.handshake == 0 {
		t.patience.handshake = defaultHandshakeTimeout
	}
	if t.patience.shutdown == 0 {
		t.patience.shutdown = defaultShutdownTimeout
	}
	if server {
		// Do not copy it for each connection: they share the session ticket keys of the
		// configuration.
		t.conn = tls.Server(&t.bio, o.tlsConfig)
		return t
	}
	cfg := o.tlsConfig
	if o.serverName != "" && o.serverName != cfg.ServerName {
		cfg = cfg.Clone()
		cfg.ServerName = o.serverName
	}
	t.conn = tls.Client(&t.bio, t.verifyBeside(cfg))
	return t
}

// wrapClientTLS secures an outgoing connection. start makes the raw transport with the protocol it
// is given. The handshake runs in the caller's task; ConnectionMade of app is called before it
// returns.
//
// If it fails, or ctx is cancelled, the raw connection is ended and no method of app is called.
func wrapClientTLS(
	ctx context.Context, start func(p Protocol) Transport, app Protocol, o *options,
) (Transport, error) {
	l := aio.RunningLoop(ctx)
	o.tlsConfig = hubOf(l).turns.signBeside(o.tlsConfig)
	t := newTLS(l, app, o, false)
	t.raw = start(tlsProtocol{t})
	if err := t.handshake(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// wrapServerTLS secures an accepted connection. It runs in a callback of the loop; the handshake
// has a task of its own. ConnectionMade of app is called when the handshake is over. If the
// handshake fails, the raw connection is ended and no method of app is called. As in asyncio the
// failure does not go to the exception handler, since any stranger can cause it. It is logged at
// debug level.
func wrapServerTLS(
	l *aio.Loop, start func(p Protocol) Transport, app Protocol, o *options,
) *tlsTransport {
	t := newTLS(l, app, o, true)
	t.raw = start(tlsProtocol{t})
	peer := "an unnamed peer"
	if addr := t.raw.RemoteAddr(); addr != nil && addr.String() != "" {
		peer = safetext.Line(addr.String())
	}
	aio.Start(l.Context(), func(ctx context.Context) (err error) {
		t.guard("transport: the TLS handshake panicked", func() { err = t.handshake(ctx) })
		if err == nil || errtree.Is(err, aio.ErrCancelled) {
			return err
		}
		slog.Debug("transport: TLS handshake failed", "peer", peer, "err", safetext.Error(err))
		return nil
	}, aio.Name("TLS handshake with "+peer))
	return t
}

// StartTLS secures a connection that is in use. t's protocol goes on with the returned transport
// and must use it in place of t from now on; its ConnectionMade is not called again. server says
// which part this side plays in the handshake. The server name of a client comes from cfg or
// [ServerName]. [HandshakeTimeout], [ShutdownTimeout] and [AlreadyReceived] apply too.
//
// Nothing may be written to t while StartTLS waits. Reading is resumed if it was paused.
//
// If cfg is not acceptable or t is closing, it fails without touching the connection. If the
// handshake fails, the connection is ended and the protocol's ConnectionLost gets the same error:
// ErrHandshakeInterrupted, *HandshakeTimeoutError, *tls.CertificateVerificationError or another
// error of crypto/tls. The handshake fails at once if the peer had ended its side before. StartTLS
// panics if t or cfg is nil, and after WriteEOF. asyncio: start_tls.
//
// Cancellation: the connection is aborted, because half a handshake is of no use.
func StartTLS(
	ctx context.Context, t Transport, cfg *tls.Config, server bool, opts ...Option,
) (Transport, error) {
	if t == nil {
		panic("transport: StartTLS: the transport is nil; " +
			"pass the one ConnectionMade was called with")
	}
	o := gather("StartTLS", append([]Option{TLS(cfg)}, opts...))
	if !server && cfg.ServerName == "" && o.serverName == "" && !cfg.InsecureSkipVerify {
		return nil, errNoServerName
	}
	if t.IsClosing() {
		return nil, &net.OpError{
			Op:   "StartTLS",
			Net:  "tls",
			Addr: t.RemoteAddr(),
			Err:  net.ErrClosed,
		}
	}
	o.tlsConfig = hubOf(t.Loop()).turns.signBeside(cfg)
	s := newTLS(t.Loop(), t.Protocol(), o, server)
	s.upgrade = true
	s.raw, s.rawMade = t, true
	for _, opt := range opts {
		if early, ok := opt.(alreadyReceived); ok {
			s.bio.feed(early)
		}
	}
	switch raw := t.(type) {
	case *selectorTransport:
		raw.mustTakeTLS()
		raw.outer = s // a server that accepted the connection closes this one
		s.full, s.server = raw.writingPaused, raw.server
		if raw.ended {
			s.bio.finish(ErrHandshakeInterrupted)
		}
	case *tlsTransport:
		s.full = raw.full
		if raw.ended {
			s.bio.finish(ErrHandshakeInterrupted)
		}
	}
	t.SetProtocol(tlsProtocol{s})
	t.ResumeReading()
	if err := s.handshake(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// mustTakeTLS panics if t can never carry the two directions of TLS, or cannot at the moment.
func (t *selectorTransport) mustTakeTLS() {
	switch {
	case t.file != nil:
		panic("transport: StartTLS: a file is being sent; wait until Sendfile has returned")
	case t.wroteEOF:
		panic("transport: StartTLS: after WriteEOF the handshake cannot be sent; " +
			"secure the connection before")
	case t.way != bothWays:
		panic("transport: StartTLS: a pipe has one direction; TLS needs two")
	}
}

var errNoServerName = errors.New("transport: StartTLS: the client has no server name to verify; " +
	"set tls.Config.ServerName or pass the ServerName option")

// handshake runs the handshake in the calling task and then publishes the transport. If it fails in
// any way, including a panic in a callback of the configuration, the raw connection is ended.
func (t *tlsTransport) handshake(ctx context.Context) (err error) {
	completed := false
	defer func() {
		if !completed {
			t.bio.park = nil
			t.abandon(err)
		}
	}()
	t.timer = t.loop.CallLater(t.patience.handshake, func() {
		t.giveUp(&HandshakeTimeoutError{After: t.patience.handshake})
	})
	t.bio.park = func() error {
		if err := t.wait(ctx); err != nil {
			return err
		}
		return t.turn(ctx)
	}
	for !t.rawMade && t.bio.end == nil {
		if err := t.wait(ctx); err != nil {
			return err
		}
	}
	if t.bio.end != nil && len(t.bio.in) == 0 {
		return t.bio.end
	}
	if !t.answers || len(t.bio.in) > 0 {
		if err := t.turn(ctx); err != nil {
			return err
		}
	}
	// The values of the task's context let the callbacks of the configuration await. Its
	// cancellation must not pass: crypto/tls would watch it and close the connection from another
	// goroutine.
	err = t.conn.HandshakeContext(context.WithoutCancel(ctx))
	// cancelled in a signature, whose error crypto/tls hides
	if err != nil && t.failure == nil && ctx.Err() != nil {
		t.failure = context.Cause(ctx)
	}
	if t.failure != nil {
		err = t.failure
	}
	if err != nil {
		return err
	}
	completed = true
	t.bio.park = nil
	t.publish()
	return t.failure
}

// wait suspends the handshake until the raw transport has news.
func (t *tlsTransport) wait(ctx context.Context) error {
	t.flush()
	t.relent()
	t.waiter = aio.NewWaiter(ctx, "transport: TLS handshake", t)
	err := t.waiter.Park()
	t.waiter = aio.Waiter{}
	if err != nil && t.failure == nil {
		t.failure = err
	}
	return err
}

// turn suspends the handshake until it may compute.
func (t *tlsTransport) turn(ctx context.Context) error {
	if err := t.turns.step(ctx, t); err != nil && t.failure == nil {
		t.failure = err
	}
	return t.failure
}

// relent lets the raw transport read again after the handshake has caught up.
func (t *tlsTransport) relent() {
	if t.flooded {
		t.flooded = false
		t.raw.ResumeReading()
	}
}

// giveUp ends the handshake from outside its task.
func (t *tlsTransport) giveUp(err error) {
	if t.state != tlsHandshaking {
		return
	}
	if t.failure == nil {
		t.failure = err
	}
	t.bio.finish(err)
	t.raw.Abort()
	t.waiter.Unpark()
	t.inLine.Unpark()
}

// abandon ends the connection after the handshake failed with err. If the peer caused the failure,
// an alert tells it.
func (t *tlsTransport) abandon(err error) {
	t.stopTimer()
	if s := t.server; s != nil && err != errClosedInHandshake &&
		!errtree.Is(err, aio.ErrCancelled) {
		s.unshaken++
	}
	if err == nil { // a panic or Goexit
		err = errClosedInHandshake
	}
	aborted := t.failure != nil
	t.failure = err
	t.state = tlsLost
	if t.upgrade {
		t.state = tlsFailed
	}
	if aborted {
		t.raw.Abort()
	} else {
		t.flush()
		t.raw.Close()
	}
	switch {
	case !t.rawLost && !aborted:
		t.watchShutdown()
	case t.rawLost && t.upgrade:
		t.loop.CallSoon(func() { t.lose(err) })
	}
}

// publish passes the transport to the application protocol.
func (t *tlsTransport) publish() {
	t.stopTimer()
	t.state = tlsOpen
	if t.bio.end == ErrHandshakeInterrupted {
		t.bio.end = ErrTruncated
	}
	t.flooded = false
	t.pace()
	if !t.upgrade {
		t.guard("transport: a protocol panicked in ConnectionMade", func() {
			t.app.ConnectionMade(t)
		})
		if f, ok := t.app.(FlowControl); ok && t.full {
			f.PauseWriting()
		}
		if t.server != nil {
			t.server.shaken(t)
		}
	}
	t.flush()
	// Bytes that came with the peer's last flight are delivered by the loop, after the caller has
	// gone on.
	t.receiveSoon()
}
