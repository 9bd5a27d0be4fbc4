package aiohttp

import (
	"net/netip"
	"time"
)

// SetStuck sets the time after which a loop that takes no turn is held up by middleware, until the
// function it returns is called.
func SetStuck(d time.Duration) (restore func()) {
	before := stuck
	stuck = d
	return func() { stuck = before }
}

// RealmOf tells where an address is: public, private, or local or reserved.
func RealmOf(address string) string { return realmOf(netip.MustParseAddr(address)).String() }

// PretendPublic makes the addresses of the loopback network but 127.0.0.1 public, until undo is
// called.
func PretendPublic() (undo func()) {
	before := localNets
	localNets = prefixes("127.0.0.1/32")
	return func() { localNets = before }
}
