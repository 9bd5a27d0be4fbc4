package aiohttp

import (
	"context"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// write passes p to the transport. It never waits.
func (c *serverConn) write(p []byte) error {
	if err := c.cannotWrite(); err != nil {
		return err
	}
	c.wrote += int64(len(p))
	c.t.Write(p)
	c.watchWriting()
	return nil
}

// writeNow passes as much of p to the system as that takes at once.
func (c *serverConn) writeNow(p []byte) int {
	if c.now == nil || c.cannotWrite() != nil {
		return 0
	}
	n := c.now.WriteNow(p)
	c.wrote += int64(n)
	return n
}

func (c *serverConn) cannotWrite() error {
	switch {
	case c.lost != nil:
		return c.lost
	case c.t.IsClosing():
		return net.ErrClosed
	case !c.writeUntil.IsZero() && !c.s.loop.Time().Before(c.writeUntil):
		return c.lateError("write")
	}
	return nil
}

// watchWriting makes sure that the peer takes buffered bytes in time.
func (c *serverConn) watchWriting() {
	size := c.t.WriteBufferSize()
	if size == 0 || !c.writeAt.IsZero() {
		return
	}
	c.taken = c.wrote - int64(size)
	switch d := c.s.on.limits.progress; {
	case !c.writeUntil.IsZero():
		c.writeAt = c.writeUntil
	case d > 0 && (c.phase != connHijacked || c.lent):
		c.writeAt = c.s.loop.Time().Add(d)
	default:
		return
	}
	c.arm()
}

// drain waits until there is room for more.
func (c *serverConn) drain(ctx context.Context) error {
	for c.full {
		if err := c.cannotWrite(); err != nil {
			return err
		}
		w := aio.NewWaiter(ctx, "ResponseWriter.Write", c)
		if errtree.Is(context.Cause(ctx), errGone) {
			w = w.Steadfast() // it has ended its side, and may still read
		}
		c.drains = append(c.drains, w)
		if err := w.Park(); err != nil {
			for i, x := range c.drains {
				if x == w {
					c.drains = append(c.drains[:i], c.drains[i+1:]...)
					break
				}
			}
			if errtree.Is(context.Cause(ctx), errGone) && c.phase != connGone {
				continue
			}
			return err
		}
	}
	return c.lost
}
