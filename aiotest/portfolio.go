package aiotest

import (
	"math"

	"github.com/aio-go/aio"
)

// portfolio uses several strategies in turn. In every order that is first what lies near the plain
// order, then all of them. A quarter of the schedules stays in the documented order.
type portfolio struct {
	documented *mixture // nil: not used
	every      *mixture // nil: not used
	now        *mixture
	count      int
}

func newPortfolio(c *config) *portfolio {
	p := &portfolio{}
	if c.level != every {
		p.documented = newMixture(c)
	}
	if c.level != documented {
		p.every = newMixture(c)
	}
	return p
}

func (p *portfolio) begin() bool {
	p.count++
	if p.documented != nil && (p.every == nil || p.count%4 == 1) {
		if p.now = p.documented; p.now.begin() {
			return true
		}
	}
	p.now = p.every
	return p.every != nil && p.every.begin()
}

func (p *portfolio) choose(ready []aio.Entry, plain int) int { return p.now.choose(ready, plain) }

func (p *portfolio) end(choices int) { p.now.end(choices) }

// level returns that of the present schedule.
func (p *portfolio) level() level {
	if p.now == p.documented {
		return documented
	}
	return every
}

// covered reports whether all schedules of the widest level have been run, and their number.
func (p *portfolio) covered() (n int, all bool) {
	if p.every != nil {
		return p.every.covered()
	}
	return p.documented.covered()
}

// mixture are the strategies for one level.
type mixture struct {
	near   *departing // one departure
	far    *departing // two, interleaved with the random ones
	others []strategy
	turn   int
	now    strategy
	count  int
}

// nearAtMost is how many schedules are spent near the plain order before the others have their
// turn.
const nearAtMost = 200

func newMixture(c *config) *mixture {
	seed := c.ownSeed()
	m := &mixture{near: &departing{bound: 1}, far: &departing{bound: 2}}
	if c.worker > 0 { // the first one does that
		m.near.done, m.near.pruned = true, true
		m.far.done, m.far.pruned = true, true
	}
	pos := newPOS(seed) // on the bugs that it is measured on it needs the fewest schedules
	m.others = []strategy{
		pos,
		newPCT(c, 2),
		newRandom(seed, 0),
		pos,
		m.far,
		newPCT(c, 3),
		pos,
		newRandom(seed+1, 0.8),
		m.near,
	}
	return m
}

func (m *mixture) begin() bool {
	m.count++
	if _, all := m.covered(); all {
		return false
	}
	if m.count%2 == 1 && m.count <= 2*nearAtMost && m.near.begin() {
		m.now = m.near
		return true
	}
	for range m.others {
		m.now = m.others[m.turn%len(m.others)]
		m.turn++
		if m.now.begin() {
			return true
		}
	}
	return false
}

func (m *mixture) choose(ready []aio.Entry, plain int) int { return m.now.choose(ready, plain) }

func (m *mixture) end(choices int) {
	m.now.end(choices)
	for _, s := range m.others { // what one has learned about the length is good for the others
		if x, ok := s.(*pct); ok && m.now != s {
			x.end(choices)
		}
	}
}

func (m *mixture) covered() (n int, all bool) {
	if n, all = m.near.covered(); all {
		return n, all
	}
	return m.far.covered()
}

// bounded returns how many departures a schedule may have if it is one of all.
func (p *portfolio) bounded() int { return math.MaxInt }

// repeatsItself reports whether the next choice of a strategy is where the last one was: nothing
// but its own answers may differ between two schedules.
func repeatsItself(s strategy) bool {
	if w, ok := s.(*stormy); ok {
		s = w.strategy
	}
	if p, ok := s.(*portfolio); ok {
		s = p.now.now
	}
	_, ok := s.(*departing)
	return ok
}
