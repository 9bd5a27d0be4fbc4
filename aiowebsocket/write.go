package aiowebsocket

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/aio-go/aio"
	"github.com/gobwas/ws"
)

// Write sends a message. It waits for its turn, and while too many bytes wait for the peer; then
// the message is buffered or sent as a whole. After the end of the connection it returns an error
// that matches [ErrClosed]. A text that is not UTF-8 is refused. The caller may use the data again
// when Write has returned. Python: websockets' send.
//
// Cancellation: nothing of the message is sent.
func (c *Conn) Write(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := c.writeTurn.Acquire(ctx); err != nil {
		return err
	}
	defer c.writeTurn.Release()
	if c.atOnce > maxAtOnce { // a peer that takes everything must not hold the loop
		c.atOnce = 0
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	if err := c.cannotWrite(); err != nil {
		return err
	}
	if err := c.wire.Drain(ctx); err != nil {
		if !isCancelled(ctx, err) {
			c.lose(err)
			err = c.end
		}
		return err
	}
	if err := c.cannotWrite(); err != nil { // closed meanwhile
		return err
	}
	c.flushPong()
	return c.sendMessage(m)
}

// WriteText is [Conn.Write] of a text.
//
// Cancellation: as for Write.
func (c *Conn) WriteText(ctx context.Context, s string) error { return c.Write(ctx, Text(s)) }

// WriteNowait sends a message without a wait. If it would make more than [Options.Backlog] bytes
// wait for the peer, or other tasks wait to write, it sends nothing and returns [ErrFull]. If no
// bytes wait, a message of any length is accepted. Use it to tell many peers the same: one that is
// slow is to be aborted.
func (c *Conn) WriteNowait(m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := c.cannotWrite(); err != nil {
		return err
	}
	if n := c.wire.Buffered(); n > 0 && n+len(m.Data) > c.o.Backlog || c.writeTurn.Locked() {
		return ErrFull
	}
	return c.sendMessage(m)
}

const maxAtOnce = 1 << 20

func (m Message) check() error {
	if !m.Binary && !utf8.Valid(m.Data) {
		return errors.New("aiowebsocket: a text is not UTF-8; use Binary for other data")
	}
	return nil
}

func (c *Conn) cannotWrite() error {
	switch {
	case c.end != nil:
		return c.end
	case c.closeSent:
		return ErrClosed
	}
	return nil
}

func (c *Conn) sendMessage(m Message) error {
	op := ws.OpText
	if m.Binary {
		op = ws.OpBinary
	}
	c.send(op, m.Data, c.deflate && len(m.Data) >= minCompressed)
	if c.end != nil {
		return c.end
	}
	return nil
}

// frame is memory in which a frame is put together.
type frame struct {
	bytes.Buffer
	head [ws.MaxHeaderSize]byte
}

var frames = sync.Pool{New: func() any { return new(frame) }}

// send sends or buffers one frame, and never waits. A connection that fails is lost.
func (c *Conn) send(op ws.OpCode, p []byte, compressed bool) {
	f := frames.Get().(*frame)
	defer func() {
		if f.Cap() <= 64<<10 {
			frames.Put(f)
		}
	}()
	f.Reset()
	h := ws.Header{Fin: true, OpCode: op}
	if compressed {
		h.Rsv = ws.Rsv(true, false, false)
		p = deflate(p)
	}
	h.Length = int64(len(p))
	if c.client {
		h.Masked, h.Mask = true, ws.NewMask()
	}
	_ = ws.WriteHeaderBuffer(f, h, f.head[:]) // memory does not fail
	start := f.Len()
	f.Write(p)
	if c.client {
		ws.Cipher(f.Bytes()[start:], h.Mask, 0)
	}
	c.sent += int64(f.Len())
	c.atOnce += f.Len() + 4<<10 // a write may be a system call
	if err := c.wire.Send(f.Bytes()); err != nil {
		c.lose(err)
	}
}

// pongRoom is how many bytes may wait for a peer that still gets each of its pings answered. After
// that only the last one counts, as the protocol allows.
const pongRoom = 64 << 10

func (c *Conn) flushPong() {
	if c.pong != nil && c.end == nil && !c.closeSent && c.wire.Buffered() <= pongRoom {
		p := c.pong
		c.pong = nil
		c.send(ws.OpPong, p, false)
	}
}

func isCancelled(ctx context.Context, err error) bool {
	return errors.Is(err, aio.ErrCancelled) || ctx.Err() != nil
}

// validEnd reports whether a text does not end within a character.
func validEnd(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return r != utf8.RuneError || size != 1
}
