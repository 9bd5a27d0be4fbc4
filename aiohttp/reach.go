package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Reach says which addresses a [Client] connects to. It is checked when a name has been resolved,
// right before the connection is made, so a name that leads somewhere else a moment later does not
// get around it.
type Reach uint8

const (
	// Anywhere is no limit.
	Anywhere Reach = iota
	// NoNarrower lets a redirect lead to addresses that are as public as the one that was asked
	// first: from a public address to public ones, from a private network to that and public ones,
	// and from the machine itself anywhere.
	NoNarrower
	// PublicOnly refuses addresses that are not public, for the first request as well. It is for
	// URLs that strangers choose.
	PublicOnly
)

// ErrReach is returned, inside a [*url.Error], for an address that [Client.Reach] does not allow.
var ErrReach = errors.New("aiohttp: the client may not connect to this address")

// realm is where an address is: the higher, the fewer can connect to it, and the more it may trust
// those who do.
type realm uint8

const (
	public  realm = iota
	private       // networks of a house, a firm or a provider
	local         // this machine, its link, and what has no place in a network
)

func (r realm) String() string { return [...]string{"public", "private", "local or reserved"}[r] }

// prefixes of addresses that are not public. What is not listed as private is local.
var (
	privateNets = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
	localNets   = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3")
	worldNet = netip.MustParsePrefix("2000::/3") // the public addresses of IPv6 are in it
	oddNets  = prefixes("2001::/23", "2001:db8::/32", "3fff::/20")
	// In these an IPv4 address is the way to go on: the number says at which byte it begins.
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

// realmOf tells where an address is. One that is not known to be public is not.
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
	case !ip.IsValid(), ip.Is4() && in(localNets), ip.Is6() && (!worldNet.Contains(ip) || in(oddNets)):
		return local
	}
	return public
}

// within returns the control function of a dialer that connects to addresses up to a realm only.
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

// realmOfConn tells where the other end of a connection is.
func realmOfConn(c net.Conn) realm {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return realmOfAddr(at)
	}
	return public // the strictest for what follows
}

func realmOfAddr(at *net.TCPAddr) realm {
	if ip, ok := netip.AddrFromSlice(at.IP); ok {
		return realmOf(ip)
	}
	return public
}
