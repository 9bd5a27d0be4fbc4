package aio

import (
	"context"

	"github.com/aio-go/aio/internal/safetext"
)

// Cancel requests the end of a task or future, and reports whether it had not ended yet. It does
// not wait: await the task to know when it has ended. A second request changes nothing. After the
// end Cancel does nothing: an error or panic that was not seen is still reported, so defer
// task.Cancel(nil) hides nothing. asyncio: cancel.
//
// A future is cancelled at once. Tasks that await it get a [*CancelledError] with the cause.
//
// A task gets the request at its current or next await, which returns a [*CancelledError]. That
// error has the cause (which may be nil), the origin and the place of the request. If the task is
// the only one that waits for another task, a future or a Gather, those are cancelled first. A task
// that has not started never runs. Afterwards every await with the task's context that has to wait
// fails. Cleanup that awaits uses [context.WithoutCancel].
func (c *core) Cancel(cause error) bool {
	if c.loop == nil {
		return false
	}
	if c.Done() {
		c.loop.MustBeHere("Cancel")
		return false
	}
	c.loop.mustBeHere("Cancel")
	return c.cancelWith(c.loop.cancellation(cause, callerPC(0)))
}

func (c *core) cancelWith(req *cancellation) bool {
	if c.Done() {
		return false
	}
	if t := c.self.asTask(); t != nil {
		if req.timeout != nil { // the time-out was the waiting task's: this task is cancelled
			req = &cancellation{CancelledError: req.CancelledError, when: req.when}
		}
		t.scope.cancel(req)
	} else {
		c.settle(cancelled, &req.CancelledError)
	}
	return true
}

// cancellation returns a request whose origin is the running task.
func (l *Loop) cancellation(cause error, pc uintptr) *cancellation {
	c := &cancellation{CancelledError: CancelledError{Cause: cause, pc: pc}}
	if w := l.current; w != nil {
		c.id = w.task.id
		if name := w.task.scope.name(); name != "" {
			c.by = "task " + safetext.Message(name)
		}
	}
	return c
}

// cancel cancels the scope and all scopes below it. First the cancellation becomes visible, then
// the waits under it end.
func (s *scope) cancel(c *cancellation) {
	if c.when == 0 {
		c.when = s.task.loop.clock.stamp()
	}
	if !s.cancelled.CompareAndSwap(nil, c) {
		return
	}
	if l := s.task.loop; l.rec.beside.Load() != nil {
		l.recordCancel(s)
	}
	s.spread(c)
	if w := s.task.worker; w != nil && w.task == s.task && w.inner == s {
		w.wait.blockCancelled(c)
	}
}

// contextEnded is what the context of a task ends with whose work is done.
var contextEnded = &cancellation{given: context.Canceled, when: 1}

// end ends the context of a task that is about to return, for those who keep it. That is no
// cancellation: the outcome of the task does not change.
func (s *scope) end() {
	if s.cancelled.CompareAndSwap(nil, contextEnded) {
		s.spread(contextEnded)
	}
}

// spread makes the cancellation of s known to the standard library, to the scopes below, and to the
// waits under it.
func (s *scope) spread(c *cancellation) {
	if n := s.node.Load(); n != nil {
		n.cancel(c.cause())
		if l := s.task.loop; len(l.foreign) > 0 && l.onLoop() {
			defer l.inOne()()
		}
	}
	if m := s.more; m != nil {
		for _, kid := range m.kids {
			if kid.cancelled.Load() == nil {
				kid.cancel(c.through(kid.more.op, kid.more.pc))
			}
		}
		waits := m.waits
		m.waits = nil
		for _, p := range waits {
			p.more.scope = nil
			p.cancel(c)
		}
	}
}
