package slowserver

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// Mood is how long a server makes its visitors wait, and how often it fails them.
type Mood struct {
	MinDelay, MaxDelay time.Duration // before an answer, any time in between
	// from 0 to 1: how many requests get an error in place of an answer
	ErrorRate float64
	Seed      uint64 // another seed, other delays and errors
}

// Turn returns what happens to a request for a path: how long it waits, and whether it fails. nth
// counts the requests for that path from 0. It depends on nothing else, so a run can be repeated
// although requests come in another order.
func (m Mood) Turn(path string, nth int) (delay time.Duration, fails bool) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", path, nth)
	random := rand.New(rand.NewPCG(m.Seed, h.Sum64()))
	delay = m.MinDelay
	if spread := m.MaxDelay - m.MinDelay; spread > 0 {
		delay += time.Duration(random.Int64N(int64(spread) + 1))
	}
	return delay, random.Float64() < m.ErrorRate
}

// ParseDelay reads a range of delays, as in "500ms-5s", or a single one, "2s".
func ParseDelay(text string) (least, most time.Duration, err error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	if least, err = time.ParseDuration(from); err == nil {
		most, err = time.ParseDuration(to)
	}
	if err != nil || least < 0 || most < least {
		return 0, 0, fmt.Errorf("%q is no range of delays; write it as in 500ms-5s", text)
	}
	return least, most, nil
}
