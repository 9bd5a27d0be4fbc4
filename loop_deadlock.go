package aio

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DeadlockError says that tasks wait for each other, or that nothing is left that could ever wake one. Run returns it if its main task is
// concerned and nothing else goes on any more; as long as something does, which may yet cancel one of them, a cycle is reported to the
// exception handler.
type DeadlockError struct {
	// Cycle are the tasks that wait for each other, each for the next and the last for the first; empty if there is no cycle.
	Cycle []TaskInfo
	// Waiting are all tasks that wait, where nothing can wake one any more.
	Waiting []TaskInfo
}

func (e *DeadlockError) Error() string {
	var b strings.Builder
	b.WriteString("aio: deadlock: ")
	if len(e.Cycle) > 0 {
		for n, i := range e.Cycle {
			next := e.Cycle[(n+1)%len(e.Cycle)]
			if n > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s waits in %s for %s", i.Name, i.Op, i.On)
			if !strings.Contains(i.On, next.Name) {
				fmt.Fprintf(&b, ", which %s holds up", next.Name)
			}
		}
		return b.String()
	}
	b.WriteString("nothing is ready, no timer runs and nothing is expected from outside, but these wait: ")
	for n, i := range e.Waiting {
		if n > 0 {
			b.WriteString("; ")
		}
		if n == 10 {
			fmt.Fprintf(&b, "and %d more", len(e.Waiting)-n)
			break
		}
		fmt.Fprintf(&b, "%s in %s", i.Name, i.Op)
		if i.On != "" {
			fmt.Fprintf(&b, " for %s", i.On)
		}
	}
	return b.String()
}

// deadlockWatch remembers when the loop last looked for cycles, and which it has reported.
type deadlockWatch struct {
	next     int64       // the time before which it need not look again
	steps    uint        // steps at the last look
	asked    uint        // steps when it was last asked to look
	reported []*taskCore // in the cycles of the last look
}

const cycleEvery = int64(1e9) // look for cycles at most once a second, and spend at most a hundredth of the time on it

// findCycles looks for tasks that wait for each other, now and then. It returns how long until it should look again, -1 if there is no
// need to before something has happened.
func (l *Loop) findCycles() time.Duration {
	d := &l.deadlock
	d.asked = l.steps
	if l.steps == d.steps {
		return -1
	}
	if l.tasks.live < 2 { // one task can only wait for itself, and seeing that takes no clock
		if t := l.tasks.first(); t != nil && (t != l.mainTask || l.main() != nil) && slices.Contains(waitsForGood(t), t) {
			l.deadlocked([]*taskCore{t}, slices.Contains(d.reported, t))
			d.reported = append(d.reported[:0], t)
		}
		return -1
	}
	if n := uint(l.tasks.live); n > 64 && l.clock != nil && l.steps-d.steps < n && l.timers.Len() > 0 {
		return -1 // virtual time flies: look no more often than the tasks take steps
	}
	now := l.now()
	if now < d.next && l.clock == nil {
		return time.Duration(d.next - now)
	}
	d.steps = l.steps
	before := d.reported
	d.reported = nil // what has dissolved may form, and be reported, again
	for _, cycle := range l.cycles() {
		if letGo(cycle) {
			continue
		}
		d.reported = append(d.reported, cycle...)
		l.deadlocked(cycle, slices.Contains(before, cycle[0]))
	}
	d.next = now + max(cycleEvery, 100*(l.now()-now))
	return -1
}

// letGo ends the wait of a task in the cycle that has cancelled the next one and waits for its end, if there is one: that end will not come.
func letGo(cycle []*taskCore) bool {
	for _, t := range cycle {
		if p := t.parkedIn(); p != nil && p.fate == passedOn {
			p.end(cancelledWait, p.req)
			return true
		}
	}
	return false
}

// deadlocked ends Run with the cycle as its error if the main task waits for it and nothing else goes on, and reports it otherwise, once.
func (l *Loop) deadlocked(cycle []*taskCore, reported bool) {
	main := l.main()
	fatal := main != nil && l.quiet() && reaches(main, waitsForGood, cycle...)
	if reported && !fatal {
		return
	}
	now := l.now()
	err := &DeadlockError{}
	for _, t := range cycle {
		err.Cycle = append(err.Cycle, t.info(now))
	}
	if fatal {
		l.cancelMain(main, err)
		return
	}
	l.report(Report{Message: "tasks wait for each other", Err: err})
}

// quiet reports whether nothing is ready, no timer runs and nothing is known to come from outside.
func (l *Loop) quiet() bool { return l.sources.Load() == 0 && l.unexpecting() }

// unexpecting is quiet, but for goroutines that may post.
func (l *Loop) unexpecting() bool {
	return l.ready.Len() == 0 && l.timers.Len() == l.deadTimers && l.watches.live == 0 && l.expected.Load() == 0 && l.external == 0 &&
		len(l.signals) == 0 && !l.posted.Load()
}

// stuck reports that nothing can happen any more by itself, when the loop is about to wait for ever, and ends the main task then. Where
// goroutines outside of the loop may still send something that is not known; a loop whose time is virtual has none to wait for.
//
// A main task that was cancelled before, and waits with a freed context for what will not come, is ended at its await.
//
// Goroutines that may post are waited for, but not without end: if they have been silent for long, nobody is there to wake them. Both ends of
// their connections may be on this loop.
func (l *Loop) stuck(silent bool) bool {
	main := l.mainTask
	if !l.canBeStuck() || !silent && l.sources.Load() > 0 {
		return false
	}
	if main.scope.cancelled.Load() != nil {
		w := main.worker
		if main.parkedIn() == nil {
			return false
		}
		w.forced = true
		w.wait.enqueue()
		return true
	}
	now := l.now()
	err := &DeadlockError{}
	for _, t := range l.tasks.all() {
		err.Waiting = append(err.Waiting, t.info(now))
	}
	l.cancelMain(main, err)
	return l.ready.Len() > 0
}

// canBeStuck reports whether nothing can happen any more, unless goroutines that may post do so.
func (l *Loop) canBeStuck() bool {
	return l.clock != nil && l.mainTask != nil && !l.mainTask.Done() && len(l.interrupt) == 0 && l.unexpecting()
}

func (l *Loop) main() *taskCore {
	if l.mainTask == nil || l.mainTask.Done() || l.mainTask.scope.cancelled.Load() != nil {
		return nil
	}
	return l.mainTask
}

func (l *Loop) cancelMain(main *taskCore, err *DeadlockError) {
	main.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: err, by: "the loop"}, final: true})
}
