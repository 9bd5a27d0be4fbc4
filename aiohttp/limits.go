package aiohttp

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aio-go/aio"
)

// defaultLimit is how many requests of a client are under way at a time if it does not say. It is
// aiohttp's.
const defaultLimit = 100

// turns let requests go: so many at a time, and so many to one host. Those that wait do so as
// tasks, in the order in which they came.
type turns struct {
	all   *gate // nil: no limit
	limit int   // for one host; 0: none
	hosts map[string]*gate
}

func newTurns(c *Client) *turns {
	t := &turns{limit: max(0, c.PerHost), hosts: map[string]*gate{}}
	if limit := c.limit(); limit > 0 {
		t.all = &gate{c: c, limit: limit}
	}
	return t
}

// take waits for a turn of request a to ask u and returns the function that ends it. A request
// waits for its host first: those to a slow host must not take the place of others.
//
// Cancellation: it leaves the line.
func (t *turns) take(ctx context.Context, a *asking, u *url.URL) (end func(), err error) {
	var h *gate
	if t.limit > 0 {
		key := hostKey(u)
		if h = t.hosts[key]; h == nil {
			h = &gate{c: a.c, limit: t.limit, host: key}
			t.hosts[key] = h
		}
		h.users++
		if err := h.enter(ctx); err != nil {
			t.leave(h)
			return nil, err
		}
		a.host = key
	}
	if t.all != nil {
		if err := t.all.enter(ctx); err != nil {
			t.give(h)
			return nil, err
		}
	}
	ended := false
	return func() {
		if ended {
			return
		}
		ended = true
		if t.all != nil {
			t.all.exit()
		}
		t.give(h)
	}, nil
}

func (t *turns) give(h *gate) {
	if h != nil {
		h.exit()
		t.leave(h)
	}
}

// leave forgets a host that nobody asks any more.
func (t *turns) leave(h *gate) {
	if h == nil {
		return
	}
	if h.users--; h.users == 0 {
		delete(t.hosts, h.host)
	}
}

// waiting returns how many requests are in line.
func (t *turns) waiting() int {
	n := 0
	if t.all != nil {
		n = t.all.line.Len()
	}
	for _, h := range t.hosts {
		n += h.line.Len()
	}
	return n
}

// gate has so many places. It is a semaphore that can say who has them.
type gate struct {
	c     *Client
	host  string // "": all
	limit int
	taken int // places that requests have; one that is handed on stays taken
	users int // requests that have a place or want one
	line  aio.Line
}

// enter takes a place, or waits for one.
func (g *gate) enter(ctx context.Context) error {
	if g.taken < g.limit {
		g.taken++
		return nil
	}
	g.c.collect()
	w := aio.NewWaiter(ctx, "Client.Do", g)
	err := g.line.Wait(w)
	if err != nil && w.Woken() {
		g.exit()
	}
	return err
}

// exit hands a place to the first in line, or back.
func (g *gate) exit() {
	if g.line.Call("Client.Do").Zero() {
		g.taken--
	}
}

// String is what snapshots, and reports of deadlocks, show that a request waits for.
func (g *gate) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "one of %d places", g.limit)
	if g.host != "" {
		fmt.Fprintf(&b, " for %s", g.host)
	}
	n := 0
	var oldest *asking
	for a := range g.c.asked {
		if a.open && (g.host == "" || a.host == g.host) {
			n++
			if oldest == nil || a.number < oldest.number {
				oldest = a
			}
		}
	}
	switch n {
	case 0:
	case 1:
		fmt.Fprintf(&b, "; 1 response is open, from %s", oldest)
	default:
		fmt.Fprintf(&b, "; %d responses are open, the oldest from %s", n, oldest)
	}
	return b.String()
}
