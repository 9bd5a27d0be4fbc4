package aiosync

import (
	"context"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Lock lets one task at a time into a stretch of code that awaits. Code that does not await needs none: tasks of a loop switch only where
// they wait. Tasks get the lock in the order in which they asked for it. It is not re-entrant, and any task may release it. The zero value
// is an unlocked lock. A Lock must not be copied after first use, and belongs to the first loop on which a task had to wait for it. Its
// methods are for the loop only. asyncio: Lock.
//
//	state                     Locked   a newcomer          next
//	free                      false    takes it            held
//	held, nobody waits        true     waits               free
//	held, tasks wait          true     waits               called
//	called: released, the     false    waits behind all    held, when the first task goes on in the next pass;
//	first in line is on its                                if that task is cancelled instead, the second is called
//	way
type Lock struct {
	owner aio.TaskRef // zero: not held
	line  aio.Line
}

// LockStatistics is what [Lock.Statistics] returns.
type LockStatistics struct {
	Locked  bool
	Owner   string // the name of the task that holds the lock
	Waiting int    // tasks in line
}

// Acquire waits until the lock is free and nobody has asked for it before, and takes it. If that is so now it returns at once, also when
// the context is cancelled. It returns nil, or the error of a cancellation. asyncio: acquire.
//
// Cancellation: the task leaves the line without the lock; if the lock had been given to it already, the next in line gets it.
func (l *Lock) Acquire(ctx context.Context) error {
	t := aio.Running(ctx, "Lock.Acquire")
	if l.owner.Zero() && l.line.Idle() && l.line.Fits(t) {
		l.owner = t
		return nil
	}
	return l.acquire(ctx, t)
}

func (l *Lock) acquire(ctx context.Context, t aio.TaskRef) error {
	l.line.MustFit(t, "Lock.Acquire")
	if l.owner.Zero() && !l.line.Taken() {
		l.owner = t
		return nil
	}
	return l.wait(aio.NewWaiter(ctx, "Lock.Acquire", (*lockWait)(l)))
}

func (l *Lock) wait(w aio.Waiter) error {
	if err := l.line.Wait(w); err != nil {
		if l.owner.Zero() {
			l.line.CallFirst("Lock.Acquire")
		}
		return err
	}
	l.owner = w.Task()
	return nil
}

// reacquire takes the lock for a task that has to have it, whatever becomes of the task.
func (l *Lock) reacquire(ctx context.Context, t aio.TaskRef, op string) {
	if l.owner.Zero() && !l.line.Taken() {
		l.owner = t
		return
	}
	l.wait(aio.NewWaiter(ctx, op, (*lockWait)(l)).Steadfast())
}

// Release gives the lock back. If tasks wait for it, the first of them goes on with it in the next pass; until then Locked reports false,
// yet newcomers stand behind. It never waits, and panics if the lock is not held. asyncio: release.
func (l *Lock) Release() { l.release("Lock.Release") }

func (l *Lock) release(op string) {
	if l.owner.Zero() {
		if l.line.Evicting() {
			return
		}
		panic(misuse(op, "the lock is not held; call Release once after each Acquire that returned nil"))
	}
	l.owner = aio.TaskRef{}
	if l.line.Len() > 0 {
		l.line.CallFirst(op)
	}
}

// With calls fn while it holds the lock and returns the error of fn, or of Acquire. asyncio: async with lock.
//
// Cancellation: as for Acquire; while fn runs it is fn's matter. The lock is released in any case, after a panic too.
func (l *Lock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Lock.With", fn != nil)
	if err := l.Acquire(ctx); err != nil {
		return err
	}
	defer l.Release()
	return fn(ctx)
}

// Locked reports whether a task holds the lock. asyncio: locked.
func (l *Lock) Locked() bool { return !l.owner.Zero() }

// Statistics returns a picture of the lock as it is now.
func (l *Lock) Statistics() LockStatistics {
	return LockStatistics{Locked: l.Locked(), Owner: safetext.Message(l.owner.Name()), Waiting: l.line.Len()}
}

// String shows whether the lock is held, and how many wait.
func (l *Lock) String() string { return "<Lock " + l.state() + ">" }

func (l *Lock) state() string {
	s := "unlocked"
	if l.Locked() {
		s = "locked"
	}
	return s + waitersText(l.line.Len())
}

// lockWait is a Lock as a task waits for it.
type lockWait Lock

func (l *lockWait) String() string { return (*Lock)(l).String() }

// Blockers implements aio.Blocker.
func (l *lockWait) Blockers() []aio.TaskRef { return []aio.TaskRef{l.owner} }
