package aio

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/aio-go/aio/internal/safetext"
)

// waitable is what a task waits for. Snapshots, deadlock detection and cancellation ask it.
type waitable interface {
	// waitText describes it in a few words. blockers is what blockers has returned.
	waitText(blockers []*taskCore) string
	// blockers appends the tasks that all have to act first, or none if they are not known.
	blockers(to []*taskCore) []*taskCore
	// cancelFor lets the waitable follow a cancellation in place of the task of wait p. It reports
	// whether the task then waits for the end of that.
	cancelFor(p *wait, c *cancellation) bool
	// evict is called when the task is ended by force while it waits in p.
	evict(p *wait, err error)
}

// plainWait is embedded in most waitables: no task blocks them, and a cancellation just ends the
// wait.
type plainWait struct{}

func (plainWait) blockers(to []*taskCore) []*taskCore { return to }
func (plainWait) cancelFor(*wait, *cancellation) bool { return false }
func (plainWait) evict(*wait, error)                  {}

// givenWait is a wait as a waitable: it presents the value given to NewWaiter. It is a conversion,
// so it needs no memory.
type givenWait wait

func (g *givenWait) waitText(blockers []*taskCore) string {
	var text string
	switch on := g.given.(type) {
	case nil:
		return ""
	case fmt.Stringer:
		text = safetext.Message(safetext.Value(on, 200)) // it may be the user's
	default:
		text = fmt.Sprintf("%T", on)
	}
	if len(blockers) == 1 {
		text += " held by " + blockers[0].shownName()
		if blockers[0].Done() {
			text += blockers[0].endedText()
		}
	}
	return text
}

// endedText says, behind its name, that a task has ended while it holds what another waits for, and
// which function it was.
func (t *taskCore) endedText() string {
	if site := t.site(); site != "" {
		return " (" + site + "), which has ended without releasing it"
	}
	return ", which has ended without releasing it"
}

func (g *givenWait) blockers(to []*taskCore) (out []*taskCore) {
	out = to
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
	return p.on.waitText(p.on.blockers(nil))
}

// waitsOn appends the tasks that t waits for.
func waitsOn(t *taskCore, to []*taskCore) []*taskCore {
	if p := t.parkedIn(); p != nil && p.on != nil {
		return p.on.blockers(to)
	}
	return to
}

// parkedIn returns the wait in which t is suspended, nil if it is not.
func (t *taskCore) parkedIn() *wait {
	if w := t.worker; t.state == started && w != nil && w.task == t && w.wait.phase == parked {
		return &w.wait
	}
	return nil
}

// waitsForGood appends the tasks that t waits for, or none if a deadline will end the wait.
func waitsForGood(t *taskCore, to []*taskCore) []*taskCore {
	next := waitsOn(t, to)
	if len(next) > len(to) && t.worker.wait.fate != passedOn && t.worker.limited() {
		return to
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
func (l *Loop) cycles() [][]*taskCore {
	s := &l.deadlock.search
	if n := len(l.tasks.slots); n > cap(s.marks) {
		s.marks = make([]mark, n, 2*n)
	} else {
		s.marks = s.marks[:n]
		clear(s.marks)
	}
	for _, t := range l.tasks.slots {
		if t != nil {
			s.visit(t)
		}
	}
	found := s.found
	s.forget()
	return found
}

// cycleSearch goes through the tasks and those that they wait for. Its memory is used again: with a
// virtual clock the loop searches each time that the clock jumps.
type cycleSearch struct {
	marks []mark // by place in the registry
	path  []*taskCore
	next  []*taskCore // what the tasks of the path wait for, one task after the other
	found [][]*taskCore
}

type mark uint8

const (
	notVisited mark = iota
	onPath
	visited
)

func (s *cycleSearch) visit(t *taskCore) {
	if t.parkedIn() == nil { // so it is in the registry
		return
	}
	m := &s.marks[t.index]
	switch *m {
	case visited:
		return
	case onPath:
		s.found = append(s.found, slices.Clone(s.path[slices.Index(s.path, t):]))
		return
	}
	from := len(s.next)
	s.next = waitsForGood(t, s.next)
	*m = onPath
	s.path = append(s.path, t)
	for i := from; i < len(s.next); i++ {
		s.visit(s.next[i])
	}
	s.next = s.next[:from]
	s.path = s.path[:len(s.path)-1]
	*m = visited
}

// forget drops the tasks, and the memory as well if there were many.
func (s *cycleSearch) forget() {
	if cap(s.marks) > 2*crowd {
		*s = cycleSearch{}
		return
	}
	clear(s.path[:cap(s.path)])
	clear(s.next[:cap(s.next)])
	s.found = nil
}

// reaches reports whether t is one of the targets or waits, directly or not, for one. waits appends
// the tasks that a task waits for.
func reaches(
	t *taskCore, waits func(t *taskCore, to []*taskCore) []*taskCore, targets ...*taskCore,
) bool {
	var seen map[*taskCore]bool
	var visit func(t *taskCore) bool
	visit = func(t *taskCore) bool {
		if slices.Contains(targets, t) {
			return true
		}
		next := waits(t, nil)
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

// waitAnswer is what is known about something that tasks wait for.
type waitAnswer struct {
	on       string
	waitsFor []uint32
	holder   string

	waiters int
	op      string // of the first
	longest time.Duration
}

// waitOf describes what the task of p waits for.
func (c *picture) waitOf(p *wait) *waitAnswer {
	if p.on == nil {
		return &waitAnswer{}
	}
	key := *(*[2]unsafe.Pointer)(unsafe.Pointer(&p.on))
	_, given := p.on.(*givenWait)
	if given {
		key = *(*[2]unsafe.Pointer)(unsafe.Pointer(&p.given))
	}
	if a, known := c.waits[key]; known {
		return a
	}
	a := &waitAnswer{}
	blockers := p.on.blockers(nil)
	a.on = p.on.waitText(blockers)
	if n := len(blockers); n > 0 {
		a.waitsFor = make([]uint32, n)
	}
	for n, b := range blockers {
		a.waitsFor[n] = b.id
	}
	if len(blockers) == 1 {
		a.holder = blockers[0].shownName()
	}
	if c.waits == nil {
		c.waits = map[[2]unsafe.Pointer]*waitAnswer{}
	}
	c.waits[key] = a
	if given && p.given != nil {
		c.given = append(c.given, a)
	}
	return a
}

// contended returns what most tasks wait for.
func (c *picture) contended() []WaitInfo {
	slices.SortStableFunc(c.given, func(a, b *waitAnswer) int {
		return cmp.Or(cmp.Compare(b.waiters, a.waiters), cmp.Compare(b.longest, a.longest))
	})
	var out []WaitInfo
	for _, a := range c.given[:min(len(c.given), maxWaits)] {
		out = append(out, WaitInfo{a.on, a.op, a.waiters, a.longest, a.holder})
	}
	return out
}

// Chain is the result of [Snapshot.Why].
type Chain struct {
	// Tasks leads from the task asked about to the culprit. Each waits for the next one.
	Tasks []TaskInfo `json:"tasks"`
	// Back is the place in Tasks of the task for which the last one waits in turn, so that from
	// there on they are in a cycle. It is -1 if there is none.
	Back int `json:"back"`
}

// Why returns the chain from the task with the given number to the one that holds it up. Where a
// task waits for several, the chain follows the one that leads to a cycle, or else to the task that
// has waited longest. The chain is empty if the snapshot has no such task. With stacks in the
// snapshot it also says at which lines they wait.
func (s Snapshot) Why(id uint32) Chain {
	w := whyWalk{tasks: make(map[uint32]*TaskInfo, len(s.Tasks)), next: map[uint32]uint32{},
		end: map[uint32]time.Duration{}}
	for i := range s.Tasks {
		w.tasks[s.Tasks[i].ID] = &s.Tasks[i]
	}
	c := Chain{Tasks: []TaskInfo{}, Back: -1}
	if w.tasks[id] == nil {
		return c
	}
	w.visit(id)
	place := map[uint32]int{}
	for w.tasks[id] != nil {
		if at, seen := place[id]; seen {
			c.Back = at
			break
		}
		place[id] = len(c.Tasks)
		c.Tasks = append(c.Tasks, *w.tasks[id])
		id = w.next[id]
	}
	return c
}

// whyWalk finds for each task that it visits which of those it waits for leads to the culprit.
type whyWalk struct {
	tasks map[uint32]*TaskInfo
	next  map[uint32]uint32
	end   map[uint32]time.Duration // how long the culprit has waited; a task on the path: inCycle
}

// inCycle counts as longer than any wait.
const inCycle = time.Duration(maxTime)

func (w *whyWalk) visit(id uint32) time.Duration {
	if d, seen := w.end[id]; seen {
		return d
	}
	t := w.tasks[id]
	w.end[id] = inCycle
	best := time.Duration(-1)
	for _, n := range t.WaitsFor {
		if w.tasks[n] == nil {
			continue
		}
		if d := w.visit(n); d > best {
			best, w.next[id] = d, n
		}
	}
	if best < 0 {
		best = t.Waited
	}
	w.end[id] = best
	return best
}

// Culprit returns the last task of the chain, or the zero TaskInfo if the chain is empty.
func (c Chain) Culprit() TaskInfo {
	if len(c.Tasks) == 0 {
		return TaskInfo{}
	}
	return c.Tasks[len(c.Tasks)-1]
}

// String shows the chain, a paragraph for each task, and says what the culprit does.
func (c Chain) String() string {
	if len(c.Tasks) == 0 {
		return "there is no such task\n"
	}
	var b strings.Builder
	for _, i := range shownTasks(c.Tasks) {
		fmt.Fprintf(&b, "%s (task %d) %s", i.Name, i.ID, i.doing())
		b.WriteByte('\n')
		if i.At != "" {
			fmt.Fprintf(&b, "    at %s\n", i.At)
		}
		for _, block := range i.Scopes {
			fmt.Fprintf(&b, "    in %s\n", block)
		}
	}
	last := shownTasks(c.Tasks)[len(c.Tasks)-1]
	switch {
	case c.Back >= 0:
		names := make([]string, 0, len(c.Tasks)-c.Back)
		for _, i := range shownTasks(c.Tasks[c.Back:]) {
			names = append(names, i.Name)
		}
		fmt.Fprintf(&b, "a cycle: %s wait for each other\n", strings.Join(names, ", "))
		return b.String()
	case len(last.WaitsFor) > 0:
		holder := last.Holder
		if holder == "" {
			holder = "tasks"
		}
		fmt.Fprintf(&b, "%s waits for %s, which has ended without letting go\n", last.Name, holder)
	case len(c.Tasks) > 1:
		fmt.Fprintf(&b, "%s holds it up: it %s\n", last.Name, last.doing())
	default:
		fmt.Fprintf(&b, "no other task is known to hold %s up\n", last.Name)
	}
	return b.String()
}

// doing says what the task does, to follow its name.
func (i *TaskInfo) doing() string {
	var s string
	switch i.State {
	case "created":
		s = "has not started"
	case "ready":
		s = "is ready to resume from " + i.Op
	case "waiting":
		s = "waits " + i.Waited.Round(10*time.Millisecond).String() + " in " + i.Op
		if i.On != "" {
			s += " for " + i.On
		}
	default:
		s = "is " + i.State
	}
	if c := i.Cancel; c != nil {
		s += ", cancelled " + c.Since.Round(time.Millisecond).String() + " ago"
		if c.By != "" {
			s += " by " + c.By
		}
	}
	return s
}
