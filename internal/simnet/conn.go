package simnet

import (
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/sys"
)

// Conn is one end of a connection. Its methods are those of transport.Conn.
type Conn struct {
	host   *Host
	peer   *Conn
	loop   *aio.Loop
	source *aio.Source // nil before Start
	ready  func(aio.Interest)
	early  aio.Interest // what is to be reported when it starts

	local, remote net.Addr
	network       string
	at            int // in host.conns
	keepAlive     time.Duration
	quiet         *aio.Timer // runs while nothing can come from the peer

	in      []byte // in[read:] can be read
	read    int
	out     flow  // to the peer
	failure error // ends reading behind in, and writing
	ended   bool  // nothing comes behind in
	blocked bool  // a write did not fit
	shut    bool  // CloseWrite was called
	closed  bool
	crashed bool // with its host
	gone    bool // nobody is there any more who answers: closed, or the host has crashed
	hole    bool // what is sent is lost on the way, in both directions
}

// Pair returns the two ends of a connection inside of a host, as if one had been accepted from the
// other.
func (h *Host) Pair(loop *aio.Loop, client, server net.Addr) (a, b *Conn) {
	h.Net.enter(loop, "Connect")
	return newPair(loop, h, h, client, server, client.Network(), 0, 0)
}

func newPair(
	loop *aio.Loop, ha, hb *Host, aa, ab net.Addr, network string, ka, kb time.Duration,
) (a, b *Conn) {
	a = &Conn{host: ha, loop: loop, local: aa, remote: ab, network: network, keepAlive: ka}
	b = &Conn{host: hb, loop: loop, local: ab, remote: aa, network: network, keepAlive: kb}
	a.peer, b.peer = b, a
	a.out.from, a.out.to = a, b
	b.out.from, b.out.to = b, a
	for _, c := range []*Conn{a, b} {
		c.at = len(c.host.conns)
		c.host.conns = append(c.host.conns, c)
	}
	return a, b
}

// String describes the connection for a task that waits for it.
func (c *Conn) String() string { return "a connection to " + c.remote.String() }

// Host returns the host of this end.
func (c *Conn) Host() *Host { return c.host }

// Peer returns the other end.
func (c *Conn) Peer() *Conn { return c.peer }

// Network returns the name of the network, "tcp" or "unix".
func (c *Conn) Network() string { return c.network }

// report tells what has changed, through the loop.
func (c *Conn) report(news aio.Interest) {
	if c.source == nil {
		c.early |= news
		return
	}
	c.source.Report(news)
}

// tell is report from inside a timer's turn: it needs no other one.
func (c *Conn) tell(news aio.Interest) {
	if c.source == nil || c.closed {
		c.early |= news
		return
	}
	c.ready(news)
}

// Start implements transport.Conn.
func (c *Conn) Start(ready func(aio.Interest)) error {
	if c.closed {
		return c.fail("read", net.ErrClosed)
	}
	c.ready, c.source = ready, c.loop.NewSource(ready)
	if c.early != 0 {
		c.source.Report(c.early)
	}
	return nil
}

// TryRead implements transport.Conn.
func (c *Conn) TryRead(p []byte) (int, error) {
	switch unread := len(c.in) - c.read; {
	case c.closed:
		return 0, c.fail("read", c.end())
	case len(p) == 0:
		return 0, nil
	case unread > 0:
		n := copy(p, c.in[c.read:])
		if c.read += n; n == unread {
			c.in, c.read = c.in[:0], 0
			if cap(c.in) > keptBuffer {
				c.in = nil
			}
		}
		c.peer.makeRoom()
		return n, nil
	case c.ended:
		return 0, io.EOF
	case c.failure != nil:
		return 0, c.failure
	}
	return 0, ErrWouldBlock
}

// keptBuffer is how many bytes an idle connection keeps for what it will receive.
const keptBuffer = 4 << 10

func (c *Conn) makeRoom() {
	if c.blocked && c.room() > 0 {
		c.blocked = false
		c.report(aio.Writable)
	}
}

// room is how many bytes can be sent before the peer has to read.
func (c *Conn) room() int {
	return c.host.Net.Window - (len(c.peer.in) - c.peer.read) - len(c.out.wire)
}

// TryWrite implements transport.Conn.
func (c *Conn) TryWrite(p []byte) (int, error) {
	switch {
	case c.closed:
		return 0, c.fail("write", c.end())
	case c.failure != nil:
		return 0, c.failure
	case c.shut:
		return 0, c.fail("write", sys.EPIPE)
	case len(p) == 0:
		return 0, nil
	}
	n := min(len(p), c.room())
	if n < len(p) {
		c.blocked = true
	}
	if n <= 0 {
		return 0, ErrWouldBlock
	}
	fate := Fate{}
	if w := c.host.Net.Weather; w != nil && c.host != c.peer.host {
		if fate = w.Send(c, p[:n]); fate.Reset {
			c.out.send(p[:fate.Taken], fate.Delay, goesOn)
			c.out.send(nil, 0, reset)
			c.lose(c.fail("write", sys.ECONNRESET))
			return n, nil
		}
		if c.closed { // the host has crashed
			return n, nil
		}
	}
	c.out.send(p[:n], fate.Delay, goesOn)
	return n, nil
}

// CloseWrite implements transport.Conn.
func (c *Conn) CloseWrite() error {
	switch {
	case c.closed:
		return c.fail("close", net.ErrClosed)
	case c.failure != nil:
		return c.fail("shutdown", sys.ENOTCONN)
	}
	if !c.shut {
		c.shut = true
		c.out.send(nil, 0, closing)
	}
	return nil
}

// Close implements transport.Conn. The bytes that were taken are still delivered. The peer of one
// that has not read everything is reset.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	unread := len(c.in) - c.read
	shut := c.shut
	if c.source != nil {
		c.source.Close()
	}
	c.vanish()
	switch {
	case c.failure != nil:
	case unread > 0:
		c.out.send(nil, 0, reset)
	case !shut:
		c.out.send(nil, 0, closing)
	}
	c.peer.makeRoom() // what it sends is dropped now
	return nil
}

// vanish ends this end. The peer is not told.
func (c *Conn) vanish() {
	if c.gone {
		return
	}
	c.closed, c.gone = true, true
	c.in, c.read = nil, 0
	c.heard()
	h := c.host
	last := len(h.conns) - 1
	h.conns[last].at = c.at
	h.conns[c.at] = h.conns[last]
	h.conns[last] = nil
	h.conns = h.conns[:last]
}

// LocalAddr implements transport.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements transport.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// end says why a closed end is closed.
func (c *Conn) end() error {
	if c.crashed {
		return simfs.ErrLost
	}
	return net.ErrClosed
}

func (c *Conn) fail(op string, err error) error {
	if errno, ok := err.(sys.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: c.remote, Err: err}
}

// lose ends the connection at this end with an error.
func (c *Conn) lose(err error) {
	if c.gone || c.failure != nil {
		return
	}
	c.failure = err
	c.heard()
	c.report(aio.Readable | aio.Writable | aio.HangUp)
}

// Conns returns the open connections of the host.
func (h *Host) Conns() []*Conn { return slices.Clone(h.conns) }
