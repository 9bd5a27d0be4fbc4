package aiohttp

import (
	"context"

	"github.com/aio-go/aio"
)

// defaultLimit is how many requests of a client are under way at a time if it does not say. It is aiohttp's.
const defaultLimit = 100

// turns let requests go: so many at a time, and so many to one host. Those that wait do so as tasks, in the order in which they came.
type turns struct {
	all   *aio.Semaphore // nil: no limit
	limit int            // for one host; 0: none
	hosts map[string]*host
}

// host is one that requests are under way to, or wait for.
type host struct {
	turn  *aio.Semaphore
	users int
}

func newTurns(limit, perHost int) *turns {
	t := &turns{limit: max(0, perHost), hosts: map[string]*host{}}
	if limit == 0 {
		limit = defaultLimit
	}
	if limit > 0 {
		t.all = aio.NewSemaphore(limit)
	}
	return t
}

// take waits for a turn to ask name and returns the function that ends it. A request waits for its host first: those to a slow host must
// not take the place of others.
//
// Cancellation: it leaves the line.
func (t *turns) take(ctx context.Context, name string) (end func(), err error) {
	h := t.hosts[name]
	if t.limit > 0 {
		if h == nil {
			h = &host{turn: aio.NewSemaphore(t.limit)}
			t.hosts[name] = h
		}
		h.users++
		if err := h.turn.Acquire(ctx); err != nil {
			t.leave(name, h)
			return nil, err
		}
	}
	if t.all != nil {
		if err := t.all.Acquire(ctx); err != nil {
			t.give(name, h)
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
			t.all.Release()
		}
		t.give(name, h)
	}, nil
}

func (t *turns) give(name string, h *host) {
	if h != nil {
		h.turn.Release()
		t.leave(name, h)
	}
}

// leave forgets a host that nobody asks any more.
func (t *turns) leave(name string, h *host) {
	if h.users--; h.users == 0 {
		delete(t.hosts, name)
	}
}
