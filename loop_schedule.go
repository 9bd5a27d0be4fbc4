package aio

import (
	"runtime"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/poll"
)

// How long a busy loop continues before it polls its descriptors, looks for deadlocks and yields to
// the runtime's scheduler.
const (
	pollEvery  = 61
	pollAfter  = 50 * time.Microsecond
	checkEvery = 4096
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

// parker is a poller that knows whether its last Wait parked the goroutine.
type parker interface{ Parked() bool }

// breathe yields to the runtime's scheduler.
func (l *Loop) breathe() {
	runtime.Gosched()
	l.countBreaths()
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
	if l.debug.Load() || l.watcher {
		defer l.watchdog()()
	}
	l.run()
}

// Stop ends the run of the loop after the current pass. If the loop is not running, the next run
// ends after one pass. asyncio: stop.
func (l *Loop) Stop() { l.stopping = true }

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
		panic(misuse(op, "another loop is running on this goroutine; "+
			"await instead, or use another goroutine"))
	}
}

// takeOver makes the calling goroutine the one that runs the loop.
func (l *Loop) takeOver() {
	l.running.Store(true)
	runningLoops.Add(1)
	l.g.Store(goid.Self())
	l.countBreaths()
}

func (l *Loop) finishRun() {
	runningLoops.Add(-1)
	l.setCurrent(nil)
	l.left = 0
	l.g.Store(0)
	l.running.Store(false)
	l.rested = true
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
				r.run()
				continue
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
				l.setCurrent(w)
				return true
			}
			continue
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
			l.setCurrent(w)
			return w.stack
		}
	}
	return nil
}

// collect appends to the ready queue the posts of other goroutines, then ready descriptors, then
// due timers. If the queue is empty it waits for the first of these.
func (l *Loop) collect() {
	l.setCurrent(nil)
	if l.posted.Load() {
		l.takePosts()
	}
	if len(l.foreign) > 0 && (l.chooser != nil || l.clock != nil) {
		l.lookAtForeign()
	}
	if l.ready.Len() == 0 && !l.stopping {
		l.idle()
		return
	}
	if l.watches.live > 0 && l.pollDue() {
		l.look(0)
	}
	if l.steps-l.deadlock.asked >= checkEvery {
		l.rested = true
		l.findCycles()
	}
	if l.timers.Len() > 0 {
		l.readTimers()
	}
}

func (l *Loop) readTimers() int64 {
	now := l.now()
	l.fireTimers(now)
	return now
}

// pollDue reports whether a busy loop should poll its descriptors.
func (l *Loop) pollDue() bool {
	if l.steps-l.pollStep >= pollEvery {
		return true
	}
	return l.now()-l.lastPoll >= int64(pollAfter)
}

// idle waits until an entry is ready.
func (l *Loop) idle() {
	if s := l.scheduling; s != nil {
		s.arrived(l, 0)
		s.now = EntryKey{} // what comes now comes from outside, or of a deadlock
	}
	for {
		again := l.findCycles()
		if l.ready.Len() > 0 {
			return
		}
		wait := time.Duration(-1)
		when, timed := l.nextTimer()
		if !timed && l.stuck(false) {
			return
		}
		if timed {
			now := l.readTimers()
			if l.ready.Len() > 0 {
				if l.watches.live > 0 {
					l.look(0)
				}
				return
			}
			wait = time.Duration(when - now)
			if l.clock != nil && l.advance(when) {
				continue
			}
			if l.expected.Load() > 0 && l.clock != nil {
				wait = -1
			}
		}
		if again >= 0 && (wait < 0 || again < wait) {
			wait = again
		}
		if !timed && l.canBeStuck() {
			begin := time.Now()
			if l.look(l.silence); time.Since(begin) >= l.silence && l.stuck(true) {
				return
			}
		} else {
			l.look(wait)
		}
		if l.posted.Load() {
			l.takePosts()
		}
		if l.timers.Len() > 0 {
			l.readTimers()
		}
		if l.ready.Len() > 0 {
			return
		}
	}
}

// advance lets a virtual clock jump to the next timer, unless a post or an event is on its way.
func (l *Loop) advance(when int64) bool {
	if l.expected.Load() > 0 || l.posted.Load() {
		return false
	}
	if l.watches.live > 0 { // descriptors follow real time: wait for them a moment
		if l.look(ioGrace); l.ready.Len() > 0 || l.posted.Load() {
			return true
		}
	}
	for range sourceTurns { // so do goroutines; on a busy machine they need several turns
		if l.sources.Load() == 0 {
			break
		}
		if l.look(sourceGrace); l.ready.Len() > 0 || l.posted.Load() {
			return true
		}
	}
	return l.clock.Advance(l.epoch.Add(time.Duration(when)))
}

// ioGrace is how long a virtual clock waits for descriptors before it jumps.
const ioGrace = 20 * time.Millisecond

// How long, and how often, it waits for goroutines that may post.
const (
	sourceGrace = 5 * time.Millisecond
	sourceTurns = 8
)

// look waits for a descriptor or a post, for at most d, or without limit if d < 0.
func (l *Loop) look(d time.Duration) {
	if l.poller != nil {
		l.lookAtDescriptors(d)
		return
	}
	if d == 0 {
		return
	}
	l.sleeping.Store(true)
	if l.posted.Load() {
		l.sleeping.Store(false)
		return
	}
	if d < 0 {
		<-l.wake
	} else {
		if l.idleTimer == nil {
			l.idleTimer = time.NewTimer(d)
		} else {
			l.idleTimer.Reset(d)
		}
		select {
		case <-l.wake:
			l.idleTimer.Stop()
		case <-l.idleTimer.C:
		}
	}
	l.sleeping.Store(false)
	l.rested = true
}

func (l *Loop) lookAtDescriptors(d time.Duration) {
	if d != 0 {
		l.sleeping.Store(true)
		if l.posted.Load() {
			d = 0
		}
	}
	n, err := l.poller.Wait(l.pollBuf, d)
	l.sleeping.Store(false)
	if err != nil {
		panic(misuse("Loop", "the poller failed: "+err.Error()))
	}
	l.pollStep, l.lastPoll = l.steps, l.now()
	if d != 0 && l.parker != nil && l.parker.Parked() {
		l.breaths.last = l.steps
	}
	l.dispatch(l.pollBuf[:n])
}

func (l *Loop) dispatch(events []poll.Event) {
	for len(events) > 0 {
		i := l.choose(ChooseEvent, len(events))
		l.watches.ready(l, events[i])
		if i > 0 {
			copy(events[1:i+1], events[:i])
		}
		events = events[1:]
	}
}

// Choice is a kind of decision that a loop makes.
type Choice uint8

const (
	ChooseReady Choice = iota // which of n entries of the ready queue is next
	ChooseTimer               // which of n timers with the same deadline is first
	ChooseEvent               // which of n events of descriptors is handled first
	ChoosePost                // which of n calls from other goroutines is taken first
)

func (c Choice) String() string {
	return [...]string{"ready", "timer", "event", "post"}[c]
}

// Chooser makes the decisions that order a program. A test can use it to try the possible orders
// and to repeat one that fails. A loop without a chooser is FIFO.
type Chooser interface {
	// Choose returns a number from 0 to n-1. A loop without a chooser takes 0. n is at least 2.
	Choose(what Choice, n int) int
}

func (l *Loop) choose(what Choice, n int) int {
	if l.chooser == nil || n < 2 {
		return 0
	}
	i := l.chooser.Choose(what, n)
	if i < 0 || i >= n {
		l.chooser = nil // the loop has to be shut down without it
		panic(misuse("Chooser.Choose", "the answer is not between 0 and n-1; correct the chooser"))
	}
	return i
}
