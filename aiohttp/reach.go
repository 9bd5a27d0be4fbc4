package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/aio-go/aio/internal/realm"
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

// within returns the control function of a dialer that connects to addresses up to a realm only.
func within(most realm.Realm) func(context.Context, string, string, syscall.RawConn) error {
	if most == realm.Local {
		return nil
	}
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return checkReach(address, most)
	}
}

// checkReach returns an error if an address is beyond a realm.
func checkReach(address string, most realm.Realm) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: it is no address of IP", ErrReach)
	}
	if is := realm.Of(at.Addr()); is > most {
		return fmt.Errorf("%w: %v is %v", ErrReach, at.Addr(), is)
	}
	return nil
}

// realmOfConn tells where the other end of a connection is.
func realmOfConn(c net.Conn) realm.Realm {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return realmOfAddr(at)
	}
	return realm.Public // the strictest for what follows
}

func realmOfAddr(at *net.TCPAddr) realm.Realm {
	if ip, ok := netip.AddrFromSlice(at.IP); ok {
		return realm.Of(ip)
	}
	return realm.Public
}
