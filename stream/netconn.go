package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/aio-go/aio"
)

// NetConn returns the connection as a [net.Conn], for libraries that read and write on one and know
// nothing of loops: bufio, net/textproto, net/http's ReadResponse. Reads and writes suspend the task that
// makes them; Write waits as Drain does. Deadlines work as in package net. The connection is used through
// the net.Conn or through r and w, not both at a time.
//
// It is for the loop's goroutine: a library that starts goroutines for a connection, as the transport of
// net/http does, cannot use it. Do not put a tls.Conn of the standard library on top either: two tasks that use that at
// once stop the loop. Use [transport.TLS] or [Writer.StartTLS].
//
// Cancellation: reads and writes end with the error when ctx or the task that makes them is cancelled;
// the connection stays as it is.
func NetConn(ctx context.Context, r *Reader, w *Writer) net.Conn {
	loop := aio.RunningLoop(ctx)
	return &netConn{ctx: ctx, r: r, w: w, read: deadline{loop: loop}, write: deadline{loop: loop}}
}

type netConn struct {
	ctx         context.Context
	r           *Reader
	w           *Writer
	read, write deadline
}

// Read reads at least one byte, or none at the end.
func (c *netConn) Read(p []byte) (n int, err error) {
	err = c.read.bound(c.ctx, func(ctx context.Context) error {
		n, err = c.r.Read(ctx, p)
		return err
	})
	return n, c.wrap("read", err)
}

// Write writes p and waits while the buffer is too full.
func (c *netConn) Write(p []byte) (n int, err error) {
	err = c.write.bound(c.ctx, func(ctx context.Context) error {
		if n, err = c.w.Write(p); err != nil {
			return err
		}
		return c.w.Drain(ctx)
	})
	return n, c.wrap("write", err)
}

// wrap makes err what package net would return.
func (c *netConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if e := (*net.OpError)(nil); errors.As(err, &e) {
		return err
	}
	return &net.OpError{Op: op, Net: "aio", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func (c *netConn) Close() error         { c.w.Close(); return nil }
func (c *netConn) LocalAddr() net.Addr  { return c.w.LocalAddr() }
func (c *netConn) RemoteAddr() net.Addr { return c.w.RemoteAddr() }

func (c *netConn) SetDeadline(at time.Time) error {
	c.read.set(at)
	c.write.set(at)
	return nil
}

func (c *netConn) SetReadDeadline(at time.Time) error  { c.read.set(at); return nil }
func (c *netConn) SetWriteDeadline(at time.Time) error { c.write.set(at); return nil }

// deadline bounds one direction of a netConn. It can be moved while a task waits.
type deadline struct {
	loop  *aio.Loop
	at    time.Time // zero: none
	timer *aio.TimerHandle
	end   context.CancelCauseFunc // ends the wait under way, nil if there is none
}

func (d *deadline) set(at time.Time) {
	d.at = at
	d.arm()
}

// arm sets the timer if a task waits.
func (d *deadline) arm() {
	if d.timer != nil {
		d.timer.Cancel()
		d.timer = nil
	}
	if end := d.end; end != nil && !d.at.IsZero() {
		d.timer = d.loop.CallAt(d.at, func() { end(os.ErrDeadlineExceeded) })
	}
}

// bound runs fn, which waits, until the deadline.
func (d *deadline) bound(ctx context.Context, fn func(ctx context.Context) error) error {
	if !d.at.IsZero() && !d.at.After(d.loop.Time()) {
		return os.ErrDeadlineExceeded
	}
	if d.end != nil {
		return ErrBusy
	}
	ctx, end := aio.WithCancelCause(ctx)
	d.end = end
	d.arm()
	defer func() {
		d.end = nil
		d.arm()
		end(nil)
	}()
	err := fn(ctx)
	if errors.Is(err, aio.ErrCancelled) && errors.Is(context.Cause(ctx), os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}
