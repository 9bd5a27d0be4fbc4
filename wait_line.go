package aio

import (
	"context"
	"iter"

	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// Line is a FIFO line of tasks that wait for a lock, a permit or an item. The synchronisation
// primitives of this module are built on it, and yours can be. The zero value is an empty line. It
// must not be copied after first use, and belongs to the first loop on which a task waits in it.
// Its methods are for the loop only.
//
// A place in the line is part of the task's one wait, so waiting in line allocates nothing and
// leaving it takes no search.
//
//	a task in line                       stands in line  then
//	waits                                yes             called, or cancelled
//	called                               no              resumes in the next pass, with the grant
//	called, then cancelled before it     no              Wait fails and Waiter.Woken is true: the
//	resumes                                              primitive hands the grant on
//	cancelled, has not resumed yet       yes             Wait fails and Waiter.Woken is false
//
// What the grant is, the primitive decides. A grant stays with the called task until it resumes, so
// no other task overtakes it.
type Line struct {
	_      nocopy.Mark
	loop   *Loop // set by the first wait
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

// Wait puts the task of w at the end of the line and suspends it until it is called. It returns
// nil, or the error of a cancellation that came before the task resumed; then [Waiter.Woken] tells
// whether it was called as well. A task that is cancelled from the start does not stand in line.
// Wait binds the line to the task's loop, and panics if it is bound to another.
func (q *Line) Wait(w Waiter) error {
	p := w.p
	if p.fate == refused {
		return w.Park()
	}
	if q.loop != p.worker.loop {
		q.rebind(p.worker.loop, p.op)
	}
	p.place.line, p.place.called = q, false
	p.place.Value = p
	q.line.Push(&p.place.Elem)
	q.n++
	err := w.Park()
	p.place.leave()
	return err
}

// leave ends the stay of a wait in its line.
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

// Call takes the first task that still waits out of the line and lets it resume in the next pass.
// It returns its waiter, the zero Waiter if no task waits. It panics, with op in the message, on
// another goroutine than the loop's.
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

// CallFirst is Call with asyncio's rule for locks: it calls nobody while a task that was called has
// not resumed, or while the first task in line is cancelled and has not resumed. That task has to
// call again when its Wait fails.
func (q *Line) CallFirst(op string) {
	if q.called == 0 && q.n > 0 && q.line.First().Value.grantable() {
		q.Call(op)
	}
}

// CallAll calls every task that stands in line now.
func (q *Line) CallAll(op string) {
	for q.n > 0 {
		q.Call(op)
	}
}

// Head returns the waiter of the first task that still waits, the zero Waiter if there is none.
// Cancelled tasks before it leave the line.
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

// Waiting iterates over the tasks in line that still wait, in their order.
func (q *Line) Waiting() iter.Seq[Waiter] {
	return func(yield func(Waiter) bool) {
		for e := q.line.First(); e != nil; e = q.line.Next(e) {
			if e.Value.grantable() && !yield(e.Value.waiter()) {
				return
			}
		}
	}
}

// Len returns how many tasks stand in line, those included that are cancelled and have not resumed.
func (q *Line) Len() int { return int(q.n) }

// Idle reports whether no task stands in line and none was called: what a fast path asks.
func (q *Line) Idle() bool { return q.n == 0 && q.called == 0 }

// Taken reports whether a newcomer has to wait: a task was called, or stands in line and still
// waits.
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

// Fits reports whether a task of t's loop may use the line: it is not bound to another loop.
func (q *Line) Fits(t TaskRef) bool { return q.loop == nil || q.loop == t.t.loop }

// MustFit panics, with op in the message, if the line is bound to another loop than that of t.
func (q *Line) MustFit(t TaskRef, op string) {
	if !q.Fits(t) {
		q.rebind(t.t.loop, op)
	}
}

// Bind binds the line to the loop of t before any task waits. It panics if it is bound to another.
func (q *Line) Bind(t TaskRef, op string) {
	if q.loop != t.t.loop {
		q.rebind(t.t.loop, op)
	}
}

// Evicting reports whether the running task of the line's loop is being ended by force. Its deferred
// functions may then release what the interrupted wait had no time to take, which is no misuse.
func (q *Line) Evicting() bool {
	if q.loop == nil {
		return false
	}
	w := q.loop.current.Load()
	return w != nil && w.exiting
}

func (q *Line) rebind(l *Loop, op string) {
	if q.loop != nil {
		panic(misuse(op, "it is bound to a different event loop, the first on which a task had to "+
			"wait for it; make one for each loop, and send work from loop to loop with Submit"))
	}
	q.loop = l
}

// remove takes p out of the line, if it stands there.
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

// A TaskRef refers to a task, whatever the type of its result. It is as small as a pointer and can
// be compared. To keep one keeps the task in memory. The zero TaskRef refers to no task.
type TaskRef struct{ t *taskCore }

// Running returns the task that calls it, after checking that it is a task of the loop of ctx. An
// operation that may wait begins with it. It panics, with op in the message, in a callback, on
// another goroutine and with a context that has no loop. It takes about a nanosecond.
func Running(ctx context.Context, op string) TaskRef { return TaskRef{running(ctx, op).task} }

// Zero reports whether r refers to no task.
func (r TaskRef) Zero() bool { return r.t == nil }

// Task returns the task, nil if there is none.
func (r TaskRef) Task() AnyTask {
	if r.t == nil {
		return nil
	}
	return r.t.any()
}

// Name returns the task's name, an empty one if there is no task.
func (r TaskRef) Name() string {
	if r.t == nil {
		return ""
	}
	return r.t.Name()
}

// A Blocker knows which tasks have to act before a wait for it can end: a lock knows its owner. If
// the value given to [NewWaiter] is one, snapshots show those tasks, and tasks that wait for each
// other are found.
type Blocker interface {
	// Blockers returns the tasks, all of which have to act; none if they are not known.
	Blockers() []TaskRef
}
