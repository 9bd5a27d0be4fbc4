package simnet

import (
	"time"

	"github.com/aio-go/aio/internal/sys"
)

// A network gives a connection up that hears nothing: after nine probes, each 15 seconds, or, if
// there are none, when sent bytes were not acknowledged for about 15 minutes.
const (
	probes     = 9 * 15 * time.Second
	unanswered = 924 * time.Second
	probeAfter = 15 * time.Second
)

// silence is called when nothing from the peer arrives any more. If that lasts, the connection is
// lost.
func (c *Conn) silence() {
	if c.gone || c.failure != nil || c.quiet != nil && c.quiet.Running() {
		return
	}
	wait := keepAliveOf(c.keepAlive) + probes
	if c.keepAlive < 0 {
		if len(c.out.parts) == 0 {
			return
		}
		wait = unanswered
	}
	c.quiet = c.loop.NewTimer(func() { c.lose(c.fail("read", sys.ETIMEDOUT)) })
	c.quiet.Start(wait)
}

// heard ends a silence, unless something else still makes it.
func (c *Conn) heard() {
	if c.quiet != nil && (c.gone || c.failure != nil || !c.isCutOff()) {
		c.quiet.Stop()
		c.quiet = nil
	}
}

func (c *Conn) isCutOff() bool {
	a, b := c.host, c.peer.host
	return c.hole || c.peer.gone || b.down || a.Net.isCut(a, b) || a.Net.isCut(b, a)
}

// peerIsGone is called when the peer's host is there again and knows nothing of the connection:
// what was sent, or the next probe, is answered with a reset.
func (c *Conn) peerIsGone() {
	wait := keepAliveOf(c.keepAlive)
	if len(c.out.parts) > 0 {
		wait = time.Second // until it is sent again
	} else if c.keepAlive < 0 {
		c.heard()
		return
	}
	if c.quiet != nil {
		c.quiet.Stop()
	}
	c.quiet = c.loop.NewTimer(func() {
		if !c.peer.host.down {
			c.lose(c.fail("read", sys.ECONNRESET))
		}
	})
	c.quiet.Start(min(wait, probeAfter))
}

// Reset resets the connection: both ends fail.
func (c *Conn) Reset() {
	if c.gone || c.failure != nil {
		return
	}
	c.out.send(nil, 0, reset)
	c.lose(c.fail("read", sys.ECONNRESET))
}

// Sink makes everything that is sent on the connection vanish, from now on and in both directions.
func (c *Conn) Sink() {
	for _, x := range []*Conn{c, c.peer} {
		x.hole = true
		x.silence()
	}
}
