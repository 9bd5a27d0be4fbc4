package simnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/sys"
)

// dialing is what a task that connects waits for.
type dialing struct{ address string }

func (d *dialing) String() string { return d.address }

// Patience of the system with a host that does not answer.
const connectTime = 127 * time.Second

// Dial connects to an address.
func (h *Host) Dial(
	ctx context.Context, network string, remote, local netip.AddrPort, keepAlive time.Duration,
) (*Conn, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Connect")
	fail := func(err error) (*Conn, error) {
		e := &net.OpError{Op: "dial", Net: network, Addr: tcpAddr(remote),
			Err: os.NewSyscallError("connect", err)}
		if h.down {
			e.Err = simfs.ErrLost
		}
		if local.IsValid() {
			e.Source = tcpAddr(local)
		}
		return nil, e
	}
	ip := remote.Addr()
	if ip.IsUnspecified() {
		ip = netip.IPv6Loopback()
		if remote.Addr().Is4() {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	}
	from := h.source(ip)
	if local.IsValid() && !local.Addr().IsUnspecified() {
		if from = local.Addr(); !h.has(from) {
			return fail(sys.EADDRNOTAVAIL)
		}
	}
	to := h.Net.hostAt(ip, h)
	if h.down || to == nil || !from.IsValid() {
		return fail(sys.EHOSTUNREACH)
	}
	what := &dialing{remote.String()}
	if err := h.reach(ctx, to, what); err != nil {
		if err == error(sys.ETIMEDOUT) {
			return fail(err)
		}
		return nil, err
	}
	l := to.listenerAt(ip, remote.Port())
	for l != nil && l.isFull() {
		if err := l.await(ctx, what); err != nil {
			return nil, err
		}
		l = to.listenerAt(ip, remote.Port())
	}
	if l == nil {
		return fail(sys.ECONNREFUSED)
	}
	port := local.Port()
	if port != 0 {
		if h.isTaken(netip.AddrPortFrom(from, port), netip.AddrPortFrom(ip, remote.Port())) {
			return fail(sys.EADDRINUSE)
		}
	} else {
		var err error
		if port, err = h.freePort(); err != nil {
			return fail(sys.EADDRNOTAVAIL)
		}
	}
	a, b := newPair(loop, h, to, tcpAddr(netip.AddrPortFrom(from, port)),
		tcpAddr(netip.AddrPortFrom(ip, remote.Port())), "tcp", keepAlive, l.keepAlive)
	l.push(b)
	return a, nil
}

// isTaken reports whether a connection between two addresses cannot be made, because there is one,
// or because somebody listens on the local one.
func (h *Host) isTaken(local, remote netip.AddrPort) bool {
	for _, l := range h.tcp[local.Port()] {
		if fits(l.network, l.at.Addr(), local.Addr()) {
			return true
		}
	}
	return slices.ContainsFunc(h.conns, func(c *Conn) bool {
		a, _ := c.local.(*net.TCPAddr)
		b, _ := c.remote.(*net.TCPAddr)
		return a != nil && b != nil && a.AddrPort() == local && b.AddrPort() == remote
	})
}

// reach takes the time of a packet there and back. While the way is cut it tries again, as the
// system does, with ever longer pauses.
func (h *Host) reach(ctx context.Context, to *Host, what *dialing) error {
	const op = "transport.Connect"
	n := h.Net
	for d, waited := time.Second, time.Duration(0); ; d *= 2 {
		there := n.link(h, to).Latency + n.link(to, h).Latency
		if there > 0 {
			if err := pause(ctx, op, what, there); err != nil {
				return err
			}
		}
		if h == to || !to.down && !n.isCut(h, to) && !n.isCut(to, h) {
			return nil
		}
		if waited += d; waited > connectTime {
			return sys.ETIMEDOUT
		}
		if err := pause(ctx, op, what, d); err != nil {
			return err
		}
	}
}

// DialUnix connects to a name of this host.
func (h *Host) DialUnix(ctx context.Context, name string) (*Conn, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Connect")
	fail := func(err error) (*Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: unixAddr(name),
			Err: os.NewSyscallError("connect", err)}
	}
	if h.down {
		return fail(simfs.ErrLost)
	}
	l := h.unix[name]
	for l != nil && !l.closed && l.isFull() {
		if err := l.await(ctx, &dialing{name}); err != nil {
			return nil, err
		}
		l = h.unix[name]
	}
	switch {
	case l == nil:
		return fail(sys.ENOENT)
	case l.closed:
		return fail(sys.ECONNREFUSED)
	}
	a, b := newPair(loop, h, h, unixAddr(""), unixAddr(name), "unix", -1, -1)
	l.push(b)
	return a, nil
}
