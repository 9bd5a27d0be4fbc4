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
	// time returns false. To learn which it is, the loop may call Advance with the present time.
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

// WithClock sets the clock. Default: the machine's. See [NewVirtualClock].
func WithClock(c Clock) Option { return option(func(l *Loop) { l.clock.source = c }) }

// timekeeper is the part of a loop that knows the time.
type timekeeper struct {
	source Clock // nil: the machine's
	epoch  time.Time
	shift  int64     // what the wall clock has gained on the loop's, see nanos
	coarse int64     // the time when the clock was last read
	rested bool      // the loop has waited since, or was not run
	begun  time.Time // when the loop was made, by the machine's clock
}

// isGiven reports whether the program has given the clock.
func (k *timekeeper) isGiven() bool { return k.source != nil }

// isVirtual reports whether the time jumps from timer to timer.
func (k *timekeeper) isVirtual() bool {
	return k.source != nil && k.source.Advance(k.source.Now())
}

// time reads the clock.
func (k *timekeeper) time() time.Time {
	if k.source != nil {
		return k.source.Now()
	}
	return time.Now()
}

// at returns the time that is when nanoseconds after the epoch.
func (k *timekeeper) at(when int64) time.Time { return k.epoch.Add(time.Duration(when)) }

// Time returns the time by the loop's clock. Any goroutine, if the clock's Now allows that; those
// of this package do. asyncio: time.
func (l *Loop) Time() time.Time { return l.clock.time() }

// now returns the time in nanoseconds since the epoch.
func (k *timekeeper) now() int64 {
	if k.source != nil {
		k.coarse = int64(k.source.Now().Sub(k.epoch))
	} else {
		k.coarse = int64(time.Since(k.epoch))
	}
	k.rested = false
	return k.coarse
}

// real returns the machine's time, in nanoseconds since the loop was made. Any goroutine.
func (k *timekeeper) real() int64 { return int64(time.Since(k.begun)) }

// realNow is real right after now, which has read that time already unless the clock is given.
func (k *timekeeper) realNow() int64 {
	if k.source != nil {
		return k.real()
	}
	return k.coarse
}

// stamp returns the time for records only. It reads the clock once after each wait of the loop.
func (k *timekeeper) stamp() int64 {
	if k.rested {
		k.now()
	}
	return k.coarse
}

// nanos converts a time to nanoseconds since the epoch. A time without a monotonic reading, such as
// a parsed one, is compared with the wall clock as it is now. The wall clock may have been set
// since the loop was created, and it runs while the machine sleeps.
func (k *timekeeper) nanos(at time.Time) int64 {
	d := int64(at.Sub(k.epoch))
	if at != at.Round(0) { // which takes the monotonic reading away
		return d
	}
	now := k.time()
	shift := int64(now.Round(0).Sub(k.epoch.Round(0)) - now.Sub(k.epoch))
	// A smaller change comes from reading two clocks. Equal times must stay equal.
	if max(shift-k.shift, k.shift-shift) > int64(time.Millisecond) {
		k.shift = shift
	}
	return subtract(d, k.shift)
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
func (k *timekeeper) after(d time.Duration) int64 {
	now := k.now()
	if when := now + int64(d); when >= now || d <= 0 {
		return when
	}
	return maxTime
}

const maxTime = 1<<63 - 1
