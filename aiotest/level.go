package aiotest

import (
	"slices"

	"github.com/aio-go/aio"
)

// level says which orders are tried.
type level uint8

const (
	bothLevels level = iota // the portfolio uses both, other strategies every order
	documented
	every
)

// letter is what a token has of the level.
func (l level) letter() string {
	if l == documented {
		return "d"
	}
	return "e"
}

// DocumentedOrder makes Explore try only what the documented order allows. The ready queue is FIFO,
// so tasks start in order, wake-ups come in order, and Yield takes one turn. Only the times on
// which a program must not rely vary: those of timers, threads, descriptors and other goroutines.
// The strategy may hold back, for as long as it likes, an entry that one of them has made ready.
//
// Use it for a program that relies on the documented order. By default [Portfolio] tries these
// orders first, and then goes on to every order; a failure says which it needs.
func DocumentedOrder() Option { return option(func(c *config) { c.level = documented }) }

// EveryOrder makes Explore try every order of the entries that are ready. The strategy may hold
// back any of them for as long as it likes. So an await of any kind, also a Yield, stands for one
// that takes longer in production. It finds bugs that would show only after the next change of the
// program. Strategies other than [Portfolio] use it by default.
func EveryOrder() Option { return option(func(c *config) { c.level = every }) }

// fromOutside reports whether an entry comes from outside the loop, at any time.
func fromOutside(e *aio.Entry) bool {
	switch e.Kind {
	case aio.EntryStep:
		return e.By == aio.EntryKey{} && e.Op != "" // its time has come
	case aio.EntryCallback:
		return false
	}
	return true
}

// allowed are the entries that may take the next step in the documented order: the first that is
// not from outside, and those from outside ahead of it. Calls of other goroutines keep their order.
// plain is the first entry that was not passed over before. An entry that was passed over waits
// until nothing else is left.
func (c *controller) allowed(ready []aio.Entry) (open []aio.Entry, plain int) {
	c.index = c.index[:0]
	posted := false
	for i := range ready {
		if e := &ready[i]; !fromOutside(e) {
			c.index = append(c.index, i)
			break
		} else if e.Kind == aio.EntryPost && e.Op == "" {
			if posted {
				continue
			}
			posted = true
		}
		c.index = append(c.index, i)
	}
	if n := len(c.index); c.index[n-1] == n-1 {
		open = ready[:n:n]
	} else {
		c.scratch = c.scratch[:0]
		for _, i := range c.index {
			c.scratch = append(c.scratch, ready[i])
		}
		open = c.scratch
	}
	if len(c.held) > 0 {
		for i := range open {
			if !slices.Contains(c.held, open[i].EntryKey) {
				return open, i
			}
		}
	}
	return open, 0
}

// hold notes that entry i takes the step, and that those ahead of it are passed over.
func (c *controller) hold(open []aio.Entry, i int) {
	for j := range open[:i] {
		if key := open[j].EntryKey; !slices.Contains(c.held, key) {
			c.held = append(c.held, key)
		}
	}
	if at := slices.Index(c.held, open[i].EntryKey); at >= 0 {
		c.held = slices.Delete(c.held, at, at+1)
	}
}
