package aio

import (
	"sync/atomic"
	"time"
)

// Clock is where a loop gets the time from. The default is the clock of the machine.
type Clock interface {
	// Now returns the time. It must never go back.
	Now() time.Time
	// Advance is called when nothing is ready before the time until and nothing is known to arrive from outside. A clock that makes
	// its own time moves there and returns true; one that has to be waited for returns false.
	Advance(until time.Time) bool
}

// VirtualClock is a clock for tests and examples: it stands still while anything is ready to run, and jumps to the next timer when
// nothing is, so that a program that sleeps for hours is done at once and in the same order every time. The zero value is not ready;
// use [NewVirtualClock]. Now may be called on any goroutine.
type VirtualClock struct {
	start  time.Time
	passed atomic.Int64 // nanoseconds since start
}

// NewVirtualClock returns a clock that shows 2000-01-01 00:00:00 UTC. Use it for one loop, with [WithClock].
func NewVirtualClock() *VirtualClock {
	return &VirtualClock{start: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Now implements [Clock].
func (c *VirtualClock) Now() time.Time { return c.start.Add(time.Duration(c.passed.Load())) }

// Advance implements [Clock].
func (c *VirtualClock) Advance(until time.Time) bool {
	if d := int64(until.Sub(c.start)); d > c.passed.Load() {
		c.passed.Store(d)
	}
	return true
}

// Time returns the time by the loop's clock. asyncio: loop.time, as a number of seconds.
func (l *Loop) Time() time.Time {
	if l.clock != nil {
		return l.clock.Now()
	}
	return time.Now()
}

// now returns the loop's time in nanoseconds since its epoch.
func (l *Loop) now() int64 {
	if l.clock != nil {
		l.coarse = int64(l.clock.Now().Sub(l.epoch))
	} else {
		l.coarse = int64(time.Since(l.epoch))
	}
	l.rested = false
	return l.coarse
}

// stamp returns the time for what is only written down: it reads the clock if that was not done since the loop last waited.
func (l *Loop) stamp() int64 {
	if l.rested {
		l.now()
	}
	return l.coarse
}

// nanos converts a point in time to the loop's nanoseconds. A time without monotonic reading, as parsed or out of a database, is a time of
// the wall clock as it is now: that may have been set since the loop was made, and goes on while the machine sleeps.
func (l *Loop) nanos(at time.Time) int64 {
	d := int64(at.Sub(l.epoch))
	if at != at.Round(0) { // which takes the monotonic reading away
		return d
	}
	now := l.Time()
	if shift := int64(now.Round(0).Sub(l.epoch.Round(0)) - now.Sub(l.epoch)); max(shift-l.shift, l.shift-shift) > int64(time.Millisecond) {
		l.shift = shift // less than that is in the reading of two clocks: equal times must stay equal
	}
	return subtract(d, l.shift)
}

// subtract returns a-b, or the end of time on either side where that is out of range.
func subtract(a, b int64) int64 {
	switch c := a - b; {
	case b > 0 && c > a:
		return -maxTime
	case b < 0 && c < a:
		return maxTime
	default:
		return c
	}
}

// after returns the point in time d from now, the end of time if that is later.
func (l *Loop) after(d time.Duration) int64 {
	now := l.now()
	if when := now + int64(d); when >= now || d <= 0 {
		return when
	}
	return maxTime
}

const maxTime = 1<<63 - 1
