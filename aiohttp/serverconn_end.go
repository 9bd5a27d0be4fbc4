package aiohttp

import (
	"time"
)

// refuse answers an invalid head and ends the connection.
func (c *serverConn) refuse(err error) {
	c.begun = false
	answer := refusal(err)
	if answer == "" {
		c.shut()
		return
	}
	c.s.count.Refused++
	c.in.drop()
	c.write([]byte(answer))
	c.startLingering()
}

// startLingering ends the sending half and waits a moment for the peer.
func (c *serverConn) startLingering() {
	if c.eof || c.t.IsClosing() || !c.t.CanWriteEOF() {
		c.shut()
		return
	}
	c.phase = connLingering
	c.in.drop()
	c.t.WriteEOF()
	c.paused = false
	c.t.ResumeReading()
	c.lingerUntil = c.s.loop.Time().Add(lingerTotal)
	c.linger()
}

func (c *serverConn) linger() {
	if c.phase != connLingering {
		return
	}
	at := c.s.loop.Time().Add(lingerQuiet)
	if at.After(c.lingerUntil) {
		at = c.lingerUntil
	}
	c.waitUntil(at)
}

// shut closes the connection after the written bytes.
func (c *serverConn) shut() {
	if c.phase < connClosing {
		c.phase = connClosing
		c.readAt = time.Time{}
		c.in.drop()
		c.t.Close()
		c.watchWriting()
	}
}

// abort drops the connection.
func (c *serverConn) abort() {
	if c.phase != connGone {
		c.t.Abort()
	}
}
