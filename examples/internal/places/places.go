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
	"syscall"
	"time"

	"github.com/aio-go/aio/transport"
)

// ErrPrivate is matched by the error of a connection to a private address.
var ErrPrivate = errors.New("the address is private")

// special are networks that are not part of the Internet, besides those that package netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // of providers
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), // for measurements
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fec0::/10"),
}

// Addresses of version 6 that stand for one of version 4, which is in their bytes from the given
// one on.
var carriers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

// Private reports whether an address is not one on the Internet: it is of this machine, of its
// networks, or of no use.
func Private(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	for _, c := range carriers {
		if c.prefix.Contains(a) {
			b := a.As16()
			return Private(netip.AddrFrom4([4]byte(b[c.at : c.at+4])))
		}
	}
	return false
}

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
// given. Close its idle connections in the end.
func Transport(given ...*url.URL) *http.Transport {
	own := map[string]bool{}
	for _, u := range given {
		own[u.Hostname()] = true
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // it would connect in our place
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := &net.Dialer{Timeout: 30 * time.Second}
		if host, _, err := net.SplitHostPort(address); err != nil || !own[host] {
			dialer.Control = control
		}
		return dialer.DialContext(ctx, network, address)
	}
	return t
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
