package aio

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/unclosed"
)

// ending is the part of a loop that ends it.
type ending struct {
	onShutdown, onClose hooks
	limits              shutdownLimits
	closing             bool   // Close is under way, or has returned
	left                int    // if > 0, the loop stops when this many tasks have ended
	last                uint32 // the highest id of these tasks
}

// WithShutdown sets how Run ends the tasks that main left behind. First it lets them continue for
// at most drain. Then it cancels them and waits for at most grace. Tasks that still run are ended
// at their awaits and reported. Defaults: 0 and 10 s.
func WithShutdown(drain, grace time.Duration) Option {
	return option(func(l *Loop) { l.ending.limits = shutdownLimits{drain, grace} })
}

type shutdownLimits struct{ drain, grace time.Duration }

var defaultLimits = shutdownLimits{drain: 0, grace: 10 * time.Second}

// hooks are functions to call when the loop ends, the last one added first.
type hooks struct{ fns []*func() }

func (h *hooks) add(op string, fn func()) (remove func()) {
	mustHave(op, fn != nil)
	p := &fn
	h.fns = append(h.fns, p)
	return func() {
		for i := len(h.fns) - 1; i >= 0; i-- {
			if h.fns[i] == p {
				h.fns = append(h.fns[:i], h.fns[i+1:]...)
				return
			}
		}
	}
}

// call calls the functions as callbacks of l: a panic is reported, and the next function is called.
func (h *hooks) call(l *Loop) {
	for len(h.fns) > 0 {
		last := len(h.fns) - 1
		fn := *h.fns[last]
		h.fns = h.fns[:last]
		(&Handle{loop: l, fn: fn}).run()
	}
}

// OnShutdown makes Run, or Runner.Close, call fn when it begins to end the loop, before any task is
// cancelled. Servers stop accepting here. The returned function removes fn.
func (l *Loop) OnShutdown(fn func()) (remove func()) {
	l.MustBeHere("Loop.OnShutdown")
	return l.ending.onShutdown.add("Loop.OnShutdown", fn)
}

// OnClose makes Close call fn when all tasks have ended. Connections and descriptors are released
// here. Callbacks that fn schedules with CallSoon still run. The returned function removes fn.
func (l *Loop) OnClose(fn func()) (remove func()) {
	l.MustBeHere("Loop.OnClose")
	return l.ending.onClose.add("Loop.OnClose", fn)
}

// shutdown ends the remaining tasks, in phases of limited length.
func (l *Loop) shutdown() {
	l.takeOver()
	defer l.finishRun()
	l.ending.onShutdown.call(l)
	if l.tasks.live > 0 && l.ending.limits.drain > 0 {
		phase := l.beginPhase(l.ending.limits.drain)
		for l.tasks.live > 0 && phase.outlast(l.tasks.all()) {
		}
		phase.limit.Cancel()
	}
	if l.tasks.live == 0 {
		return
	}
	if l.debug.Load() {
		l.tellCutOff()
	}
	req := &cancellation{CancelledError: CancelledError{
		Cause: errors.New("the loop is shutting down"),
		by:    "the end of Run",
	}}
	phase := l.beginPhase(l.ending.limits.grace)
	for more := true; more && l.tasks.live > 0; { // again if cancelled tasks have started new ones
		left := l.tasks.all()
		seen := l.inOne()
		for _, t := range left {
			t.scope.cancel(req)
		}
		seen()
		more = phase.outlast(left)
		for _, t := range left {
			if t.state == failed && t.flags&observed == 0 {
				if t.rare != nil {
					l.unseen.keep(t.rare.panic)
				}
				told := t.rare != nil && t.rare.lost != nil && t.rare.lost.told
				if t.observe(); !told {
					l.report(t.report("a task failed during shutdown", t.err))
				}
			}
		}
	}
	phase.limit.Cancel()
}

// tellCutOff reports the tasks of the program that the end of Run cancels while they are at work.
// Those of the library end with what they belong to.
func (l *Loop) tellCutOff() {
	var names []string
	for _, t := range l.tasks.all() {
		frame, _ := runtime.CallersFrames([]uintptr{t.code() + 1}).Next()
		if t.scope.cancelled.Load() != nil || unclosed.Ours(frame) {
			continue
		}
		name := t.shownName()
		if site := t.site(); site != "" {
			name += " (" + site + ")"
		}
		names = append(names, name)
	}
	const most = 10
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	if len(names) > 0 {
		l.report(Report{Warning: true, Message: "the end of Run cuts off tasks: " +
			strings.Join(names, ", ") + "; await them, start them in a Group, " +
			"or cancel them before the main function returns"})
	}
}

// shutdownPhase is a part of the shutdown with a time limit.
type shutdownPhase struct {
	loop  *Loop
	limit *TimerHandle
	over  bool
}

func (l *Loop) beginPhase(d time.Duration) *shutdownPhase {
	p := &shutdownPhase{loop: l}
	p.limit = l.CallLater(d, func() { p.over, l.stopping = true, true })
	return p
}

// outlast runs the loop until the given tasks, which must be all there are, have ended. It reports
// whether they ended within the phase. A Stop does not shorten the phase.
func (p *shutdownPhase) outlast(tasks []*taskCore) bool {
	l := p.loop
	l.ending.left, l.ending.last = len(tasks), l.ids
	for l.ending.left > 0 && !p.over {
		l.run()
	}
	l.ending.left, l.stopping = 0, false
	return !p.over
}

// Close closes the loop. It ends the remaining tasks at their awaits, runs their deferred functions
// and reports each task. It releases idle stacks and reports errors that no task has seen.
// Functions called by ToThread get the grace period of [WithShutdown] to return; those that do not
// are reported and keep running. It panics if the loop is running. A second Close does nothing.
// asyncio: close.
func (l *Loop) Close() {
	if l.running.Load() {
		panic(misuse("Loop.Close", "the loop is running; call Stop and close it after the run"))
	}
	if l.closed.Load() || l.ending.closing {
		return
	}
	l.ending.closing = true
	l.hosted = true // no task makes the steps of others any more
	l.takeOver()
	insist(
		func() { l.ending.onShutdown.call(l) },
		l.endTasks,
		func() { l.ending.onClose.call(l) },
		l.runRest,
		l.awaitCalls,
		l.inbox.close,
		l.takePosts,
		l.runRest,
		l.endTasks, // a callback may have made some
		l.release,
		l.unseen.reportAll,
		l.reportCalls,
	)
}

// insist calls the steps in order. If a step panics, or ends the goroutine as t.Fatal does, it is
// called again and the rest is done first. A step must have less to do each time.
func insist(steps ...func()) {
	for i, step := range steps {
		func() {
			done := false
			defer func() {
				if !done {
					insist(steps[i:]...)
				}
			}()
			step()
			done = true
		}()
	}
}

func (l *Loop) release() {
	if l.closed.Load() {
		return
	}
	l.finishRun()
	l.closed.Store(true)
	if l.debug.Load() {
		debugging.Add(-1)
	}
	inspect.Close(&l.entry)
	if l.heir != nil {
		l.bequeath(l.heir)
	}
	l.ready.Clear()
	l.pool.Close()
	l.watches.close()
}

// bequeath gives what is expensive to make to the next loop of the runner.
func (l *Loop) bequeath(heir *Loop) {
	l.pool.GiveTo(&heir.pool)
	l.ready.GiveTo(&heir.ready)
	if l.tasks.live == 0 {
		heir.tasks.slots, l.tasks.slots = l.tasks.slots[:0], nil
	}
	if from, to := l.scheduling, heir.scheduling; from != nil && to != nil {
		to.entries, from.entries = from.entries[:0], nil
	}
}

// runRest runs the ready callbacks and those that they queue, at most 1000 passes of them.
func (l *Loop) runRest() {
	for range 1000 {
		if l.ready.Len() == 0 {
			return
		}
		l.left = l.ready.Len()
		for l.left > 0 {
			l.left--
			l.ready.Pop().run()
		}
	}
}

// endTasks ends the remaining tasks at their awaits. Tasks that their deferred functions create
// never start.
func (l *Loop) endTasks() {
	for l.tasks.live > 0 {
		for _, t := range l.tasks.all() {
			if !t.Done() { // it may have ended with one before it
				l.endTask(t)
			}
		}
	}
}

func (l *Loop) endTask(t *taskCore) {
	request := CancelledError{Cause: ErrLoopClosed, by: "Loop.Close"}
	t.scope.cancel(&cancellation{CancelledError: request})
	if t.state == created {
		t.flags |= observed
		t.finish(cancelled, &t.scope.cancelled.Load().CancelledError)
		l.report(t.report("the loop was closed before a task could start", nil))
		return
	}
	for w := t.worker; !t.Done(); { // more than once if deferred functions wait, too
		w.forced = true
		w.wait.phase = queued
		l.setCurrent(w)
		w.stack.Resume()
		l.setCurrent(nil)
		l.pool.Bury()
	}
}
