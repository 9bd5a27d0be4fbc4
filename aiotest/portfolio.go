package aiotest

import "github.com/aio-go/aio"

// portfolio uses several strategies in turn: first everything near the plain order, then all of
// them.
type portfolio struct {
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

func newPortfolio(seed uint64) *portfolio {
	p := &portfolio{near: &departing{bound: 1}, far: &departing{bound: 2}}
	p.others = []strategy{
		newRandom(seed, 0),
		newPCT(seed, 2),
		p.far,
		newPCT(seed, 3),
		newRandom(seed+1, 0.8),
		p.near,
	}
	return p
}

func (p *portfolio) begin() bool {
	p.count++
	if p.covered() {
		return false
	}
	if p.count%2 == 1 && p.count <= 2*nearAtMost && p.near.begin() {
		p.now = p.near
		return true
	}
	for range p.others {
		p.now = p.others[p.turn%len(p.others)]
		p.turn++
		if p.now.begin() {
			return true
		}
	}
	return false
}

func (p *portfolio) choose(ready []aio.Entry, plain int) int { return p.now.choose(ready, plain) }

func (p *portfolio) end(choices int) {
	p.now.end(choices)
	for _, s := range p.others { // what one has learned about the length is good for the others
		if x, ok := s.(*pct); ok && p.now != s {
			x.end(choices)
		}
	}
}

func (p *portfolio) covered() bool { return p.near.covered() || p.far.covered() }
