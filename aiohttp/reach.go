package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Reach says which addresses a [Client] connects to. The check is made after a name has been
// resolved, right before the connection is made, so a name that changes its address a moment later
// does not get around it.
type Reach uint8

const (
	// Anywhere is no limit.
	Anywhere Reach = iota
	// NoNarrower lets a redirect lead only to addresses that are at least as public as the first
	// one. A public address leads to public ones, a private network to itself and public ones, and
	// the machine itself to any.
	NoNarrower
	// PublicOnly refuses addresses that are not public, also for the first request. It is for URLs
	// that strangers choose.
	PublicOnly
)

// ErrReach is returned, inside a [*url.Error], for an address that [Client.Reach] does not allow.
var ErrReach = errors.New("aiohttp: the client may not connect to this address")

// realm is the kind of network of an address. The higher it is, the fewer clients can connect, and
// the more the server may trust them.
type realm uint8

const (
	public  realm = iota
	private       // networks of a home, a company or a provider
	local         // this machine, its link, and addresses of no network
)

func (r realm) String() string { return [...]string{"public", "private", "local or reserved"}[r] }

// Prefixes of addresses that are not public. A prefix that is not listed as private is local.
var (
	privateNets = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
		"fc00::/7", "fec0::/10")
	localNets = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/3")
	worldNet = netip.MustParsePrefix("2000::/3") // the public addresses of IPv6 are in it
	oddNets  = prefixes("2001::/23", "2001:db8::/32", "3fff::/20")
	// These carry an IPv4 address as the next hop; the number is its first byte.
	carriers = map[netip.Prefix]int{
		netip.MustParsePrefix("64:ff9b::/96"): 12, netip.MustParsePrefix("2002::/16"): 2,
		netip.MustParsePrefix("::/96"): 12,
	}
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// realmOf returns the realm of an address. An address that is not known to be public is not.
func realmOf(ip netip.Addr) realm {
	ip = ip.Unmap().WithZone("")
	in := func(nets []netip.Prefix) bool {
		for _, p := range nets {
			if p.Contains(ip) {
				return true
			}
		}
		return false
	}
	if ip.Is6() && !ip.IsLoopback() && !ip.IsUnspecified() {
		for p, at := range carriers {
			if p.Contains(ip) {
				b := ip.As16()
				return realmOf(netip.AddrFrom4([4]byte(b[at : at+4])))
			}
		}
	}
	switch {
	case in(privateNets):
		return private
	case !ip.IsValid(), ip.Is4() && in(localNets),
		ip.Is6() && (!worldNet.Contains(ip) || in(oddNets)):
		return local
	}
	return public
}

// within returns the control function of a dialer that connects to addresses up to a realm.
func within(most realm) func(context.Context, string, string, syscall.RawConn) error {
	if most == local {
		return nil
	}
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: it is no address of IP", ErrReach)
		}
		if is := realmOf(at.Addr()); is > most {
			return fmt.Errorf("%w: %v is %v", ErrReach, at.Addr(), is)
		}
		return nil
	}
}

// realmOfConn returns the realm of the peer of a connection.
func realmOfConn(c net.Conn) realm {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		if ip, ok := netip.AddrFromSlice(at.IP); ok {
			return realmOf(ip)
		}
	}
	return public // the strictest for the next hops
}
