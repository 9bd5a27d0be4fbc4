package transport

import (
	"errors"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// portableBuffer is how much a portable connection takes ahead in each direction, bytes.
const portableBuffer = 32 << 10

// portableConn joins a net.Conn to a loop. One goroutine reads ahead into a bounded buffer.
// Another, started by the first write, sends the bytes that TryWrite took.
type portableConn struct {
	portableNews
	nc net.Conn

	in      []byte // in[inFrom:inTo] has been received and not yet read
	inFrom  int
	inTo    int
	inErr   error // why receiving ended
	out     []byte
	spare   []byte // out and spare take turns
	sending int    // bytes taken out of out and not yet sent
	outErr  error  // why sending ended
	starved bool   // TryWrite found no room
	writing bool   // the writer goroutine runs
	eof     bool   // CloseWrite was called

	// Close does not end a Read or Write under way, so its goroutine is left behind; set once
	deaf bool
}

func newPortableConn(h *hub, nc net.Conn) *portableConn {
	c := &portableConn{nc: nc}
	c.init(h)
	h.own(c)
	return c
}

func (c *portableConn) Start(ready func(aio.Interest)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = ready
	if c.closed {
		return &net.OpError{Op: "read", Net: c.nc.LocalAddr().Network(), Err: net.ErrClosed}
	}
	c.notifyLocked(aio.Writable) // bytes written before Start may be out by now
	c.spawn(c.receive)
	return nil
}

// spawn starts one of the two goroutines.
func (c *portableConn) spawn(fn func()) {
	if c.deaf {
		go fn()
		return
	}
	c.hub.helper.Go(fn)
}

// receive is the reading goroutine. Only it writes to in beyond inTo, so it does that without the
// lock.
func (c *portableConn) receive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for c.inTo-c.inFrom == portableBuffer && !c.closed {
			c.change.Wait()
		}
		if c.closed {
			return
		}
		switch {
		case c.in == nil:
			c.in = make([]byte, portableBuffer)
		case c.inFrom == c.inTo:
			c.inFrom, c.inTo = 0, 0
		case c.inTo == portableBuffer:
			c.inTo = copy(c.in, c.in[c.inFrom:c.inTo])
			c.inFrom = 0
		}
		free := c.in[c.inTo:]
		c.mu.Unlock()
		n, err := c.nc.Read(free)
		c.mu.Lock()
		c.inTo += n
		if n > 0 {
			c.notifyLocked(aio.Readable)
		}
		if err != nil {
			c.inErr = sys.Error(err)
			c.notifyLocked(aio.Readable | aio.HangUp)
			return
		}
	}
}

func (c *portableConn) TryRead(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, c.closedError("read")
	}
	if n := copy(p, c.in[c.inFrom:c.inTo]); n > 0 {
		if c.inTo-c.inFrom == portableBuffer {
			c.change.Broadcast()
		}
		c.inFrom += n
		return n, nil
	}
	if c.inErr != nil {
		return 0, c.inErr
	}
	return 0, ErrWouldBlock
}

func (c *portableConn) TryWrite(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, c.closedError("write")
	}
	if c.outErr != nil {
		return 0, c.outErr
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := min(len(p), portableBuffer-len(c.out))
	if n <= 0 {
		c.starved = true
		return 0, ErrWouldBlock
	}
	c.out = append(c.out, p[:n]...)
	c.startWriterLocked()
	return n, nil
}

func (c *portableConn) startWriterLocked() {
	if c.writing {
		c.change.Broadcast()
		return
	}
	c.writing = true
	c.spawn(c.send)
}

// send is the writing goroutine.
func (c *portableConn) send() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && !c.eof && !c.closed {
			c.change.Wait()
		}
		if c.closed {
			return
		}
		if len(c.out) == 0 { // and CloseWrite was called
			c.mu.Unlock()
			err := sys.Error(c.nc.(closeWriter).CloseWrite())
			c.mu.Lock()
			if err != nil && !isNotConnected(err) {
				c.outErr = err
			}
			return
		}
		batch := c.out
		c.out, c.spare = c.spare[:0], nil
		c.sending = len(batch)
		c.mu.Unlock()
		_, err := c.nc.Write(batch)
		c.mu.Lock()
		c.sending = 0
		c.spare = batch
		if err != nil {
			c.outErr = sys.Error(err)
			c.notifyLocked(aio.Writable | aio.HangUp)
			return
		}
		// Both the new room and the fall of Pending are reported.
		c.starved = false
		c.notifyLocked(aio.Writable)
	}
}

// Pending makes the transport wait for the writing goroutine before it closes the connection.
func (c *portableConn) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.outErr != nil {
		return 0
	}
	return len(c.out) + c.sending
}

func (c *portableConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.closedError("close")
	}
	if !c.CanCloseWrite() {
		return &net.OpError{
			Op:  "close",
			Net: c.nc.LocalAddr().Network(),
			Err: errors.ErrUnsupported,
		}
	}
	c.eof = true
	c.startWriterLocked()
	return nil
}

// CanCloseWrite reports whether the connection has a half-close; a connection of package net may
// have none.
func (c *portableConn) CanCloseWrite() bool {
	_, ok := c.nc.(closeWriter)
	return ok
}

type closeWriter interface{ CloseWrite() error }

func (c *portableConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.in, c.inFrom, c.inTo = nil, 0, 0
	c.change.Broadcast()
	c.mu.Unlock()
	c.hub.disown(c)
	c.hub.loop.MayPost(-1)
	if c.deaf {
		go c.nc.Close()
		return nil
	}
	return c.nc.Close() // ends a Read and a Write under way
}

func (c *portableConn) LocalAddr() net.Addr  { return c.nc.LocalAddr() }
func (c *portableConn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

func (c *portableConn) closedError(op string) error {
	return &net.OpError{
		Op:     op,
		Net:    c.nc.LocalAddr().Network(),
		Source: c.LocalAddr(),
		Addr:   c.RemoteAddr(),
		Err:    net.ErrClosed,
	}
}

var _ Pender = (*portableConn)(nil)
