package aio

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DeadlockError says that tasks wait for each other, or that nothing can wake any task. Run returns
// it if its main task is involved and nothing else is going on. Otherwise another task may still
// cancel one of them, so the cycle is reported to the exception handler.
type DeadlockError struct {
	// Cycle lists tasks that wait for each other: each waits for the next one, and the last for the
	// first. It is empty if there is no cycle.
	Cycle []TaskInfo
	// Waiting lists all tasks that wait when nothing can wake them. It is empty if there is a
	// cycle.
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
	b.WriteString("nothing is ready, no timer runs and nothing is expected from outside, " +
		"but these wait: ")
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

// cycleEvery is the least time between two looks for cycles: a second. They take at most a
// hundredth of the time.
const cycleEvery = int64(1e9)

// findCycles looks for tasks that wait for each other, at most once in cycleEvery. It returns the
// time until it should look again, or -1 if it need not before a task has taken a step.
func (l *Loop) findCycles() time.Duration {
	d := &l.deadlock
	d.asked = l.steps
	if l.steps == d.steps {
		return -1
	}
	if l.tasks.live < 2 { // a single task can only wait for itself, which needs no clock
		t := l.tasks.first()
		watched := t != nil && (t != l.mainTask || l.main() != nil)
		if watched && slices.Contains(waitsForGood(t), t) {
			l.deadlocked([]*taskCore{t}, slices.Contains(d.reported, t))
			d.reported = append(d.reported[:0], t)
		}
		return -1
	}
	n := uint(l.tasks.live)
	if n > 64 && l.clock != nil && l.steps-d.steps < n && l.timers.Len() > 0 {
		return -1 // virtual time is fast: look at most once for every n steps
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

// letGo ends the wait of a task in the cycle that has cancelled the next one and waits for its end,
// which will not come. It reports whether there is such a task.
func letGo(cycle []*taskCore) bool {
	for _, t := range cycle {
		if p := t.parkedIn(); p != nil && p.fate == passedOn {
			p.end(cancelledWait, p.req)
			return true
		}
	}
	return false
}

// deadlocked ends Run with the cycle as its error if the main task waits for it and nothing else is
// going on. Otherwise it reports the cycle, once.
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

// unexpecting is quiet, except that goroutines may post.
func (l *Loop) unexpecting() bool {
	return l.ready.Len() == 0 && l.timers.Len() == l.deadTimers && l.watches.live == 0 &&
		l.expected.Load() == 0 && l.external == 0 && len(l.signals) == 0 && !l.posted.Load()
}

// stuck is called when the loop is about to wait without end. If nothing can happen any more it
// ends the main task and returns true. It applies to virtual time only: in real time goroutines
// outside may still send something.
//
// If the main task was cancelled before, and waits with a freed context, it is ended at its await.
//
// Goroutines that may post are waited for until they have been silent for l.silence (silent). Both
// ends of their connections may be on this loop, so a post may never come.
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

// canBeStuck reports whether nothing can happen any more, unless a goroutine that may post does.
func (l *Loop) canBeStuck() bool {
	return l.clock != nil && l.mainTask != nil && !l.mainTask.Done() &&
		len(l.interrupt) == 0 && l.unexpecting()
}

func (l *Loop) main() *taskCore {
	if l.mainTask == nil || l.mainTask.Done() || l.mainTask.scope.cancelled.Load() != nil {
		return nil
	}
	return l.mainTask
}

func (l *Loop) cancelMain(main *taskCore, err *DeadlockError) {
	main.scope.cancel(&cancellation{
		CancelledError: CancelledError{Cause: err, by: "the loop"},
		final:          true,
	})
}
