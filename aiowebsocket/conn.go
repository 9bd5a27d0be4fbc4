package aiowebsocket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/wire"
	"github.com/aio-go/aio/stream"
	"github.com/gobwas/ws"
)

// Conn is a WebSocket connection. Several tasks may read and write at the same time: each gets
// whole messages, and they take turns in FIFO order. While no task reads, the connection itself
// reads ahead from the next heartbeat on, until a message is there; so pings are answered, and
// closes noticed, in programs that only write. Close it, or Abort it.
//
//	state   | meaning                                | left by
//	open    | messages pass in both directions       | Close, the peer's close, a mistake, a loss
//	closing | the close frame was sent (closeSent)   | the peer's close, a loss, the time-out
//	ended   | the connection is given up (end is set)| -
type Conn struct {
	net      net.Conn
	wire     wire.Conn // the same
	loop     *aio.Loop
	o        Options
	client   bool
	deflate  bool
	protocol string

	closeSent bool
	end       *CloseError

	readTurn aiosync.Lock
	received // guarded by readTurn

	writeTurn aiosync.Lock
	atOnce    int    // bytes written since other tasks had a turn
	pong      []byte // the payload of a ping to be answered when there is room; nil: none

	pulse
}

// Protocol returns the subprotocol that both sides agreed on, or "".
func (c *Conn) Protocol() string { return c.protocol }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.net.RemoteAddr() }

// Buffered returns how many bytes wait for the peer to take them.
func (c *Conn) Buffered() int {
	if c.end != nil {
		return 0
	}
	return c.wire.Buffered()
}

// String describes the connection for logs and dumps.
func (c *Conn) String() string {
	s := "WebSocket"
	if a := c.net.RemoteAddr(); a != nil {
		s += " of " + a.String()
	}
	if c.end != nil {
		s += ", ended"
	}
	return s
}

// newConn makes a connection of one whose handshake is over. ahead is what came after it.
func newConn(ctx context.Context, conn net.Conn, ahead []byte, o Options) (*Conn, error) {
	c := &Conn{net: conn, loop: aio.RunningLoop(ctx), o: o}
	var ok bool
	if c.wire, ok = conn.(wire.Conn); !ok { // of other middleware or another server
		r, w, err := stream.Adopt(ctx, conn)
		if err != nil {
			return nil, err
		}
		c.net = stream.NetConn(c.loop.Context(), r, w)
		c.wire = c.net.(wire.Conn)
	}
	c.rest = append(c.rest, ahead...)
	c.beat(c)
	return c, nil
}

// Close ends the connection with a code and a reason of at most 123 bytes, which the peer sees. It
// waits until the peer has answered, for [Options.Timeout] at most, and drops messages that arrive
// meanwhile. Messages written before are sent. Tasks that wait to write get [ErrClosed]. After a
// close Close does nothing and returns nil. It returns an error if the peer did not answer in
// order. The connection is closed in any case. It panics for a code that cannot be sent, such as
// [NoStatus]. Python: websockets' close.
//
// Cancellation: the connection is aborted.
func (c *Conn) Close(ctx context.Context, code Code, reason string) error {
	if !code.canBeSent() {
		panic("aiowebsocket: Conn.Close: the code cannot be sent; use Normal or one from 3000 on")
	}
	if c.end != nil {
		return nil
	}
	defer c.Abort()
	if !c.closeSent {
		c.sendClose(code, reason)
	}
	err := aio.Timeout(ctx, c.o.Timeout, func(ctx context.Context) error {
		for {
			if _, err := c.Read(ctx); err != nil {
				return err
			}
		}
	})
	if e, ok := errors.AsType[*CloseError](err); ok && (e.Remote || e.Err == nil) {
		return nil
	}
	return err
}

// Abort drops the connection without a handshake. After a close it does nothing.
func (c *Conn) Abort() {
	if c.end == nil {
		c.lose(net.ErrClosed)
	}
}

// sendClose sends the close frame. It does not wait for its turn: messages are whole frames.
func (c *Conn) sendClose(code Code, reason string) {
	c.closeSent = true
	var body []byte
	if code != NoStatus {
		for len(reason) > ws.MaxControlFramePayloadSize-2 || !validEnd(reason) {
			reason = reason[:len(reason)-1]
		}
		body = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	}
	c.send(ws.OpClose, body, false)
}

// lose ends a connection that is lost, or is to be dropped.
func (c *Conn) lose(err error) {
	if c.end != nil {
		return
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	c.end = &CloseError{Code: Abnormal, Err: err}
	c.wire.Abort()
	c.still()
}

// finish ends a connection after the close frames, whose bytes are still sent.
func (c *Conn) finish(e *CloseError) *CloseError {
	if c.end == nil {
		c.end = e
		c.release()
	}
	return c.end
}

// release closes a connection that has ended.
func (c *Conn) release() {
	c.net.Close()
	switch {
	case c.wire.Buffered() == 0:
		c.still()
	case c.timer == nil: // nothing else finds out that the peer does not take them
		c.timer = c.loop.CallLater(c.o.Timeout, c.wire.Abort)
	}
}

// fault ends the connection because of a mistake of the peer, which is told. What the peer has sent
// meanwhile is dropped for a moment: to close at once would reset the connection, and the close
// frame might be lost.
func (c *Conn) fault(ctx context.Context, code Code, err error) *CloseError {
	if c.end != nil {
		return c.end
	}
	if !c.closeSent {
		c.sendClose(code, err.Error())
	}
	if c.end != nil {
		return c.end // lost
	}
	c.end = &CloseError{Code: code, Err: err}
	defer c.release()
	_ = c.wire.CloseWrite() // TLS cannot
	_ = aio.Timeout(ctx, linger, func(ctx context.Context) error {
		for {
			if n, err := c.wire.ReadTask(ctx, c.buf[:]); n == 0 || err != nil {
				return err
			}
		}
	})
	return c.end
}

// linger is how long a peer that made a mistake may take to close its side.
const linger = time.Second

// pulse finds out whether the peer is alive.
type pulse struct {
	timer   *aio.TimerHandle
	last    time.Time // of the last beat
	heard   bool      // since then
	waiting bool      // a task waits for bytes of the peer
	pinged  bool      // at the last beat
	sent    int64     // bytes, in all
	taken   int64     // of these by the system, at the last beat
}

// beat starts the timer.
func (p *pulse) beat(c *Conn) {
	if c.o.Heartbeat <= 0 {
		return
	}
	p.last = c.loop.Time()
	p.timer = c.loop.CallLater(c.o.Heartbeat, c.onBeat)
}

// still stops the timer.
func (p *pulse) still() {
	if p.timer != nil {
		p.timer.Cancel()
		p.timer = nil
	}
}

// onBeat looks whether the peer has sent and taken something since the last beat.
func (c *Conn) onBeat() {
	late := c.loop.Time().Sub(c.last) > c.o.Heartbeat*3/2 // the loop did not look for events
	waits := c.wire.Buffered()
	taken := c.sent - int64(waits)
	stuck := waits > 0 && taken == c.taken && !late
	c.taken = taken
	switch {
	case c.end != nil && stuck:
		c.wire.Abort()
		return
	case c.end != nil && waits == 0:
		return
	case c.end != nil:
	case stuck:
		c.lose(&timeoutError{"the peer has taken nothing for too long"})
		return
	case !c.waiting || c.heard || late:
		c.pinged = false
	case c.pinged:
		c.lose(&timeoutError{"the peer does not answer"})
		return
	default:
		c.pinged = true
		c.send(ws.OpPing, nil, false)
		if c.end != nil {
			return
		}
	}
	c.flushPong()
	c.heard = false
	c.beat(c)
	if c.end == nil && c.ready == nil && !c.readTurn.Locked() {
		aio.Start(c.loop.Context(), c.readAhead, aio.Name("reader of "+c.String()))
	}
}

// readAhead reads a message that nobody waits for.
func (c *Conn) readAhead(ctx context.Context) error {
	if m, err := c.Read(ctx); err == nil {
		c.ready = &m // before the next in line has its turn
	}
	return nil // the next Read returns the error, too
}

// timeoutError is the reason for which a peer counts as dead.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string        { return e.text }
func (e *timeoutError) Timeout() bool        { return true }
func (e *timeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
