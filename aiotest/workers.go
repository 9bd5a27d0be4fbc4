package aiotest

import (
	"sync"
	"sync/atomic"
)

// firstFailure is the lowest number of a schedule that has failed. Workers go on until theirs are
// higher, so what is found does not depend on how fast they are.
type firstFailure struct {
	number  atomic.Int64 // 0: none
	covered atomic.Bool  // one worker has run all schedules
}

// before reports whether a schedule of this number need not be run any more.
func (f *firstFailure) before(number int) bool {
	n := f.number.Load()
	return f.covered.Load() || n != 0 && n < int64(number)
}

func (f *firstFailure) note(number int) {
	for {
		n := f.number.Load()
		if n != 0 && n <= int64(number) || f.number.CompareAndSwap(n, int64(number)) {
			return
		}
	}
}

// exploreTogether explores with all workers, of which c is the first.
func (c *controller) exploreTogether() result {
	if isSystematic(c.chosen().make(&c.conf)) {
		c.conf.workers = 1
	}
	var first firstFailure
	results := make([]result, c.conf.workers)
	others := make([]*controller, c.conf.workers)
	var wg sync.WaitGroup
	for i := 1; i < c.conf.workers; i++ {
		conf := c.conf
		conf.worker = i
		others[i] = newController(c.t, conf, c.fn)
		wg.Go(func() {
			defer others[i].close()
			results[i] = others[i].explore(&first)
		})
	}
	results[0] = c.explore(&first)
	wg.Wait()
	best := results[0]
	for i := 1; i < c.conf.workers; i++ {
		r := results[i]
		for name, reached := range others[i].prior {
			c.prior[name] = c.prior[name] || reached
		}
		n := best.schedules + r.schedules
		if r.failed && (!best.failed || r.number < best.number) {
			best = r
		}
		best.schedules = n
	}
	return best
}
