package aiohttp

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/aio-go/aio/internal/realm"
)

// newTransport makes the transport of a client that was given none: net/http's, except that a
// connection is given up when the request it was begun for ends. net/http itself goes on dialling
// for some later request, for as long as the system lets it. It connects to what is in realm most.
func (c *Client) newTransport(most realm.Realm) *http.Transport {
	config := c.TLS
	all, handshake := c.connectTime()
	dialer := &net.Dialer{
		Timeout:        all,
		KeepAlive:      30 * time.Second,
		ControlContext: within(most),
	}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   handshake,
		ExpectContinueTimeout: time.Second,
	}
	switch {
	case c.Proxy != nil:
		t.Proxy = c.Proxy
	case c.Reach != Anywhere || c.UnixSocket != "": // a proxy resolves names itself
		t.Proxy = nil
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if c.UnixSocket != "" {
			network, address = "unix", c.UnixSocket
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil && c.ReadTimeout > 0 {
			conn = &quietConn{conn, c.ReadTimeout}
		}
		return conn, err
	}
	// The connections that were in use at the same time can be kept. With fewer, connections would
	// be made and closed all the time.
	if t.MaxIdleConns = max(0, c.limit()); t.MaxIdleConns == 0 {
		t.MaxIdleConnsPerHost = math.MaxInt
	} else {
		t.MaxIdleConnsPerHost = t.MaxIdleConns
	}
	if c.PerHost > 0 {
		t.MaxIdleConnsPerHost = min(t.MaxIdleConnsPerHost, c.PerHost)
	}
	t.TLSClientConfig = config.Clone() // for proxies; nil stays nil
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, stop := whileAsked(ctx)
		defer stop()
		conn, err := dial(ctx, network, address)
		// too late; net/http would keep the connection for another request
		if err == nil && ctx.Err() != nil {
			conn.Close()
			return nil, context.Cause(ctx)
		}
		return conn, err
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, stop := whileAsked(ctx)
		defer stop()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, configFor(config, address))
		ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
	return t
}

// quietConn is a connection of net/http whose peer must not be silent for too long after what was
// written to it.
type quietConn struct {
	net.Conn
	most time.Duration
}

func (c *quietConn) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.most))
	return c.Conn.Read(p)
}

func (c *quietConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.SetReadDeadline(time.Now().Add(c.most))
	return n, err
}

// configFor returns the settings of a connection to address.
func configFor(config *tls.Config, address string) *tls.Config {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	if config.NextProtos == nil {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}

// askedKey finds the context of the request in the context that net/http dials with, which has only
// the request's values.
type askedKey struct{}

// whileAsked returns a context that also ends with the request that caused the attempt.
func whileAsked(ctx context.Context) (context.Context, func()) {
	life, ok := ctx.Value(askedKey{}).(context.Context)
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// lifetime is the context of a request for net/http. It ends with a context of the loop, but hides
// its deadline: that is a time of the loop's clock, and package net would compare it with the
// machine's.
type lifetime struct{ context.Context }

func (lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

func (l lifetime) Value(key any) any {
	if key == (askedKey{}) {
		return l
	}
	return l.Context.Value(key)
}
