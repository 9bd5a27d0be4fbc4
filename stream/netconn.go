package stream

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/wire"
)

// NetConn returns the connection as a [net.Conn], for libraries that know nothing of loops, such as
// bufio, net/textproto and ReadResponse of net/http. It behaves as net.Conn says. Several tasks may
// read and write at once; in each direction they take turns in FIFO order. Close ends their waits
// with [net.ErrClosed]. A time-out returns [os.ErrDeadlineExceeded] and the number of bytes done.
// Use the connection through the net.Conn or through r and w, not both at a time.
//
// Reads and writes suspend the calling task. Write returns when the last byte is in the buffer, as
// [Writer.Drain] allows. Bytes reported as written may still be on their way, as in any net.Conn.
//
// All methods work on other goroutines, too, such as those of the transport of net/http and of
// database drivers. There each method makes its call on the loop and waits for it, which takes a
// few microseconds. After the loop has been closed they return [aio.ErrLoopClosed]. Use a tls.Conn
// of the standard library on top only on other goroutines: two tasks that use one at the same time
// stop the loop. In tasks use [transport.TLS] or [Writer.StartTLS].
//
// Cancellation: when ctx or the calling task is cancelled, reads and writes return the error. The
// connection stays as it is, and bytes written before count as written.
func NetConn(ctx context.Context, r *Reader, w *Writer) net.Conn {
	loop := aio.RunningLoop(ctx)
	return &netConn{
		ctx: ctx, r: r, w: w, local: w.LocalAddr(), remote: w.RemoteAddr(),
		read: half{loop: loop}, write: half{loop: loop},
	}
}

var _ wire.Conn = (*netConn)(nil)

type netConn struct {
	ctx         context.Context
	r           *Reader
	w           *Writer
	local       net.Addr
	remote      net.Addr
	closed      bool
	read, write half
}

// writePiece is how many bytes Write sends before it checks for room.
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

// Write writes p and waits while the buffer is too full. It returns the number of bytes sent or
// buffered.
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

// onLoop makes a call in the running task. On another goroutine than the loop's it starts a task
// for the call. It always waits for the end of the call, since that uses the caller's buffer. The
// deadline, Close and the end of ctx end the call.
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
	if c.closed && (errtree.Is(err, aio.ErrCancelled) || errtree.Is(err, ErrClosed) ||
		err == io.EOF) {
		return net.ErrClosed
	}
	return err
}

// wrap makes err an error like those of package net.
func (c *netConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if _, ok := errtree.As[*net.OpError](err); ok {
		return err
	}
	return &net.OpError{Op: op, Net: "aio", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Close closes the connection after the written bytes, as [Writer.Close] does.
func (c *netConn) Close() error {
	_, err := c.onLoop(func() (int, error) {
		c.closed = true
		c.w.Close()
		c.read.end(net.ErrClosed)
		c.write.end(net.ErrClosed)
		return 0, nil
	})
	if errtree.Is(err, aio.ErrLoopClosed) {
		return nil // the loop has closed the connection too
	}
	return err
}

// CloseWrite ends the sending half, as [Writer.WriteEOF] does.
func (c *netConn) CloseWrite() error {
	_, err := c.onLoop(func() (int, error) {
		if c.closed {
			return 0, net.ErrClosed
		}
		return 0, c.w.WriteEOF()
	})
	return c.wrap("close", err)
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

// ReadTask, Send, Drain, Buffered and Abort make it a wire.Conn, for protocols of this module.
func (c *netConn) ReadTask(ctx context.Context, p []byte) (int, error) {
	n, err := c.r.Read(ctx, p)
	if c.closed && n == 0 && !errtree.Is(err, aio.ErrCancelled) {
		err = net.ErrClosed
	}
	return n, err
}

func (c *netConn) Send(p []byte) error {
	_, err := c.w.Write(p)
	return err
}

func (c *netConn) Drain(ctx context.Context) error { return c.w.Drain(ctx) }
func (c *netConn) Buffered() int                   { return c.w.Transport().WriteBufferSize() }

func (c *netConn) Abort() {
	c.closed = true
	c.w.Abort()
}

// half is one direction of a netConn: a line of calls, and a deadline for all of them. The deadline
// can be moved while they wait.
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

// bound makes a call that waits, when its turn comes, until the deadline at most.
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
	if errtree.Is(err, aio.ErrCancelled) && errtree.Is(context.Cause(ctx), os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}
