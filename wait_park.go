package aio

import (
	"context"
	"strings"

	"github.com/aio-go/aio/internal/list"
)

// Waiter is one wait of one task. Locks, queues, futures and streams are built on it, and you can
// build your own primitives on it.
//
//	w := aio.NewWaiter(ctx, "Gate.Pass", gate)
//	gate.waiting = append(gate.waiting, w)
//	if err := w.Park(); err != nil { // cancelled
//		gate.forget(w)           // and, if w.Woken(), hand the grant on
//		return err
//	}
//
// A task waits for one thing at a time. So a Waiter is only a reference to the task's one wait, and
// NewWaiter allocates nothing. Use it for one Park. The zero Waiter belongs to no task. From
// another goroutine call CallSoonThreadsafe(func() { w.Unpark() }).
type Waiter struct {
	p   *wait
	gen uint32
}

// NewWaiter prepares the running task to wait. Snapshots and messages show op, the name of the
// operation, and on, what the task waits for. It panics if the caller is not a task of the loop of
// ctx. A wait that was prepared before and not parked is dropped.
func NewWaiter(ctx context.Context, op string, on any) Waiter {
	p := &running(ctx, op).wait
	p.begin(ctx, op, (*givenWait)(p))
	p.given = on
	return p.waiter()
}

// Park suspends the task until Unpark. A wait that is cancelled already does not suspend.
//
// Cancellation: Park returns the error if the task, the block around it or the waiter's context is
// cancelled. It also does if that happens between Unpark and the task's next step. Woken then
// reports true, and the caller has to pass the grant on.
func (w Waiter) Park() error {
	if !w.current() {
		panic(misuse("Waiter.Park", "this waiter was used before; make a new one for each wait"))
	}
	return w.p.park()
}

// Unpark lets the task resume in the next pass and reports whether it does. It returns false if the
// waiter is zero, was used or unparked before, or is cancelled.
func (w Waiter) Unpark() bool {
	if w.p == nil {
		return false
	}
	w.p.worker.loop.MustBeHere("Waiter.Unpark")
	return w.current() && w.p.grant()
}

// Pending reports whether Unpark would let the task resume.
func (w Waiter) Pending() bool { return w.current() && w.p.grantable() }

// Woken reports whether Unpark was called before a cancellation. After an error of Park it tells
// whether the grant has to go to another task.
func (w Waiter) Woken() bool {
	return w.current() && (w.p.fate == granted || w.p.fate == revoked)
}

// Zero reports whether w is the zero Waiter.
func (w Waiter) Zero() bool { return w.p == nil }

// Refused reports whether the context was cancelled before the wait began: Park will fail at once.
func (w Waiter) Refused() bool { return w.current() && w.p.fate == refused }

// Steadfast, called before Park, makes the wait ignore cancellations, and returns it. Use it for a
// task that must get something back even if it is cancelled, such as a lock.
func (w Waiter) Steadfast() Waiter {
	w.p.steadfast()
	return w
}

// Task returns the task of the wait.
func (w Waiter) Task() TaskRef {
	if w.p == nil {
		return TaskRef{}
	}
	return TaskRef{w.p.worker.task}
}

// Note returns a number that a primitive keeps with the wait. It lasts until the task's next wait.
func (w Waiter) Note() int32 { return w.p.place.note }

// SetNote sets the number that Note returns. A waiting task can say what it waits for, and the
// caller of a task what it was called for.
func (w Waiter) SetNote(n int32) { w.p.place.note = n }

// current reports whether w refers to the latest wait of its task.
func (w Waiter) current() bool { return w.p != nil && w.gen == w.p.gen }

// wait is what a task is suspended in. A worker has one and reuses it.
//
//	phase     meaning                          who leaves it
//	idle      no wait                          begin (armed)
//	armed     prepared; the task still runs    park (parked); grant, cancel (queued); drop (idle)
//	parked    suspended                        grant, cancel, end (queued)
//	queued    the task is in the ready queue   resume, when the task takes its turn (idle);
//	                                           abandon, if it never parked (idle)
//
//	fate      set by                                    may become       park returns
//	open      begin                                     any other        -
//	granted   grant                                     revoked          nil
//	refused   begin: the context is cancelled already   passedOn, open   the error, at once
//	passedOn  passOn: what the task waits for           cancelled        nil; the caller looks at
//	          follows the cancellation instead                           the outcome, and at req
//	cancelled cancel while open, end                    -                the error
//	revoked   cancel while granted, before resume       -                the error; the grant has
//	                                                                     to go to another task
//
// Only a task whose wait is queued is resumed. begin resets everything.
type wait struct {
	worker *worker
	phase  phase
	fate   fate
	heeds  heeds
	slept  bool // the timer's entry in the ready queue has had its turn
	gen    uint32
	cause  uint32 // what has made it queued: the number of an event, see recording.now
	stale  int32  // entries of sleeps that were cancelled: a chooser may let them come late

	op    string        // what the task does
	on    waitable      // what it waits for; nil: time, or its turn
	given any           // what NewWaiter was told, see givenWait
	req   *cancellation // behind a fate other than open and granted

	more  *waitMore            // for contexts that are not the task's own; kept for the next wait
	node  list.Elem[completer] // the place in a future's list of waiting tasks
	place place                // the place in a line of tasks
	timer timer                // of Sleep
	since int64                // when the task parked, by the loop's clock
}

// waitMore holds what ends a wait besides the task's innermost block.
type waitMore struct {
	ctx   context.Context // it ends the wait, or has to have ended with the block; nil: not in use
	link  foreignContext  // where ctx ends by itself
	scope *scope          // where the wait is listed
}

type phase uint8

const (
	idle phase = iota
	armed
	parked
	queued
)

type fate uint8

const (
	open fate = iota
	granted
	refused
	passedOn
	cancelledWait
	revoked
)

// heeds says whether a cancellation of the task's innermost block ends the wait.
type heeds uint8

const (
	heedsBlock       heeds = iota // always
	heedsBlockAndCtx              // if the wait's context has ended as well
	heedsNone                     // never
)

func (p *wait) waiter() Waiter { return Waiter{p, p.gen} }

// begin prepares the wait in which the running task will park. A cancellation of ctx or of the
// task's innermost block will end it; with a nil ctx none does.
func (p *wait) begin(ctx context.Context, op string, on waitable) {
	if p.phase != idle {
		p.abandon()
	}
	p.gen++
	p.phase, p.fate, p.heeds = armed, open, heedsBlock
	p.op, p.on = op, on
	p.place.note = 0
	if p.req != nil {
		p.req = nil
	}
	w := p.worker
	if s, ok := ctx.(*scope); ok && s == w.inner {
		if c := s.cancelled.Load(); c != nil {
			p.fate, p.req = refused, c
		} else if m := s.more; m != nil && m.link.ctx != nil && s.Err() != nil {
			p.fate, p.req = refused, cancellationOf(m.ctx)
		}
		return
	}
	p.heed(ctx)
}

// heed is begin's slow path: it finds out what ends a wait with ctx.
func (p *wait) heed(ctx context.Context) {
	w := p.worker
	if ctx == nil {
		p.heeds = heedsNone
		return
	}
	if w.unservable() {
		p.refusedBy(w.task.scope.cancelled.Load())
		return
	}
	g := w.governors(ctx)
	switch {
	case g.block == nil:
		p.heeds = heedsNone
	case g.check:
		p.heeds = heedsBlockAndCtx
	}
	switch {
	case g.outside && ctx.Err() != nil:
		p.refusedBy(cancellationOf(ctx))
		return
	case g.other != nil && p.refusedBy(g.other.cancelled.Load()):
		return
	case g.block != nil && p.refusedBy(g.block.cancelled.Load()):
		return
	}
	if g.other != nil {
		g.other.subscribe(p)
	}
	if g.check || g.outside {
		p.extra().ctx = ctx
	}
	if g.outside {
		p.more.link.follow(w.loop, ctx, p)
	}
}

// refusedBy records that the wait was cancelled before it began, if c is not nil, and reports
// whether it was.
func (p *wait) refusedBy(c *cancellation) bool {
	if c == nil {
		return false
	}
	p.fate, p.req = refused, c
	return true
}

// steadfast makes a prepared wait ignore cancellations.
func (p *wait) steadfast() {
	p.heeds = heedsNone
	if p.fate == refused {
		p.fate, p.req = open, nil
	}
	p.unsubscribe()
}

// abandon drops a wait that the running task prepared and never parked in. A turn that it has got
// meanwhile would end the next wait too early.
func (p *wait) abandon() {
	if p.phase == queued {
		p.phase = armed
		p.worker.loop.withdraw(p.worker.task)
	}
	p.drop()
}

// drop ends a wait from which the task does not return, or in which it never parked.
func (p *wait) drop() {
	if p.phase == queued {
		p.worker.loop.strayed()
	}
	p.phase = idle
	p.on, p.given = nil, nil
	p.unsubscribe()
}

// park suspends the task until its turn comes, and returns nil or the error that its fate says.
// Sleep, Yield and await inline its three steps: refuse, suspend, resume.
func (p *wait) park() error {
	if p.fate == refused {
		return p.refuse()
	}
	w := p.worker
	if p.phase == armed {
		p.phase, p.since = parked, w.loop.clock.stamp()
	}
	if !w.loop.handOver(w) {
		w.stack.Suspend()
	}
	return p.resume()
}

// cutOff notes, for the error of a block or context whose time is over, which wait that has ended.
func (p *wait) cutOff() {
	var c *cutOff
	note := func() *cutOff {
		if c == nil {
			c = &cutOff{op: p.op, on: briefly(p.waitText()), stack: callers(3)}
		}
		return c
	}
	for b := p.worker.inner; b != nil && b.more != nil; b = b.enclosing() {
		if b.more.fired && b.more.cut == nil {
			b.more.cut = note()
		}
	}
	if late := p.req.timeout; late != nil && late.cut == nil {
		own := *late // it is shared: another goroutine may print it
		own.cut = note()
		req := *p.req
		req.timeout = &own
		p.req = &req
	}
}

// briefly returns what something is without its state, which may be long, and may be nobody else's
// business: "<Queue maxsize:1>" of "<Queue maxsize:1, items:[...]>".
func briefly(text string) string {
	what, state, found := strings.Cut(text, ", ")
	if !found || !strings.HasPrefix(text, "<") {
		return what
	}
	if i := strings.LastIndexByte(state, '>'); i >= 0 {
		return what + state[i:]
	}
	return what
}

// refuse ends a wait that was cancelled before it began.
func (p *wait) refuse() error {
	p.cutOff()
	c := p.req
	p.drop()
	return p.worker.fail(c)
}

// resume is the first step of a task after a wait.
func (p *wait) resume() error {
	w := p.worker
	if w.forced {
		p.evict(&w.task.scope.cancelled.Load().CancelledError)
	}
	p.phase = idle
	if p.fate >= passedOn {
		p.cutOff()
	}
	if p.on != nil {
		p.on, p.given = nil, nil // an idle wait keeps nothing from being collected
	}
	if p.more != nil {
		p.unsubscribe()
	}
	w.fails = 0
	if w.forced {
		w.exit()
	}
	if p.fate >= cancelledWait {
		return p.req.awaitError()
	}
	return nil
}

// grantable reports whether grant would let the task resume.
func (p *wait) grantable() bool {
	return (p.phase == armed || p.phase == parked) && (p.fate == open || p.fate == passedOn)
}

// grant lets the task resume in the next pass, if the wait is open, and reports whether it does.
func (p *wait) grant() bool {
	if !p.grantable() {
		return false
	}
	if p.fate == open {
		p.fate = granted
	}
	p.enqueue()
	return true
}

func (p *wait) enqueue() {
	l := p.worker.loop
	p.phase, p.cause = queued, l.rec.now
	l.ready.Push(p.worker.task)
}

// cancel applies the cancellation c to the wait.
func (p *wait) cancel(c *cancellation) {
	if p.phase == idle {
		return
	}
	switch p.fate {
	case open:
		if p.phase != parked || !p.passOn(c) {
			p.end(cancelledWait, c)
		}
	case granted:
		p.end(revoked, c)
	}
}

// end sets the final fate of the wait.
func (p *wait) end(f fate, c *cancellation) {
	p.fate, p.req = f, c
	p.worker.delivered()
	if p.phase != queued {
		p.enqueue()
	}
}

// passOn lets what the task waits for follow c in place of the task. It reports whether the task
// goes on waiting for the end of that.
func (p *wait) passOn(c *cancellation) bool {
	if p.on == nil || c.final {
		return false
	}
	fate, req := p.fate, p.req
	p.fate, p.req = passedOn, c // first: what follows may come back here
	if p.on.cancelFor(p, c) {
		return true
	}
	p.fate, p.req = fate, req
	return false
}

// blockCancelled is called when the innermost block of the task is cancelled.
func (p *wait) blockCancelled(c *cancellation) {
	if p.heeds == heedsNone || p.phase == idle {
		return
	}
	if p.heeds == heedsBlockAndCtx && p.more.ctx != nil && p.more.ctx.Err() == nil {
		return
	}
	p.cancel(c)
}

// evict removes a task that will not return from the wait from what it waits for.
func (p *wait) evict(err error) {
	p.worker.loop.timers.stop(&p.timer)
	p.place.leave()
	if p.on != nil {
		p.on.evict(p, err)
	}
}

func (p *wait) extra() *waitMore {
	if p.more == nil {
		p.more = &waitMore{}
	}
	return p.more
}
