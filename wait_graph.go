package aio

import (
	"fmt"
	"slices"

	"github.com/aio-go/aio/internal/safetext"
)

// waitable is what a task waits for. Snapshots, deadlock detection and cancellation ask it.
type waitable interface {
	// waitText describes it in a few words.
	waitText() string
	// blockers returns the tasks that all have to act first, or none if they are not known.
	blockers() []*taskCore
	// cancelFor lets the waitable follow a cancellation in place of the task of wait p. It reports
	// whether the task then waits for the end of that.
	cancelFor(p *wait, c *cancellation) bool
	// evict is called when the task is ended by force while it waits in p.
	evict(p *wait, err error)
}

// plainWait is embedded in most waitables: no task blocks them, and a cancellation just ends the
// wait.
type plainWait struct{}

func (plainWait) blockers() []*taskCore               { return nil }
func (plainWait) cancelFor(*wait, *cancellation) bool { return false }
func (plainWait) evict(*wait, error)                  {}

// givenWait is a wait as a waitable: it presents the value given to NewWaiter. It is a conversion,
// so it needs no memory.
type givenWait wait

func (g *givenWait) waitText() string {
	var text string
	switch on := g.given.(type) {
	case nil:
		return ""
	case fmt.Stringer:
		text = safetext.Message(safetext.Value(on, 200)) // it may be the user's
	default:
		text = fmt.Sprintf("%T", on)
	}
	if holders := g.blockers(); len(holders) == 1 {
		text += " held by " + holders[0].shownName()
	}
	return text
}

func (g *givenWait) blockers() (out []*taskCore) {
	if on, ok := g.given.(Blocker); ok {
		defer func() { _ = recover() }() // it may be the user's
		for _, r := range on.Blockers() {
			if r.t != nil && r.t.loop == g.worker.loop { // not a task of another loop
				out = append(out, r.t)
			}
		}
	}
	return out
}

func (g *givenWait) cancelFor(*wait, *cancellation) bool { return false }
func (g *givenWait) evict(*wait, error)                  {}

// waitText describes what the task of p waits for.
func (p *wait) waitText() string {
	if p.on == nil {
		return ""
	}
	return p.on.waitText()
}

// waitsOn returns the tasks that t waits for.
func waitsOn(t *taskCore) []*taskCore {
	if p := t.parkedIn(); p != nil && p.on != nil {
		return p.on.blockers()
	}
	return nil
}

// parkedIn returns the wait in which t is suspended, nil if it is not.
func (t *taskCore) parkedIn() *wait {
	if w := t.worker; t.state == started && w != nil && w.task == t && w.wait.phase == parked {
		return &w.wait
	}
	return nil
}

// waitsForGood returns the tasks that t waits for, or none if a deadline will end the wait.
func waitsForGood(t *taskCore) []*taskCore {
	next := waitsOn(t)
	if len(next) > 0 && t.worker.wait.fate != passedOn && t.worker.limited() {
		return nil
	}
	return next
}

// limited reports whether a deadline will end the wait of the task: that of an open block, or of
// the wait's context.
func (w *worker) limited() bool {
	for b := w.inner; b != nil && b.more != nil; b = b.enclosing() {
		if b.more.timer.armed() {
			return true
		}
		if b.freed(w) {
			break
		}
	}
	m := w.wait.more
	if m == nil {
		return false
	}
	if m.scope != nil && !m.scope.limit().IsZero() {
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

// reaches reports whether t is one of the targets or waits, directly or not, for one. waits returns
// the tasks that a task waits for.
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
