package aio

import (
	"time"

	"github.com/aio-go/aio/internal/timerheap"
)

// timer is an entry of the loop's heap. It is a field of its owner, so starting one allocates
// nothing. When the time comes, due gets a turn in the ready queue.
type timer struct {
	seq uint64 // of the live entry in the heap; 0: not running
	due runnable
}

func (t *timer) armed() bool { return t.seq != 0 }

func (t *timer) start(l *Loop, when int64) {
	l.timerSeq++
	t.seq = l.timerSeq
	l.timers.Push(timerheap.Entry[*timer]{When: when, Seq: t.seq, Item: t})
}

// stop leaves a dead entry in the heap. When more than half are dead they are removed.
func (t *timer) stop(l *Loop) {
	if t.seq == 0 {
		return
	}
	t.seq = 0
	l.deadTimers++
	if l.deadTimers > 100 && l.deadTimers > l.timers.Len()/2 {
		l.timers.Compact(live)
		l.deadTimers = 0
	}
}

func live(e *timerheap.Entry[*timer]) bool { return e.Item.seq == e.Seq }

// nextTimer returns the deadline of the first live timer.
func (l *Loop) nextTimer() (when int64, ok bool) {
	for l.timers.Len() > 0 {
		if l.deadTimers -= l.timers.Settle(live); l.timers.Len() == 0 {
			break
		}
		e := l.timers.Min()
		if live(e) {
			return e.When, true
		}
		l.timers.Pop()
		l.deadTimers--
	}
	return 0, false
}

// NextTimer returns when the first timer is due, by the loop's clock, and false if none is running.
// Loop only.
func (l *Loop) NextTimer() (when time.Time, ok bool) {
	at, ok := l.nextTimer()
	if !ok {
		return time.Time{}, false
	}
	return l.epoch.Add(time.Duration(at)), true
}

// fireTimers moves the due timers to the end of the ready queue, in the order of their deadlines.
// Equal deadlines are in FIFO order, or as the chooser says.
func (l *Loop) fireTimers(now int64) {
	for {
		when, ok := l.nextTimer()
		if !ok || when > now {
			return
		}
		if l.chooser != nil {
			l.fireTied(when)
			continue
		}
		t := l.timers.Pop().Item
		t.seq = 0
		l.ready.Push(t.due)
	}
}

func (l *Loop) fireTied(when int64) {
	var tied []*timer
	for {
		next, ok := l.nextTimer()
		if !ok || next != when {
			break
		}
		t := l.timers.Pop().Item
		t.seq = 0
		if l.scheduling != nil {
			l.fireScheduled(t)
			continue
		}
		tied = append(tied, t)
	}
	for len(tied) > 0 {
		i := l.choose(ChooseTimer, len(tied))
		l.ready.Push(tied[i].due)
		tied = append(tied[:i], tied[i+1:]...)
	}
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
	t.entry.stop(l)
	t.entry.start(l, l.after(d))
	t.set = true
}

// Stop prevents the call. It does nothing if the timer is stopped.
func (t *Timer) Stop() {
	t.entry.stop(t.handle.loop)
	t.set = false
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
	return now.Add(time.Duration(subtract(h.when, int64(now.Sub(h.loop.epoch)))))
}

// Cancel prevents the call if it has not been made. A second Cancel does nothing. asyncio: cancel.
func (h *TimerHandle) Cancel() {
	h.timer.stop(h.loop)
	h.Handle.Cancel()
}

// CallLater makes the loop call fn after d. With d <= 0 the call is in the next pass, after the
// entries that are ready then. Callbacks run in the order of their deadlines; equal ones are in
// FIFO order. A panic of fn is reported to the exception handler. CallLater panics if the loop is
// closed or fn is nil. asyncio: call_later.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	h := l.newTimerHandle("Loop.CallLater", fn)
	h.when = l.after(d)
	h.timer.start(l, h.when)
	return h
}

// CallAt makes the loop call fn at a time of its clock, as [Loop.CallLater] does. A time without a
// monotonic reading, such as a parsed one, is compared with the wall clock at the time of the call.
// asyncio: call_at.
func (l *Loop) CallAt(at time.Time, fn func()) *TimerHandle {
	h := l.newTimerHandle("Loop.CallAt", fn)
	h.when = l.nanos(at)
	h.timer.start(l, h.when)
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
