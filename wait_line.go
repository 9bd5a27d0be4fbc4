package aio

import (
	"context"
	"iter"

	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// Line is a FIFO line of tasks that wait for a lock, a permit or an item. Package aiosync is built
// on it, and you can build your own primitives on it. The zero value is an empty line. A Line must
// not be copied after first use. It belongs to the first loop on which a task waits in it.
//
// Waiting in line allocates nothing, and leaving it takes no search: the links are part of the
// task's one wait.
//
//	a task in line                       stands in line  then
//	waits                                yes             called, or cancelled
//	called                               no              resumes in the next pass, with the grant
//	called, then cancelled before it     no              Wait fails and Waiter.Woken is true: the
//	resumes                                              primitive hands the grant on
//	cancelled, has not resumed yet       yes             Wait fails and Waiter.Woken is false
//
// The primitive decides what the grant is. The grant belongs to the called task until it resumes,
// so no other task overtakes it.
type Line struct {
	_      nocopy.Mark
	loop   *Loop // set by the first wait
	seen   *Loop // in debug mode: the loop on which the line was used last
	line   list.List[*wait]
	n      int32 // how many tasks stand in line
	called int32 // how many tasks were called and have not resumed yet
}

// place is the place of a wait in a line.
type place struct {
	list.Elem[*wait]
	line   *Line // from Wait to the end of the wait
	note   int32 // the primitive's own
	called bool  // by the line, not by Unpark
}

// Wait puts the task of w at the end of the line and suspends it until it is called. It binds the
// line to the task's loop and panics if the line is bound to another. A task whose context is
// cancelled before does not stand in line.
//
// Cancellation: Wait returns the error. [Waiter.Woken] then tells whether the task was called as
// well, so that the grant has to go to another task.
func (q *Line) Wait(w Waiter) error {
	p := w.p
	if p.fate == refused || !w.current() {
		return w.Park()
	}
	if q.loop != p.worker.loop {
		q.rebind(p.worker.loop, p.op)
	}
	p.place.line, p.place.called = q, false
	p.place.Value = p
	q.line.Push(&p.place.Elem)
	q.n++
	err := p.park()
	p.place.leave()
	return err
}

// leave removes a wait from its line.
func (e *place) leave() {
	q := e.line
	if q == nil {
		return
	}
	if e.called {
		q.called--
	} else {
		q.remove(e.Value)
	}
	e.line = nil
}

// Call removes the first task that still waits from the line and lets it resume in the next pass.
// It returns the task's waiter, or the zero Waiter if no task waits. On another goroutine than the
// loop's it panics, with op in the message.
func (q *Line) Call(op string) Waiter {
	for q.n > 0 {
		p := q.line.First().Value
		q.remove(p)
		if p.grantable() {
			q.mustBeHere(op)
			q.called++
			p.place.called = true
			p.grant()
			return p.waiter()
		}
	}
	return Waiter{}
}

// CallFirst is Call with asyncio's rule for locks. It calls no task while a called task has not
// resumed, or while the first task in line is cancelled and has not resumed. That task has to call
// again when its Wait fails.
func (q *Line) CallFirst(op string) {
	if q.called == 0 && q.n > 0 && q.line.First().Value.grantable() {
		q.Call(op)
	}
}

// CallAll calls every task in line.
func (q *Line) CallAll(op string) {
	for q.n > 0 {
		q.Call(op)
	}
}

// Head returns the waiter of the first task that still waits, or the zero Waiter. It removes
// cancelled tasks before that one from the line.
func (q *Line) Head() Waiter {
	for q.n > 0 {
		p := q.line.First().Value
		if p.grantable() {
			return p.waiter()
		}
		q.remove(p)
	}
	return Waiter{}
}

// Waiting iterates over the tasks in line that still wait, in FIFO order.
func (q *Line) Waiting() iter.Seq[Waiter] {
	return func(yield func(Waiter) bool) {
		for e := q.line.First(); e != nil; e = q.line.Next(e) {
			if e.Value.grantable() && !yield(e.Value.waiter()) {
				return
			}
		}
	}
}

// Len returns how many tasks stand in line, including cancelled ones that have not resumed.
func (q *Line) Len() int { return int(q.n) }

// Idle reports whether no task stands in line and none was called. It is a fast check before Taken.
func (q *Line) Idle() bool { return q.n == 0 && q.called == 0 }

// Taken reports whether a new task has to wait: a task was called and has not resumed, or a task in
// line still waits.
func (q *Line) Taken() bool {
	if q.called > 0 {
		return true
	}
	for e := q.line.First(); e != nil; e = q.line.Next(e) {
		if e.Value.grantable() {
			return true
		}
	}
	return false
}

// Fits reports whether tasks of t's loop may use the line: it is not bound to another loop.
func (q *Line) Fits(t TaskRef) bool {
	if q.loop == nil {
		if debugging.Load() != 0 {
			q.seen = t.t.loop
		}
		return true
	}
	return q.loop == t.t.loop
}

// MustBeHere panics in debug mode, with op in the message, if the caller is on a goroutine that is
// not the loop's. A line to which no loop is bound yet takes the one on which it was used last.
// Outside of debug mode it does nothing. An operation that never waits begins with it.
func (q *Line) MustBeHere(op string) {
	if debugging.Load() != 0 {
		q.mustBeOnLoop(op)
	}
}

func (q *Line) mustBeOnLoop(op string) {
	switch {
	case q.loop != nil:
		q.loop.MustBeHere(op)
	case q.seen == nil || !q.seen.onLoop():
		if here := loopHere(); here != nil || q.seen == nil {
			q.seen = here // it may be handed on to another loop
		} else {
			q.seen.MustBeHere(op)
		}
	}
}

// MustFit panics, with op in the message, if the line is bound to a loop other than t's.
func (q *Line) MustFit(t TaskRef, op string) {
	if !q.Fits(t) {
		q.rebind(t.t.loop, op)
	}
}

// Bind binds the line to the loop of t before any task waits. It panics, with op in the message, if
// the line is bound to another loop.
func (q *Line) Bind(t TaskRef, op string) {
	if q.loop != t.t.loop {
		q.rebind(t.t.loop, op)
	}
}

// Evicting reports whether the running task of the line's loop is being ended by force. Its
// deferred functions may then release a grant that the interrupted wait never took, which is no
// misuse.
func (q *Line) Evicting() bool {
	if q.loop == nil {
		return false
	}
	w := q.loop.current
	return w != nil && w.exiting
}

func (q *Line) rebind(l *Loop, op string) {
	if q.loop != nil {
		panic(misuse(op, "it is bound to a different event loop, the first on which a task had to "+
			"wait for it; make one for each loop, and send work from loop to loop with Submit"))
	}
	q.loop = l
}

// remove removes p from the line if it is linked.
func (q *Line) remove(p *wait) {
	if p.place.Linked() {
		q.line.Remove(&p.place.Elem)
		q.n--
	}
}

// mustBeHere panics if the caller, who is about to wake a task, is not on the loop.
func (q *Line) mustBeHere(op string) {
	l := q.loop
	if (goid.Fast || l.debug.Load()) && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, "called from a goroutine that is not the loop's, while tasks of the loop "+
			"wait; use CallSoonThreadsafe"))
	}
}

// A TaskRef refers to a task of any result type. It is as small as a pointer and can be compared.
// It keeps the task in memory. The zero TaskRef refers to no task.
type TaskRef struct{ t *taskCore }

// Running returns the calling task, after checking that it is a task of the loop of ctx. An
// operation that may wait begins with it. It panics, with op in the message, in a callback, on
// another goroutine, or if ctx has no loop. It takes about a nanosecond.
func Running(ctx context.Context, op string) TaskRef { return TaskRef{running(ctx, op).task} }

// Zero reports whether r refers to no task.
func (r TaskRef) Zero() bool { return r.t == nil }

// Task returns the task, or nil.
func (r TaskRef) Task() AnyTask {
	if r.t == nil {
		return nil
	}
	return r.t.any()
}

// Name returns the task's name, or an empty string if there is no task.
func (r TaskRef) Name() string {
	if r.t == nil {
		return ""
	}
	return r.t.Name()
}

// A Blocker knows which tasks have to act before a wait for it can end, as a lock knows its owner.
// If the value given to [NewWaiter] is one, snapshots show those tasks, and deadlocks among tasks
// are found.
type Blocker interface {
	// Blockers returns the tasks, all of which have to act, or none if they are not known.
	Blockers() []TaskRef
}
