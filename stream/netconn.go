package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// NetConn returns the connection as a [net.Conn], for libraries that read and write on one and know
// nothing of loops: bufio, net/textproto, net/http's ReadResponse. It behaves as net.Conn says: several tasks may read and write
// at once, in each direction one after the other in the order in which they came; Close ends what they wait for, with
// [net.ErrClosed]; a time-out is [os.ErrDeadlineExceeded] and says how much was done. The connection is used through the
// net.Conn or through r and w, not both at a time.
//
// Reads and writes suspend the task that makes them. Write hands on what there is room for and waits for more, as [Writer.Drain] does,
// so what it reports as written may still be on its way, as in any net.Conn.
//
// All methods work on other goroutines, too, such as those that the transport of net/http and drivers of databases start: there each
// makes its call on the loop and waits for it, which takes a few microseconds. After the loop has been closed they return
// [aio.ErrLoopClosed]. A tls.Conn of the standard library on top is for other goroutines alone: two tasks that use that at once stop
// the loop. In tasks use [transport.TLS] or [Writer.StartTLS].
//
// Cancellation: reads and writes end with the error when ctx or the task that makes them is cancelled;
// the connection stays as it is, and what was written before counts as written.
func NetConn(ctx context.Context, r *Reader, w *Writer) net.Conn {
	loop := aio.RunningLoop(ctx)
	return &netConn{
		ctx: ctx, r: r, w: w, local: w.LocalAddr(), remote: w.RemoteAddr(),
		read: half{loop: loop}, write: half{loop: loop},
	}
}

type netConn struct {
	ctx         context.Context
	r           *Reader
	w           *Writer
	local       net.Addr
	remote      net.Addr
	closed      bool
	read, write half
}

// writePiece is how much Write hands on before it looks whether there is room for more, in bytes.
const writePiece = 64 << 10

// Read reads at least one byte, or none at the end.
func (c *netConn) Read(p []byte) (int, error) {
	return c.onLoop(func() (int, error) { return c.readSome(p) })
}

func (c *netConn) readSome(p []byte) (n int, err error) {
	err = c.do(&c.read, func(ctx context.Context) error {
		n, err = c.r.Read(ctx, p)
		return err
	})
	return n, c.wrap("read", err)
}

// Write writes p and waits while the buffer is too full. It returns how much of p was handed on.
func (c *netConn) Write(p []byte) (int, error) {
	return c.onLoop(func() (int, error) { return c.writeAll(p) })
}

func (c *netConn) writeAll(p []byte) (n int, err error) {
	err = c.do(&c.write, func(ctx context.Context) error {
		for first := true; first || n < len(p); first = false {
			if err := c.w.Drain(ctx); err != nil {
				return err
			}
			k, err := c.w.Write(p[n:min(n+writePiece, len(p))])
			n += k
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, c.wrap("write", err)
}

// onLoop makes a call in the running task or, on a goroutine that is none of the loop's, in a task made for that. It is waited
// for in any case, since the caller's buffer is in use; what ends it is the deadline, Close, or the end of ctx.
func (c *netConn) onLoop(call func() (int, error)) (n int, err error) {
	if loop := c.read.loop; loop.IsHere() || aio.InTask(c.ctx) {
		return call()
	}
	lost := aio.Submit(context.WithoutCancel(c.ctx), c.read.loop, func(context.Context) error {
		n, err = call()
		return nil
	})
	if lost != nil {
		return 0, lost
	}
	return n, err
}

// do makes a call in one direction.
func (c *netConn) do(h *half, call func(ctx context.Context) error) error {
	if c.closed {
		return net.ErrClosed
	}
	err := h.bound(c.ctx, call)
	if c.closed && (errors.Is(err, aio.ErrCancelled) || errors.Is(err, ErrClosed) || err == io.EOF) {
		return net.ErrClosed
	}
	return err
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

// Close closes the connection after what was written, as [Writer.Close] does.
func (c *netConn) Close() error {
	_, err := c.onLoop(func() (int, error) {
		c.closed = true
		c.w.Close()
		c.read.end(net.ErrClosed)
		c.write.end(net.ErrClosed)
		return 0, nil
	})
	if errors.Is(err, aio.ErrLoopClosed) {
		return nil // and with it the connection
	}
	return err
}

func (c *netConn) LocalAddr() net.Addr  { return c.local }
func (c *netConn) RemoteAddr() net.Addr { return c.remote }

func (c *netConn) SetDeadline(at time.Time) error      { return c.set(at, &c.read, &c.write) }
func (c *netConn) SetReadDeadline(at time.Time) error  { return c.set(at, &c.read) }
func (c *netConn) SetWriteDeadline(at time.Time) error { return c.set(at, &c.write) }

func (c *netConn) set(at time.Time, halves ...*half) error {
	_, err := c.onLoop(func() (int, error) {
		if c.closed {
			return 0, net.ErrClosed
		}
		for _, h := range halves {
			h.at = at
			h.arm()
		}
		return 0, nil
	})
	return c.wrap("set", err)
}

// half is one direction of a netConn: a line of calls, and the deadline for all of them, which can be moved while they wait.
type half struct {
	loop  *aio.Loop
	turn  aiosync.Lock // one call at a time
	at    time.Time    // zero: none
	timer *aio.TimerHandle
	calls []*halfCall // under way, or in line
}

type halfCall struct{ cancel context.CancelCauseFunc }

// arm sets the timer if a task waits.
func (h *half) arm() {
	if h.timer != nil {
		h.timer.Cancel()
		h.timer = nil
	}
	if len(h.calls) > 0 && !h.at.IsZero() {
		h.timer = h.loop.CallAt(h.at, func() { h.end(os.ErrDeadlineExceeded) })
	}
}

// end ends all calls because of err.
func (h *half) end(err error) {
	for _, c := range h.calls {
		c.cancel(err)
	}
}

// bound makes a call, which waits, when its turn has come and until the deadline.
func (h *half) bound(ctx context.Context, fn func(ctx context.Context) error) error {
	if !h.at.IsZero() && !h.at.After(h.loop.Time()) {
		return os.ErrDeadlineExceeded
	}
	ctx, cancel := aio.WithCancelCause(ctx)
	call := &halfCall{cancel}
	h.calls = append(h.calls, call)
	if len(h.calls) == 1 {
		h.arm()
	}
	defer func() {
		i := slices.Index(h.calls, call)
		h.calls = slices.Delete(h.calls, i, i+1)
		if len(h.calls) == 0 {
			h.arm()
		}
		cancel(nil)
	}()
	err := h.turn.With(ctx, fn)
	if errors.Is(err, aio.ErrCancelled) && errors.Is(context.Cause(ctx), os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}
