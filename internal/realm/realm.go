// Package realm tells addresses of the Internet from those of private networks and of this machine.
package realm

import "net/netip"

// Realm is where an address is. Fewer hosts can connect to an address of a higher realm, and it may
// trust them more.
type Realm uint8

const (
	// Public is the Internet.
	Public Realm = iota
	// Private is for networks of a house, a firm or a provider.
	Private
	// Local is this machine, its link, and what has no place in a network.
	Local
)

// String names the realm.
func (r Realm) String() string { return [...]string{"public", "private", "local or reserved"}[r] }

// prefixes of addresses that are not public. What is not listed as private is local.
var (
	privateNets = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
		"fc00::/7", "fec0::/10")
	localNets = prefixes(
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	)
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

// Of tells where an address is. One that is not known to be public is not.
func Of(ip netip.Addr) Realm {
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
				return Of(netip.AddrFrom4([4]byte(b[at : at+4])))
			}
		}
	}
	switch {
	case in(privateNets):
		return Private
	case !ip.IsValid(), ip.Is4() && in(localNets),
		ip.Is6() && (!worldNet.Contains(ip) || in(oddNets)):
		return Local
	}
	return Public
}

// PretendPublic makes the addresses of the loopback network but 127.0.0.1 public, until undo is
// called. It is for tests.
func PretendPublic() (undo func()) {
	before := localNets
	localNets = prefixes("127.0.0.1/32")
	return func() { localNets = before }
}
