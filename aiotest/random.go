package aiotest

import (
	"math/rand/v2"

	"github.com/aio-go/aio"
)

// random chooses at random. calm is the share of choices that it leaves to the plain order.
type random struct {
	pcg  rand.PCG
	rand *rand.Rand
	calm float64
}

func newRandom(seed uint64, calm float64) *random {
	r := &random{pcg: *rand.NewPCG(seed, 7), calm: calm}
	r.rand = rand.New(&r.pcg)
	return r
}

func (r *random) begin() bool { return true }

func (r *random) choose(ready []aio.Entry, plain int) int {
	if r.calm > 0 && r.rand.Float64() < r.calm {
		return plain
	}
	return r.rand.IntN(len(ready))
}

func (r *random) end(int) {}

// maxGuess keeps schedules that make no progress from spoiling the guess.
const maxGuess = 2000

// pct gives priorities. Entries that are no steps of tasks get one each time that they are first
// seen.
type pct struct {
	rand    *rand.Rand
	depth   int
	guess   int   // how many choices a schedule has
	at      []int // the choices at which the task that would run falls behind
	now     int
	tasks   []float64 // 0: none yet; by number
	others  map[aio.EntryKey]float64
	lowest  float64
	last    aio.EntryKey
	row     int // choices in a row that last has won
	longest int // choices that last may win in a row
	fair    bool
	patient int // choices after which the rest is random, for tasks that wait in a loop of yields
}

// newPCT returns a strategy of this depth. With [Patience] no task wins more often in a row than in
// the plain order.
func newPCT(c *config, depth int) *pct {
	return &pct{
		rand:  rand.New(rand.NewPCG(c.ownSeed(), uint64(depth))),
		depth: depth, guess: 10, others: map[aio.EntryKey]float64{}, fair: c.patience > 0,
	}
}

func (p *pct) begin() bool {
	p.now, p.lowest, p.row = 0, 0, 0
	p.at = p.at[:0]
	for range p.depth - 1 {
		p.at = append(p.at, 1+p.rand.IntN(p.guess))
	}
	p.patient = 4*p.guess + 100
	if p.longest = maxRow; !p.fair {
		p.longest = max(maxRow, p.guess)
	}
	clear(p.tasks)
	clear(p.others)
	return true
}

func (p *pct) choose(ready []aio.Entry, _ int) int {
	if p.now++; p.now > p.patient {
		return p.rand.IntN(len(ready))
	}
	best := p.best(ready)
	if key := ready[best].EntryKey; key != p.last {
		p.last, p.row = key, 0
	} else if p.row++; p.row > p.longest {
		p.row = 0
		p.lowest--
		p.set(key, p.lowest)
		best = p.best(ready)
	}
	for _, at := range p.at {
		if at == p.now {
			p.lowest--
			p.set(ready[best].EntryKey, p.lowest)
			best = p.best(ready)
		}
	}
	return best
}

func (p *pct) best(ready []aio.Entry) int {
	best, most := 0, p.of(ready[0].EntryKey)
	for i := 1; i < len(ready); i++ {
		if x := p.of(ready[i].EntryKey); x > most {
			best, most = i, x
		}
	}
	return best
}

// of returns the priority of key, which is drawn when it is first asked for.
func (p *pct) of(key aio.EntryKey) float64 {
	if key.Kind == aio.EntryStep && int(key.ID) < len(p.tasks) {
		if x := p.tasks[key.ID]; x != 0 {
			return x
		}
	} else if x, ok := p.others[key]; ok {
		return x
	}
	x := 1 - p.rand.Float64() // never 0
	p.set(key, x)
	return x
}

func (p *pct) set(key aio.EntryKey, x float64) {
	if key.Kind != aio.EntryStep {
		p.others[key] = x
		return
	}
	for int(key.ID) >= len(p.tasks) {
		p.tasks = append(p.tasks, 0)
	}
	p.tasks[key.ID] = x
}

// end learns how long schedules are.
func (p *pct) end(choices int) {
	if choices > 0 {
		p.guess = min(max(1, (3*p.guess+choices)/4), maxGuess)
	}
}
