// Package places keeps what comes from the network from leading a program to places that only this
// machine can reach: a page on the Internet must not make it ask the router, or a service on the
// machine itself.
package places

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/transport"
)

// ErrPrivate is matched by the error of a connection to a private address.
var ErrPrivate = errors.New("the address is private")

// Private reports whether an address is not one on the Internet: it is of this machine, of its
// networks, or of no use.
func Private(a netip.Addr) bool { return realm.Of(a) != realm.Public }

// IsPrivate is [Private] for the address of a connection. Everything that is not TCP is private.
func IsPrivate(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return true
	}
	return Private(tcp.AddrPort().Addr())
}

// PublicOnly is a network with which no private address can be connected to, whatever name leads
// there.
func PublicOnly(n transport.Network) transport.Network {
	if _, already := n.(publicOnly); already {
		return n
	}
	return publicOnly{n}
}

type publicOnly struct{ transport.Network }

// Dial implements transport.Network.
func (p publicOnly) Dial(
	ctx context.Context, network, address string, o transport.DialOptions,
) (transport.Conn, error) {
	if err := check(network, address); err != nil {
		return nil, err
	}
	return p.Network.Dial(ctx, network, address, o)
}

// Allowed reports whether a connection to addr is one that may be made with the network of ctx.
func Allowed(ctx context.Context, addr net.Addr) bool {
	_, only := transport.NetworkFrom(ctx).(publicOnly)
	return !only || !IsPrivate(addr)
}

// Transport connects to public addresses only, apart from those of the hosts that a person has
// given. A host that has been public before may not become private: it could lead to this machine
// the requests that it has told a program to make. Close its idle connections in the end.
func Transport(given ...*url.URL) *http.Transport {
	own := hosts{private: map[string]bool{}}
	for _, u := range given {
		own.private[u.Hostname()] = true
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // it would connect in our place
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := &net.Dialer{Timeout: 30 * time.Second}
		host, _, _ := net.SplitHostPort(address)
		if !own.mayBePrivate(host) {
			dialer.Control = control
		}
		c, err := dialer.DialContext(ctx, network, address)
		if err == nil && !IsPrivate(c.RemoteAddr()) {
			own.isPublic(host)
		}
		return c, err
	}
	return t
}

// hosts are those that may have private addresses. net/http asks on goroutines of its own.
type hosts struct {
	mu      sync.Mutex
	private map[string]bool
}

func (h *hosts) mayBePrivate(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.private[host]
}

func (h *hosts) isPublic(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.private, host)
}

// control is called with the address that a name has led to.
func control(network, address string, _ syscall.RawConn) error { return check(network, address) }

// check looks at an address that is about to be connected to.
func check(network, address string) error {
	where, err := netip.ParseAddrPort(address)
	if err != nil || network == "unix" || Private(where.Addr()) {
		return fmt.Errorf("connect %s: %w", address, ErrPrivate)
	}
	return nil
}
