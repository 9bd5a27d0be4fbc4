package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// RWLock is a lock that either one writer or any number of readers hold. Writers and readers stand in one line: a reader that comes after a
// waiting writer waits behind it, so neither side starves. For the same reason a task that reads already must not ask to read again: with
// a writer in between it would wait for itself. The zero value is unlocked. It must not be copied after first use, and belongs to the first
// loop on which a task had to wait for it. Its methods are for the loop only. asyncio has no counterpart.
//
//	held by    a reader comes         a writer comes   the last holder releases
//	nobody     reads                  writes           -
//	readers    reads; waits, if       waits            the first in line: a writer, or all readers up to the next writer
//	           somebody waits
//	a writer   waits                  waits            the same
//
// Who is let in holds the lock from that moment on, although it goes on only in the next pass.
type RWLock struct {
	readers int
	writing bool
	writer  aio.TaskRef // while writing
	line    aio.Line
}

// RWLockStatistics is what [RWLock.Statistics] returns.
type RWLockStatistics struct {
	Readers int    // tasks that hold the lock for reading
	Writing bool   // a task holds it for writing
	Writer  string // the name of that task
	Waiting int    // tasks in line, of both kinds
}

// What a task in the line wants.
const (
	wantsWrite int32 = iota
	wantsRead
)

// Acquire waits until nobody holds the lock and nobody has asked for it before, and takes it for writing. If that is so now it returns at
// once, also when the context is cancelled. It returns nil, or the error of a cancellation.
//
// Cancellation: the task leaves the line without the lock; if the lock had been given to it already, the next in line gets it.
func (l *RWLock) Acquire(ctx context.Context) error {
	const op = "RWLock.Acquire"
	t := aio.Running(ctx, op)
	l.line.MustFit(t, op)
	if !l.writing && l.readers == 0 && l.line.Head().Zero() {
		l.writing, l.writer = true, t
		return nil
	}
	wait := aio.NewWaiter(ctx, op, (*rwLockWait)(l))
	err := l.line.Wait(wait)
	if err != nil {
		if wait.Woken() {
			l.writing, l.writer = false, aio.TaskRef{}
		}
		l.admit(op)
	}
	return err
}

// Release ends writing. It panics if no task holds the lock for writing. It never waits.
func (l *RWLock) Release() {
	if !l.writing {
		if l.line.Evicting() {
			return
		}
		panic(misuse("RWLock.Release", "the lock is not held for writing; call Release once after each Acquire that returned nil, ReleaseRead after AcquireRead"))
	}
	l.writing, l.writer = false, aio.TaskRef{}
	l.admit("RWLock.Release")
}

// AcquireRead waits until no writer holds the lock or has asked for it before, and takes it for reading. If that is so now it returns at
// once, also when the context is cancelled. It returns nil, or the error of a cancellation.
//
// Cancellation: the task leaves the line without the lock; if the lock had been given to it already, that is undone.
func (l *RWLock) AcquireRead(ctx context.Context) error {
	const op = "RWLock.AcquireRead"
	t := aio.Running(ctx, op)
	l.line.MustFit(t, op)
	if !l.writing && l.line.Head().Zero() {
		l.readers++
		return nil
	}
	wait := aio.NewWaiter(ctx, op, (*rwLockWait)(l))
	wait.SetNote(wantsRead)
	err := l.line.Wait(wait)
	if err != nil {
		if wait.Woken() {
			l.readers--
		}
		l.admit(op)
	}
	return err
}

// ReleaseRead ends reading. It panics if no task holds the lock for reading. It never waits.
func (l *RWLock) ReleaseRead() {
	if l.readers == 0 {
		if l.line.Evicting() {
			return
		}
		panic(misuse("RWLock.ReleaseRead", "the lock is not held for reading; call ReleaseRead once after each AcquireRead that returned nil, Release after Acquire"))
	}
	l.readers--
	l.admit("RWLock.ReleaseRead")
}

// admit lets in those at the head of the line who may be.
func (l *RWLock) admit(op string) {
	for !l.writing {
		w := l.line.Head()
		switch {
		case w.Zero():
			return
		case w.Note() == wantsRead:
			l.readers++
		case l.readers == 0:
			l.writing, l.writer = true, w.Task()
		default:
			return
		}
		l.line.Call(op)
	}
}

// With calls fn while it holds the lock for writing and returns the error of fn, or of Acquire.
//
// Cancellation: as for Acquire; while fn runs it is fn's matter. The lock is released in any case, after a panic too.
func (l *RWLock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("RWLock.With", fn != nil)
	if err := l.Acquire(ctx); err != nil {
		return err
	}
	defer l.Release()
	return fn(ctx)
}

// WithRead calls fn while it holds the lock for reading and returns the error of fn, or of AcquireRead.
//
// Cancellation: as for With.
func (l *RWLock) WithRead(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("RWLock.WithRead", fn != nil)
	if err := l.AcquireRead(ctx); err != nil {
		return err
	}
	defer l.ReleaseRead()
	return fn(ctx)
}

// Locked reports whether a task holds the lock for writing.
func (l *RWLock) Locked() bool { return l.writing }

// Readers returns how many tasks hold the lock for reading.
func (l *RWLock) Readers() int { return l.readers }

// Statistics returns a picture of the lock as it is now.
func (l *RWLock) Statistics() RWLockStatistics {
	return RWLockStatistics{Readers: l.readers, Writing: l.writing, Writer: safetext.Message(l.writer.Name()), Waiting: l.line.Len()}
}

// String shows who holds the lock, and how many wait.
func (l *RWLock) String() string {
	state := "unlocked"
	switch {
	case l.writing:
		state = "locked for writing"
	case l.readers > 0:
		state = fmt.Sprintf("locked for reading, readers:%d", l.readers)
	}
	return "<RWLock " + state + waitersText(l.line.Len()) + ">"
}

// rwLockWait is an RWLock as a task waits for it.
type rwLockWait RWLock

func (l *rwLockWait) String() string { return (*RWLock)(l).String() }

// Blockers implements aio.Blocker: the writer. Readers are not known.
func (l *rwLockWait) Blockers() []aio.TaskRef { return []aio.TaskRef{l.writer} }
