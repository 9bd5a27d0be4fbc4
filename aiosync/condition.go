package aiosync

import (
	"context"

	"github.com/aio-go/aio"
)

// Condition lets tasks wait for a change of state that a lock protects. The zero value has its own
// lock. [NewCondition] returns a condition for an existing lock. asyncio: Condition.
//
//	task           has the lock   next
//	calls Wait     yes            releases the lock and waits
//	waits          no             notified, or cancelled
//	notified       no             waits for the lock in FIFO order; cannot be cancelled there
//	cancelled      no             the same
//	Wait returns   yes            if it was both notified and cancelled, the next task is notified
type Condition struct {
	given *Lock // nil: own
	own   Lock
	line  aio.Line
}

// ConditionStatistics is the result of [Condition.Statistics].
type ConditionStatistics struct {
	Waiting int // tasks that wait for a notification
	Lock    LockStatistics
}

// NewCondition returns a condition that uses l. If l is nil the condition has its own lock.
func NewCondition(l *Lock) *Condition { return &Condition{given: l} }

func (c *Condition) lock() *Lock {
	if c.given != nil {
		return c.given
	}
	return &c.own
}

// Acquire takes the condition's lock, as [Lock.Acquire] does. asyncio: acquire.
//
// Cancellation: as for [Lock.Acquire].
func (c *Condition) Acquire(ctx context.Context) error { return c.lock().Acquire(ctx) }

// Release releases the condition's lock. It panics if the lock is not held. asyncio: release.
func (c *Condition) Release() { c.lock().release("Condition.Release") }

// Locked reports whether a task holds the condition's lock. asyncio: locked.
func (c *Condition) Locked() bool { return c.lock().Locked() }

// With calls fn while it holds the condition's lock, as [Lock.With] does. asyncio: async with
// condition.
//
// Cancellation: as for [Lock.With].
func (c *Condition) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Condition.With", fn != nil)
	return c.lock().With(ctx, fn)
}

// Wait releases the lock, waits for a notification and takes the lock again. It holds the lock when
// it returns, even with an error. The state may have changed again meanwhile, so check it in a loop
// or use [Condition.WaitUntil]. Wait panics if the lock is not held. asyncio: wait.
//
// Cancellation: Wait returns the error once it has the lock again. If the task was notified as
// well, the notification goes to the next task in line. If the context is cancelled before Wait is
// called, Wait fails without releasing the lock.
func (c *Condition) Wait(ctx context.Context) error {
	const op = "Condition.Wait"
	t, l := aio.Running(ctx, op), c.lock()
	c.mustBeLocked(op)
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

// WaitUntil waits until pred returns true. It calls pred with the lock held; pred must not await.
// While pred returns false, WaitUntil waits for a notification as [Condition.Wait] does. If pred
// returns true at the first call, it does not wait. Otherwise it panics if the lock is not held.
// asyncio: wait_for.
//
// Cancellation: as for [Condition.Wait].
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

// Notify wakes the first n tasks in line, or all if fewer wait. Each resumes when it gets the lock,
// so not before the caller releases it. Notify panics if the lock is not held. asyncio: notify.
func (c *Condition) Notify(n int) {
	c.mustBeLocked("Condition.Notify")
	for ; n > 0; n-- {
		if c.line.Call("Condition.Notify").Zero() {
			return
		}
	}
}

// NotifyAll wakes all tasks in line, as [Condition.Notify] does. asyncio: notify_all.
func (c *Condition) NotifyAll() {
	c.mustBeLocked("Condition.NotifyAll")
	c.line.CallAll("Condition.NotifyAll")
}

func (c *Condition) mustBeLocked(op string) {
	c.lock().line.MustBeHere(op)
	if !c.Locked() {
		panic(misuse(op, "the lock is not held; call Acquire first, or call it inside With"))
	}
}

// Statistics returns a copy of the condition's current state.
func (c *Condition) Statistics() ConditionStatistics {
	return ConditionStatistics{Waiting: c.line.Len(), Lock: c.lock().Statistics()}
}

// String shows whether the lock is held, and how many tasks wait for a notification.
func (c *Condition) String() string {
	s := "<Condition unlocked"
	if c.Locked() {
		s = "<Condition locked"
	}
	return s + waitersText(c.line.Len()) + ">"
}
