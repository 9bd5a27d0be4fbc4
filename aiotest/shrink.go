package aiotest

import "slices"

// Shrinking takes at most so many schedules, and steps.
const (
	maxShrinks     = 5000
	maxShrinkSteps = 2_000_000
)

// shrinker looks for the schedule with the fewest departures that fails in the same way.
type shrinker struct {
	c      *controller
	strike strike
	kind   problemKind
	left   int // schedules that it may still run
	steps  int // steps that it may still make
}

// shrink drops departures, then tries every schedule with fewer than are left, in all levels that
// the options allow. Of two of one length it prefers the one that the documented order allows.
func (c *controller) shrink(res result) (best result, repeats bool) {
	s := &shrinker{c, res.strike, res.kind, maxShrinks, maxShrinkSteps}
	taken, ok := s.try(res.taken, res.level)
	if !ok {
		return res, false
	}
	best = res
	if len(taken) <= len(res.taken) {
		best.taken = taken
	}
	s.drop(&best)
	s.merge(&best)
	s.drop(&best)
	s.hurry(&best)
	if best.level == documented || c.usesBoth() {
		limit := len(best.taken)
		if best.level != documented {
			limit++
		}
		s.search(&best, documented, limit)
	}
	if best.level == every || c.usesBoth() {
		s.search(&best, every, len(best.taken))
	}
	return best, true
}

// try runs the schedule with the departures given and reports whether it fails in the same way.
func (s *shrinker) try(given []departure, l level) (taken []departure, fails bool) {
	r := s.c.follow(given, l, s.strike, nil)
	return slices.Clone(s.c.taken), s.spend(r)
}

func (s *shrinker) spend(r *run) (fails bool) {
	s.left--
	if s.steps -= s.c.steps; s.steps < 0 {
		s.left = 0
	}
	return r.failed() == s.kind
}

// drop leaves out departures, many at a time at first.
func (s *shrinker) drop(best *result) {
	for size := max(1, len(best.taken)/2); size >= 1 && s.left > 0; {
		shorter := false
		for from := 0; from < len(best.taken) && s.left > 0; {
			given := slices.Delete(slices.Clone(best.taken), from, min(from+size, len(best.taken)))
			if got, ok := s.try(given, best.level); ok && len(got) < len(best.taken) {
				best.taken, shorter = got, true
			} else {
				from += size
			}
		}
		if !shorter {
			size /= 2
		}
	}
}

// hurry looks for a simpler moment of the cancellation: at once, or when the await is over.
func (s *shrinker) hurry(best *result) {
	was := s.strike
	for _, after := range []int{0, whenReady} {
		if was.at == 0 || was.after == after {
			return
		}
		s.strike.after = after
		if got, ok := s.try(best.taken, best.level); ok && len(got) <= len(best.taken) {
			best.taken, best.strike = got, s.strike
			return
		}
	}
	s.strike = was
}

// maxSearched is with how many departures shrinking tries every schedule.
const maxSearched = 3

// search tries all schedules of a level with fewer departures than limit.
func (s *shrinker) search(best *result, l level, limit int) {
	for bound := 0; bound < limit && bound <= maxSearched && s.left > 0; bound++ {
		for d := (&departing{bound: bound}); s.left > 0 && d.begin(); {
			if s.spend(s.c.schedule(d, l, s.strike, nil)) {
				best.level, best.taken = l, slices.Clone(s.c.taken)
				return
			}
		}
	}
}

// follow runs the schedule with the departures given.
func (c *controller) follow(given []departure, l level, x strike, st *story) *run {
	return c.schedule(newReplaying(&c.turns, given), l, x, st)
}
