package aio

import "github.com/aio-go/aio/internal/safetext"

// Cancel asks for an end, and reports whether it was still possible.
//
// A future is cancelled at once; those who wait for it get a [*CancelledError] with the cause.
//
// A task gets the request at the await that it is in, or comes to next: that await returns a [*CancelledError] with the cause (which may be
// nil) and with who asked and where. If it waits for another task, a future or a gather, and is the only one to, the request goes on to
// that. A task that has not started never will. From then on every await with the task's context that has to wait fails; cleanup that has to await uses
// [context.WithoutCancel]. Cancel does not wait: await the task to know its end. A second request changes nothing, nor does a request
// that comes after the end: an error or a panic that nobody has seen is still reported, so that defer task.Cancel(nil) hides nothing.
//
// Loop only. asyncio: cancel.
func (c *core) Cancel(cause error) bool {
	if c.loop == nil {
		return false
	}
	if c.Done() {
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
		if req.timeout != nil { // the time was that of whoever passes the request on; the task is cancelled
			req = &cancellation{CancelledError: req.CancelledError, when: req.when}
		}
		t.scope.cancel(req)
	} else {
		c.settle(cancelled, &req.CancelledError)
	}
	return true
}

// cancellation makes a request on behalf of whoever runs on the loop.
func (l *Loop) cancellation(cause error, pc uintptr) *cancellation {
	c := &cancellation{CancelledError: CancelledError{Cause: cause, pc: pc}}
	if w := l.current.Load(); w != nil {
		c.id = w.task.id
		if name := w.task.scope.name(); name != "" {
			c.by = "task " + safetext.Message(name)
		}
	}
	return c
}

// cancel cancels the scope and all below it: first everybody who looks sees it, then the tasks that wait under it are woken.
func (s *scope) cancel(c *cancellation) {
	if c.when == 0 {
		c.when = s.task.loop.stamp()
	}
	if !s.cancelled.CompareAndSwap(nil, c) {
		return
	}
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
	if w := s.task.worker; w != nil && w.task == s.task && w.inner == s {
		w.wait.blockCancelled(c)
	}
}
