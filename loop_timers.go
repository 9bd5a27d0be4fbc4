package aio

import (
	"cmp"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/aio-go/aio/internal/timerheap"
	"github.com/aio-go/aio/internal/unclosed"
)

// timer is an entry of the loop's heap. It is a field of its owner, so starting one allocates
// nothing. When the time comes, due gets a turn in the ready queue.
type timer struct {
	seq uint64 // of the live entry in the heap; 0: not running
	due runnable
}

func (t *timer) armed() bool { return t.seq != 0 }

// timers is the part of a loop that knows the deadlines.
type timers struct {
	heap timerheap.Heap[*timer]
	seq  uint64 // of the last entry
	dead int    // entries of timers that were stopped
	lag  lag
}

// lag counts the passes in which timers were due, by how late the first of them was.
type lag [lagBuckets]uint64

const lagBuckets = 12

func (l *lag) add(late int64) { l[min(bits.Len64(uint64(late)>>10)/2, lagBuckets-1)]++ }

// running returns the number of timers that run.
func (q *timers) running() int { return q.heap.Len() - q.dead }

func (q *timers) start(t *timer, when int64) {
	q.seq++
	t.seq = q.seq
	q.heap.Push(timerheap.Entry[*timer]{When: when, Seq: t.seq, Item: t})
}

// stop leaves a dead entry in the heap. When more than half are dead they are removed.
func (q *timers) stop(t *timer) {
	if t.seq == 0 {
		return
	}
	t.seq = 0
	q.dead++
	if q.dead > 100 && q.dead > q.heap.Len()/2 {
		q.heap.Compact(live)
		q.dead = 0
	}
}

func live(e *timerheap.Entry[*timer]) bool { return e.Item.seq == e.Seq }

// next returns the deadline of the first timer that runs.
func (q *timers) next() (when int64, ok bool) {
	for q.heap.Len() > 0 {
		if q.dead -= q.heap.Settle(live); q.heap.Len() == 0 {
			break
		}
		e := q.heap.Min()
		if live(e) {
			return e.When, true
		}
		q.heap.Pop()
		q.dead--
	}
	return 0, false
}

// pop stops the timer that next is about, and returns it.
func (q *timers) pop() *timer {
	t := q.heap.Pop().Item
	t.seq = 0
	return t
}

// NextTimer returns when the first timer is due, by the loop's clock, and false if none is running.
// Loop only.
func (l *Loop) NextTimer() (when time.Time, ok bool) {
	at, ok := l.timers.next()
	if !ok {
		return time.Time{}, false
	}
	return l.clock.at(at), true
}

// Timer calls a function on the loop at a time that can be set again and again. Starting and
// stopping one allocates nothing. asyncio has no counterpart; it makes a TimerHandle for each call.
type Timer struct {
	handle Handle
	entry  timer
	set    bool // the function is still to be called
}

// NewTimer returns a stopped timer for fn. It panics if fn is nil.
func (l *Loop) NewTimer(fn func()) *Timer {
	mustHave("Loop.NewTimer", fn != nil)
	t := &Timer{handle: Handle{loop: l, fn: fn}}
	t.entry.due = t
	return t
}

// Start makes the loop call the function after d; a time set before is dropped. With d <= 0 the
// call is in the next pass. A panic of the function is reported to the exception handler. Start
// panics if the loop is closed.
func (t *Timer) Start(d time.Duration) {
	l := t.handle.loop
	l.check("Timer.Start")
	t.halt()
	l.timers.start(&t.entry, l.clock.after(d))
	t.set = true
}

// Stop prevents the call. It does nothing if the timer is stopped.
func (t *Timer) Stop() {
	t.handle.loop.MustBeHere("Timer.Stop")
	t.halt()
	t.set = false
}

// halt stops the timer. If it is in the ready queue its turn there comes to nothing.
func (t *Timer) halt() {
	l := t.handle.loop
	if t.set && !t.entry.armed() {
		l.strayed()
	}
	l.timers.stop(&t.entry)
}

// Running reports whether a call is still to come.
func (t *Timer) Running() bool { return t.set }

// run is the timer's turn in the ready queue.
func (t *Timer) run() {
	if t.set && !t.entry.armed() { // armed: it was started again since it fired
		t.set = false
		t.handle.run()
	}
}

// TimerHandle is a callback that the loop will call at a given time. asyncio: TimerHandle.
type TimerHandle struct {
	Handle
	timer timer
	when  int64 // on the loop's clock
}

// When returns the time for which the callback was scheduled. asyncio: when.
func (h *TimerHandle) When() time.Time {
	now := h.loop.Time()
	return now.Add(time.Duration(subtract(h.when, int64(now.Sub(h.loop.clock.epoch)))))
}

// Cancel prevents the call if it has not been made. A second Cancel does nothing. asyncio: cancel.
func (h *TimerHandle) Cancel() {
	h.loop.MustBeHere("TimerHandle.Cancel")
	if h.timer.armed() { // it is not in the ready queue
		h.loop.timers.stop(&h.timer)
		h.cancelled, h.fn = true, nil
		return
	}
	h.Handle.Cancel()
}

// CallLater makes the loop call fn after d. With d <= 0 the call is in the next pass, after the
// entries that are ready then. Callbacks run in the order of their deadlines; equal ones are in
// FIFO order. A panic of fn is reported to the exception handler. CallLater panics if the loop is
// closed or fn is nil. asyncio: call_later.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	h := l.newTimerHandle("Loop.CallLater", fn)
	h.when = l.clock.after(d)
	l.timers.start(&h.timer, h.when)
	return h
}

// PendingCalls returns the calls of CallLater and CallAt that the program still expects, in the
// order of their deadlines. Those of this module's packages are left out. It returns none outside
// of debug mode, since then nobody knows who asked for a call. Loop only. asyncio has no
// counterpart.
func (l *Loop) PendingCalls() []*Handle {
	var entries []*timerheap.Entry[*timer]
	for e := range l.timers.heap.All() {
		if h, ok := e.Item.due.(*Handle); ok && live(e) && h.created != 0 {
			f, _ := runtime.CallersFrames([]uintptr{h.created}).Next()
			if !unclosed.Ours(f) {
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b *timerheap.Entry[*timer]) int {
		return cmp.Or(cmp.Compare(a.When, b.When), cmp.Compare(a.Seq, b.Seq))
	})
	calls := make([]*Handle, len(entries))
	for i, e := range entries {
		calls[i] = e.Item.due.(*Handle)
	}
	return calls
}

// CallAt makes the loop call fn at a time of its clock, as [Loop.CallLater] does. A time without a
// monotonic reading, such as a parsed one, is compared with the wall clock at the time of the call.
// asyncio: call_at.
func (l *Loop) CallAt(at time.Time, fn func()) *TimerHandle {
	h := l.newTimerHandle("Loop.CallAt", fn)
	h.when = l.clock.nanos(at)
	l.timers.start(&h.timer, h.when)
	return h
}

func (l *Loop) newTimerHandle(op string, fn func()) *TimerHandle {
	l.checkCallback(op, fn)
	h := &TimerHandle{Handle: Handle{loop: l, fn: fn}}
	h.timer.due = &h.Handle
	if l.debug.Load() {
		h.created = callerPC(1)
	}
	return h
}
