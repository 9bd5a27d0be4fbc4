package aiohttp

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aio-go/aio"
)

// read takes received bytes, and waits if there are none. At the peer's end it returns io.EOF.
func (c *serverConn) read(ctx context.Context, p []byte, limited bool, stopped *bool) (int, error) {
	for c.in.len() == 0 {
		switch {
		case *stopped:
			return 0, http.ErrBodyReadAfterClose
		case c.eof:
			return 0, io.EOF
		case c.phase == connGone || c.lost != nil:
			return 0, c.lost
		case !c.reader.Zero():
			return 0, errBusyBody
		}
		if n := c.readNow(p); n > 0 {
			return n, nil
		} else if c.in.len() > 0 {
			break
		}
		now := c.s.loop.Time()
		switch d := c.s.on.limits.progress; {
		case !c.readUntil.IsZero():
			if !now.Before(c.readUntil) {
				return 0, c.lateError("read")
			}
			c.waitUntil(c.readUntil)
		case limited && d > 0:
			c.waitUntil(now.Add(d))
		}
		c.resume()
		c.atOnce = 0
		w := aio.NewWaiter(ctx, c.readOp(), c)
		c.reader, c.into, c.got, c.readErr = w, p, 0, nil
		err := w.Park()
		if c.reader != w { // stopReading was called, and another task may read now
			return 0, http.ErrBodyReadAfterClose
		}
		n, late := c.got, c.readErr
		c.reader, c.into, c.got, c.readErr = aio.Waiter{}, nil, 0, nil
		c.readAt = time.Time{}
		switch {
		case err != nil:
			if n > 0 {
				c.in.unread(p[:n])
			}
			return 0, err
		case n > 0:
			c.resume()
			return n, nil
		case late != nil && c.in.len() == 0:
			return 0, late
		}
	}
	if *stopped {
		return 0, http.ErrBodyReadAfterClose
	}
	n := c.in.read(p)
	c.resume()
	return n, nil
}

// readNow reads the bytes that the system has, without a wait, into p or in. A task whose client is
// faster still waits now and then, so that other tasks have their turn.
func (c *serverConn) readNow(p []byte) (n int) {
	if c.now == nil || c.atOnce >= maxAtOnce {
		return 0
	}
	if !c.readUntil.IsZero() && !c.s.loop.Time().Before(c.readUntil) {
		return 0
	}
	if len(p) >= firstBuffer {
		n = c.now.ReadNow(p)
		c.atOnce += n
	} else {
		ahead := c.s.buffer()[:firstBuffer]
		ahead = ahead[:c.now.ReadNow(ahead)]
		c.in.write(ahead)
		c.atOnce += len(ahead)
	}
	if n > 0 {
		c.resume()
	}
	return n
}

// resume undoes pause when there is room again.
func (c *serverConn) resume() {
	if c.paused && c.in.len() <= maxAhead/2 {
		c.paused = false
		c.t.ResumeReading()
	}
}

// stopReading ends a read under way.
func (c *serverConn) stopReading() {
	if c.reader.Zero() {
		return
	}
	if c.got > 0 {
		c.in.unread(c.into[:c.got])
	}
	c.reader.Unpark()
	c.reader, c.into, c.got = aio.Waiter{}, nil, 0
	c.readAt = time.Time{}
}

func (c *serverConn) lateError(op string) error {
	e := &net.OpError{
		Op:     op,
		Source: c.t.LocalAddr(),
		Addr:   c.t.RemoteAddr(),
		Err:    os.ErrDeadlineExceeded,
	}
	if e.Addr != nil {
		e.Net = e.Addr.Network()
	}
	return e
}

// readOp names a read in dumps of the tasks.
func (c *serverConn) readOp() string {
	if c.phase == connHijacked {
		return "Conn.Read"
	}
	return "Request.Body.Read"
}
