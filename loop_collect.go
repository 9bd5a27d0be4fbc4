package aio

import (
	"time"

	"github.com/aio-go/aio/internal/poll"
)

// How long a busy loop continues before it polls its descriptors, looks for deadlocks and yields to
// the runtime's scheduler.
const (
	pollEvery  = 61
	pollAfter  = 50 * time.Microsecond
	checkEvery = 4096
)

// collect appends to the ready queue the posts of other goroutines, then ready descriptors, then
// due timers. If the queue is empty it waits for the first of these.
func (l *Loop) collect() {
	// Where no code of others runs the current task stays: if it is alone it resumes at once.
	given := l.chooser != nil || l.clock.isGiven()
	if given {
		l.setCurrent(nil)
	}
	if l.inbox.posted.Load() {
		l.takePosts()
	}
	if given && len(l.foreign) > 0 {
		l.rec.now = 0 // what ends a wait now comes from outside
		l.lookAtForeign()
	}
	if l.ready.Len() == 0 && !l.stopping {
		l.setCurrent(nil)
		l.idle()
		return
	}
	if l.watches.table.live > 0 && l.pollDue() {
		l.look(0)
	}
	if l.steps-l.deadlock.asked >= checkEvery {
		l.clock.rested = true
		l.setCurrent(nil)
		l.findCyclesWhileBusy()
	}
	if l.timers.heap.Len() > 0 {
		l.readTimers()
	}
}

// takePosts moves the posts to the ready queue.
func (l *Loop) takePosts() {
	rest := l.inbox.take()
	if l.rec.ring != nil {
		l.recordPosts(len(rest))
	}
	if l.chooser == nil {
		for _, r := range rest {
			l.ready.Push(r)
		}
		l.inbox.give()
		return
	}
	if s := l.scheduling; s != nil {
		s.arrived(l, 0)
		rest = s.awaitExpected(l, rest)
		byPoster(rest)
		rest = s.wakeAll(l, rest)
		defer s.arrived(l, EntryPost) // after what follows
	}
	defer func() { // a chooser may have panicked
		for _, r := range rest {
			l.ready.Push(r)
		}
		l.inbox.give()
		if s := l.scheduling; s != nil {
			clear(s.come)
		}
	}()
	for len(rest) > 0 {
		i := l.choose(ChoosePost, len(rest))
		l.ready.Push(rest[i])
		if i > 0 {
			copy(rest[1:i+1], rest[:i])
		}
		rest = rest[1:]
	}
}

func (l *Loop) readTimers() int64 {
	now := l.clock.now()
	l.fireTimers(now)
	return now
}

// fireTimers moves the due timers to the end of the ready queue, in the order of their deadlines.
// Equal deadlines are in FIFO order, or as the chooser says.
func (l *Loop) fireTimers(now int64) {
	if l.timers.heap.Len() == 0 || l.timers.heap.Earliest() > now {
		return
	}
	for first := true; ; first = false {
		when, ok := l.timers.next()
		if !ok || when > now {
			return
		}
		if first {
			l.timers.lag.add(now - when)
			if l.rec.ring != nil {
				l.recordDue(now - when)
			}
		}
		if l.chooser != nil {
			l.fireTied(when)
			continue
		}
		l.ready.Push(l.timers.pop().due)
	}
}

func (l *Loop) fireTied(when int64) {
	var tied []*timer
	for {
		next, ok := l.timers.next()
		if !ok || next != when {
			break
		}
		t := l.timers.pop()
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

// pollDue reports whether a busy loop should poll its descriptors.
func (l *Loop) pollDue() bool {
	if l.steps-l.watches.steps >= pollEvery {
		return true
	}
	return l.clock.now()-l.watches.last >= int64(pollAfter)
}

// idle waits until an entry is ready.
func (l *Loop) idle() {
	l.watchStacks()
	if l.rec.ring != nil {
		l.recordWait()
	}
	if s := l.scheduling; s != nil {
		s.arrived(l, 0)
		s.now = EntryKey{} // what comes now comes from outside, or of a deadlock
	}
	for {
		again := l.findCycles()
		if l.ready.Len() > 0 {
			return
		}
		wait := time.Duration(-1)
		when, timed := l.timers.next()
		if !timed && l.stuck(false) {
			return
		}
		if timed {
			now := l.readTimers()
			if l.ready.Len() > 0 {
				if l.watches.table.live > 0 {
					l.look(0)
				}
				return
			}
			wait = time.Duration(when - now)
			if l.clock.isGiven() && l.advance(when) {
				continue
			}
			if l.inbox.expected.Load() > 0 && l.clock.isVirtual() {
				wait = -1
			}
		}
		if again >= 0 && (wait < 0 || again < wait) {
			wait = again
		}
		if wait >= 0 || !l.clock.isVirtual() {
			l.look(wait)
		} else if l.silent() {
			if !timed && l.stuck(true) {
				return
			}
			l.standsStill()
		}
		if l.inbox.posted.Load() {
			l.takePosts()
		}
		if l.timers.heap.Len() > 0 {
			l.readTimers()
		}
		if l.ready.Len() > 0 {
			return
		}
	}
}

// silent waits for a descriptor or a post, and reports whether none has come for long.
func (l *Loop) silent() bool {
	begin := time.Now()
	l.look(l.deadlock.silence)
	return time.Since(begin) >= l.deadlock.silence
}

// advance lets a virtual clock jump to the next timer, unless a post or an event is on its way.
func (l *Loop) advance(when int64) bool {
	if l.inbox.expects() {
		return false
	}
	if l.watches.table.live > 0 { // descriptors follow real time: wait for them a moment
		if l.look(ioGrace); l.ready.Len() > 0 || l.inbox.posted.Load() {
			return true
		}
	}
	for range sourceTurns { // so do goroutines; on a busy machine they need several turns
		if l.inbox.sources.Load() == 0 {
			break
		}
		if l.look(sourceGrace); l.ready.Len() > 0 || l.inbox.posted.Load() {
			return true
		}
	}
	return l.clock.source.Advance(l.clock.at(when))
}

// ioGrace is how long a virtual clock waits for descriptors before it jumps.
const ioGrace = 20 * time.Millisecond

// How long, and how often, it waits for goroutines that may post.
const (
	sourceGrace = 5 * time.Millisecond
	sourceTurns = 8
)

// look waits for a descriptor or a post, for at most d, or without limit if d < 0.
func (l *Loop) look(d time.Duration) {
	if l.watches.poller != nil {
		l.lookAtDescriptors(d)
	} else if d != 0 && l.inbox.wait(d) {
		l.clock.now()
		l.watchdog.moved.Store(l.clock.realNow())
	}
}

func (l *Loop) lookAtDescriptors(d time.Duration) {
	if d != 0 {
		l.inbox.sleeping.Store(true)
		if l.inbox.posted.Load() {
			d = 0
		}
	}
	x := &l.watches
	n, err := x.poller.Wait(x.events, d)
	l.inbox.sleeping.Store(false)
	if err != nil {
		panic(misuse("Loop", "the poller failed: "+err.Error()))
	}
	x.steps, x.last = l.steps, l.clock.now()
	l.watchdog.moved.Store(l.clock.realNow())
	if d != 0 && x.parker != nil && x.parker.Parked() {
		l.breaths.last = l.steps
	}
	l.dispatch(x.events[:n])
}

func (l *Loop) dispatch(events []poll.Event) {
	for len(events) > 0 {
		i := l.choose(ChooseEvent, len(events))
		l.watches.table.ready(l, events[i])
		if i > 0 {
			copy(events[1:i+1], events[:i])
		}
		events = events[1:]
	}
}
