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
		if p := &t.worker.park; p.state == parked && p.pending != nil {
			p.giveUp()
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
func (l *Loop) quiet() bool {
	return l.ready.Len() == 0 && l.timers.Len() == l.deadTimers && l.watches.live == 0 && l.expected.Load() == 0 && l.external == 0 &&
		len(l.signals) == 0 && !l.posted.Load()
}

// stuck reports that nothing can happen any more by itself, when the loop is about to wait for ever, and ends the main task then. Where
// goroutines outside of the loop may still send something that is not known; a loop whose time is virtual has none to wait for.
//
// A main task that was cancelled before, and waits with a freed context for what will not come, is ended at its await.
func (l *Loop) stuck() bool {
	main := l.mainTask
	if l.clock == nil || main == nil || main.Done() || len(l.interrupt) > 0 || !l.quiet() {
		return false
	}
	if main.scope.cancelled.Load() != nil {
		w := main.worker
		if main.state != started || w.park.state != parked {
			return false
		}
		w.forced = true
		w.park.state = queued
		l.ready.Push(main)
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

func (l *Loop) main() *taskCore {
	if l.mainTask == nil || l.mainTask.Done() || l.mainTask.scope.cancelled.Load() != nil {
		return nil
	}
	return l.mainTask
}

func (l *Loop) cancelMain(main *taskCore, err *DeadlockError) {
	if w := main.worker; main.state == started && w.task == main {
		w.park.passOn = false // what it waits for will not end: it has to begin itself
	}
	main.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: err, by: "the loop"}})
}

// waitsOn returns the tasks that t waits for.
func waitsOn(t *taskCore) []*taskCore {
	w := t.worker
	if t.state != started || w == nil || w.task != t || w.park.state != parked {
		return nil
	}
	return blockers(w.park.on)
}

// waitsForGood returns the tasks that t waits for, none if a deadline will end the wait.
func waitsForGood(t *taskCore) []*taskCore {
	next := waitsOn(t)
	if len(next) > 0 && t.worker.park.pending == nil && t.worker.limited() {
		return nil
	}
	return next
}

// limited reports whether a deadline is going to end the wait of the task: that of an open block, or of the context it waits with.
func (w *worker) limited() bool {
	for b := w.inner; b != nil && b.more != nil; b = b.enclosing() {
		if b.more.timer.armed() {
			return true
		}
		if b.freed(w) {
			break
		}
	}
	m := w.park.more
	if m == nil {
		return false
	}
	if m.scope != nil && m.scope.limit.Load() != nil {
		return true
	}
	if m.ctx != nil {
		_, ok := m.ctx.Deadline()
		return ok
	}
	return false
}

// cycles returns the groups of tasks that wait for each other.
func (l *Loop) cycles() (out [][]*taskCore) {
	const (
		onPath = 1
		seen   = 2
	)
	mark := map[*taskCore]int{}
	var path []*taskCore
	var visit func(t *taskCore)
	visit = func(t *taskCore) {
		switch mark[t] {
		case seen:
			return
		case onPath:
			i := slices.Index(path, t)
			out = append(out, slices.Clone(path[i:]))
			return
		}
		next := waitsForGood(t)
		if len(next) == 0 {
			return
		}
		mark[t] = onPath
		path = append(path, t)
		for _, n := range next {
			visit(n)
		}
		path = path[:len(path)-1]
		mark[t] = seen
	}
	for _, t := range l.tasks.slots {
		if t != nil {
			visit(t)
		}
	}
	return out
}

// reaches reports whether t is one of the targets or waits, directly or not, for one; waits tells for whom a task waits.
func reaches(t *taskCore, waits func(t *taskCore) []*taskCore, targets ...*taskCore) bool {
	var seen map[*taskCore]bool
	var visit func(t *taskCore) bool
	visit = func(t *taskCore) bool {
		if slices.Contains(targets, t) {
			return true
		}
		next := waits(t)
		if len(next) == 0 || seen[t] {
			return false
		}
		if seen == nil {
			seen = map[*taskCore]bool{}
		}
		seen[t] = true
		return slices.ContainsFunc(next, visit)
	}
	return visit(t)
}
