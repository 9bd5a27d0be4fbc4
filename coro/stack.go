package coro

import (
	"iter"
	"slices"

	"github.com/aio-go/aio/internal/nocopy"
)

// Stack is a stack that runs one [Job] after another and can be suspended in each of them.
//
//	state      who acts         next
//	idle       Pool.Take        ready
//	ready      Resume           running
//	running    Suspend          suspended
//	running    the job ends     idle (kept by the pool) or ended
//	running    runtime.Goexit   dying
//	suspended  Resume           running
//	dying      Pool.Bury        ended
//	idle       Pool.Close       ended
//
// Suspend is for the job, the other calls are for the owner of the pool. Resume returns when the
// stack suspends or its jobs are done.
//
// Suspend and Resume are small enough to be inlined. Call them from the function that has to wait:
// after a switch the processor's return predictions are wrong, so each further return costs as much
// as a mispredicted branch.
type Stack struct {
	_ nocopy.Mark
	// Local is for data of the pool's owner about this stack. It outlives the jobs.
	Local any

	pool  *Pool
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	job   Job
}

// Job is a piece of work for a [Stack].
type Job interface {
	// Run does the work on s. It may return a next job, which follows on the same stack without a
	// switch. A panic must not leave Run. A runtime.Goexit may: it ends the stack, not the
	// goroutine that resumed it.
	Run(s *Stack) (next Job)
}

// Suspend returns control to the caller of Resume, and returns at the next Resume. Call it anywhere
// below a job's Run, even in a coroutine or an iterator of [iter.Pull] that the job drives.
func (s *Stack) Suspend() { s.yield(struct{}{}) }

// Resume starts the job given to Take, or continues a suspended one. It returns when the stack
// suspends or its jobs are done.
func (s *Stack) Resume() { s.next() }

// Pool keeps the stacks of finished jobs: making a stack costs ten times as much as reusing one.
// The zero value keeps none; set Max. A pool belongs to one goroutine at a time.
type Pool struct {
	_ nocopy.Mark
	// Max is how many idle stacks the pool keeps.
	Max int
	// Min is how many of them Trim leaves.
	Min int

	idle   []*Stack
	unused int      // as many of idle had no job since the last Trim: those at the bottom
	dying  []*Stack // a Goexit unwinds them; they wait in their last deferred function
}

// Take returns an idle stack, or a new one, on which the next Resume runs job.
func (p *Pool) Take(job Job) *Stack {
	n := len(p.idle)
	if n == 0 {
		s := p.newStack()
		s.job = job
		return s
	}
	s := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.unused = min(p.unused, n-1)
	s.job = job
	return s
}

// Trim ends half of the stacks that had no job since the last Trim, but at most n, and leaves Min.
// So a pool follows the need if it is trimmed now and then: what a burst needed is kept as long as
// bursts come.
func (p *Pool) Trim(n int) {
	n = min(n, (p.unused+1)/2, len(p.idle)-p.Min)
	for i := range n {
		p.idle[i].stop()
	}
	if n > 0 {
		p.idle = slices.Delete(p.idle, 0, n)
	}
	p.unused = len(p.idle)
}

// Dying reports whether Bury has work.
func (p *Pool) Dying() bool { return len(p.dying) > 0 }

// Bury lets the stacks that a Goexit is unwinding end. iter.Pull passes the Goexit to the goroutine
// of the last step, so Bury takes that step on a new goroutine. The owner calls it when Dying.
func (p *Pool) Bury() {
	dying := p.dying
	p.dying = nil
	for _, s := range dying {
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			s.stop()
		}()
		<-gone
	}
}

// Peek returns the idle stack that Take returns after n others, or nil. Its owner can prepare it.
func (p *Pool) Peek(n int) *Stack {
	if i := len(p.idle) - 1 - n; i >= 0 {
		return p.idle[i]
	}
	return nil
}

// Idle returns how many stacks wait for a job.
func (p *Pool) Idle() int { return len(p.idle) }

// GiveTo moves the idle stacks to another pool of the same owner, as many as that one keeps.
func (p *Pool) GiveTo(to *Pool) {
	if to.idle == nil && len(p.idle) <= to.Max {
		for _, s := range p.idle {
			s.pool = to
		}
		to.idle, p.idle = p.idle, nil
		to.unused, p.unused = len(to.idle), 0
		return
	}
	for len(p.idle) > 0 && len(to.idle) < to.Max {
		n := len(p.idle) - 1
		s := p.idle[n]
		p.idle[n] = nil
		p.idle = p.idle[:n]
		s.pool = to
		to.idle = append(to.idle, s)
	}
	p.unused = min(p.unused, len(p.idle))
}

// Close ends the idle stacks. Those in use end with their jobs.
func (p *Pool) Close() {
	p.Bury()
	p.Max = 0
	idle := p.idle
	p.idle, p.unused = nil, 0
	for _, s := range idle {
		s.stop()
	}
}

func (p *Pool) newStack() *Stack {
	s := &Stack{pool: p}
	s.next, s.stop = iter.Pull(s.serve)
	return s
}

// serve runs at the bottom of a stack. The garbage collector walks every frame of every suspended
// stack, so there should be few.
func (s *Stack) serve(yield func(struct{}) bool) {
	s.yield = yield
	returned := false
	defer func() {
		if !returned {
			// A Goexit has unwound the job. Waiting in this deferred function keeps it from the
			// owner.
			s.pool.dying = append(s.pool.dying, s)
			yield(struct{}{})
		}
	}()
	for {
		for s.job != nil {
			s.job = s.job.Run(s)
		}
		p := s.pool // it may have been given away
		if len(p.idle) >= p.Max {
			break
		}
		p.idle = append(p.idle, s)
		if !yield(struct{}{}) {
			break // closed
		}
	}
	returned = true
}
