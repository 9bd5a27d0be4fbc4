package aio

import (
	"sync/atomic"
	"time"

	"github.com/aio-go/aio/internal/flight"
)

// recording is the part of a loop that records what it does, for package recorder. While it is off
// it costs a branch where something other than the current task runs.
type recording struct {
	ring  *flight.Recorder // nil: off
	now   uint32           // the number of the event that is under way: the cause of others
	began bool             // a task's begin is looked at, see watchBegins

	hooks  flight.Hooks
	begins []func(loop any)                // of options, until NewLoop calls them
	replay func() string                   // how to run this once more; nil: unknown
	last   uint64                          // the end of the ring before this one
	beside atomic.Pointer[flight.Recorder] // the ring, for other goroutines
}

func init() {
	flight.Option = func(fn func(loop any)) any {
		return option(func(l *Loop) { l.rec.begins = append(l.rec.begins, fn) })
	}
	flight.Record = func(loop any, n int, hooks *flight.Hooks) { loop.(*Loop).record(n, hooks) }
	flight.Of = func(loop any) *flight.Recorder { return loop.(*Loop).recordingBeside() }
	flight.About = func(loop any) flight.Info { return loop.(*Loop).about() }
	flight.Replay = func(loop any, fn func() string) { loop.(*Loop).rec.replay = fn }
}

// record begins a recording of n events, or ends it if n is 0.
func (l *Loop) record(n int, hooks *flight.Hooks) {
	r := &l.rec
	if r.ring != nil {
		r.last = r.ring.End()
	}
	r.ring, r.now = nil, 0
	if n > 0 {
		now := func() int64 { return int64(time.Since(l.clock.epoch)) }
		if l.clock.isGiven() {
			now = l.clock.stamp
		}
		begin := int64(0)
		if !l.clock.epoch.IsZero() { // otherwise the loop is being made
			begin = now()
		}
		r.ring = flight.New(n, r.last, begin, now, l.clock.isGiven())
		for _, t := range l.tasks.slots {
			if t != nil {
				l.recordName(t)
			}
		}
	}
	if hooks != nil {
		r.hooks = *hooks
	}
	r.beside.Store(r.ring)
	l.watchBegins()
}

// watchBegins decides whether a task's begin is looked at.
func (l *Loop) watchBegins() {
	l.rec.began = l.rec.ring != nil || l.rec.hooks.Began != nil || l.watchdog.notes
}

// about describes the loop to those who read its recording. Any goroutine.
func (l *Loop) about() flight.Info {
	i := flight.Info{Number: l.entry.Running(), Epoch: l.clock.epoch, Virtual: l.clock.isGiven()}
	if l.rec.replay != nil && l.onLoop() {
		i.Replay = l.rec.replay()
	}
	return i
}

// recordingBeside returns the ring, for any goroutine. The loop shows all events to itself.
func (l *Loop) recordingBeside() *flight.Recorder {
	r := l.rec.beside.Load()
	if r != nil && l.onLoop() {
		r.Show()
	}
	return r
}

func (l *Loop) recordName(t *taskCore) {
	if name := t.scope.name(); name != "" {
		l.rec.ring.Name(t.id, name)
	}
}

// renamed is called when a task has got another name, and somebody looks at the loop.
func (l *Loop) renamed(t *taskCore) {
	if w := t.worker; w != nil && l.watchdog.notes {
		w.note(t)
	}
	if l.rec.ring != nil {
		l.recordName(t)
	}
}

// recordMade records a new task, whose function has the given code.
func (l *Loop) recordMade(t *taskCore, code uintptr) {
	if t.scope.facts.Load() != nil {
		l.recordName(t)
	}
	l.rec.ring.Put(flight.Event{
		What: flight.Made.With(0), Task: t.id, Cause: l.rec.now, Arg: flight.Place(code)})
}

// switchTo makes the task on w, which goes on, the current one.
func (l *Loop) switchTo(w *worker) {
	l.changeCurrent(w)
	if r := l.rec.ring; r != nil {
		e := flight.Event{
			What: flight.Step.With(r.Op(w.wait.op)), Task: w.task.id, Cause: w.wait.cause}
		if r.Brisk() {
			l.rec.now = r.Next()
			r.Put(e)
		} else {
			l.rec.now = r.Run(e)
		}
	}
}

// recordBack records that the task on w goes on after another one has taken its first step inside.
func (l *Loop) recordBack(w *worker) {
	r := l.rec.ring
	l.rec.now = r.Run(flight.Event{
		What: flight.Step.With(r.Op("CreateTask")), Task: w.task.id, Cause: l.rec.now})
}

// begin is called before the first step of the task on w, if somebody looks at that.
func (l *Loop) begin(w *worker, t *taskCore) {
	if r := l.rec.ring; r != nil {
		e := flight.Event{What: flight.Start.With(0), Task: t.id}
		if r.Brisk() {
			l.rec.now = r.Next()
			r.Put(e)
		} else {
			l.rec.now = r.Run(e)
		}
	}
	if l.watchdog.notes {
		w.note(t)
	}
	if f := l.rec.hooks.Began; f != nil {
		w.lookedAt().ended = f(t.id, t.shownName())
	}
}

// end is called after the last step of the task on w.
func (w *worker) end() {
	if ended := w.noted.ended; ended != nil {
		w.noted.ended = nil
		ended()
	}
}

// recordEnd records the outcome of a task.
func (l *Loop) recordEnd(t *taskCore, state coreState) {
	l.rec.ring.Put(flight.Event{
		What: flight.End.With(0), Task: t.id, Cause: l.rec.now,
		Arg: flight.Outcome(state - succeeded)})
}

// recordEntry records that an entry of the ready queue other than a task has its turn.
func (l *Loop) recordEntry(r runnable) {
	kind, task, arg := flight.Internal, uint32(0), uint32(0)
	switch r := r.(type) {
	case *Handle:
		kind, arg = flight.Callback, placeOfCallback(r)
	case *Timer:
		kind, arg = flight.Timer, placeOfCallback(&r.handle)
	case *sleepEnd:
		if kind = flight.Timer; r.worker.task != nil {
			task = r.worker.task.id
		}
	case *scopeMore:
		kind, task = flight.Deadline, r.self.task.id
	case *Watch:
		kind, arg = flight.Ready, uint32(r.fd)
	case *Source:
		kind = flight.Ready
	case poster:
		task = r.poster()
	}
	e := flight.Event{What: kind.With(0), Task: task, Arg: arg}
	if ring := l.rec.ring; ring.Brisk() {
		l.rec.now = ring.Next()
		ring.Put(e)
	} else {
		l.rec.now = ring.Run(e)
	}
}

func placeOfCallback(h *Handle) uint32 {
	if h.fn == nil {
		return 0
	}
	return flight.Place(codeOf(h.fn))
}

// recordDue records that timers are due, the first of them late by some nanoseconds.
func (l *Loop) recordDue(late int64) {
	l.rec.ring.Run(flight.Event{
		What: flight.Due.With(0), Arg: uint32(min(late/1000, 1<<32-1))})
}

// recordPosts records that n calls of other goroutines have come.
func (l *Loop) recordPosts(n int) {
	l.rec.ring.Put(flight.Event{What: flight.Posts.With(0), Arg: uint32(n)})
}

// recordWait records that the loop is about to wait. What comes then has its cause outside.
func (l *Loop) recordWait() {
	l.rec.ring.Wait()
	l.rec.now = 0
}

// recordCancel records that a scope is cancelled. Other goroutines may do that; the loop records
// only what it does itself.
func (l *Loop) recordCancel(s *scope) {
	if !l.onLoop() {
		return
	}
	op := ""
	if s != &s.task.scope {
		op = s.more.op
	}
	ring := l.rec.ring
	ring.Put(flight.Event{
		What: flight.Cancel.With(ring.Op(op)), Task: s.task.id, Cause: l.rec.now})
}

// trouble tells the recorder that something has gone wrong. Loop only.
func (l *Loop) trouble(reason string) {
	if l.rec.hooks.Trouble == nil {
		return
	}
	if l.rec.ring != nil {
		l.rec.ring.Show()
	}
	replay := ""
	if l.rec.replay != nil {
		replay = l.rec.replay()
	}
	l.rec.hooks.Trouble(reason, replay)
}

// troubleBeside is trouble for the goroutine of the watchdog.
func (l *Loop) troubleBeside(reason string) {
	if l.rec.hooks.Trouble != nil {
		l.rec.hooks.Trouble(reason, "")
	}
}
