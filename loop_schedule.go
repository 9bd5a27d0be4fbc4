package aio

import (
	"runtime"
	"unsafe"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/prefetch"
)

// breaths counts the steps since the runtime's scheduler had its turn. A switch between coroutines
// never enters it. With one processor, other goroutines and the garbage collector would wait until
// the runtime preempts the loop. But each Gosched wakes an idle thread to look for work. So the
// loop calls it only if it has not parked for long, and rarely if other processors can run what is
// ready.
type breaths struct {
	last  uint // steps at the last one
	after uint // how many steps later the next one is due
}

const (
	breatheAlone = 256  // steps, with one processor
	breatheAmong = 4096 // with several
)

// breathe yields to the runtime's scheduler.
func (l *Loop) breathe() {
	runtime.Gosched()
	l.countBreaths()
	l.watchStacks()
	if l.steps-l.watchdog.steps >= breatheAmong {
		l.watchdog.steps = l.steps
		l.watchdog.moved.Store(l.clock.real())
	}
}

func (l *Loop) countBreaths() {
	l.breaths = breaths{last: l.steps, after: breatheAlone}
	if runtime.GOMAXPROCS(0) > 1 {
		l.breaths.after = breatheAmong
	}
}

// RunForever runs the loop until Stop. It blocks its goroutine. It panics if the loop is closed or
// running. asyncio: run_forever.
func (l *Loop) RunForever() {
	l.start("Loop.RunForever")
	defer l.finishRun()
	if l.debug.Load() || l.watchdog.on {
		defer l.startWatchdog()()
	}
	l.run()
}

// Stop ends the run of the loop after the current pass. If the loop is not running, the next run
// ends after one pass. asyncio: stop.
func (l *Loop) Stop() {
	l.MustBeHere("Loop.Stop")
	l.stopping = true
}

func (l *Loop) start(op string) {
	l.mustBeIdle(op)
	l.takeOver()
}

// mustBeIdle panics if the loop is closed, or if it or another loop is running on this goroutine.
func (l *Loop) mustBeIdle(op string) {
	if l.closed.Load() {
		panic(misuse(op, "the loop is closed; make a new one"))
	}
	if l.running.Load() {
		panic(misuse(op, "the loop is running already; "+
			"await in its tasks, or use Submit on another goroutine"))
	}
	if insideLoop() {
		panic(misuse(op, "another loop is running on this goroutine; "+insteadOfALoop()))
	}
}

// insteadOfALoop says what to do where a loop cannot run because the caller is on another one. In a
// test that decides all steps a further goroutine is no way out: it would have real time, and no
// part in a simulated world.
func insteadOfALoop() string {
	if l := loopHere(); l != nil && l.scheduling != nil {
		return "await the function itself, with the context of your task; " +
			"another goroutine would be outside of the test and of its world"
	}
	return "await instead, or use another goroutine"
}

// takeOver makes the calling goroutine the one that runs the loop.
func (l *Loop) takeOver() {
	l.running.Store(true)
	runningLoops.Add(1)
	l.g.Store(goid.Self())
	l.countBreaths()
	l.watchdog.moved.Store(l.clock.real())
	if l.watchdog.on || l.debug.Load() || inspect.Watched() {
		l.noteAll()
	}
	inspect.Begin(&l.entry, l)
}

func (l *Loop) finishRun() {
	runningLoops.Add(-1)
	inspect.End(&l.entry)
	l.setCurrent(nil)
	l.left = 0
	l.g.Store(0)
	l.running.Store(false)
	l.clock.rested = true
}

// run makes passes until Stop. A pass collects the entries that became ready, waits if there are
// none, and then runs the entries that are ready now.
//
// The step of a task is inlined here, because a function around the switch would cost more than its
// work; see coro.Stack.
func (l *Loop) run() {
	for {
		l.collect()
		l.left = l.ready.Len()
		for l.left > 0 {
			l.left--
			if l.steps++; l.steps-l.breaths.last >= l.breaths.after {
				l.breathe()
			}
			var r runnable
			if l.chooser == nil {
				r = l.ready.Pop()
			} else {
				// the task of the step before may have ended, and the chooser may ask the loop
				l.setCurrent(nil)
				r = l.next()
			}
			if l.debug.Load() {
				l.setCurrent(nil)
				l.timedStep(r)
				continue
			}
			t, ok := r.(*taskCore)
			if !ok {
				l.setCurrent(nil)
				if l.rec.ring != nil {
					l.recordEntry(r)
				}
				r.run()
				continue
			}
			if l.left >= ahead && l.tasks.live >= crowd {
				l.prefetch()
			}
			if s := l.stage(t); s != nil {
				s.Resume()
			}
		}
		if l.pool.Dying() {
			l.pool.Bury()
		}
		if l.stopping {
			l.stopping = false
			return
		}
	}
}

// handOver is called by a task that is about to wait. It runs the steps of the next tasks in line
// from this task's stack, which saves two switches for each. It returns true if the calling task's
// own turn comes that way: the task then resumes without having been suspended. Otherwise the task
// has to suspend. Only one task at a time does this, and only for tasks: callbacks and waits run on
// the loop's own stack. The order is that of run.
func (l *Loop) handOver(w *worker) bool {
	if w.threadLocked() {
		w.refuseLock()
	}
	if l.chooser != nil {
		l.suspends(w)
		return false
	}
	if l.hosted || l.debug.Load() {
		return false
	}
	l.hosted = true
	for {
		if l.left == 0 {
			if l.stopping || l.ready.Len() == 0 || l.pool.Dying() {
				break
			}
			l.collect()
			l.left = l.ready.Len()
		}
		t, ok := l.ready.At(0).(*taskCore)
		if !ok {
			break
		}
		l.ready.Pop()
		l.left--
		if l.steps++; l.steps-l.breaths.last >= l.breaths.after {
			l.breathe()
		}
		if t == w.task {
			if w.wait.phase == queued {
				l.hosted = false
				if l.current != w {
					l.switchTo(w)
				}
				return true
			}
			continue
		}
		if l.left >= ahead && l.tasks.live >= crowd {
			l.prefetch()
		}
		if s := l.stage(t); s != nil {
			s.Resume()
		}
	}
	l.hosted = false
	return false
}

// stage prepares the next step of a task. It returns the stack to resume, or nil if there is no
// step.
func (l *Loop) stage(t *taskCore) *coro.Stack {
	switch t.state {
	case created:
		if c := t.scope.cancelled.Load(); c != nil { // cancelled before its first step
			t.finish(cancelled, &c.CancelledError)
			return nil
		}
		return l.pool.Take((*taskJob)(t))
	case started:
		if w := t.worker; w.wait.phase == queued { // otherwise a stale wake-up
			if l.current != w {
				l.switchTo(w)
			}
			return w.stack
		}
	}
	return nil
}

// A loop with at least crowd tasks begins to load those that are at most ahead places further in
// the pass. The stacks of fewer tasks stay in the cache from step to step.
const (
	crowd = 512
	ahead = 12
)

// prefetch begins to load what the next tasks of the pass need, while other tasks run: the tasks,
// then their workers, then their goroutines, then their stacks, since each is found through the one
// before. Without it the steps of thousands of tasks are mostly waits for memory.
func (l *Loop) prefetch() {
	if t, ok := l.ready.At(ahead - 1).(*taskCore); ok {
		prefetch.Object(unsafe.Pointer(t))
		if s := l.pool.Peek(ahead - 1); s != nil && t.state == created {
			prefetch.Object(unsafe.Pointer(s))
		}
	}
	if w := l.workerAhead(8); w != nil {
		prefetch.Object(unsafe.Pointer(w))
	}
	if w := l.workerAhead(5); w != nil {
		prefetch.Goroutine(w.g)
		prefetch.Object(unsafe.Pointer(w.stack))
	}
	if w := l.workerAhead(2); w != nil {
		prefetch.Stack(w.g)
	}
}

// workerAhead returns the worker of the entry with index i of the ready queue, or nil. For a task
// before its first step it is the worker that the task is most likely to get.
func (l *Loop) workerAhead(i int) *worker {
	t, ok := l.ready.At(i).(*taskCore)
	if !ok {
		return nil
	}
	if t.worker != nil {
		return t.worker
	}
	if s := l.pool.Peek(i); s != nil && t.state == created {
		w, _ := s.Local.(*worker)
		return w
	}
	return nil
}
