package aio

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DeadlockError says that tasks wait for each other, or that nothing is left that could ever wake
// one. If the main task is concerned and nothing else goes on any more, Run cancels main and
// returns the DeadlockError, also if main then returns nil. RunUntilComplete does so with its task.
// A main that was cancelled before is ended at its await. If main returns a failure of its own, Run
// returns that and reports the deadlock to the exception handler. As long as something else goes
// on, which may yet cancel one of the tasks, a cycle is reported only.
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
	writeWaits(&b, e.Waiting)
	return b.String()
}

// writeWaits writes what tasks wait for, of many only the first.
func writeWaits(b *strings.Builder, tasks []TaskInfo) {
	for n, i := range tasks {
		if n > 0 {
			b.WriteString("; ")
		}
		if n == 10 {
			fmt.Fprintf(b, "and %d more", len(tasks)-n)
			break
		}
		fmt.Fprintf(b, "%s in %s", i.Name, i.Op)
		if i.On != "" {
			fmt.Fprintf(b, " for %s", i.On)
		}
	}
}

// deadlockWatch remembers when the loop last looked for cycles, and which it has reported.
type deadlockWatch struct {
	silence  time.Duration  // the real time without a post after which none may come any more
	next     int64          // the time before which it need not look again
	steps    uint           // steps at the last look
	asked    uint           // steps when it was last asked to look
	reported []*taskCore    // in the cycles of the last look
	ended    *DeadlockError // what the main task was ended by
	stood    uint           // steps when it last reported that nothing happens
	search   cycleSearch
}

// cycleEvery is the least time between two looks for cycles: a second. They take at most a
// hundredth of the time.
const cycleEvery = int64(1e9)

// findCyclesWhileBusy is findCycles for a loop that has not waited for long. It does not look in
// the first second: most bursts of work are over by then.
func (l *Loop) findCyclesWhileBusy() {
	if d := &l.deadlock; d.next == 0 && !l.clock.isGiven() {
		d.next = l.clock.now() + cycleEvery
	}
	l.findCycles()
}

// findCycles looks for tasks that wait for each other, at most once in cycleEvery. It returns the
// time until it should look again, or -1 if it need not before a task has taken a step.
func (l *Loop) findCycles() time.Duration {
	d := &l.deadlock
	d.asked = l.steps
	if l.steps == d.steps {
		return -1
	}
	if l.tasks.live < 2 { // one task can only wait for itself, and seeing that takes no clock
		if t := l.tasks.first(); t != nil && slices.Contains(waitsForGood(t, nil), t) {
			l.deadlocked([]*taskCore{t}, slices.Contains(d.reported, t))
			d.reported = append(d.reported[:0], t)
		}
		return -1
	}
	n := uint(l.tasks.live)
	if n > 64 && l.clock.isGiven() && l.steps-d.steps < n && l.timers.heap.Len() > 0 {
		return -1 // virtual time is fast: look at most once for every n steps
	}
	now := l.clock.now()
	if now < d.next && !l.clock.isGiven() {
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
	d.next = now + max(cycleEvery, 100*(l.clock.now()-now))
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
	main := l.mainTask
	fatal := main != nil && !main.Done() && l.quiet() && reaches(main, waitsForGood, cycle...)
	if reported && !fatal {
		return
	}
	now := l.clock.now()
	err := &DeadlockError{}
	for _, t := range cycle {
		err.Cycle = append(err.Cycle, t.info(now))
	}
	if fatal {
		l.endMain(main, err)
		return
	}
	l.trouble("tasks wait for each other")
	l.report(Report{Message: "tasks wait for each other", Err: err})
}

// quiet reports whether nothing is ready, no timer runs and nothing is known to come from outside.
func (l *Loop) quiet() bool {
	return l.inbox.sources.Load() == 0 && l.external == 0 && l.unexpecting()
}

// unexpecting is quiet, except that goroutines may post.
func (l *Loop) unexpecting() bool {
	return l.ready.Len() == 0 && l.timers.running() == 0 && l.watches.table.live == 0 &&
		!l.inbox.expects() && len(l.signals) == 0
}

// stuck is called when the loop is about to wait without end. If nothing can happen any more it
// ends the main task and returns true. It applies to virtual time only: in real time goroutines
// outside may still send something.
//
// Goroutines that may post, and those that wait for channels, are waited for, but not without end:
// if they have been silent for long, nobody is there to wake them. Both ends of their connections
// may be on this loop.
func (l *Loop) stuck(silent bool) bool {
	if !l.canBeStuck() || !silent && !l.quiet() {
		return false
	}
	return l.endMain(l.mainTask, &DeadlockError{Waiting: l.waits()})
}

// waits describes the tasks that have not ended.
func (l *Loop) waits() (out []TaskInfo) {
	now := l.clock.now()
	tasks := l.tasks.all()
	for _, t := range tasks {
		out = append(out, t.info(now))
	}
	l.addSleeps(tasks, out, now)
	return out
}

// canBeStuck reports whether nothing can happen any more, unless a goroutine that may post does.
func (l *Loop) canBeStuck() bool {
	return l.clock.isGiven() && l.mainTask != nil && !l.mainTask.Done() &&
		len(l.interrupt) == 0 && l.unexpecting() && l.clock.isVirtual()
}

// standsStill reports, once, that under a virtual clock nothing has happened for long. The clock
// stands still while a function of ToThread runs. That function may wait for what only the loop's
// time, or one of the tasks, can bring. A loop without a main task may wait for a post.
func (l *Loop) standsStill() {
	d := &l.deadlock
	if l.tasks.live == 0 || l.watches.table.live > 0 || len(l.signals) > 0 || d.stood == l.steps {
		return
	}
	d.stood = l.steps
	r := Report{Message: "tasks wait for what cannot come", Warning: true}
	if l.inbox.expected.Load() == 0 {
		r.Err = &DeadlockError{Waiting: l.waits()}
	} else {
		var b strings.Builder
		fmt.Fprintf(&b, "nothing has happened for %v of real time; a virtual clock stands still "+
			"while functions of ToThread run; if one waits for that time or for a task, it waits "+
			"for ever; these wait: ", l.deadlock.silence)
		writeWaits(&b, l.waits())
		r.Message = b.String()
	}
	l.report(r)
}

// endMain cancels the main task because of a deadlock. One that was cancelled before, and waits
// with a freed context for what will not come, is ended at its await. It reports whether the main
// task is going to take a step.
func (l *Loop) endMain(main *taskCore, err *DeadlockError) bool {
	l.trouble("a deadlock")
	if main.scope.cancelled.Load() == nil {
		l.deadlock.ended = err
		main.scope.cancel(&cancellation{
			CancelledError: CancelledError{Cause: err, by: "the loop"},
			final:          true,
		})
		return l.ready.Len() > 0
	}
	if main.parkedIn() == nil {
		return false
	}
	if l.deadlock.ended == nil { // otherwise this one follows from the first
		l.deadlock.ended = err
	}
	main.worker.forced = true
	main.worker.wait.enqueue()
	return true
}

// withDeadlock returns what Run does if main has returned err after a deadlock has ended it: the
// deadlock, if err does not say more than that. A failure wins, and the deadlock is reported.
func (l *Loop) withDeadlock(err error) error {
	d := l.deadlock.ended
	switch {
	case d == nil:
		return err
	case err == nil, isCancellation(err), isBareCanceled(err), isDeadlock(err):
		return d
	}
	const message = "the main task failed after it was cancelled because of a deadlock"
	l.report(Report{Message: message, Err: d})
	return err
}
