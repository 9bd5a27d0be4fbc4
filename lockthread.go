package aio

import (
	"errors"
	"runtime"

	"github.com/aio-go/aio/internal/goid"
)

// A coroutine that suspends under another thread lock than it was made under ends the process, and no handler is asked. So the loop looks
// before each switch, gives the thread back and turns the mistake into a panic of the task.

var errThreadLocked = errors.New("aio: the task that waited was locked to its thread")

// threadLocked reports whether the task on w has called runtime.LockOSThread and not taken it back.
func (w *worker) threadLocked() bool { return goid.Locked(w.g) != w.locked }

// refuseLock panics on behalf of a task that is about to wait while it is locked to its thread.
func (w *worker) refuseLock() {
	p := &w.wait
	op := p.op
	w.giveThreadBack()
	p.evict(errThreadLocked)
	p.drop()
	panic(misuse(op, "runtime.LockOSThread is in force, and a task that waits cannot keep its thread; "+
		"call UnlockOSThread before, or do what needs the thread in ToThread"))
}

// returnedLocked reports a task that has ended while it was locked to its thread.
func (w *worker) returnedLocked(t *taskCore) {
	w.giveThreadBack()
	t.loop.report(t.report("a task ended while runtime.LockOSThread was in force; call UnlockOSThread, or do what needs the thread in ToThread", nil))
}

func (w *worker) giveThreadBack() {
	for w.threadLocked() && !w.locked {
		runtime.UnlockOSThread()
	}
}
