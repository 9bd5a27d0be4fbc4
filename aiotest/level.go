package aiotest

import (
	"cmp"
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
	n := after(ready, c.outside) // so many are known to come from outside
	for ; n < len(ready) && fromOutside(&ready[n]); n++ {
		c.queued = c.queued || isCall(&ready[n])
	}
	if n > 0 {
		c.outside = ready[n-1].Seq
	}
	if open = ready; n+1 < len(ready) {
		open = ready[: n+1 : n+1]
	}
	if c.queued {
		open = c.withoutLaterCalls(open)
	}
	if plain = after(open, c.passed); plain == len(open) {
		plain = 0
	}
	return open, plain
}

// after returns the index of the first entry behind a place in the queue.
func after(ready []aio.Entry, seq uint64) int {
	if ready[0].Seq > seq {
		return 0
	}
	n, _ := slices.BinarySearchFunc(ready, seq+1, func(e aio.Entry, seq uint64) int {
		return cmp.Compare(e.Seq, seq)
	})
	return n
}

// isCall reports whether an entry is a call of another goroutine, which may not overtake another.
func isCall(e *aio.Entry) bool { return e.Kind == aio.EntryPost && e.Op == "" }

// withoutLaterCalls leaves out all calls of other goroutines but the first.
func (c *controller) withoutLaterCalls(open []aio.Entry) []aio.Entry {
	c.scratch = c.scratch[:0]
	called := false
	for i := range open {
		call := isCall(&open[i])
		if !call || !called {
			c.scratch = append(c.scratch, open[i])
		}
		called = called || call
	}
	return c.scratch
}
