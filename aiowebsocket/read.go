package aiowebsocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Message is a message of a connection.
type Message struct {
	Data   []byte // the caller may keep it
	Binary bool   // otherwise it is a text, in UTF-8
}

// Text returns a text message.
func Text(s string) Message { return Message{Data: []byte(s)} }

// Binary returns a binary message.
func Binary(p []byte) Message { return Message{Data: p, Binary: true} }

// String returns the data as a string.
func (m Message) String() string { return string(m.Data) }

// received is what has arrived of the next message. A read that is cancelled leaves it to the next
// read.
type received struct {
	rest []byte    // bytes that are not parsed yet
	buf  [512]byte // where they arrive; larger messages have memory of their own
	src  bytes.Reader
	tmp  [ws.MaxHeaderSize]byte

	head    ws.Header // of the frame under way
	inFrame bool
	done    int // bytes of its payload so far

	started    bool // the first frame of a message has arrived
	binary     bool
	compressed bool
	message    []byte // its payload so far

	control [ws.MaxControlFramePayloadSize]byte

	ready *Message // read ahead; nil: none
}

// Read waits for the next message. Meanwhile it answers pings and the peer's close. After the end
// of the connection it returns a [*CloseError]. Python: websockets' recv.
//
// Cancellation: nothing is lost, even in the middle of a message. The next Read returns it.
func (c *Conn) Read(ctx context.Context) (Message, error) {
	if err := c.readTurn.Acquire(ctx); err != nil {
		return Message{}, err
	}
	defer c.readTurn.Release()
	if m := c.ready; m != nil {
		c.ready = nil
		return *m, nil
	}
	for {
		if c.end != nil {
			return Message{}, c.end
		}
		more, err := c.parse()
		switch {
		case err != nil:
			return Message{}, c.failed(ctx, err)
		case more:
			if err := c.fill(ctx); err != nil {
				return Message{}, err
			}
			continue
		}
		c.inFrame = false
		switch {
		case c.head.OpCode.IsControl():
			if err := c.obey(c.head.OpCode, c.control[:c.done]); err != nil {
				return Message{}, c.failed(ctx, err)
			}
		case c.head.Fin:
			m, err := c.whole()
			if err != nil {
				return Message{}, c.failed(ctx, err)
			}
			return m, nil
		}
	}
}

// Messages yields the messages as they arrive. It ends without an error if the connection was
// closed in order: with [Normal], [GoingAway], or no code. Any other error is the last item. If a
// loop over it ends early, the connection stays open.
//
// Cancellation: the error is the last item; no message is lost.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := c.Read(ctx)
			if e, ok := errors.AsType[*CloseError](err); ok && e.inOrder() {
				return
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// mistake is a fault of the peer, and the code that it gets.
type mistake struct {
	code Code
	err  error
}

func (m *mistake) Error() string { return m.err.Error() }

func wrong(code Code, text string) error { return &mistake{code, errors.New(text)} }

// failed ends the connection because of err.
func (c *Conn) failed(ctx context.Context, err error) error {
	if m, ok := err.(*mistake); ok {
		return c.fault(ctx, m.code, m.err)
	}
	if _, ok := err.(*CloseError); ok {
		return err
	}
	return c.fault(ctx, ProtocolError, err)
}

// parse goes on with the frame under way. It reports whether it needs more bytes.
func (c *Conn) parse() (more bool, err error) {
	if !c.inFrame {
		c.src.Reset(c.rest)
		h, err := ws.ReadHeaderBuffer(&c.src, c.tmp[:])
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return true, nil
		case err != nil:
			return false, err
		}
		c.rest = c.rest[len(c.rest)-c.src.Len():]
		if err := c.begin(h); err != nil {
			return false, err
		}
	}
	n := min(len(c.rest), int(c.head.Length)-c.done)
	if p := c.rest[:n]; c.head.OpCode.IsControl() {
		copy(c.control[c.done:], p)
		c.unmask(c.control[c.done : c.done+n])
	} else {
		at := len(c.message)
		c.message = append(c.message, p...)
		c.unmask(c.message[at:])
	}
	c.rest = c.rest[n:]
	return c.done < int(c.head.Length), nil
}

// unmask decodes the next bytes of the payload.
func (c *Conn) unmask(p []byte) {
	if c.head.Masked {
		ws.Cipher(p, c.head.Mask, c.done)
	}
	c.done += len(p)
}

// begin checks the head of a frame.
func (c *Conn) begin(h ws.Header) error {
	state := ws.StateServerSide
	if c.client {
		state = ws.StateClientSide
	}
	if c.started {
		state = state.Set(ws.StateFragmented)
	}
	first := h.OpCode == ws.OpText || h.OpCode == ws.OpBinary
	compressed := c.deflate && first && h.Rsv == ws.Rsv(true, false, false)
	if compressed {
		h.Rsv = 0
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return err
	}
	if !h.OpCode.IsControl() && h.Length > int64(c.o.MaxMessage-len(c.message)) {
		return wrong(TooBig, fmt.Sprintf("a message has more than %d bytes", c.o.MaxMessage))
	}
	c.head, c.inFrame, c.done = h, true, 0
	if first {
		c.started, c.binary, c.compressed = true, h.OpCode == ws.OpBinary, compressed
		if n := int(h.Length); n > 0 && n <= trusted {
			c.message = make([]byte, 0, n)
		}
	}
	return nil
}

// trusted is how much memory a message gets before its bytes arrive.
const trusted = 4 << 10

// fill waits for bytes of the peer.
func (c *Conn) fill(ctx context.Context) error {
	left := int(c.head.Length) - c.done
	if c.inFrame && !c.head.OpCode.IsControl() && left > len(c.buf) {
		// Straight into the message, whose memory doubles as its bytes arrive.
		have := len(c.message)
		if have == cap(c.message) {
			more := make([]byte, have, min(have+left, max(2*have, trusted)))
			copy(more, c.message)
			c.message = more
		}
		n, err := c.receive(ctx, c.message[have:min(cap(c.message), have+left)])
		if err != nil {
			return err
		}
		c.message = c.message[:have+n]
		c.unmask(c.message[have:])
		return nil
	}
	n := copy(c.buf[:], c.rest)
	k, err := c.receive(ctx, c.buf[n:])
	c.rest = c.buf[:n+k]
	return err
}

func (c *Conn) receive(ctx context.Context, p []byte) (int, error) {
	c.waiting = true
	n, err := c.wire.ReadTask(ctx, p)
	c.waiting = false
	if n > 0 {
		c.heard = true
		return n, nil
	}
	switch {
	case c.end != nil:
		return 0, c.end
	case err == nil || isCancelled(ctx, err):
		return 0, err
	case c.closeSent && err == io.EOF: // not polite, but the end
	}
	c.lose(err)
	return 0, c.end
}

// whole returns the message whose last frame has arrived.
func (c *Conn) whole() (Message, error) {
	m := Message{Data: c.message, Binary: c.binary}
	compressed := c.compressed
	c.message, c.started, c.compressed = nil, false, false
	if compressed {
		p, err := inflate(m.Data, c.o.MaxMessage)
		if err != nil {
			return Message{}, err
		}
		m.Data = p
	}
	if !m.Binary && !utf8.Valid(m.Data) {
		return Message{}, wrong(InvalidData, "a text is not UTF-8")
	}
	if m.Data == nil {
		m.Data = []byte{}
	}
	return m, nil
}

// obey does what a control frame says.
func (c *Conn) obey(op ws.OpCode, p []byte) error {
	switch op {
	case ws.OpPing:
		if !c.closeSent {
			c.pong = append([]byte{}, p...)
			c.flushPong()
		}
		return nil
	case ws.OpPong:
		return nil
	}
	e := &CloseError{Code: NoStatus, Remote: true}
	switch {
	case len(p) == 1:
		return errors.New("a close frame has half a code")
	case len(p) > 1:
		code, reason := ws.ParseCloseFrameData(p)
		if !utf8.ValidString(reason) {
			return wrong(InvalidData, "the reason of a close is not UTF-8")
		}
		if e.Code, e.Reason = Code(code), reason; !e.Code.canBeSent() {
			return fmt.Errorf("a close frame has the code %d", code)
		}
	}
	if c.closeSent {
		e.Remote = false // this side closed first; it is the peer's answer
	} else {
		c.sendClose(e.Code, "")
	}
	return c.finish(e)
}
