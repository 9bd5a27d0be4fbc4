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

// Packet is a UDP socket. Its methods are those of transport.DatagramConn.
type Packet struct {
	host          *Host
	loop          *aio.Loop
	network       string
	local, remote netip.AddrPort
	reusable      bool
	broadcast     bool
	source        *aio.Source
	in            []datagram
	size          int // bytes in it
	closed        bool
}

type datagram struct {
	data []byte
	from netip.AddrPort
	err  error
}

const (
	largestDatagram = 65507     // of IPv4
	receiveBuffer   = 208 << 10 // bytes that a socket keeps; the rest is lost
	perDatagram     = 256       // bytes that each one counts for besides its own
)

// everybody is the address of all hosts.
var everybody = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// PacketOptions are those of transport.
type PacketOptions struct{ ReusePort, Broadcast bool }

// Datagram opens a socket.
func (h *Host) Datagram(
	ctx context.Context, network string, local, remote netip.AddrPort, o PacketOptions,
) (*Packet, error) {
	loop := aio.RunningLoop(ctx)
	h.Net.enter(loop, "Endpoint")
	fail := func(call string, err error) (*Packet, error) {
		e := &net.OpError{Op: "listen", Net: network, Addr: udpAddr(local),
			Err: os.NewSyscallError(call, err)}
		if remote.IsValid() {
			e.Op, e.Source, e.Addr = "dial", udpAddr(local), udpAddr(remote)
		}
		return nil, e
	}
	if remote.IsValid() {
		if remote.Addr() == everybody && !o.Broadcast {
			return fail("connect", sys.EACCES)
		}
		if to := remote.Addr(); to.IsUnspecified() {
			to = netip.IPv6Loopback()
			if remote.Addr().Is4() {
				to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
			}
			remote = netip.AddrPortFrom(to, remote.Port())
		}
		if !local.IsValid() || local.Addr().IsUnspecified() {
			from := h.source(remote.Addr())
			if !from.IsValid() {
				return fail("connect", sys.ENETUNREACH)
			}
			local = netip.AddrPortFrom(from, local.Port())
		}
	}
	if h.down {
		return fail("bind", simfs.ErrLost)
	}
	if !h.has(local.Addr()) {
		return fail("bind", sys.EADDRNOTAVAIL)
	}
	if local.Port() == 0 {
		port, err := h.freePort()
		if err != nil {
			return fail("bind", err)
		}
		local = netip.AddrPortFrom(local.Addr(), port)
	}
	for _, other := range h.udp[local.Port()] {
		if overlap(network, local.Addr(), other.network, other.local.Addr()) &&
			!(other.reusable && o.ReusePort) {
			return fail("bind", sys.EADDRINUSE)
		}
	}
	c := &Packet{
		host: h, loop: loop, network: network, local: local, remote: remote,
		reusable: o.ReusePort, broadcast: o.Broadcast,
	}
	h.udp[local.Port()] = append(h.udp[local.Port()], c)
	return c, nil
}

// Start implements transport.DatagramConn.
func (c *Packet) Start(ready func(aio.Interest)) error {
	if c.closed {
		return c.fail("read", net.ErrClosed)
	}
	c.source = c.loop.NewSource(ready)
	if len(c.in) > 0 {
		c.source.Report(aio.Readable)
	}
	return nil
}

// TryReadFrom implements transport.DatagramConn.
func (c *Packet) TryReadFrom(p []byte) (int, netip.AddrPort, error) {
	switch {
	case c.closed:
		return 0, netip.AddrPort{}, c.fail("read", net.ErrClosed)
	case len(c.in) == 0:
		return 0, netip.AddrPort{}, ErrWouldBlock
	}
	d := c.in[0]
	c.in[0] = datagram{}
	if c.in = c.in[1:]; len(c.in) == 0 {
		c.in = nil
	}
	if d.err != nil {
		return 0, netip.AddrPort{}, d.err
	}
	c.size -= len(d.data) + perDatagram
	return copy(p, d.data), d.from, nil
}

// TryWriteTo implements transport.DatagramConn.
func (c *Packet) TryWriteTo(p []byte, to netip.AddrPort) error {
	if !to.IsValid() {
		to = c.remote
	}
	ip := to.Addr()
	switch {
	case c.closed:
		return c.fail("write", net.ErrClosed)
	case len(p) > largestDatagram:
		return c.fail("sendto", sys.EMSGSIZE)
	case ip == everybody:
		if !c.broadcast {
			return c.fail("sendto", sys.EACCES)
		}
		for _, h := range c.host.Net.hosts {
			c.send(p, h, to)
		}
		return nil
	}
	target := c.host.Net.hostAt(ip, c.host)
	if target == nil {
		return c.fail("sendto", sys.EHOSTUNREACH)
	}
	c.send(p, target, to)
	return nil
}

// send puts a datagram on its way to a host.
func (c *Packet) send(p []byte, to *Host, at netip.AddrPort) {
	n := c.host.Net
	delays := onTime
	if n.Weather != nil && to != c.host {
		delays = n.Weather.Datagram(c.host, to, p)
		if c.closed { // the host has crashed
			return
		}
	}
	l := n.link(c.host, to)
	for _, d := range delays {
		d += l.Latency
		data := slices.Clone(p)
		if l.Bandwidth > 0 {
			d += l.takes(len(p))
		}
		if d > 0 {
			c.loop.NewTimer(func() { c.arrive(data, to, at) }).Start(d)
		} else {
			c.arrive(data, to, at)
		}
	}
}

var onTime = []time.Duration{0}

// arrive delivers a datagram, or loses it.
func (c *Packet) arrive(p []byte, to *Host, at netip.AddrPort) {
	if to.down || to != c.host && to.Net.isCut(c.host, to) {
		return
	}
	from := c.local
	if from.Addr().IsUnspecified() {
		from = netip.AddrPortFrom(c.host.source(at.Addr()), from.Port())
	}
	var best *Packet
	for _, s := range to.udp[at.Port()] {
		if at.Addr() != everybody && !fits(s.network, s.local.Addr(), at.Addr()) {
			continue
		}
		if s.remote.IsValid() && s.remote != from {
			// the one host of a plain network answers from whatever address it was asked at
			if !to.any || !c.local.Addr().IsUnspecified() || s.remote.Port() != from.Port() {
				continue
			}
			from = s.remote
		}
		if best == nil || s.remote.IsValid() && !best.remote.IsValid() ||
			!s.local.Addr().IsUnspecified() && best.local.Addr().IsUnspecified() {
			best = s
		}
	}
	switch {
	case best != nil:
		if best.size+len(p)+perDatagram <= receiveBuffer {
			best.size += len(p) + perDatagram
			best.push(datagram{data: p, from: from})
		}
	case c.remote.IsValid() && !c.closed:
		c.push(datagram{err: c.fail("read", sys.ECONNREFUSED)})
	}
}

func (c *Packet) push(d datagram) {
	c.in = append(c.in, d)
	if c.source != nil {
		c.source.Report(aio.Readable)
	}
}

// Close implements transport.DatagramConn.
func (c *Packet) Close() error {
	if c.source != nil {
		c.source.Close()
	}
	c.remove()
	return nil
}

// vanish closes the socket of a host that crashes. Its transport learns it.
func (c *Packet) vanish() {
	c.remove()
	if c.source != nil {
		c.source.Report(aio.Readable)
	}
}

func (c *Packet) remove() {
	if c.closed {
		return
	}
	c.closed = true
	c.in, c.size = nil, 0
	h, port := c.host, c.local.Port()
	others := slices.DeleteFunc(h.udp[port], func(x *Packet) bool { return x == c })
	if h.udp[port] = others; len(others) == 0 {
		delete(h.udp, port)
	}
}

// String describes the socket for a task that waits for it.
func (c *Packet) String() string { return "a socket at " + c.local.String() }

// LocalAddr implements transport.DatagramConn.
func (c *Packet) LocalAddr() net.Addr { return udpAddr(c.local) }

// RemoteAddr implements transport.DatagramConn.
func (c *Packet) RemoteAddr() net.Addr { return udpAddr(c.remote) }

func (c *Packet) fail(op string, err error) error {
	if errno, ok := err.(sys.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	e := &net.OpError{Op: op, Net: "udp", Source: udpAddr(c.local), Err: err}
	if c.remote.IsValid() {
		e.Addr = udpAddr(c.remote)
	}
	return e
}
