package aio

import (
	"errors"
	"time"
)

// hooks are functions to be called at an end, the last one added first.
type hooks struct{ fns []*func() }

func (h *hooks) add(fn func()) (remove func()) {
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

func (h *hooks) call() {
	for len(h.fns) > 0 {
		last := len(h.fns) - 1
		fn := *h.fns[last]
		h.fns = h.fns[:last]
		fn()
	}
}

// OnShutdown has fn called when Run, or Runner.Close, begins to end the loop, before any task is cancelled: this is where servers stop
// accepting. The function it returns takes fn back. Loop only.
func (l *Loop) OnShutdown(fn func()) (remove func()) { return l.hooks[0].add(fn) }

// OnClose has fn called by Close when all tasks have ended: this is where connections and descriptors are released. What it schedules with
// CallSoon is still run. The function it returns takes fn back. Loop only.
func (l *Loop) OnClose(fn func()) (remove func()) { return l.hooks[1].add(fn) }

// shutdown ends the tasks that are left, in phases of bounded length.
func (l *Loop) shutdown() {
	l.hooks[0].call()
	if l.tasks.live == 0 {
		return
	}
	if l.deadline.drain > 0 {
		l.runWhileTasks(l.deadline.drain)
	}
	req := &cancellation{CancelledError: CancelledError{Cause: errors.New("the loop is shutting down"), by: "the end of Run"}}
	left := l.tasks.all()
	for _, t := range left {
		t.scope.cancel(req)
	}
	l.runWhileTasks(l.deadline.grace)
	for _, t := range left {
		if t.state == failed && t.flags&observed == 0 {
			t.observe()
			l.report(Report{Message: "a task failed during shutdown", Err: t.err, TaskName: t.Name(), Site: t.core.site()})
		}
	}
}

// runWhileTasks runs the loop until all tasks have ended, for at most d.
func (l *Loop) runWhileTasks(d time.Duration) {
	if l.tasks.live == 0 {
		return
	}
	limit := l.CallLater(d, func() { l.stopping = true })
	l.start("shutdown")
	l.untilNone = true
	l.run()
	l.untilNone = false
	l.finishRun()
	limit.Cancel()
}

// Close ends the loop: tasks that are left are ended at the await that they are in, their deferred functions run, and each is reported;
// idle stacks are given up, errors that nobody has seen are reported. It panics if the loop is running. A second Close does nothing. It
// always returns nil. asyncio: close.
func (l *Loop) Close() error {
	if l.running.Load() {
		panic(misuse("Loop.Close", "the loop is running; call Stop and close it after it has ended"))
	}
	if l.closed || l.closing {
		return nil
	}
	l.closing = true
	l.takeOver()
	l.endTasks()
	l.hooks[0].call()
	l.hooks[1].call()
	l.runRest()
	l.mu.Lock()
	l.postsShut = true
	l.mu.Unlock()
	l.takePosts()
	l.runRest()
	l.endTasks() // a callback may have made one
	l.finishRun()
	l.closed = true
	l.ready.Clear()
	l.pool.Close()
	if l.poller != nil {
		l.poller.Close()
	}
	for _, x := range l.lost {
		x.run()
	}
	l.lost = nil
	return nil
}

// runRest runs the callbacks that are ready, and those that they queue, up to a bound.
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

// endTasks ends the tasks that are left where they are.
func (l *Loop) endTasks() {
	for _, t := range l.tasks.all() {
		if t.Done() {
			continue // it ended with one before it
		}
		l.endTask(t)
	}
}

func (l *Loop) endTask(t *taskCore) {
	if t.scope.cancelled.Load() == nil {
		t.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: ErrLoopClosed, by: "Loop.Close"}})
	}
	if t.state == created {
		l.report(Report{Message: "the loop was closed before a task could start", TaskName: t.Name(), Site: t.core.site()})
		t.flags |= observed
		t.finish(cancelled, &t.scope.cancelled.Load().CancelledError)
		return
	}
	w := t.worker
	w.forced = true
	w.park.state = queued
	l.setCurrent(w)
	w.stack.Resume()
	l.setCurrent(nil)
	l.pool.Bury()
}
