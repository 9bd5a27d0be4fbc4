package aiohttp

import (
	"time"
)

// SetStuck sets the time after which a loop that takes no turn is held up by middleware, until the
// function it returns is called.
func SetStuck(d time.Duration) (restore func()) {
	before := stuck
	stuck = d
	return func() { stuck = before }
}
