package aiohttp

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/inspect"
)

// advance checks whether the next request is there, and begins it. now allows its task to take its
// first step at once. While the client does not take the answers that it has asked for, the next
// request waits.
func (c *serverConn) advance(now bool) {
	if c.full {
		return
	}
	if c.served && !c.begun {
		if c.in.len() < fewestBytes {
			if c.eof {
				c.shut()
			}
			return
		}
		for i := 0; c.oldPost && i < fewestBytes; i++ { // RFC 7230, section 3
			if b := c.in.bytes()[0]; b != '\r' && b != '\n' {
				break
			}
			c.in.discard(1)
		}
		c.begun, c.scanned, c.tryAt = true, 0, 1
		if c.s.http.ReadTimeout > 0 {
			c.headAt = c.s.loop.Time()
		}
	}
	b := c.in.bytes()
	if len(b) == 0 {
		if c.eof {
			c.shut()
		}
		return
	}
	if !c.begun {
		c.begun, c.scanned, c.tryAt = true, 0, 1
	}
	end := -1
	end, c.scanned = headEnd(b, c.scanned)
	limit := c.s.http.MaxHeaderBytes
	if limit <= 0 {
		limit = http.DefaultMaxHeaderBytes
	}
	switch limit += headSlop; {
	case end > limit || end < 0 && len(b) >= limit:
		c.refuse(errHeadTooLarge)
	case end >= 0:
		c.begin(end, now)
	case c.eof:
		_, err := c.s.readHead(b, io.EOF)
		c.refuse(err)
	case len(b) >= c.tryAt:
		// Answer a mistake before the rest has arrived.
		c.tryAt = 2 * len(b)
		if _, err := c.s.readHead(wholeLines(b), errMore); err != nil && !errtree.Is(err, errMore) {
			c.refuse(err)
			return
		}
		c.awaitHead()
	}
}

// awaitHead starts the peer's time for a head that has begun. The time for the first one runs since
// the connection was accepted.
func (c *serverConn) awaitHead() {
	if c.timed {
		return
	}
	c.timed = true
	if d := c.s.headTimeout(); d > 0 {
		c.waitUntil(c.s.loop.Time().Add(d))
	} else {
		c.readAt = time.Time{}
	}
}

// begin starts the task for a request whose head is the first end bytes.
func (c *serverConn) begin(end int, now bool) {
	w, name, err := c.s.readRequest(c, c.in.bytes()[:end])
	if err != nil {
		c.refuse(err)
		return
	}
	c.in.discard(end)
	c.begun, c.timed = false, false
	c.phase = connBusy
	c.cur = w
	c.readAt, c.readUntil, c.writeUntil = time.Time{}, time.Time{}, time.Time{}
	if rd, wd := c.s.http.ReadTimeout, c.s.http.WriteTimeout; rd > 0 || wd > 0 {
		now := c.s.loop.Time()
		if rd > 0 {
			c.readUntil = c.headAt.Add(rd)
		}
		if wd > 0 {
			c.writeUntil = now.Add(wd)
		}
	}
	c.oldPost = w.req.Method == http.MethodPost
	c.s.count.Requests++
	c.s.count.Active++
	if now {
		aio.Start(c.ctx, c.serveFn, aio.Name(name), aio.Eager())
	} else {
		aio.Start(c.ctx, c.serveFn, aio.Name(name))
	}
	if w.req == &c.s.arrived { // the task waits for its turn
		w.req = w.req.WithContext(c.ctx)
	}
	c.checkGone()
}

// serve is the task of one request.
func (c *serverConn) serve(ctx context.Context) error {
	w := c.cur
	w.ctx, w.self, w.started = ctx, aio.CurrentTask(ctx), true
	if w.gone {
		w.cancel()
	}
	w.fullDuplex = c.s.fullDuplex
	w.req = w.req.WithContext(ctx)
	w.req.TLS = c.tls
	if w.body.kind != noBody {
		w.req.Body = &w.body
	}
	ended := false
	defer inspect.EndContext(ctx)
	defer func() {
		if !ended { // the loop ends the task, which must not wait any more
			w.cutOff()
			c.done(w, false)
		}
	}()
	w.serve()
	keep := w.finish()
	ended = true
	c.done(w, keep)
	return nil
}

// done is called when a request has been answered, or given up.
func (c *serverConn) done(w *reply, keep bool) {
	c.s.count.Active--
	c.cur, c.served = nil, true
	c.s.logAccess(w)
	switch {
	case c.phase == connHijacked || c.phase >= connClosing:
		if c.phase == connGone {
			c.in.drop()
		}
	case !keep:
		if w.unread && !w.aborted {
			c.startLingering()
		} else {
			c.shut()
		}
	case !c.s.keepsAlive():
		c.shut()
	default:
		c.phase = connIdle
		c.readUntil, c.writeUntil = time.Time{}, time.Time{}
		if c.in.len() < fewestBytes && !c.eof {
			if d := c.s.idleTimeout(); d > 0 {
				c.waitUntil(c.s.loop.Time().Add(d))
			}
		} else {
			c.advance(false)
		}
		c.resume()
	}
}

// checkGone cancels the request if the client has left. As in net/http, a client that ends only its
// side of the connection counts as such once all its bytes have been taken.
func (c *serverConn) checkGone() {
	if w := c.cur; w != nil && c.eof && c.phase == connBusy && c.in.len() == 0 && c.got == 0 &&
		w.body.isDone() {
		w.cancel()
	}
}
