package aiotest

import (
	"math/rand/v2"

	"github.com/aio-go/aio"
)

// pos gives each step a random priority when it becomes ready, and lets the highest run: partial
// order sampling, without knowing which steps depend on each other.
type pos struct {
	rand  *rand.Rand
	tasks []float64 // by number; 0: none yet
	other map[aio.EntryKey]float64
	now   int
}

func newPOS(seed uint64) *pos {
	return &pos{rand: rand.New(rand.NewPCG(seed, 13)), other: map[aio.EntryKey]float64{}}
}

func (p *pos) begin() bool {
	clear(p.tasks)
	clear(p.other)
	p.now = 0
	return true
}

func (p *pos) choose(ready []aio.Entry, _ int) int {
	// a task that waits in a loop must not keep one of low priority from running
	if p.now++; p.now%maxRow == 0 {
		clear(p.tasks)
		clear(p.other)
	}
	best, most := 0, -1.0
	for i := range ready {
		if x := p.of(ready[i].EntryKey); x > most {
			best, most = i, x
		}
	}
	if key := ready[best].EntryKey; key.Kind == aio.EntryStep {
		p.tasks[key.ID] = 0
	}
	return best
}

func (p *pos) of(key aio.EntryKey) float64 {
	if key.Kind != aio.EntryStep {
		if _, ok := p.other[key]; !ok {
			p.other[key] = p.rand.Float64()
		}
		return p.other[key]
	}
	for int(key.ID) >= len(p.tasks) {
		p.tasks = append(p.tasks, 0)
	}
	if p.tasks[key.ID] == 0 {
		p.tasks[key.ID] = 1 - p.rand.Float64()
	}
	return p.tasks[key.ID]
}

func (p *pos) end(int) {}
