package aio

import (
	"context"
	"time"
)

// Waiter is one wait of one task: what locks, queues, futures and streams are built on, those of this package and yours.
//
//	w := aio.NewWaiter(ctx, "Gate.Pass", gate)
//	gate.waiting = append(gate.waiting, w)
//	if err := w.Park(); err != nil { // cancelled
//		gate.forget(w)           // and, if w.Woken(), hand on what had been granted
//		return err
//	}
//
// A task waits for one thing at a time, so a Waiter is only a reference to the task's place to wait and making one allocates nothing.
// It is good for one Park. The zero Waiter stands for nobody. All methods are for the loop only; from another goroutine use
// CallSoonThreadsafe(func() { w.Unpark() }).
type Waiter struct {
	p   *park
	gen uint32
}

// NewWaiter prepares the running task to wait. The names of the operation and of what is waited for are shown in snapshots and messages.
// It panics if the caller is not a task of the context's loop. A task that prepares a wait must park before it does anything else that waits.
func NewWaiter(ctx context.Context, op string, on any) Waiter {
	w := running(ctx, op)
	p := &w.park
	p.begin(op, on)
	p.govern(ctx)
	return Waiter{p, p.gen}
}

// Park suspends the task until Unpark. It returns an error if the task, the block around it or the waiter's context is cancelled first, or
// was before; it also does if the cancellation comes between Unpark and the task's next step, and then Woken tells that a grant has to be
// undone. A wait that is cancelled already does not suspend.
func (w Waiter) Park() error {
	if w.p == nil || w.gen != w.p.gen {
		panic(misuse("Waiter.Park", "this waiter was used before; make a new one for each wait"))
	}
	return w.p.wait()
}

// Unpark lets the task go on in the next pass and reports whether it did: false if the waiter is zero, was used before, was woken already
// or is cancelled.
func (w Waiter) Unpark() bool {
	if !w.Pending() {
		return false
	}
	w.p.wake()
	return true
}

// Pending reports whether the task still waits: neither woken nor cancelled.
func (w Waiter) Pending() bool {
	return w.p != nil && w.gen == w.p.gen && (w.p.state == armed || w.p.state == parked) && w.p.err == nil
}

// Woken reports whether Unpark was called in time. After Park has returned an error it tells whether what the waiter was given has to be
// handed on.
func (w Waiter) Woken() bool { return w.p != nil && w.gen == w.p.gen && w.p.woken }

// park is a task's place to wait: one a worker, used again for each wait.
//
//	state     meaning                                   who leaves it
//	idle      no wait                                   begin
//	armed     prepared; the task still runs             wait (parked, or idle if it need not wait), wake, cancel
//	parked    suspended                                 wake, cancel
//	queued    the task is in the ready queue            wait, when the task goes on (idle)
//
// Only tasks in state queued are resumed. err is set by a cancellation, also of a wait that is queued already: the task has not seen
// its luck yet, and what it was granted goes back.
type park struct {
	worker *worker
	state  parkState
	woken  bool // wake came, in time or not
	follow bool // the task's innermost block ends this wait
	check  bool // ... but only if ctx has ended as well
	passOn bool // a cancellation is passed on to what the task waits for, which is a forwarder
	slept  bool // the timer's entry in the ready queue has had its turn
	gen    uint32
	stale  int32 // entries of sleeps that were cancelled meanwhile: a chooser may let them come late
	err    error

	op string // what the task does
	on any    // what it waits for

	more    *parkMore     // for waits with contexts that are not the task's own; kept for the next one
	pending *cancellation // it was passed on: the wait ends when the forwarder does
	broken  *cancellation // the context had ended before the wait began

	node  node  // the place in a future's list
	place place // the place in the line of a lock, a queue and so on
	timer timer // of Sleep
}

// parkMore is what ends a wait besides the task's innermost block.
type parkMore struct {
	ctx   context.Context // what ends the wait, or has to have ended with the block: set where check or link are
	link  foreignContext  // where ctx ends by itself
	scope *scope          // where the wait is listed
}

func (p *park) extra() *parkMore {
	if p.more == nil {
		p.more = &parkMore{}
	}
	return p.more
}

type parkState uint8

const (
	idle parkState = iota
	armed
	parked
	queued
)

// forwarder is what a waiting task passes its own cancellation on to.
type forwarder interface {
	// cancelFor cancels what the task waits for and reports whether the task goes on waiting for its end.
	cancelFor(p *park, c *cancellation) bool
}

func (p *park) begin(op string, on any) {
	p.gen++
	p.state = armed
	p.woken, p.follow, p.check, p.passOn = false, true, false, false
	p.err = nil
	p.op, p.on = op, on
}

// govern arranges for the cancellation of ctx and of the task's innermost block to end the wait. If it is cancelled already, broken is set.
func (p *park) govern(ctx context.Context) {
	w := p.worker
	if s, ok := ctx.(*scope); ok && s == w.inner {
		if c := s.cancelled.Load(); c != nil {
			p.broken = c
		} else if m := s.more; m != nil && m.link.ctx != nil && s.Err() != nil {
			p.broken = cancellationOf(m.ctx)
		}
		return
	}
	p.governSlow(ctx)
}

func (p *park) governSlow(ctx context.Context) {
	if w := p.worker; w.unservable() {
		p.broken = w.task.scope.cancelled.Load()
		return
	}
	g := p.worker.governors(ctx)
	p.follow, p.check = g.block != nil, g.check
	switch {
	case g.outside && ctx.Err() != nil:
		p.broken = cancellationOf(ctx)
		return
	case g.other != nil && g.other.cancelled.Load() != nil:
		p.broken = g.other.cancelled.Load()
		return
	case g.block != nil && g.block.cancelled.Load() != nil:
		p.broken = g.block.cancelled.Load()
		return
	}
	if g.other != nil {
		g.other.subscribe(p)
	}
	if g.check {
		p.extra().ctx = ctx
	}
	if g.outside {
		p.extra().ctx = ctx
		p.more.link.follow(p.worker.task.loop, ctx, p)
	}
}

// wake makes the task runnable. It is for waits that are armed or parked.
func (p *park) wake() {
	p.woken = true
	if p.err != nil {
		return
	}
	p.state = queued
	p.worker.task.loop.ready.Push(p.worker.task)
}

// scopeCancelled is called when the innermost block of the task is cancelled.
func (p *park) scopeCancelled(c *cancellation) {
	if p.state != idle && p.follow && !(p.check && p.more.ctx != nil && p.more.ctx.Err() == nil) {
		p.cancel(c)
	}
}

// cancel ends the wait with an error.
func (p *park) cancel(c *cancellation) {
	if p.state == idle || p.err != nil || p.pending != nil {
		return
	}
	if p.state == parked && p.passOn {
		p.pending = c // first: what follows may come back here
		if p.on.(forwarder).cancelFor(p, c) {
			return
		}
		p.pending = nil
	}
	p.err = c.awaitError()
	if p.worker.task.scope.cancelled.Load() != nil {
		p.worker.task.flags |= cancelSeen
	}
	if p.state != queued {
		p.state = queued
		p.worker.task.loop.ready.Push(p.worker.task)
	}
}

// giveUp ends a wait whose cancellation was passed on without waiting for the end of that.
func (p *park) giveUp() {
	c := p.pending
	p.pending, p.passOn = nil, false
	p.cancel(c)
}

// wait suspends the task and returns nil if it was woken, or the error it was cancelled with. Where every nanosecond counts its three steps
// stand in the function that waits: refused, if the wait is broken; Suspend; resumed.
func (p *park) wait() error {
	if p.broken != nil {
		return p.refused()
	}
	p.leave()
	if w := p.worker; !w.task.loop.handOver(w) {
		w.stack.Suspend()
	}
	return p.resumed()
}

// refused ends a wait that was cancelled before it began.
func (p *park) refused() error {
	c := p.broken
	p.broken = nil
	p.state = idle
	p.on = nil
	return p.worker.fail(c)
}

// leave is the last step before the task leaves the stage.
func (p *park) leave() {
	if p.state == armed {
		p.state = parked
	}
}

// resumed is the first step of a task that comes back.
func (p *park) resumed() error {
	w := p.worker
	if w.forced {
		p.evicted(&w.task.scope.cancelled.Load().CancelledError)
	}
	p.state = idle
	if p.on != nil {
		p.on = nil
	}
	if p.more != nil {
		p.unsubscribe()
	}
	w.fails = 0
	if w.forced {
		w.exit()
	}
	return p.err
}

// evicted undoes what a wait has arranged, for a task that will not return from it.
func (p *park) evicted(err error) {
	if c, ok := p.on.(*core); ok && p.passOn {
		c.leave(&p.node)
	}
	p.pending = nil
	if a, ok := p.on.(interface{ abandon(err error) }); ok {
		a.abandon(err)
	}
}

func (p *park) unsubscribe() {
	m := p.more
	if m == nil {
		return
	}
	if m.ctx != nil {
		m.link.leave(p.worker.task.loop)
		m.ctx = nil
	}
	if m.scope != nil {
		m.scope.unsubscribe(p)
	}
}

// alone makes the wait one that nothing cancels.
func (p *park) alone() {
	p.follow = false
	p.broken = nil
	p.unsubscribe()
}

// Sleep suspends the task for d, at least, by the loop's clock. With d <= 0 it lets everything run that is ready, once, and uses no timer.
// It returns nil, or the error of the cancellation that cut it short. It allocates nothing. asyncio: sleep.
//
// Cancellation: the timer is taken back.
func Sleep(ctx context.Context, d time.Duration) error {
	w := running(ctx, "Sleep")
	p := &w.park
	p.begin("Sleep", nil)
	p.govern(ctx)
	if p.broken != nil {
		return p.refused()
	}
	l := w.task.loop
	if d <= 0 {
		p.wake()
		if !l.handOver(w) {
			w.stack.Suspend()
		}
		return p.resumed()
	}
	p.timer.due, p.slept = (*sleepEnd)(p), false
	p.timer.start(l, l.after(d))
	p.state = parked
	if !l.handOver(w) {
		w.stack.Suspend()
	}
	err := p.resumed()
	if err != nil {
		if !p.timer.armed() && !p.slept {
			p.stale++
		}
		p.timer.stop(l)
	}
	return err
}

// Yield lets everything run that is ready, once, and goes on. It is Sleep(ctx, 0). asyncio: sleep(0).
//
// Cancellation: Yield is a place where a pending cancellation is noticed.
func Yield(ctx context.Context) error {
	w := running(ctx, "Yield")
	p := &w.park
	p.begin("Yield", nil)
	p.govern(ctx)
	if p.broken != nil {
		return p.refused()
	}
	p.wake()
	if !w.task.loop.handOver(w) {
		w.stack.Suspend()
	}
	return p.resumed()
}

// sleepEnd is a sleep's turn in the ready queue when its time has come: as in asyncio, the timer is one callback and the task's next step
// the following one.
type sleepEnd park

func (e *sleepEnd) run() {
	p := (*park)(e)
	if p.stale > 0 {
		p.stale--
		return
	}
	p.slept = true
	if p.state == parked && p.err == nil {
		p.wake()
	}
}
