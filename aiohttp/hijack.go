package aiohttp

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/wire"
)

// Hijack implements [http.Hijacker]. In tasks the connection suspends the task, on other goroutines
// it blocks.
func (w *reply) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	err = w.onLoop(func(ctx context.Context) error {
		conn, rw, err = w.hijack(ctx)
		return err
	})
	return conn, rw, err
}

func (w *reply) hijack(ctx context.Context) (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	over, hijacked, chosen := w.over, w.hijacked, w.status != 0
	w.mu.Unlock()
	switch c := w.c; {
	case over:
		return nil, nil, errOver
	case hijacked:
		return nil, nil, http.ErrHijacked
	case c.phase != connBusy:
		return nil, nil, c.lost
	case chosen:
		if err := w.send(ctx, nil, true); err != nil {
			return nil, nil, err
		}
	}
	w.mu.Lock()
	w.hijacked = true
	w.dropBuffer()
	w.mu.Unlock()
	w.body.handBack()
	w.body.stop()
	c := w.c
	c.phase = connHijacked
	c.s.unlink(c)
	c.readAt, c.writeAt, c.readUntil, c.writeUntil = time.Time{}, time.Time{},
		time.Time{}, time.Time{}
	conn := &hijackedConn{c: c, ctx: c.s.loop.Context()}
	n := c.in.len()
	br := bufio.NewReaderSize(conn, max(n, firstBuffer))
	if n > 0 {
		br.Peek(n) // does not wait: the bytes are there
	}
	return conn, bufio.NewReadWriter(br, bufio.NewWriter(conn)), nil
}

var _ wire.Conn = (*hijackedConn)(nil)

// hijackedConn is a connection that a handler has taken over.
type hijackedConn struct {
	c      *serverConn
	ctx    context.Context
	closed bool
	read   aiosync.Lock // one read at a time
	write  aiosync.Lock // one write at a time
}

func (h *hijackedConn) call(fn func(ctx context.Context) (int, error)) (int, error) {
	n, err := countAsTask(h.ctx, fn)
	if errtree.Is(err, aio.ErrLoopClosed) {
		err = net.ErrClosed
	}
	return n, err
}

func (h *hijackedConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return h.call(func(ctx context.Context) (int, error) {
		if err := h.read.Acquire(ctx); err != nil {
			return 0, err
		}
		defer h.read.Release()
		switch until := h.c.readUntil; {
		case h.closed:
			return 0, net.ErrClosed
		// whatever has arrived, as package net has it
		case !until.IsZero() && !h.c.s.loop.Time().Before(until):
			return 0, h.c.lateError("read")
		}
		n, err := h.c.read(ctx, p, false, &h.closed)
		if h.closed && n == 0 {
			err = net.ErrClosed
		}
		return n, err
	})
}

func (h *hijackedConn) Write(p []byte) (int, error) {
	return h.call(func(ctx context.Context) (n int, err error) {
		if err := h.write.Acquire(ctx); err != nil {
			return 0, err
		}
		defer h.write.Release()
		for {
			if h.closed {
				return n, net.ErrClosed
			}
			part := p[n:min(len(p), n+pieceWritten)]
			if err := h.c.write(part); err != nil {
				return n, err
			}
			n += len(part)
			if err := h.c.drain(ctx); err != nil || n == len(p) {
				return n, err
			}
		}
	})
}

// CloseWrite ends the sending half.
func (h *hijackedConn) CloseWrite() error {
	return h.do(func() {
		if h.c.t.CanWriteEOF() {
			h.c.t.WriteEOF()
		}
	})
}

func (h *hijackedConn) Close() error {
	_, err := h.call(func(context.Context) (int, error) {
		if h.closed {
			return 0, net.ErrClosed
		}
		h.closed = true
		h.c.stopReading()
		h.c.t.Close()
		h.c.wakeWriters()
		return 0, nil
	})
	return err
}

func (h *hijackedConn) do(fn func()) error {
	_, err := h.call(func(context.Context) (int, error) {
		if h.closed {
			return 0, net.ErrClosed
		}
		fn()
		return 0, nil
	})
	return err
}

func (h *hijackedConn) LocalAddr() net.Addr  { return h.c.t.LocalAddr() }
func (h *hijackedConn) RemoteAddr() net.Addr { return h.c.t.RemoteAddr() }

func (h *hijackedConn) SetDeadline(at time.Time) error {
	return h.do(func() {
		h.c.setReadDeadline(at)
		h.c.setWriteDeadline(at)
	})
}

func (h *hijackedConn) SetReadDeadline(at time.Time) error {
	return h.do(func() { h.c.setReadDeadline(at) })
}

func (h *hijackedConn) SetWriteDeadline(at time.Time) error {
	return h.do(func() { h.c.setWriteDeadline(at) })
}

// ReadTask, Send, Drain, Buffered and Abort make it a wire.Conn, for protocols of this module.
func (h *hijackedConn) ReadTask(ctx context.Context, p []byte) (int, error) {
	n, err := h.c.read(ctx, p, false, &h.closed)
	if h.closed && n == 0 && !errtree.Is(err, aio.ErrCancelled) {
		err = net.ErrClosed
	}
	return n, err
}

func (h *hijackedConn) Send(p []byte) error {
	if h.closed {
		return net.ErrClosed
	}
	return h.c.write(p)
}

func (h *hijackedConn) Drain(ctx context.Context) error {
	if h.closed {
		return net.ErrClosed
	}
	return h.c.drain(ctx)
}

func (h *hijackedConn) Buffered() int { return h.c.t.WriteBufferSize() }

func (h *hijackedConn) Abort() {
	h.closed = true
	h.c.stopReading()
	h.c.abort()
	h.c.wakeWriters()
}

// setReadDeadline changes the deadline, also of a waiting read.
func (c *serverConn) setReadDeadline(at time.Time) {
	c.readUntil = at
	if c.reader.Zero() {
		return
	}
	if !at.IsZero() && !c.s.loop.Time().Before(at) {
		c.readLate()
		return
	}
	c.waitUntil(at)
}

// setWriteDeadline changes the deadline, also of bytes that are being sent.
func (c *serverConn) setWriteDeadline(at time.Time) {
	c.writeUntil = at
	c.writeAt = time.Time{}
	if c.phase < connGone {
		c.watchWriting()
	}
}
