package aio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/safetext"
)

// Snapshot is a copy of a loop's state between two steps.
type Snapshot struct {
	Time        time.Time  `json:"time"`        // by the loop's clock
	Tasks       []TaskInfo `json:"tasks"`       // the unfinished ones, in the order of creation
	Ready       int        `json:"ready"`       // entries of the ready queue
	Timers      int        `json:"timers"`      // timers that are running
	Descriptors int        `json:"descriptors"` // descriptors that are watched
	Counters    Counters   `json:"counters"`
	// Waits are the locks, queues, connections and so on that tasks wait for: those with most
	// waiters first, at most 100.
	Waits []WaitInfo `json:"waits,omitempty"`
}

// WaitInfo describes something that tasks wait for.
type WaitInfo struct {
	On      string        `json:"on"` // with its capacity, if it has one
	Op      string        `json:"op"` // what the first of them does
	Waiters int           `json:"waiters"`
	Longest time.Duration `json:"longest"` // how long the one that has waited longest does
	Holder  string        `json:"holder,omitempty"`
}

const maxWaits = 100

// Counters are totals of a loop since it was made. The rate of two snapshots is their difference.
type Counters struct {
	Steps     uint64 `json:"steps"`     // steps of tasks, and callbacks
	Made      uint64 `json:"made"`      // tasks
	Ended     uint64 `json:"ended"`     // tasks, however they ended
	Cancelled uint64 `json:"cancelled"` // tasks whose outcome is a cancellation
	Lost      uint64 `json:"lost"`      // outcomes that were reported because no task saw them
	// Lag counts the passes in which timers were due, by how late the first of them was: at most
	// 1 µs, 4 µs, 16 µs and so on, each four times the one before, and the last without limit.
	Lag []uint64 `json:"lag"`
}

// TaskInfo describes one task.
type TaskInfo struct {
	ID      uint32        `json:"id"`
	Name    string        `json:"name"`
	State   string        `json:"state"` // created, running, ready or waiting
	Age     time.Duration `json:"age"`
	Creator uint32        `json:"creator,omitempty"`
	// Site is the function, or in debug mode the line that created the task.
	Site string `json:"site,omitempty"`
	Op   string `json:"op,omitempty"` // the await it is in
	On   string `json:"on,omitempty"` // what it waits for
	// Waited is how long it has been in that await, by a clock that is read now and then.
	Waited   time.Duration `json:"waited,omitempty"`
	WaitsFor []uint32      `json:"waits_for,omitempty"` // tasks that have to act first
	// Holder is the name of the task in WaitsFor if it is the only one. It may have ended.
	Holder string      `json:"holder,omitempty"`
	Scopes []string    `json:"scopes,omitempty"` // the open blocks, outermost first
	Cancel *CancelInfo `json:"cancel,omitempty"` // the request to cancel, if any
	Stack  []string    `json:"stack,omitempty"`  // user frames, innermost first
	// At is the innermost frame of the program's own code, "main.serve main.go:12". It is known
	// with Stack.
	At string `json:"at,omitempty"`
}

// CancelInfo describes a request to cancel.
type CancelInfo struct {
	Since   time.Duration `json:"since"` // how long ago
	By      string        `json:"by,omitempty"`
	At      string        `json:"at,omitempty"`
	Through []string      `json:"through,omitempty"` // see [CancelledError.Through]
	Cause   string        `json:"cause,omitempty"`
}

// Snapshot returns the state of the loop. With stacks it also shows where each task waits; for that
// the whole process stops for a moment. On other goroutines use [TakeSnapshot].
func (l *Loop) Snapshot(stacks bool) (s Snapshot) {
	l.asNobody(func() { s = l.snapshot(stacks, nil) })
	return s
}

func init() {
	inspect.Live = func(loop any) int { return loop.(*Loop).tasks.live }
	inspect.Snapshot = func(loop any, stacks bool, room any) (s any) {
		l := loop.(*Loop)
		l.asNobody(func() { s = l.snapshot(stacks, room.([]TaskInfo)) })
		return s
	}
}

// snapshot is Snapshot with memory for the tasks.
func (l *Loop) snapshot(stacks bool, room []TaskInfo) Snapshot {
	if cap(room) < l.tasks.live {
		room = make([]TaskInfo, 0, l.tasks.live)
	}
	s := Snapshot{
		Time:        l.Time(),
		Ready:       l.ready.Len(),
		Timers:      l.timers.running(),
		Descriptors: l.watches.table.live,
		Tasks:       room[:0],
		Counters:    l.counters(),
	}
	now := l.clock.now()
	tasks := l.tasks.all() // once: a String method of a user's value may start more
	p := &picture{now: now}
	for _, t := range tasks {
		s.Tasks = append(s.Tasks, p.info(t))
	}
	s.Waits = p.contended()
	l.addSleeps(tasks, s.Tasks, now)
	if stacks {
		addStacks(tasks, s.Tasks)
	}
	return s
}

// TakeSnapshot asks loop l for a [Snapshot] and waits until the running step has ended. The loop
// must be running. It returns an error if ctx is cancelled first, and [ErrLoopClosed] if the loop
// is closed. Any goroutine but the loop's.
func TakeSnapshot(ctx context.Context, l *Loop, stacks bool) (Snapshot, error) {
	if l.onLoop() {
		return l.Snapshot(stacks), nil
	}
	got := make(chan Snapshot, 1)
	if !l.inbox.put(&Handle{loop: l, fn: func() { got <- l.Snapshot(stacks) }}) {
		return Snapshot{}, ErrLoopClosed
	}
	select {
	case s := <-got:
		return s, nil
	case <-ctx.Done():
		err := fmt.Errorf("aio: TakeSnapshot: the loop did not answer: %w", context.Cause(ctx))
		return Snapshot{}, err
	}
}

// picture is what a snapshot keeps while it describes one task after another. Many tasks wait for
// the same, and run the same function: each is put into words once, since the loop stands still
// meanwhile.
type picture struct {
	now   int64
	sites map[uintptr]string
	waits map[[2]unsafe.Pointer]*waitAnswer // by what is waited for
	given []*waitAnswer                     // those that a primitive has named
}

func (t *taskCore) info(now int64) TaskInfo { return (&picture{now: now}).info(t) }

func (p *picture) info(t *taskCore) TaskInfo {
	i := TaskInfo{
		ID:      t.id,
		Name:    t.shownName(),
		State:   "created",
		Age:     time.Duration(p.now - t.born),
		Creator: t.parent,
		Site:    p.siteOf(t),
	}
	if c := t.scope.cancelled.Load(); c != nil {
		since := time.Duration(p.now - c.when)
		i.Cancel = &CancelInfo{By: c.By(), At: c.At(), Through: c.Through(), Since: since}
		if c.Cause != nil {
			i.Cancel.Cause = safetext.Error(c.Cause)
		}
	}
	w := t.worker
	if t.state != started || w == nil || w.task != t {
		return i
	}
	switch in := &w.wait; in.phase {
	case idle, armed:
		i.State = "running"
	case queued:
		i.State, i.Op = "ready", in.op
	case parked:
		a := p.waitOf(in)
		i.State, i.Op, i.On = "waiting", in.op, a.on
		i.WaitsFor, i.Holder = a.waitsFor, a.holder
		i.Waited = time.Duration(max(0, p.now-in.since))
		if a.waiters++; a.waiters == 1 {
			a.op = in.op
		}
		a.longest = max(a.longest, i.Waited)
	}
	for s := w.inner; s != nil && s.more != nil && s.more.around != nil; s = s.more.around {
		text := s.more.op
		if at := siteOf(s.more.pc); at != "" {
			text += " at " + at
		}
		i.Scopes = append(i.Scopes, text)
	}
	slices.Reverse(i.Scopes)
	return i
}

// addSleeps fills in the remaining time of the tasks in Sleep.
func (l *Loop) addSleeps(tasks []*taskCore, infos []TaskInfo, now int64) {
	if l.timers.heap.Len() == 0 {
		return
	}
	left := make(map[*timer]time.Duration, l.timers.heap.Len())
	for e := range l.timers.heap.All() {
		if live(e) {
			left[e.Item] = time.Duration(e.When - now)
		}
	}
	for i, t := range tasks {
		if infos[i].State != "waiting" || infos[i].On != "" || t.worker == nil {
			continue
		}
		if d, ok := left[&t.worker.wait.timer]; ok {
			infos[i].On = max(0, d).Round(time.Millisecond).String() + " more"
		}
	}
}

// addStacks fills in where the tasks wait.
func addStacks(tasks []*taskCore, infos []TaskInfo) {
	byTask := map[uintptr]*goroutineStack{}
	for _, g := range dumpStacks(true) {
		if g.task != 0 {
			byTask[g.task] = &g
		}
	}
	for i, t := range tasks {
		if t.state != started {
			continue
		}
		if g := byTask[pointerOf(t)]; g != nil {
			if frames := g.user(); len(frames) > 0 {
				infos[i].Stack, infos[i].At = frameTexts(frames), placeOf(frames)
			}
		}
	}
}

// WriteJSON writes the snapshot as one JSON object.
func (s Snapshot) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s.shown())
}

// shown returns the snapshot with text that is safe to show. A snapshot of a loop has safe text
// already, but one may be read from elsewhere.
func (s Snapshot) shown() Snapshot {
	s.Tasks = shownTasks(s.Tasks)
	s.Waits = slices.Clone(s.Waits)
	for i := range s.Waits {
		w := &s.Waits[i]
		w.On, w.Op = safetext.Message(w.On), safetext.Message(w.Op)
		w.Holder = safetext.Message(w.Holder)
	}
	return s
}

func shownTasks(tasks []TaskInfo) []TaskInfo {
	tasks = slices.Clone(tasks)
	for n := range tasks {
		i := &tasks[n]
		i.Name, i.State = safetext.Message(i.Name), safetext.Line(i.State)
		i.Site = safetext.Line(i.Site)
		i.Op, i.On = safetext.Message(i.Op), safetext.Message(i.On)
		i.Holder, i.At = safetext.Message(i.Holder), safetext.Line(i.At)
		i.Scopes, i.Stack = shownLines(i.Scopes), shownLines(i.Stack)
		if i.Cancel != nil {
			c := *i.Cancel
			c.By, c.Cause = safetext.Message(c.By), safetext.Message(c.Cause)
			c.At, c.Through = safetext.Line(c.At), shownLines(c.Through)
			i.Cancel = &c
		}
	}
	return tasks
}

func shownLines(lines []string) []string {
	lines = slices.Clone(lines)
	for i, line := range lines {
		lines[i] = safetext.Message(line)
	}
	return lines
}

// WriteTable writes one line for each task, like ps, and below it the stack if the snapshot has it.
func (s Snapshot) WriteTable(w io.Writer) error {
	var rows bytes.Buffer
	t := tabwriter.NewWriter(&rows, 0, 8, 2, ' ', 0)
	s = s.shown()
	fmt.Fprintln(t, "ID\tNAME\tSTATE\tAGE\tWAITED\tIN\tON\tCREATED")
	for _, i := range s.Tasks {
		age := i.Age.Round(10 * time.Millisecond)
		waited := ""
		if i.State == "waiting" {
			waited = i.Waited.Round(10 * time.Millisecond).String()
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			i.ID, i.Name, i.stateText(), age, waited, i.Op, i.On, i.Site)
	}
	t.Flush()
	var b bytes.Buffer
	n := -1 // the first line is the head
	for row := range bytes.Lines(rows.Bytes()) {
		b.Write(row)
		if n >= 0 {
			writeStack(&b, "", s.Tasks[n].Stack)
		}
		n++
	}
	_, err := w.Write(b.Bytes())
	return err
}

func writeStack(w io.Writer, indent string, stack []string) {
	for _, frame := range stack {
		fmt.Fprintf(w, "%s      at %s\n", indent, frame)
	}
}

func (i TaskInfo) stateText() string {
	c := i.Cancel
	if c == nil {
		return i.State
	}
	s := i.State + ", cancelled " + c.Since.Round(time.Millisecond).String() + " ago"
	if len(i.Stack) > 0 {
		s += ", still at " + i.Stack[0]
	}
	return s
}

// WriteTree writes the tasks as a tree, like pstree of Python 3.14: below each task its stack, if
// the snapshot has it, and the tasks that it waits for. A task that several tasks wait for is shown
// below each, its own subtree only once. A cycle is marked and cut.
func (s Snapshot) WriteTree(w io.Writer) error {
	s = s.shown()
	t := treeWriter{
		tasks: make(map[uint32]*TaskInfo, len(s.Tasks)),
		shown: map[uint32]bool{},
		path:  map[uint32]bool{},
	}
	awaited := map[uint32]bool{}
	for n := range s.Tasks {
		i := &s.Tasks[n]
		t.tasks[i.ID] = i
		for _, id := range i.WaitsFor {
			awaited[id] = true
		}
	}
	for _, i := range s.Tasks {
		if !awaited[i.ID] {
			t.show(i.ID, 0)
		}
	}
	for _, i := range s.Tasks { // those that are only in cycles
		if !t.shown[i.ID] {
			t.show(i.ID, 0)
		}
	}
	_, err := w.Write(t.text.Bytes())
	return err
}

// treeWriter writes the tasks of a snapshot as a tree.
type treeWriter struct {
	text  bytes.Buffer
	tasks map[uint32]*TaskInfo
	shown map[uint32]bool
	path  map[uint32]bool // from the root to where it is
}

// maxIndent limits the depth of indentation. A long row of tasks that wait for each other would
// otherwise need memory for blanks.
const maxIndent = 40

func (t *treeWriter) show(id uint32, depth int) {
	i := t.tasks[id]
	indent := strings.Repeat("    ", min(depth, maxIndent))
	fmt.Fprintf(&t.text, "%s%s (%s", indent, i.Name, i.stateText())
	if i.Op != "" {
		fmt.Fprintf(&t.text, " in %s", i.Op)
	}
	if i.On != "" && len(i.WaitsFor) == 0 {
		fmt.Fprintf(&t.text, " for %s", i.On)
	}
	t.text.WriteString(")")
	switch {
	case t.path[id]:
		t.text.WriteString(" <- cycle\n")
		return
	case t.shown[id] && len(i.WaitsFor) > 0:
		t.text.WriteString(" <- as above\n")
		return
	}
	t.text.WriteString("\n")
	if !t.shown[id] {
		writeStack(&t.text, indent, i.Stack)
	}
	t.shown[id], t.path[id] = true, true
	for _, next := range i.WaitsFor {
		if t.tasks[next] != nil {
			t.show(next, depth+1)
		}
	}
	delete(t.path, id)
}

func (l *Loop) counters() Counters {
	return Counters{
		Steps:     uint64(l.steps),
		Made:      l.tasks.made,
		Ended:     l.tasks.made - uint64(l.tasks.live),
		Cancelled: l.tasks.cancelled,
		Lost:      l.unseen.told,
		Lag:       slices.Clone(l.timers.lag[:]),
	}
}
