package main

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/places"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// connections are those that have served and may serve again: the paths of one host need not have
// one each. It belongs to the loop.
type connections struct {
	later map[string]int // how many sites at a place have not been visited yet
	idle  map[string][]*connection

	opened, asked int // how many connections were opened, for how many requests
}

// connection is an open one.
type connection struct {
	key    string // of the place it leads to
	r      *stream.Reader
	w      *stream.Writer
	served int // requests
}

// expect counts the sites that will be visited, by place.
func (all *connections) expect(rows []*row) {
	all.later, all.idle = map[string]int{}, map[string][]*connection{}
	for _, r := range rows {
		if at, err := parseSite(r.url); err == nil {
			all.later[at.key()]++
		}
	}
}

// open returns a connection to a place: one that is idle, or a new one.
func (all *connections) open(
	ctx context.Context, at place, secure *tls.Config,
) (*connection, error) {
	key := at.key()
	for n := len(all.idle[key]); n > 0; n-- {
		c := all.idle[key][n-1]
		all.idle[key] = all.idle[key][:n-1]
		if !c.w.IsClosing() && !c.r.AtEOF() && c.r.Buffered() == 0 &&
			places.Allowed(ctx, c.w.RemoteAddr()) {
			all.asked++
			return c, nil
		}
		c.w.Abort()
	}
	opts := []transport.Option{stream.Limit(maxStatusLine)}
	if at.url.Scheme == "https" {
		opts = append(opts, transport.TLS(secure))
	}
	r, w, err := stream.Open(ctx, at.network, at.address, opts...)
	if err != nil {
		return nil, err
	}
	all.opened++
	all.asked++
	return &connection{key: key, r: r, w: w}, nil
}

// rest is how long the rest of an answer may take, for the sake of the connection.
const rest = time.Second

// release is the fourth step: it closes the connection of an answer, or keeps it if it may be
// needed and the site agrees. Abort does not wait: the rest of the page is not needed.
func (s *survey) release(ctx context.Context, a *answer) {
	all, c := &s.conns, a.conn
	if !a.keep || all.later[c.key] <= 0 || aio.Timeout(ctx, rest, a.skip) != nil {
		c.w.Abort()
		return
	}
	c.served++
	all.idle[c.key] = append(all.idle[c.key], c)
}

// close closes those that are idle.
func (all *connections) close() {
	for _, list := range all.idle {
		for _, c := range list {
			c.w.Abort()
		}
	}
	all.idle = nil
}
