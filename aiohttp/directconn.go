package aiohttp

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/transport"
)

// inMemory is how much each direction of a connection in memory holds.
const inMemory = 16 << 10

// directConn is one end of a connection in memory: a transport.Conn for both ends on one loop,
// whose order of events does not depend on time.
type directConn struct {
	loop    *aio.Loop
	peer    *directConn
	server  bool
	ready   func(aio.Interest)
	news    aio.Interest // that was not reported yet
	queued  bool         // the report is in the loop's queue
	in      []byte       // what can be read
	ended   bool         // nothing comes behind in
	reset   bool         // the peer is gone, and in with it
	blocked bool         // a write did not fit
	closed  bool
}

// newDirectConns makes the two ends of a connection.
func newDirectConns(l *aio.Loop) (client, server *directConn) {
	client, server = &directConn{loop: l}, &directConn{loop: l, server: true}
	client.peer, server.peer = server, client
	return client, server
}

// report tells what has changed, through the loop.
func (c *directConn) report(news aio.Interest) {
	c.news |= news
	if c.ready == nil || c.queued || c.closed {
		return
	}
	c.queued = true
	c.loop.CallSoon(func() {
		c.queued = false
		if news := c.news; !c.closed {
			c.news = 0
			c.ready(news)
		}
	})
}

// Start implements transport.Conn.
func (c *directConn) Start(ready func(aio.Interest)) error {
	c.ready = ready
	if c.news != 0 {
		c.report(0)
	}
	return nil
}

// TryRead implements transport.Conn.
func (c *directConn) TryRead(p []byte) (int, error) {
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.reset:
		return 0, c.fail("read", sys.ECONNRESET)
	case len(c.in) == 0 && c.ended:
		return 0, io.EOF
	case len(c.in) == 0:
		return 0, transport.ErrWouldBlock
	}
	n := copy(p, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	if c.peer.blocked {
		c.peer.blocked = false
		c.peer.report(aio.Writable)
	}
	return n, nil
}

// TryWrite implements transport.Conn.
func (c *directConn) TryWrite(p []byte) (int, error) {
	to := c.peer
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.reset || to.closed:
		return 0, c.fail("write", sys.ECONNRESET)
	}
	n := min(len(p), inMemory-len(to.in))
	if n < len(p) {
		c.blocked = true
	}
	if n <= 0 {
		return 0, transport.ErrWouldBlock
	}
	to.in = append(to.in, p[:n]...)
	to.report(aio.Readable)
	return n, nil
}

// CloseWrite implements transport.Conn.
func (c *directConn) CloseWrite() error {
	c.peer.ended = true
	c.peer.report(aio.Readable)
	return nil
}

// Close implements transport.Conn. A server has sent all that it wanted; a client that closes does
// not want to know any more.
func (c *directConn) Close() error {
	if !c.closed {
		c.closed, c.in = true, nil
		c.peer.ended, c.peer.reset = true, !c.server
		c.peer.report(aio.Readable | aio.Writable)
	}
	return nil
}

func (c *directConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "memory", Addr: directAddr{}, Err: os.NewSyscallError(op, err)}
}

// LocalAddr implements transport.Conn.
func (c *directConn) LocalAddr() net.Addr { return directAddr{} }

// RemoteAddr implements transport.Conn.
func (c *directConn) RemoteAddr() net.Addr { return directAddr{} }

type directAddr struct{}

func (directAddr) Network() string { return "memory" }
func (directAddr) String() string  { return "direct" }

// Dial lets a directConn stand for a network that connects to the other end.
func (c *directConn) Dial(
	context.Context, string, string, transport.DialOptions,
) (transport.Conn, error) {
	return c, nil
}

// Listen and LookupHost are for transport.Network, and never called.
func (c *directConn) Listen(
	context.Context, string, string, transport.ListenOptions,
) (transport.Listener, error) {
	return nil, net.ErrClosed
}

func (c *directConn) LookupHost(context.Context, string) ([]netip.Addr, error) {
	return nil, net.ErrClosed
}

// connect makes a transport of this end for p.
func (c *directConn) connect(ctx context.Context, p transport.Protocol) error {
	_, err := transport.Connect(transport.WithNetwork(ctx, c), "unix", "direct", p)
	return err
}
