package transport

import (
	"context"
	"net/netip"

	"github.com/aio-go/aio/internal/simnet"
)

// Memory returns a new network in memory, for tests. Give it to [WithNetwork], and [Connect],
// [Listen] and [Endpoint], package stream, aiohttp's servers and clients work as they are, with TLS
// as well. It has TCP, UDP and Unix sockets, half-closes, resets and buffers of 64 KiB in each
// direction. It uses no goroutine, no descriptor and no file. A virtual clock does not wait for it:
// it jumps at once, and a deadlock is found at once.
//
// The network is one machine, to which every address belongs. A name gets an address of its own
// when it is first looked up, so "db:5432" and "cache:5432" can both be listened on. Whatever
// nobody listens on refuses connections. What is sent arrives at once. For several machines, delays
// and faults use World of package aiotest.
//
// It serves one loop at a time; it panics if two loops use it. asyncio has no counterpart.
func Memory() Network { return simulated{simnet.NewPlain()} }

// simulated is the network of a host in memory.
type simulated struct{ host *simnet.Host }

// SimulatedHost tells package aiohttp that the network works on the loop's time.
func (n simulated) SimulatedHost() *simnet.Host { return n.host }

func (n simulated) Dial(
	ctx context.Context, network, address string, o DialOptions,
) (Conn, error) {
	var c *simnet.Conn
	var err error
	if network == "unix" {
		c, err = n.host.DialUnix(ctx, address)
	} else {
		var remote netip.AddrPort
		if remote, err = parseLiteral("dial", network, address); err != nil {
			return nil, err
		}
		c, err = n.host.Dial(ctx, network, remote, o.LocalAddr, o.KeepAlive)
	}
	if err != nil {
		return nil, err // and not a nil *simnet.Conn
	}
	return c, nil
}

func (n simulated) Listen(
	ctx context.Context, network, address string, o ListenOptions,
) (Listener, error) {
	so := simnet.ListenOptions{
		Backlog:   o.Backlog,
		ReusePort: o.ReusePort,
		KeepName:  o.KeepSocketFile,
		KeepAlive: o.KeepAlive,
	}
	var l *simnet.Listener
	var err error
	if network == "unix" {
		l, err = n.host.ListenUnix(ctx, address, so)
	} else {
		var at netip.AddrPort
		if at, err = parseLiteral("listen", network, address); err != nil {
			return nil, err
		}
		l, err = n.host.Listen(ctx, network, at, so)
	}
	if err != nil {
		return nil, err
	}
	return simulatedListener{l}, nil
}

func (n simulated) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return n.host.Lookup(ctx, host)
}

// LookupAddr is found by the function of this name.
func (n simulated) LookupAddr(_ context.Context, ip netip.Addr) ([]string, error) {
	return n.host.LookupAddr(ip)
}

func (n simulated) Datagram(
	ctx context.Context, network string, local, remote netip.AddrPort, o DatagramOptions,
) (DatagramConn, error) {
	c, err := n.host.Datagram(ctx, network, local, remote,
		simnet.PacketOptions{ReusePort: o.ReusePort, Broadcast: o.Broadcast})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// simulatedListener gives what it accepts the type that [Listener] asks for.
type simulatedListener struct{ *simnet.Listener }

func (l simulatedListener) TryAccept() (Conn, error) {
	c, err := l.Listener.TryAccept()
	if err != nil {
		return nil, err
	}
	return c, nil
}

var _ DatagramNetwork = simulated{}
