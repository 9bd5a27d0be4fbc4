package aio

import (
	"sync/atomic"
	"time"
)

// Clock tells a loop the time. The default is the machine's clock.
type Clock interface {
	// Now returns the time. It must never go back.
	Now() time.Time
	// Advance is called when nothing is ready before the time until and nothing is known to arrive
	// from outside. A virtual clock moves to that time and returns true. A clock that follows real
	// time returns false.
	Advance(until time.Time) bool
}

// VirtualClock is a clock for tests and examples. It stands still while anything is ready to run,
// and otherwise jumps to the next timer. A program that sleeps for hours ends at once, in the same
// order every time. The zero value is not ready; use [NewVirtualClock]. Now: any goroutine.
type VirtualClock struct {
	start  time.Time
	passed atomic.Int64 // nanoseconds since start
}

// NewVirtualClock returns a clock that starts at 2000-01-01 00:00:00 UTC. Use it for one loop, with
// [WithClock].
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

// Time returns the time by the loop's clock. Any goroutine, if the clock's Now allows that; those
// of this package do. asyncio: time.
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

// stamp returns the time for records only. It reads the clock once after each wait of the loop.
func (l *Loop) stamp() int64 {
	if l.rested {
		l.now()
	}
	return l.coarse
}

// nanos converts a time to the loop's nanoseconds. A time without a monotonic reading, such as a
// parsed one, is compared with the wall clock as it is now. The wall clock may have been set since
// the loop was created, and it runs while the machine sleeps.
func (l *Loop) nanos(at time.Time) int64 {
	d := int64(at.Sub(l.epoch))
	if at != at.Round(0) { // which takes the monotonic reading away
		return d
	}
	now := l.Time()
	shift := int64(now.Round(0).Sub(l.epoch.Round(0)) - now.Sub(l.epoch))
	// A smaller change comes from reading two clocks. Equal times must stay equal.
	if max(shift-l.shift, l.shift-shift) > int64(time.Millisecond) {
		l.shift = shift
	}
	return subtract(d, l.shift)
}

// subtract returns a-b, or the nearest int64 if that is out of range.
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

// after returns the time d from now, or the end of time if that is out of range.
func (l *Loop) after(d time.Duration) int64 {
	now := l.now()
	if when := now + int64(d); when >= now || d <= 0 {
		return when
	}
	return maxTime
}

const maxTime = 1<<63 - 1
