package aio

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/goid"
)

// waitline is the line of tasks that wait for a lock, a permit, an item and so on: first come, first served. The zero value is an empty line.
//
// A place in the line is part of the task's own place to wait, so standing in line allocates nothing and leaving it takes no search.
//
//	the task    it stands in the line          then
//	waits       yes                            called, or cancelled
//	called      no, but counts as called       goes on, in the next pass, and has what it was called for
//	called, then cancelled before it goes on   fails, and whoever let it wait hands on what it was called for
//	cancelled   until it goes on, or is met    fails
//
// What a task is called for (the grant) is the business of the primitive. It stays granted until the task goes on, so nobody overtakes.
type waitline struct {
	loop   *Loop // set by the first wait
	first  *park // the ring of those who wait
	n      int32 // how many stand in the line
	called int32 // how many were called and have not gone on yet
}

// place is a park's place in a line.
type place struct {
	next, prev *park
	line       *waitline // nil: in none
	note       int32     // what the primitive keeps with it
}

// idle reports whether nobody is in line and nobody has been called. It is what fast paths ask.
func (q *waitline) idle() bool { return q.n == 0 && q.called == 0 }

// waiting returns how many wait.
func (q *waitline) waiting() int { return int(q.n) }

// living returns how many wait, without those who are cancelled and do not know it yet.
func (q *waitline) living() int {
	n := 0
	for p, i := q.first, q.n; i > 0; p, i = p.place.next, i-1 {
		if waits(p) {
			n++
		}
	}
	return n
}

// taken reports whether a newcomer has to stand behind somebody: those who are cancelled, but do not know it yet, do not count.
func (q *waitline) taken() bool {
	if q.called > 0 {
		return true
	}
	for p, i := q.first, q.n; i > 0; p, i = p.place.next, i-1 {
		if waits(p) {
			return true
		}
	}
	return false
}

// wait puts the task of w at the end of the line and suspends it until it is called; it returns an error if it is cancelled before it goes
// on. After an error w.Woken tells that it was called and that the grant has to go to somebody else. A task that is cancelled from the
// start does not even stand in line.
func (q *waitline) wait(w Waiter) error { return q.waitWith(w, 0) }

func (q *waitline) waitWith(w Waiter, note int32) error {
	p := w.p
	if p.broken != nil {
		return w.Park()
	}
	q.bind(p.worker.task.loop, p.op)
	q.add(p, note)
	err := w.Park()
	if w.Woken() {
		q.called--
	} else {
		q.remove(p)
	}
	return err
}

// call lets the first task in line go on and returns its place, nil if nobody waits.
func (q *waitline) call(op string) *park {
	for q.n > 0 {
		p := q.first
		q.remove(p)
		if waits(p) {
			q.wake(p, op)
			return p
		}
	}
	return nil
}

// callAll calls everybody who is in line now.
func (q *waitline) callAll(op string) {
	for q.call(op) != nil {
	}
}

// callFirst is call for a lock: as in asyncio, a first task that is cancelled and does not know it yet is waited for. It hands on.
func (q *waitline) callFirst(op string) {
	for q.n > 0 && q.called == 0 {
		p := q.first
		if p.state != idle && !waits(p) {
			return
		}
		q.remove(p)
		if waits(p) {
			q.wake(p, op)
			return
		}
	}
}

// head returns the first place of a task that still waits, nil if there is none.
func (q *waitline) head() *park {
	for q.n > 0 && !waits(q.first) {
		q.remove(q.first)
	}
	return q.first
}

// wake calls the task at p, which has left the line.
func (q *waitline) wake(p *park, op string) {
	q.check(op)
	q.called++
	Waiter{p, p.gen}.Unpark()
}

// waits reports whether the task that stands at p is neither called nor cancelled.
func waits(p *park) bool { return Waiter{p, p.gen}.Pending() }

func (q *waitline) add(p *park, note int32) {
	if p.place.line != nil { // it was ended by force while it stood there; now a deferred function waits
		p.place.line.remove(p)
	}
	first := q.first
	if first == nil {
		p.place = place{p, p, q, note}
		q.first = p
	} else {
		last := first.place.prev
		p.place = place{first, last, q, note}
		last.place.next, first.place.prev = p, p
	}
	q.n++
}

// remove takes p out of the line, if it stands there.
func (q *waitline) remove(p *park) {
	if p.place.line != q {
		return
	}
	next, prev := p.place.next, p.place.prev
	if next == p {
		q.first = nil
	} else {
		next.place.prev, prev.place.next = prev, next
		if q.first == p {
			q.first = next
		}
	}
	p.place.next, p.place.prev, p.place.line = nil, nil, nil
	q.n--
}

// fits reports whether the line is free of other loops than that of w.
func (q *waitline) fits(w *worker) bool { return q.loop == nil || q.loop == w.task.loop }

// bind ties the line to the loop that uses it; it panics if that is another one than before.
func (q *waitline) bind(l *Loop, op string) {
	if q.loop != l {
		q.bindSlow(l, op)
	}
}

func (q *waitline) bindSlow(l *Loop, op string) {
	if q.loop != nil {
		panic(misuse(op, "it is bound to a different event loop, the first on which somebody had to wait for it; "+
			"make one for each loop, and send work from loop to loop with Submit"))
	}
	q.loop = l
}

// mustFit panics if the line is bound to another loop than l.
func (q *waitline) mustFit(l *Loop, op string) {
	if q.loop != nil && q.loop != l {
		q.bindSlow(l, op)
	}
}

// check panics if the caller, who is about to wake a task, is not on the loop.
func (q *waitline) check(op string) {
	if l := q.loop; (goid.Fast || l.debug) && l.running.Load() && !l.onLoop() && !inCoroutine() {
		panic(misuse(op, "called from a goroutine that is not the loop's, while tasks of the loop wait; use CallSoonThreadsafe"))
	}
}

// ends reports whether the task that runs on the line's loop is being ended by force: then its deferred functions give back what an
// interrupted wait had no time to take.
func (q *waitline) ends() bool {
	return q.loop != nil && q.loop.current != nil && q.loop.current.exiting
}

// steadfast makes w a wait that nothing cancels.
func (w Waiter) steadfast() Waiter {
	w.p.alone()
	return w
}

// drop gives up a wait that was prepared and turned out not to be needed.
func (w Waiter) drop() {
	w.p.alone()
	w.p.state = idle
	w.p.on = nil
}

// refusal returns the error of a wait with ctx that would not even begin because it is cancelled, nil if it would begin.
func refusal(ctx context.Context, op string) error {
	w := NewWaiter(ctx, op, nil)
	if w.p.broken != nil {
		return w.Park()
	}
	w.drop()
	return nil
}

// waitersText is the part of a description that tells how many wait.
func waitersText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", waiters:%d", n)
}
