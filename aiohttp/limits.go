package aiohttp

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aio-go/aio"
)

// defaultLimit is the default limit of requests under way in a client, as in aiohttp.
const defaultLimit = 100

// turns limits the requests under way: in all, and to one host. Requests wait as tasks, in FIFO
// order.
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

// take waits for a turn of request x to u. A request waits for its host first: requests to a slow
// host must not take the places of others.
//
// Cancellation: it leaves the line.
func (t *turns) take(ctx context.Context, x *answer, u *url.URL) error {
	var h *gate
	if t.limit > 0 {
		key := hostKey(u)
		if h = t.hosts[key]; h == nil {
			h = &gate{c: x.c, limit: t.limit, host: key}
			t.hosts[key] = h
		}
		h.users++
		if err := h.enter(ctx); err != nil {
			t.leave(h)
			return err
		}
		x.host = key
	}
	if t.all != nil {
		if err := t.all.enter(ctx); err != nil {
			t.give(h)
			return err
		}
	}
	x.gate, x.turn = h, true
	return nil
}

// done ends the turn.
func (x *answer) done() {
	if !x.turn {
		return
	}
	x.turn = false
	t := x.c.turns
	if t.all != nil {
		t.all.exit()
	}
	t.give(x.gate)
}

func (t *turns) give(h *gate) {
	if h != nil {
		h.exit()
		t.leave(h)
	}
}

// leave forgets a host without requests.
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

// gate has a limited number of places. It is a semaphore that can name their owners.
type gate struct {
	c     *Client
	host  string // "": all
	limit int
	taken int // places in use; one that is passed on stays taken
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

// exit passes a place to the first in line, or frees it.
func (g *gate) exit() {
	if g.line.Call("Client.Do").Zero() {
		g.taken--
	}
}

// String is the text of the wait in snapshots and reports of deadlocks.
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
