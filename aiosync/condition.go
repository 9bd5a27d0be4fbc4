package aiosync

import (
	"context"

	"github.com/aio-go/aio"
)

// Condition lets tasks wait until something has changed that a lock protects. The zero value is a condition with a lock of its own;
// [NewCondition] makes one for a lock that is there already. It must not be copied after first use. Its methods are for the loop only.
// asyncio: Condition.
//
//	task               has the lock    then
//	calls Wait         yes             waits: the lock is released
//	waits              no              notified, or cancelled
//	notified           no              asks for the lock, as any task does, and cannot be cancelled while it stands in line
//	cancelled          no              the same
//	Wait returns       yes             if it was notified and cancelled both, the next task is notified in its place
type Condition struct {
	given *Lock // nil: own
	own   Lock
	line  aio.Line
}

// ConditionStatistics is what [Condition.Statistics] returns.
type ConditionStatistics struct {
	Waiting int // tasks that wait for a notification
	Lock    LockStatistics
}

// NewCondition makes a condition for the state that l protects. With nil it gets a lock of its own.
func NewCondition(l *Lock) *Condition { return &Condition{given: l} }

func (c *Condition) lock() *Lock {
	if c.given != nil {
		return c.given
	}
	return &c.own
}

// Acquire takes the condition's lock, as [Lock.Acquire] does. asyncio: acquire.
//
// Cancellation: the task leaves the line without the lock.
func (c *Condition) Acquire(ctx context.Context) error { return c.lock().Acquire(ctx) }

// Release gives the condition's lock back. It panics if the lock is not held. asyncio: release.
func (c *Condition) Release() { c.lock().release("Condition.Release") }

// Locked reports whether a task holds the condition's lock. asyncio: locked.
func (c *Condition) Locked() bool { return c.lock().Locked() }

// With calls fn while it holds the condition's lock. See [Lock.With]. asyncio: async with condition.
//
// Cancellation: as for [Lock.With].
func (c *Condition) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Condition.With", fn != nil)
	return c.lock().With(ctx, fn)
}

// Wait releases the lock, waits for a notification and takes the lock again before it returns, whatever it returns: nil after a
// notification, the error of a cancellation otherwise. What the task waits for may have changed back meanwhile, so look again, or use
// WaitUntil. It panics if the lock is not held. asyncio: wait.
//
// Cancellation: the wait ends, and Wait returns when it has the lock again, which a cancellation does not hurry. If the task had been
// notified as well, the notification goes to the next in line. With a context that is cancelled already, Wait fails without releasing
// the lock.
func (c *Condition) Wait(ctx context.Context) error {
	const op = "Condition.Wait"
	t, l := aio.Running(ctx, op), c.lock()
	if l.owner.Zero() {
		panic(misuse(op, "the lock is not held; Acquire the condition first, or call it inside With"))
	}
	l.line.Bind(t, op)
	c.line.MustFit(t, op)
	wait := aio.NewWaiter(ctx, op, c)
	if wait.Refused() {
		return wait.Park()
	}
	l.release(op)
	err := c.line.Wait(wait)
	notified := wait.Woken()
	l.reacquire(ctx, t, op)
	if err == nil {
		if again := aio.NewWaiter(ctx, op, c); again.Refused() { // cancelled while it stood in line
			err = again.Park()
		}
	}
	if err != nil && notified {
		c.line.Call(op)
	}
	return err
}

// WaitUntil waits until pred returns true: it asks pred, which is called with the lock held and must not await, and as long as the answer is
// false waits for a notification before it asks again. If pred is true at once it does not wait. Otherwise it panics if the lock is not
// held. asyncio: wait_for.
//
// Cancellation: as for Wait.
func (c *Condition) WaitUntil(ctx context.Context, pred func() bool) error {
	mustHave("Condition.WaitUntil", pred != nil)
	aio.Running(ctx, "Condition.WaitUntil")
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Notify lets the first n tasks that wait go on; fewer if fewer wait. They do so one after the other, as they get the lock, so never before
// the caller releases it. It panics if the lock is not held. asyncio: notify.
func (c *Condition) Notify(n int) {
	c.mustBeLocked("Condition.Notify")
	for ; n > 0; n-- {
		if c.line.Call("Condition.Notify").Zero() {
			return
		}
	}
}

// NotifyAll lets all tasks go on that wait. See Notify. asyncio: notify_all.
func (c *Condition) NotifyAll() {
	c.mustBeLocked("Condition.NotifyAll")
	c.line.CallAll("Condition.NotifyAll")
}

func (c *Condition) mustBeLocked(op string) {
	if !c.Locked() {
		panic(misuse(op, "the lock is not held; Acquire the condition first, or call it inside With"))
	}
}

// Statistics returns a picture of the condition as it is now.
func (c *Condition) Statistics() ConditionStatistics {
	return ConditionStatistics{Waiting: c.line.Len(), Lock: c.lock().Statistics()}
}

// String shows whether the lock is held, and how many wait for a notification.
func (c *Condition) String() string {
	s := "<Condition unlocked"
	if c.Locked() {
		s = "<Condition locked"
	}
	return s + waitersText(c.line.Len()) + ">"
}
