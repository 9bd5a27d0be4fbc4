package aiotest

import "slices"

// Shrinking takes at most so many schedules, and steps.
const (
	maxShrinks     = 2000
	maxShrinkSteps = 2_000_000
)

// shrink looks for the schedule with the fewest departures that fails in the same way: it drops
// departures, then tries every schedule with fewer than are left.
func (c *controller) shrink(
	taken []departure, cancelAt int, kind problemKind,
) (best []departure, repeats bool) {
	left, steps := maxShrinks, maxShrinkSteps
	spend := func() {
		left--
		if steps -= c.steps; steps < 0 {
			left = 0
		}
	}
	try := func(given []departure) ([]departure, bool) {
		r := c.follow(given, cancelAt, nil)
		spend()
		return slices.Clone(c.taken), r.failed() == kind
	}
	best, ok := try(taken)
	if !ok {
		return taken, false
	}
	if len(best) > len(taken) {
		best = slices.Clone(taken)
	}
	for size := max(1, len(best)/2); size >= 1 && left > 0; {
		shorter := false
		for from := 0; from < len(best) && left > 0; {
			given := slices.Delete(slices.Clone(best), from, min(from+size, len(best)))
			if got, ok := try(given); ok && len(got) < len(best) {
				best, shorter = got, true
			} else {
				from += size
			}
		}
		if !shorter {
			size /= 2
		}
	}
	for bound := 0; bound < len(best) && bound <= 2 && left > 0; bound++ {
		for d := (&departing{bound: bound}); left > 0 && d.begin(); {
			if c.schedule(d, cancelAt, nil).failed() == kind {
				return slices.Clone(c.taken), true
			}
			spend()
		}
	}
	return best, true
}

// follow runs the schedule with the departures given.
func (c *controller) follow(given []departure, cancelAt int, st *story) *run {
	return c.schedule(newReplaying(&c.turns, given), cancelAt, st)
}
