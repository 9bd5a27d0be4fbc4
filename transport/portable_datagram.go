package transport

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// datagramsAhead is how many datagrams a portable socket takes ahead in each direction.
const datagramsAhead = 64

func (portableNetwork) Datagram(
	ctx context.Context, network string, local, remote netip.AddrPort, o DatagramOptions,
) (DatagramConn, error) {
	h := hubOf(aio.RunningLoop(ctx))
	control := func(network, address string, c syscall.RawConn) error {
		if o.ReusePort {
			if err := reusePort(network, address, c); err != nil {
				return err
			}
		}
		return setBroadcast(c, o.Broadcast) // package net switches it on
	}
	var nc any
	var err error
	if remote.IsValid() {
		d := net.Dialer{LocalAddr: udpAddr(local), Control: control}
		// does not wait
		nc, err = d.DialContext(context.Background(), udpVersion(network, remote), remote.String())
	} else {
		lc := net.ListenConfig{Control: control}
		nc, err = lc.ListenPacket(context.Background(), udpVersion(network, local), local.String())
	}
	if err != nil {
		return nil, sys.Error(err)
	}
	return newPortableDatagram(h, nc.(*net.UDPConn)), nil
}

// udpVersion keeps package net from serving both versions of IP if one address is meant.
func udpVersion(network string, a netip.AddrPort) string {
	switch {
	case a.Addr().Is4():
		return "udp4"
	case a.Addr() != netip.IPv6Unspecified():
		return "udp6"
	}
	return network
}

// portableDatagram joins a UDP socket of package net to a loop. One goroutine receives ahead into a
// bounded queue. Another, started by the first datagram, sends the datagrams that TryWriteTo took.
type portableDatagram struct {
	portableNews
	nc *net.UDPConn

	in      []received
	out     []datagram
	pending int  // bytes in out and in the datagram being sent, with the overhead of each
	writing bool // the sending goroutine runs
}

// received is a datagram, or the error of receiving.
type received struct {
	data []byte
	from netip.AddrPort
	err  error
}

func newPortableDatagram(h *hub, nc *net.UDPConn) *portableDatagram {
	c := &portableDatagram{nc: nc}
	c.init(h)
	h.own(c)
	return c
}

func (c *portableDatagram) Start(ready func(aio.Interest)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = ready
	if c.closed {
		return c.closedError("read")
	}
	c.notifyLocked(aio.Writable) // datagrams sent before Start may be out by now
	c.hub.helper.Go(c.receive)
	return nil
}

// receive is the receiving goroutine. After a failure it waits until the loop has taken everything.
func (c *portableDatagram) receive() {
	buf := make([]byte, readBufferSize)
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := false
	for {
		for !c.closed && (len(c.in) >= datagramsAhead || failed && len(c.in) > 0) {
			c.change.Wait()
		}
		if c.closed {
			return
		}
		c.mu.Unlock()
		n, from, err := c.nc.ReadFromUDPAddrPort(buf)
		c.mu.Lock()
		if c.closed {
			return
		}
		failed = err != nil
		if failed {
			c.in = append(c.in, received{err: sys.DatagramError(err)})
		} else {
			c.in = append(c.in, received{data: slices.Clone(buf[:n]), from: unmapped(from)})
		}
		c.notifyLocked(aio.Readable)
	}
}

func (c *portableDatagram) TryReadFrom(p []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, netip.AddrPort{}, c.closedError("read")
	}
	if len(c.in) == 0 {
		return 0, netip.AddrPort{}, ErrWouldBlock
	}
	r := c.in[0]
	c.in[0] = received{}
	if c.in = c.in[1:]; len(c.in) == 0 {
		c.in = nil
	}
	c.change.Broadcast()
	return copy(p, r.data), r.from, r.err
}

func (c *portableDatagram) TryWriteTo(p []byte, to netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.closedError("write")
	}
	if len(c.out) >= datagramsAhead {
		return ErrWouldBlock
	}
	c.out = append(c.out, datagram{slices.Clone(p), to})
	c.pending += len(p) + datagramOverhead
	if c.writing {
		c.change.Broadcast()
		return nil
	}
	c.writing = true
	c.hub.helper.Go(c.send)
	return nil
}

// send is the sending goroutine. Its failures are queued like received datagrams.
func (c *portableDatagram) send() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && !c.closed {
			c.change.Wait()
		}
		if c.closed {
			return
		}
		d := c.out[0]
		c.out = slices.Delete(c.out, 0, 1)
		c.mu.Unlock()
		var err error
		if d.to.IsValid() {
			_, err = c.nc.WriteToUDPAddrPort(d.data, d.to)
		} else {
			_, err = c.nc.Write(d.data)
		}
		c.mu.Lock()
		c.pending -= len(d.data) + datagramOverhead
		news := aio.Writable // both the new room and the fall of Pending are reported
		if err != nil {
			c.in = append(c.in, received{err: sys.DatagramError(err)})
			news |= aio.Readable
		}
		c.notifyLocked(news)
	}
}

// Pending makes the transport wait for the sending goroutine before it closes the socket.
func (c *portableDatagram) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0
	}
	return c.pending
}

func (c *portableDatagram) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.in, c.out = nil, nil
	c.change.Broadcast()
	c.mu.Unlock()
	c.hub.disown(c)
	c.hub.loop.MayPost(-1)
	return c.nc.Close() // ends the waits of the goroutines
}

func (c *portableDatagram) LocalAddr() net.Addr {
	if u, ok := c.nc.LocalAddr().(*net.UDPAddr); ok {
		return udpAddr(unmapped(u.AddrPort()))
	}
	return nil
}

func (c *portableDatagram) RemoteAddr() net.Addr {
	if u, ok := c.nc.RemoteAddr().(*net.UDPAddr); ok && u != nil {
		return udpAddr(unmapped(u.AddrPort()))
	}
	return nil
}

func (c *portableDatagram) closedError(op string) error {
	return &net.OpError{
		Op:     op,
		Net:    "udp",
		Source: c.LocalAddr(),
		Addr:   c.RemoteAddr(),
		Err:    net.ErrClosed,
	}
}

var _ Pender = (*portableDatagram)(nil)
