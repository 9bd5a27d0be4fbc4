package aio

import (
	"runtime"
	"time"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/poll"
)

// How long a busy loop goes on before it looks at its descriptors, for deadlocks, and lets the scheduler in.
const (
	pollEvery  = 61
	pollAfter  = 50 * time.Microsecond
	checkEvery = 4096
)

// breaths counts the steps since the scheduler of the runtime had its turn. A switch between coroutines never enters
// it, so with one processor other goroutines and the garbage collector would have to wait until the runtime preempts the
// loop. Gosched wakes a thread that is idle, each time, to see whether there is more to do. So it is called only where
// the loop has not been parked for long, and rarely where other processors take what is ready.
type breaths struct {
	last  uint // steps at the last one
	after uint // how many steps later the next one is due
}

const (
	breatheAlone = 256  // steps, with one processor
	breatheAmong = 4096 // with several
)

// parker is a poller that knows whether its last Wait has parked the goroutine.
type parker interface{ Parked() bool }

// breathe lets the scheduler in.
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

// RunForever runs the loop until Stop. It panics if the loop is closed or running. asyncio: run_forever.
func (l *Loop) RunForever() {
	l.start("Loop.RunForever")
	defer l.finishRun()
	if l.debug.Load() || l.watcher {
		defer l.watchdog()()
	}
	l.run()
}

// Stop ends the run of the loop after the present pass, or the next one after a single pass if it does not run. Loop only. asyncio: stop.
func (l *Loop) Stop() { l.stopping = true }

func (l *Loop) start(op string) {
	l.mustBeIdle(op)
	l.takeOver()
}

// mustBeIdle panics if the loop, or another one on this goroutine, is running, or if it is closed.
func (l *Loop) mustBeIdle(op string) {
	if l.closed.Load() {
		panic(misuse(op, "the loop is closed; make a new one"))
	}
	if l.running.Load() {
		panic(misuse(op, "the loop is running already; to wait for something from inside, await it; from another goroutine use Submit"))
	}
	if insideLoop() {
		panic(misuse(op, "another loop is running on this goroutine; await instead, or use a goroutine of its own"))
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

// run makes passes until Stop. A pass is one round: collect what has become ready, wait if nothing has, then run what is ready now.
//
// The step of a task is spelled out here, because a function around the switch would cost more than what it does; see coro.Stack.
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
				r = l.ready.RemoveAt(l.choose(ChooseReady, l.left+1))
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

// handOver is called by a task that is about to wait. It makes the steps of the tasks that are next in line from this task's stack, which
// saves a switch to the loop and back for each, and returns true if that way the turn came round to the task itself: it then goes on
// without having left. Otherwise the task has to suspend. Only one task at a time does this, and only for tasks: callbacks run on the loop's
// own stack, and so does waiting. The order is that of run.
func (l *Loop) handOver(w *worker) bool {
	if w.threadLocked() {
		w.refuseLock()
	}
	if l.hosted || l.chooser != nil || l.debug.Load() {
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

// stage prepares the next step of a task and returns the stack to resume, nil if there is none to make.
func (l *Loop) stage(t *taskCore) *coro.Stack {
	switch t.state {
	case created:
		if c := t.scope.cancelled.Load(); c != nil { // cancelled before its first step: it never runs
			t.finish(cancelled, &c.CancelledError)
			return nil
		}
		return l.pool.Take((*taskJob)(t))
	case started:
		if w := t.worker; w.wait.phase == queued { // otherwise left over from a wake-up that was not waited for
			l.setCurrent(w)
			return w.stack
		}
	}
	return nil
}

// collect puts into the ready queue, behind what is there, calls from other goroutines, then descriptors that became ready, then timers
// that are due. If the queue is empty it waits for the first of these.
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

// pollDue says whether a busy loop should look at its descriptors.
func (l *Loop) pollDue() bool {
	if l.steps-l.pollStep >= pollEvery {
		return true
	}
	return l.now()-l.lastPoll >= int64(pollAfter)
}

// idle waits until something is ready.
func (l *Loop) idle() {
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

// advance lets a clock that makes its own time jump to the next timer, unless something is on its way from outside.
func (l *Loop) advance(when int64) bool {
	if l.expected.Load() > 0 || l.posted.Load() {
		return false
	}
	if l.watches.live > 0 { // descriptors know nothing of this clock: give them a moment of real time
		if l.look(ioGrace); l.ready.Len() > 0 || l.posted.Load() {
			return true
		}
	}
	for range sourceTurns { // nor do goroutines; on a busy machine they need several turns to be heard
		if l.sources.Load() == 0 {
			break
		}
		if l.look(sourceGrace); l.ready.Len() > 0 || l.posted.Load() {
			return true
		}
	}
	return l.clock.Advance(l.epoch.Add(time.Duration(when)))
}

// ioGrace is how long a clock that makes its own time waits for descriptors before it jumps.
const ioGrace = 20 * time.Millisecond

// The same for goroutines that may post.
const (
	sourceGrace = 5 * time.Millisecond
	sourceTurns = 8
)

// look waits for at most d, or without end if d < 0, for a descriptor or a post.
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

// Chooser makes the decisions that order a program, so that a test can go through the possible orders and repeat the one that fails.
// Production loops have none: everything is first in, first out.
type Chooser interface {
	// Choose returns a number from 0 to n-1; 0 is what a loop without chooser would take. n is at least 2.
	Choose(what Choice, n int) int
}

func (l *Loop) choose(what Choice, n int) int {
	if l.chooser == nil || n < 2 {
		return 0
	}
	i := l.chooser.Choose(what, n)
	if i < 0 || i >= n {
		l.chooser = nil // the loop has to be shut down without it
		panic(misuse("Chooser.Choose", "the answer is not between 0 and n-1"))
	}
	return i
}
