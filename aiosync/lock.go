package aiosync

import (
	"context"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Lock is a mutual exclusion lock for code that awaits. Code that does not await needs none,
// because a loop switches tasks only at awaits. Tasks get the lock in FIFO order. It is not
// re-entrant, and any task may release it. The zero value is unlocked. asyncio: Lock.
//
//	state                     Locked   a new task         next
//	free                      false    takes the lock     held
//	held, no task waits       true     waits              free: Release
//	held, tasks wait          true     waits              called: Release
//	called: the first task    false    waits behind all   held: that task resumes in the next
//	has not resumed yet                                   pass;
//	                                                      called: it is cancelled, so the second
//	                                                      task is called
type Lock struct {
	owner aio.TaskRef // zero: not held
	line  aio.Line
}

// LockStatistics is the result of [Lock.Statistics].
type LockStatistics struct {
	Locked  bool
	Owner   string // the name of the task that holds the lock
	Waiting int    // tasks in line
}

// Acquire takes the lock. It waits until the lock is free and every task ahead in line has had it.
// If the lock is free and no task waits, it returns nil at once, even if the context is cancelled.
// asyncio: acquire.
//
// Cancellation: Acquire returns the error without the lock. If the task was granted the lock and
// has not resumed, the grant is revoked and the next task in line gets it.
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

// reacquire takes the lock even if the task is cancelled.
func (l *Lock) reacquire(ctx context.Context, t aio.TaskRef, op string) {
	if l.owner.Zero() && !l.line.Taken() {
		l.owner = t
		return
	}
	l.wait(aio.NewWaiter(ctx, op, (*lockWait)(l)).Steadfast())
}

// Release releases the lock. If tasks wait, the first in line resumes in the next pass and takes
// it. Until then Locked returns false, but new tasks wait behind all others. Release never waits.
// It panics if the lock is not held. asyncio: release.
func (l *Lock) Release() { l.release("Lock.Release") }

func (l *Lock) release(op string) {
	l.line.MustBeHere(op)
	if l.owner.Zero() {
		if l.line.Evicting() {
			return
		}
		panic(misuse(op, "the lock is not held; "+
			"call Release once after each Acquire that returned nil"))
	}
	l.owner = aio.TaskRef{}
	if l.line.Len() > 0 {
		l.line.CallFirst(op)
	}
}

// With calls fn while it holds the lock. It returns the error of fn, or of Acquire. It releases the
// lock even if fn panics. asyncio: async with lock.
//
// Cancellation: as for [Lock.Acquire]; once fn runs, it handles cancellation.
func (l *Lock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Lock.With", fn != nil)
	return with(ctx, fn, l.Acquire, l.Release)
}

// Locked reports whether a task holds the lock. asyncio: locked.
func (l *Lock) Locked() bool { return !l.owner.Zero() }

// Statistics returns a copy of the lock's current state.
func (l *Lock) Statistics() LockStatistics {
	owner := safetext.Message(l.owner.Name())
	return LockStatistics{Locked: l.Locked(), Owner: owner, Waiting: l.line.Len()}
}

// String shows whether the lock is held, and how many tasks wait.
func (l *Lock) String() string { return "<Lock " + l.state() + ">" }

func (l *Lock) state() string {
	s := "unlocked"
	if l.Locked() {
		s = "locked"
	}
	return s + waitersText(l.line.Len())
}

// lockWait is a Lock that a task waits for.
type lockWait Lock

func (l *lockWait) String() string { return (*Lock)(l).String() }

// Blockers implements aio.Blocker.
func (l *lockWait) Blockers() []aio.TaskRef { return []aio.TaskRef{l.owner} }

// with calls fn between acquire and release, for the methods named With.
func with(
	ctx context.Context, fn func(ctx context.Context) error,
	acquire func(ctx context.Context) error, release func(),
) error {
	if err := acquire(ctx); err != nil {
		return err
	}
	defer release()
	return fn(ctx)
}
