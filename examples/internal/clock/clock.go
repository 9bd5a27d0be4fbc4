// Package clock has the clock of the examples that show time passing: virtual, to save the wait, or
// real.
package clock

import (
	"sync"
	"time"

	"github.com/aio-go/aio"
)

// Clock is an [aio.Clock] under which calls can block, too. Its methods may be called from any
// goroutine.
type Clock struct {
	real bool
	mu   sync.Mutex
	now  time.Time // of a virtual clock
}

// New returns a clock: the machine's if real is true, otherwise a virtual one that begins where
// that of [aio.NewVirtualClock] does.
func New(real bool) *Clock {
	return &Clock{real: real, now: aio.NewVirtualClock().Now()}
}

// Now implements [aio.Clock].
func (c *Clock) Now() time.Time {
	if c.real {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance implements [aio.Clock].
func (c *Clock) Advance(until time.Time) bool {
	if c.real {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.now) {
		c.now = until
	}
	return true
}

// Block is time.Sleep: it lets d go by while its goroutine, and so a loop that runs on it, does
// nothing.
func (c *Clock) Block(d time.Duration) {
	if c.real {
		time.Sleep(d)
		return
	}
	c.Advance(c.Now().Add(d))
}

// BlockBeside is Block for a goroutine beside the one that runs loop l, such as those of
// aio.ToThread. A virtual clock moves when l has run its ready entries: otherwise the time would
// depend on a race.
func (c *Clock) BlockBeside(l *aio.Loop, d time.Duration) {
	if !c.real {
		ran := make(chan struct{})
		if _, err := l.CallSoonThreadsafe(func() { close(ran) }); err == nil {
			<-ran
		}
	}
	c.Block(d)
}

// Stopwatch returns a function that says how much time went by since.
func (c *Clock) Stopwatch() func() time.Duration {
	began := c.Now()
	return func() time.Duration { return c.Now().Sub(began) }
}
