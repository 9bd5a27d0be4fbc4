package aiotest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/aio-go/aio"
)

// A fault of a World is a choice like that of the next step. It is made where the program does
// something that can go wrong: it sends, writes, looks up. The plain order has no fault. So a fault
// is a departure: it has a place in the schedule, a place in the token, and shrinking drops it.

// entryFault is the kind of the keys of faults: of the place, whose ID names it, and of the fault.
const entryFault = aio.EntryEvent + 1

// menu is what can go wrong at a place.
type menu struct {
	kinds []faultKind
	args  []int // how many variants each kind has
	total int
}

func (m *menu) reset() { m.kinds, m.args, m.total = m.kinds[:0], m.args[:0], 0 }

func (m *menu) add(k faultKind, args int) {
	if args > 0 {
		m.kinds, m.args, m.total = append(m.kinds, k), append(m.args, args), m.total+args
	}
}

// fault is one of them.
type fault struct {
	kind faultKind // noFault: nothing goes wrong
	arg  int
}

// at returns the i-th fault, counted from 1.
func (m *menu) at(i int) fault {
	for j, k := range m.kinds {
		if i <= m.args[j] {
			return fault{k, i - 1}
		}
		i -= m.args[j]
	}
	return fault{}
}

// key is what a token has of a fault.
func (f fault) key() aio.EntryKey {
	return aio.EntryKey{Kind: entryFault, ID: uint32(f.kind)<<24 | uint32(f.arg)}
}

// index is the inverse of at; 0 if the menu does not have it.
func (m *menu) index(key aio.EntryKey) int {
	i := 1
	for j, k := range m.kinds {
		if arg := int(key.ID & 0xffffff); key.ID>>24 == uint32(k) && arg < m.args[j] {
			return i + arg
		}
		i += m.args[j]
	}
	return 0
}

// decider is a strategy that lets something go wrong.
type decider interface {
	// decide returns the number of a fault in m, 0 for none. It is asked at a place. m is valid
	// during the call.
	decide(at point, m *menu) int
}

// placeOf is the name of a place in tokens.
func placeOf(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text))
	return h.Sum32() & 0xffff
}

// decide asks the strategy whether something goes wrong at a place.
func (c *controller) decide(place uint32, m *menu) fault {
	at := point{aio.EntryKey{Kind: entryFault, ID: place}, c.draws[place]}
	c.draws[place]++
	if d, ok := c.strategy.(decider); ok && !c.ended && m.total > 0 {
		if i := d.decide(at, m); i > 0 {
			f := m.at(i)
			c.taken = append(c.taken, departure{at, f.key()})
			return f
		}
	}
	return fault{}
}

// decide implements decider: what was given.
func (r *replaying) decide(at point, m *menu) int {
	next := r.given[at]
	if r.left == 0 || len(next) == 0 {
		return 0
	}
	r.given[at] = next[1:]
	r.left--
	return m.index(next[0])
}

// decide implements decider: a fault counts as a departure.
func (d *departing) decide(_ point, m *menu) int { return d.pick(m.total + 1) }

// decide implements decider.
func (b *bytes) decide(_ point, m *menu) int {
	if len(b.data) == 0 {
		return 0
	}
	next := int(b.data[0])
	b.data = b.data[1:]
	return next % (m.total + 1)
}

// stormy adds faults to the schedules of another strategy. Most failures need few faults and no
// particular order. So in a short program it goes through all single faults in the plain order, one
// after the other. By turns it draws a few at random, in the plain order and in those of the
// strategy. A
// program in which nothing can go wrong gets the schedules of the strategy alone.
type stormy struct {
	strategy
	levels []level // that are tried
	rand   *rand.Rand
	single departing
	mode   stormMode
	used   bool // the strategy makes the present schedule, or its order
	over   bool // the strategy has no further schedules
	guess  int  // places in a schedule
	places int  // in the present one
	at     []int
	count  int
}

type stormMode uint8

const (
	calm   stormMode = iota // nothing goes wrong
	single                  // one fault, each in its turn
	drawn                   // some
)

func (c *controller) withFaults(s strategy) strategy {
	switch s.(type) {
	case *departing, *bytes: // they decide themselves
		return s
	}
	return &stormy{
		strategy: s, levels: c.levels(), single: departing{bound: 1},
		rand: rand.New(rand.NewPCG(c.conf.ownSeed(), 31)),
	}
}

// fewPlaces is up to how many places single faults are gone through. With more, too many of those
// that are alike follow each other, and all faults are drawn.
const fewPlaces = 300

// singlesAtMost is after how many schedules with one fault each the others have their turn alone.
const singlesAtMost = 2000

func (s *stormy) begin() bool {
	s.mode, s.used, s.places, s.at = calm, true, 0, s.at[:0]
	if s.guess == 0 {
		return s.strategy.begin()
	}
	s.count++
	turn := s.count % 4
	if turn == 0 && !s.over {
		if s.strategy.begin() {
			return true
		}
		s.over = true
	}
	s.used = false
	if turn != 3 && s.count < singlesAtMost && s.guess <= fewPlaces && s.single.begin() {
		s.mode = single
		return true
	}
	s.mode = drawn
	for n := 1; ; n++ {
		s.at = append(s.at, 1+s.rand.IntN(s.guess))
		if n == maxDrawn || s.rand.IntN(2) == 0 {
			break
		}
	}
	if turn%2 == 1 && !s.over {
		if s.used = s.strategy.begin(); !s.used {
			s.over = true
		}
	}
	return true
}

// maxDrawn is how many faults are drawn for a schedule at most.
const maxDrawn = 8

func (s *stormy) choose(ready []aio.Entry, plain int) int {
	if s.used {
		return s.strategy.choose(ready, plain)
	}
	return plain
}

// decide implements decider. A kind is drawn first, so that one of many variants hides no other.
func (s *stormy) decide(_ point, m *menu) int {
	s.places++
	switch s.mode {
	case single:
		return s.single.pick(m.total + 1)
	case drawn:
		for _, at := range s.at {
			if at == s.places {
				k := s.rand.IntN(len(m.kinds))
				i := 1 + s.rand.IntN(m.args[k])
				for _, n := range m.args[:k] {
					i += n
				}
				return i
			}
		}
	}
	return 0
}

func (s *stormy) end(choices int) {
	if s.places > 0 {
		// a fault may end a schedule early, so the guess falls slowly
		s.guess = min(max(s.places, s.guess-s.guess/64), maxGuess)
	}
	if s.mode == single {
		s.single.end(choices)
	}
	if s.used {
		s.strategy.end(choices)
	}
}

// level returns that of the present schedule.
func (s *stormy) level() level {
	if x, ok := s.strategy.(interface{ level() level }); ok && s.used {
		return x.level()
	}
	return s.levels[0]
}

// covered reports whether all schedules have been run. With faults that is not known.
func (s *stormy) covered() (n int, all bool) {
	if x, ok := s.strategy.(interface{ covered() (int, bool) }); ok && s.guess == 0 {
		return x.covered()
	}
	return 0, false
}

// takenText counts what a schedule has besides the plain order.
func takenText(taken []departure) string {
	faults := 0
	for _, d := range taken {
		if d.at.key.Kind == entryFault {
			faults++
		}
	}
	switch orders := len(taken) - faults; {
	case faults == 0:
		return countOf(orders, "departure")
	case orders == 0:
		return plural(faults, "fault") + ", in the plain order"
	default:
		return fmt.Sprintf("%s and %s", plural(faults, "fault"), countOf(orders, "departure"))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
