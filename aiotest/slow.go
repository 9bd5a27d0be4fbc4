package aiotest

import (
	"time"

	"github.com/aio-go/aio"
)

// slowness lets sleeps and threads take longer than they would, since they stand for work of the
// outside world: a sleep at most twice its time, both at most mostSlow longer. The clock goes on
// although they are over, until the next timer. A time-out that becomes due meanwhile has its turn
// after those that were held up: otherwise no time-out would be long enough.
type slowness struct {
	waits []slowWait // by task
	held  uint64     // the Seq of the last entry that was held up; 0: none
}

// slowWait is the last wait of a task.
type slowWait struct {
	began time.Duration
	seq   uint64 // of the entry with which it is over
	over  time.Duration
}

const mostSlow = 50 * time.Millisecond

func (s *slowness) reset() {
	clear(s.waits)
	s.waits, s.held = s.waits[:0], 0
}

func (s *slowness) wait(task uint32) *slowWait {
	for int(task) >= len(s.waits) {
		s.waits = append(s.waits, slowWait{})
	}
	return &s.waits[task]
}

// begins notes that a task waits from now on.
func (s *slowness) begins(task uint32, now time.Duration) { s.wait(task).began = now }

// mayTake reports whether all that is ready may still take until then.
func (s *slowness) mayTake(ready []aio.Entry, now, then time.Duration) bool {
	for i := range ready {
		e := &ready[i]
		if e.Kind != aio.EntryStep || !fromOutside(e) {
			return false
		}
		w := s.wait(e.ID)
		if w.seq != e.Seq {
			w.seq, w.over = e.Seq, now
		}
		most := mostSlow
		if e.Op == "Sleep" {
			most = min(most, w.over-w.began)
		}
		if then > w.over+most {
			return false
		}
	}
	return true
}

// hold notes that all that is ready is held up.
func (s *slowness) hold(ready []aio.Entry) { s.held = ready[len(ready)-1].Seq }

// timeoutsWait reports whether time-outs have to wait for entries that were held up.
func (s *slowness) timeoutsWait(ready []aio.Entry) bool {
	if s.held != 0 && ready[0].Seq > s.held {
		s.held = 0
	}
	return s.held != 0
}

// withoutTimeouts leaves out the time-outs behind what was held up.
func (c *controller) withoutTimeouts(ready []aio.Entry) []aio.Entry {
	c.scratch = c.scratch[:0]
	for i := range ready {
		if ready[i].Kind != aio.EntryDeadline || ready[i].Seq <= c.slow.held {
			c.scratch = append(c.scratch, ready[i])
		}
	}
	return c.scratch
}
