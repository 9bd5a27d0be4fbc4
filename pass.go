package aio

import (
	"time"

	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/poll"
)

// How long a busy loop goes on before it reads the clock, and before it looks at its descriptors.
const (
	clockEvery = 16
	pollEvery  = 61
	pollAfter  = 50 * time.Microsecond
)

// RunForever runs the loop until Stop. It panics if the loop is closed or running. asyncio: run_forever.
func (l *Loop) RunForever() {
	l.start("Loop.RunForever")
	defer l.finishRun()
	for {
		l.pass()
		if l.stopping {
			l.stopping = false
			return
		}
	}
}

// Stop ends the run of the loop after the present pass, or the next one after a single pass if it does not run. Loop only. asyncio: stop.
func (l *Loop) Stop() { l.stopping = true }

func (l *Loop) start(op string) {
	if l.closed {
		panic(misuse(op, "the loop is closed; make a new one"))
	}
	if l.running.Load() {
		panic(misuse(op, "the loop is running already; to wait for something from inside, await it; from another goroutine use Submit"))
	}
	if insideLoop() {
		panic(misuse(op, "another loop is running on this goroutine; await instead, or use a goroutine of its own"))
	}
	l.takeOver()
}

// takeOver makes the calling goroutine the one that runs the loop.
func (l *Loop) takeOver() {
	l.running.Store(true)
	l.g.Store(goid.Get())
	if !goid.Fast {
		l.slowG.Store(goid.Slow())
	}
}

func (l *Loop) finishRun() {
	l.setCurrent(nil)
	l.left = 0
	l.g.Store(0)
	l.slowG.Store(0)
	l.running.Store(false)
}

// pass is one round: collect what has become ready, wait if nothing has, then run what is ready now.
func (l *Loop) pass() {
	l.collect()
	l.left = l.ready.Len()
	for l.left > 0 {
		l.left--
		l.steps++
		if l.chooser != nil {
			l.ready.RemoveAt(l.choose(ChooseReady, l.left+1)).run()
			continue
		}
		l.ready.Pop().run()
	}
}

// collect puts into the ready queue, behind what is there, calls from other goroutines, then descriptors that became ready, then timers
// that are due. If the queue is empty it waits for the first of these.
func (l *Loop) collect() {
	if l.posted.Load() {
		l.takePosts()
	}
	if l.ready.Len() == 0 && !l.stopping {
		l.idle()
		return
	}
	if l.watches.live > 0 && l.pollDue() {
		l.look(0)
	}
	if l.timers.Len() > 0 && (l.clockDue || l.clock != nil || l.stopping || l.steps-l.clockStep >= clockEvery) {
		l.readTimers()
	}
}

func (l *Loop) readTimers() int64 {
	now := l.now()
	l.clockStep, l.clockDue = l.steps, false
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
		wait := time.Duration(-1)
		if when, ok := l.nextTimer(); ok {
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
		l.look(wait)
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
	return l.clock.Advance(l.epoch.Add(time.Duration(when)))
}

// ioGrace is how long a clock that makes its own time waits for descriptors before it jumps.
const ioGrace = 20 * time.Millisecond

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
