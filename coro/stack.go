package coro

import "iter"

// Stack is a stack that runs one [Job] after another and can be suspended in the middle of any of them.
//
//	state      who acts         next
//	idle       Pool.Start       running
//	running    Suspend          suspended
//	running    the job ends     idle (kept by the pool) or ended
//	running    runtime.Goexit   ended
//	suspended  Resume           running
//	idle       Pool.Close       ended
//
// All methods but Suspend are for the owner, all jobs are run by it: whoever calls Start or Resume waits until the stack suspends or
// becomes idle.
type Stack struct {
	// Local is free for the owner of the pool: what it has to know about this stack. It outlives the jobs.
	Local any

	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	job    Job
	exited bool // a Goexit is unwinding the stack and waits in its last deferred function
	ended  bool
}

// Job is a piece of work for a [Stack].
type Job interface {
	// Run does the work, on s, and returns the next job if there is one at hand: it follows on the same stack without a switch.
	// A panic must not leave it. A runtime.Goexit may: it ends the stack, not the goroutine that resumed it.
	Run(s *Stack) (next Job)
}

// Suspend gives control back to whoever started or resumed the stack and returns when Resume is called. It may be called from anywhere
// below a job's Run, also from a coroutine or an iterator of [iter.Pull] that the job drives.
func (s *Stack) Suspend() { s.yield(struct{}{}) }

// Resume goes on with a suspended stack until it suspends again or its jobs are done.
func (s *Stack) Resume() {
	s.next()
	if s.exited {
		s.bury()
	}
}

// bury lets a stack that a Goexit is unwinding come to its end. iter.Pull hands the Goexit to whoever makes the last step, so a
// goroutine made for it takes that step.
func (s *Stack) bury() {
	s.exited, s.ended = false, true
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.stop()
	}()
	<-gone
}

// Pool keeps the stacks of finished jobs for the next ones: a stack is ten times dearer to make than to use again. The zero value is an
// empty pool that keeps nothing; set Max. A pool belongs to one goroutine at a time.
type Pool struct {
	// Max is how many idle stacks the pool keeps.
	Max int

	idle []*Stack
}

// Start runs job on an idle stack or a new one, until it suspends or ends.
func (p *Pool) Start(job Job) {
	var s *Stack
	if n := len(p.idle); n > 0 {
		s = p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
	} else {
		s = p.newStack()
	}
	s.job = job
	s.Resume()
}

// Idle returns how many stacks wait for a job.
func (p *Pool) Idle() int { return len(p.idle) }

// Close ends the idle stacks. Those in use end with their jobs.
func (p *Pool) Close() {
	p.Max = 0
	idle := p.idle
	p.idle = nil
	for _, s := range idle {
		s.ended = true
		s.stop()
	}
}

func (p *Pool) newStack() *Stack {
	s := &Stack{}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		returned := false
		defer func() {
			if !returned {
				// A Goexit has unwound the job. Staying in this deferred function keeps it from reaching the owner.
				s.exited = true
				yield(struct{}{})
			}
		}()
		p.serve(s)
		returned = true
	})
	return s
}

func (p *Pool) serve(s *Stack) {
	for {
		for s.job != nil {
			s.job = s.job.Run(s)
		}
		if len(p.idle) >= p.Max {
			s.ended = true
			return
		}
		p.idle = append(p.idle, s)
		if !s.yield(struct{}{}) {
			return // closed
		}
	}
}
