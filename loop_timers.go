package aio

import (
	"time"

	"github.com/aio-go/aio/internal/timerheap"
)

// timer is a place in the loop's heap. It is part of what it is for, so that starting one allocates nothing. When it is due, due gets its
// turn in the ready queue.
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

// stop leaves a dead entry in the heap; when more than half are dead they are thrown out.
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

// fireTimers moves the timers that are due to the end of the ready queue, in the order of their deadlines; those with the same deadline in
// the order in which they were made, or as the chooser says.
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
		tied = append(tied, t)
	}
	for len(tied) > 0 {
		i := l.choose(ChooseTimer, len(tied))
		l.ready.Push(tied[i].due)
		tied = append(tied[:i], tied[i+1:]...)
	}
}

// Timer calls a function on the loop at a time that can be set again and again. Starting and
// stopping one allocates nothing. Its methods are for the loop only. asyncio has no counterpart; it
// makes a TimerHandle for each call.
type Timer struct {
	handle Handle
	entry  timer
	set    bool // the function is still to be called
}

// NewTimer returns a timer for fn that is not running. It panics if fn is nil. Loop only.
func (l *Loop) NewTimer(fn func()) *Timer {
	mustHave("Loop.NewTimer", fn != nil)
	t := &Timer{handle: Handle{loop: l, fn: fn}}
	t.entry.due = t
	return t
}

// Start makes the loop call the function after d, in place of the time that was set before. With
// d <= 0 that is in the next pass. A panic of the function is reported to the exception handler.
// Start panics if the loop is closed.
func (t *Timer) Start(d time.Duration) {
	l := t.handle.loop
	l.check("Timer.Start")
	t.entry.stop(l)
	t.entry.start(l, l.after(d))
	t.set = true
}

// Stop keeps the function from being called. It does nothing if the timer is not running.
func (t *Timer) Stop() {
	t.entry.stop(t.handle.loop)
	t.set = false
}

// Running reports whether the function is still to be called.
func (t *Timer) Running() bool { return t.set }

// run is the timer's turn in the ready queue.
func (t *Timer) run() {
	if t.set && !t.entry.armed() { // armed: it was started again since it fired
		t.set = false
		t.handle.run()
	}
}

// TimerHandle is a callback that waits for its time. asyncio: TimerHandle.
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

// Cancel keeps the callback from being called, if it has not been. It may be called more than once. Loop only. asyncio: cancel.
func (h *TimerHandle) Cancel() {
	h.timer.stop(h.loop)
	h.Handle.Cancel()
}

// CallLater has fn called by the loop after d. With d <= 0 that is in the next pass, behind what is ready then. Callbacks run in the order
// of their deadlines; equal ones in the order of the calls. It panics if the loop is closed or fn is nil. Loop only. asyncio: call_later.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	h := l.newTimerHandle("Loop.CallLater", fn)
	h.when = l.after(d)
	h.timer.start(l, h.when)
	return h
}

// CallAt has fn called at a point in time of the loop's clock, as [Loop.CallLater] does. A time without monotonic reading, such as one that
// was parsed, is compared with the wall clock at the time of the call. asyncio: call_at.
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
