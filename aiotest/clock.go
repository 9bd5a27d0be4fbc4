package aiotest

import (
	"sync/atomic"
	"time"
)

// clock is a virtual clock that begins anew with each schedule.
type clock struct {
	passed   atomic.Int64
	borrowed time.Duration // how far it went on since the last time that nothing was ready
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Now implements aio.Clock.
func (c *clock) Now() time.Time { return epoch.Add(time.Duration(c.passed.Load())) }

// Advance implements aio.Clock.
func (c *clock) Advance(until time.Time) bool {
	if d := int64(until.Sub(epoch)); d > c.passed.Load() {
		c.passed.Store(d)
		c.borrowed = 0
	}
	return true
}

// until returns how long it is until t.
func (c *clock) until(t time.Time) time.Duration {
	return t.Sub(epoch) - time.Duration(c.passed.Load())
}

// since returns how much time has passed in this run.
func (c *clock) since() time.Duration { return time.Duration(c.passed.Load()) }

// borrow goes on while something is ready.
func (c *clock) borrow(d time.Duration) {
	c.pass(d)
	c.borrowed += d
}

// pass goes on while nothing is ready but what is slow.
func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

func (c *clock) reset() {
	c.passed.Store(0)
	c.borrowed = 0
}
