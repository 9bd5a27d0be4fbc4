package aiotest

import (
	"sync/atomic"
	"time"
)

// clock is a virtual clock that begins anew with each schedule.
type clock struct{ passed atomic.Int64 }

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Now implements aio.Clock.
func (c *clock) Now() time.Time { return epoch.Add(time.Duration(c.passed.Load())) }

// Advance implements aio.Clock.
func (c *clock) Advance(until time.Time) bool {
	if d := int64(until.Sub(epoch)); d > c.passed.Load() {
		c.passed.Store(d)
	}
	return true
}

func (c *clock) reset() { c.passed.Store(0) }
