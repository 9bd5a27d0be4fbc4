package aiohttp

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/transport"
)

const (
	dialTime      = 30 * time.Second
	handshakeTime = 10 * time.Second
	idleTime      = 90 * time.Second // after which a connection that nobody uses is closed
)

// maxHosts is how many secure hosts a client remembers.
const maxHosts = 1000

// connKey tells which requests a connection can carry: those to a host, as hostKey names it, that
// may reach as far.
type connKey struct {
	host string
	most realm.Realm
}

// connections are those of a client that this package made itself, of HTTP/1.1. Those that are idle
// are kept: the one that was used last is used first, the one that was used first is closed first.
type connections struct {
	c        *Client
	server   *Server                // of Direct; nil: there is a network
	inLoop   bool                   // that network, or Direct, takes the loop's time
	idle     list.List[*clientConn] // the one used last at the end
	idleNow  int
	sites    map[connKey]*site
	all      map[*clientConn]bool   // that are open
	secure   map[string]*tls.Config // by host
	plain    map[string]bool        // secure hosts that speak no HTTP/2
	arriving []byte
}

// site has the connections of a key, as long as there are any.
type site struct {
	conns int
	idle  []*clientConn // the one used last at the end
}

func newConnections(c *Client) *connections {
	return &connections{c: c, sites: map[connKey]*site{}, all: map[*clientConn]bool{},
		secure: map[string]*tls.Config{}, plain: map[string]bool{}}
}

// buffer is where what arrives is put, if no task waits for it.
func (p *connections) buffer() []byte {
	if p.arriving == nil {
		p.arriving = make([]byte, maxAhead)
	}
	return p.arriving
}

// park waits for the network: a virtual clock stands still meanwhile, as it does for a goroutine.
func (p *connections) park(w aio.Waiter) error {
	if p.inLoop {
		return w.Park()
	}
	p.c.loop.ExpectPosts(1)
	defer p.c.loop.ExpectPosts(-1)
	return w.Park()
}

// patience returns a context that ends after d. On a real network that is d of the machine's time,
// since a virtual clock stands still while a task waits for the network.
func (p *connections) patience(ctx context.Context, d time.Duration) (context.Context, func()) {
	if p.inLoop {
		ctx, cancel := aio.WithTimeout(ctx, d)
		return ctx, cancel
	}
	loop := p.c.loop
	ctx, end := aio.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() {
		loop.CallSoonThreadsafe(func() { end(os.ErrDeadlineExceeded) })
	})
	loop.ExpectPosts(1)
	return ctx, func() {
		timer.Stop()
		loop.ExpectPosts(-1)
		end(nil)
	}
}

// get takes a connection out of the pool, or makes one.
func (p *connections) get(ctx context.Context, u *url.URL, most realm.Realm) (*clientConn, error) {
	key := connKey{hostKey(u), most}
	at := p.sites[key]
	for at != nil && len(at.idle) > 0 {
		c := at.idle[len(at.idle)-1]
		p.remove(c)
		if c.lost == nil && !c.eof && !c.t.IsClosing() {
			return c, nil
		}
		c.abort()
	}
	c := &clientConn{of: p, key: key, allowed: -1}
	if p.server != nil {
		return c, p.server.connect(ctx, u, c)
	}
	return c, p.dial(ctx, u, c)
}

// dial connects c.
func (p *connections) dial(ctx context.Context, u *url.URL, c *clientConn) error {
	var opts []transport.Option
	all, handshake := p.c.connectTime()
	host, port := asciiHost(u.Hostname()), u.Port()
	if u.Scheme == "https" {
		cfg := p.configFor(c.key.host, host)
		opts = append(opts, transport.TLS(cfg), transport.HandshakeTimeout(handshake))
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	inner := ctx
	if c.key.most != realm.Local {
		inner = transport.WithNetwork(ctx, reaching{transport.NetworkFrom(ctx), c.key.most})
	}
	limited, cancel := p.patience(inner, all)
	defer cancel()
	network, address := "tcp", net.JoinHostPort(host, port)
	if p.c.UnixSocket != "" {
		network, address = "unix", p.c.UnixSocket
	}
	_, err := transport.Connect(limited, network, address, c, opts...)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
	}
	if several, ok := errtree.As[*transport.ConnectError](err); ok && len(several.Errs) > 0 {
		return several.Errs[0] // the address that the resolver likes best
	}
	return err
}

// configFor returns the settings of connections to a host, which are the same each time: they have
// the sessions that can be resumed.
func (p *connections) configFor(key, name string) *tls.Config {
	if cfg := p.secure[key]; cfg != nil {
		return cfg
	}
	if len(p.secure) >= maxHosts {
		clear(p.secure)
	}
	cfg := configFor(p.c.TLS, net.JoinHostPort(name, "443"))
	isH2 := func(p string) bool { return p == "h2" }
	cfg.NextProtos = slices.DeleteFunc(slices.Clone(cfg.NextProtos), isH2)
	p.secure[key] = cfg
	return cfg
}

// speaksNoHTTP2 remembers a secure host that has answered in HTTP/1.1.
func (p *connections) speaksNoHTTP2(u *url.URL) {
	if len(p.plain) >= maxHosts {
		clear(p.plain)
	}
	p.plain[hostKey(u)] = true
}

// add counts a connection that was made, until lose.
func (p *connections) add(c *clientConn) {
	at := p.sites[c.key]
	if at == nil {
		at = &site{}
		p.sites[c.key] = at
	}
	at.conns++
	c.site = at
	p.all[c] = true
}

// lose forgets a connection that has ended.
func (p *connections) lose(c *clientConn) {
	p.remove(c)
	delete(p.all, c)
	if c.site.conns--; c.site.conns == 0 {
		delete(p.sites, c.key)
	}
}

// put keeps a connection for later.
func (p *connections) put(c *clientConn) {
	c.dropReader()
	limit, perHost := p.c.limit(), p.c.PerHost
	if p.c.closed || c.lost != nil || c.eof || c.t.IsClosing() {
		c.abort()
		return
	}
	c.reused, c.ctx = true, nil
	c.site.idle = append(c.site.idle, c)
	c.place.Value = c
	p.idle.Push(&c.place)
	p.idleNow++
	c.resume()
	if kept := c.site.idle; perHost > 0 && len(kept) > perHost {
		kept[0].abort()
	}
	if limit > 0 && p.idleNow > limit {
		p.idle.First().Value.abort()
	}
	if p.server == nil {
		if c.timer == nil {
			c.timer = p.c.loop.NewTimer(c.abort)
		}
		c.timer.Start(idleTime)
	}
}

// remove takes a connection out of the pool.
func (p *connections) remove(c *clientConn) {
	if !c.isIdle() {
		return
	}
	p.idle.Remove(&c.place)
	p.idleNow--
	if c.timer != nil {
		c.timer.Stop()
	}
	at := c.site
	for i := len(at.idle) - 1; i >= 0; i-- { // usually the last one
		if at.idle[i] == c {
			at.idle = slices.Delete(at.idle, i, i+1)
			break
		}
	}
}

// CloseIdleConnections closes those that no request uses.
func (p *connections) CloseIdleConnections() {
	for !p.idle.Empty() {
		p.idle.First().Value.abort()
	}
}

// abortAll drops the others as well.
func (p *connections) abortAll() {
	for c := range p.all {
		c.abort()
	}
	if p.server != nil {
		p.server.Close()
	}
}

// reaching is a network whose connections go no further than a realm.
type reaching struct {
	transport.Network
	most realm.Realm
}

func (n reaching) Dial(
	ctx context.Context, network, address string, o transport.DialOptions,
) (transport.Conn, error) {
	if err := checkReach(address, n.most); err != nil {
		return nil, err
	}
	return n.Network.Dial(ctx, network, address, o)
}
