package aiotest

import (
	"slices"

	"github.com/aio-go/aio"
)

// sequence is the strategy that follows the order of another run as far as it can: of the entries
// that are ready the one that comes first in the rest of that order.
type sequence struct {
	rest []aio.EntryKey
}

func (s *sequence) begin() bool { return true }

func (s *sequence) choose(ready []aio.Entry, plain int) int {
	for _, key := range s.rest {
		for i := range ready {
			if ready[i].EntryKey == key {
				return i
			}
		}
	}
	return plain
}

// took is called after each step, also if there was no choice.
func (s *sequence) took(key aio.EntryKey) {
	if i := slices.Index(s.rest, key); i >= 0 {
		s.rest = slices.Delete(s.rest, i, i+1)
	}
}

func (s *sequence) end(int) {}

// block is some steps of one entry's key in a row.
type block struct {
	key   aio.EntryKey
	steps int
}

func blocksOf(order []aio.EntryKey) (blocks []block) {
	for _, key := range order {
		if n := len(blocks); n > 0 && blocks[n-1].key == key {
			blocks[n-1].steps++
		} else {
			blocks = append(blocks, block{key, 1})
		}
	}
	return blocks
}

func orderOf(blocks []block) (order []aio.EntryKey) {
	for _, b := range blocks {
		for range b.steps {
			order = append(order, b.key)
		}
	}
	return order
}

// merge moves the steps of a task together: a block of steps comes right behind the task's block
// before, or that one right before it. What fails still, with fewer departures, is the next to
// start from. In this way it gets rid of departures that need each other, which drop cannot.
func (s *shrinker) merge(best *result) {
	for again := true; again && len(best.taken) > 1 && s.left > 0; {
		again = false
		s.c.recording = true
		s.try(best.taken, best.level)
		s.c.recording = false
		blocks := blocksOf(s.c.order)
		for j := 2; j < len(blocks) && !again; j++ {
			i := j - 2
			for i >= 0 && blocks[i].key != blocks[j].key {
				i--
			}
			if i < 0 {
				continue
			}
			up := slices.Insert(slices.Delete(slices.Clone(blocks), j, j+1), i+1, blocks[j])
			down := slices.Delete(slices.Insert(slices.Clone(blocks), j, blocks[i]), i, i+1)
			again = s.inOrder(best, up) || s.inOrder(best, down)
		}
	}
}

// inOrder runs the steps in an order, and keeps the schedule if it fails with fewer departures.
func (s *shrinker) inOrder(best *result, blocks []block) bool {
	if s.left <= 0 {
		return false
	}
	r := s.c.schedule(&sequence{orderOf(blocks)}, best.level, s.strike, nil)
	if !s.spend(r) || len(s.c.taken) > len(best.taken)+slack {
		return false
	}
	found := *best
	found.taken = slices.Clone(s.c.taken)
	s.drop(&found)
	if len(found.taken) >= len(best.taken) {
		return false
	}
	best.taken = found.taken
	return true
}

// slack is how many departures more a moved block may bring at first. The plain order behind it is
// another one then, and what kept to the old one can be dropped.
const slack = 3
