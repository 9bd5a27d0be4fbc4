package aiohttp

import (
	"os"
	"time"
)

// waitUntil sets the deadline of the wait for the peer's data.
func (c *serverConn) waitUntil(at time.Time) {
	c.readAt = at
	c.arm()
}

// arm sets the timer for the first deadline. A timer that is set for an earlier time is left: when
// it fires it is set anew.
func (c *serverConn) arm() {
	at := c.readAt
	if at.IsZero() || !c.writeAt.IsZero() && c.writeAt.Before(at) {
		at = c.writeAt
	}
	if at.IsZero() || c.phase == connGone {
		return
	}
	if c.timer != nil {
		if !at.Before(c.timer.When()) {
			return
		}
		c.timer.Cancel()
	}
	c.timer = c.s.loop.CallAt(at, c.timerFn)
}

func (c *serverConn) stopTimer() {
	if c.timer != nil {
		c.timer.Cancel()
		c.timer = nil
	}
}

func (c *serverConn) onTimer() {
	c.timer = nil
	now := c.s.loop.Time()
	if !c.writeAt.IsZero() && !now.Before(c.writeAt) {
		c.writeAt = time.Time{}
		size := c.t.WriteBufferSize()
		if size > 0 {
			taken := c.wrote - int64(size)
			if !c.writeUntil.IsZero() && !now.Before(c.writeUntil) ||
				c.writeUntil.IsZero() && taken <= c.taken {
				c.lost = c.lateError("write")
				c.t.Abort()
				c.wakeWriters()
				return
			}
			c.watchWriting()
		}
	}
	if !c.readAt.IsZero() && !now.Before(c.readAt) {
		c.readAt = time.Time{}
		c.readLate()
	}
	c.arm()
}

// readLate is called when the peer's time is over.
func (c *serverConn) readLate() {
	switch c.phase {
	case connGreeting:
		c.notSecured(c.lateError("read"))
		c.abort()
	case connIdle:
		if c.in.len() == 0 {
			c.shut()
			return
		}
		_, err := c.s.readHead(c.in.bytes(), os.ErrDeadlineExceeded)
		c.refuse(err)
	case connBusy, connHijacked:
		c.readErr = c.lateError("read")
		c.reader.Unpark()
	case connLingering:
		c.shut()
	}
}
