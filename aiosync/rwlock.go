package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// RWLock is a lock that one writer or any number of readers can hold. Writers and readers wait in
// one FIFO line, so neither starves: a reader waits behind a writer that came before it. A task
// that holds the lock for reading must not acquire it again: if a writer waits in between, that is
// a deadlock. The zero value is unlocked. asyncio has no counterpart.
//
//	held by   a reader               a writer   when the last holder releases
//	nobody    takes the lock         takes it   -
//	readers   takes the lock; waits  waits      the first in line gets it: a writer, or all
//	          if a task waits                   readers up to the next writer
//	a writer  waits                  waits      the same
//
// A task that is granted the lock holds it at once, although it resumes in the next pass.
type RWLock struct {
	readers int
	writing bool
	writer  aio.TaskRef // while writing
	reader  aio.TaskRef // the last one, while there are readers
	line    aio.Line
}

// RWLockStatistics is the result of [RWLock.Statistics].
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

// Acquire takes the lock for writing. It waits until the lock is free and every task ahead in line
// has had it. If the lock is free and no task waits, it returns nil at once, even if the context is
// cancelled.
//
// Cancellation: Acquire returns the error without the lock. If the task was granted the lock and
// has not resumed, the grant is revoked and goes to the next task in line.
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

// Release releases the lock after writing. It never waits. It panics if no task holds the lock for
// writing.
func (l *RWLock) Release() {
	l.line.MustBeHere("RWLock.Release")
	if !l.writing {
		if l.line.Evicting() {
			return
		}
		panic(misuse("RWLock.Release", "the lock is not held for writing; "+
			"call Release once after each Acquire that returned nil, "+
			"ReleaseRead after AcquireRead"))
	}
	l.writing, l.writer = false, aio.TaskRef{}
	l.admit("RWLock.Release")
}

// AcquireRead takes the lock for reading. It waits until no writer holds the lock or is ahead in
// line. If that is so now it returns nil at once, even if the context is cancelled.
//
// Cancellation: AcquireRead returns the error without the lock. If the task was granted the lock
// and has not resumed, the grant is revoked.
func (l *RWLock) AcquireRead(ctx context.Context) error {
	const op = "RWLock.AcquireRead"
	t := aio.Running(ctx, op)
	l.line.MustFit(t, op)
	if !l.writing && l.line.Head().Zero() {
		l.readers++
		l.reader = t
		return nil
	}
	wait := aio.NewWaiter(ctx, op, (*rwLockWait)(l))
	wait.SetNote(wantsRead)
	err := l.line.Wait(wait)
	if err != nil {
		if wait.Woken() {
			l.readerGone()
		}
		l.admit(op)
	}
	return err
}

// ReleaseRead releases the lock after reading. It never waits. It panics if no task holds the lock
// for reading.
func (l *RWLock) ReleaseRead() {
	l.line.MustBeHere("RWLock.ReleaseRead")
	if l.readers == 0 {
		if l.line.Evicting() {
			return
		}
		panic(misuse("RWLock.ReleaseRead", "the lock is not held for reading; "+
			"call ReleaseRead once after each AcquireRead that returned nil, "+
			"Release after Acquire"))
	}
	l.readerGone()
	l.admit("RWLock.ReleaseRead")
}

func (l *RWLock) readerGone() {
	if l.readers--; l.readers == 0 {
		l.reader = aio.TaskRef{}
	}
}

// admit gives the lock to the tasks at the head of the line, as far as it can.
func (l *RWLock) admit(op string) {
	for !l.writing {
		w := l.line.Head()
		switch {
		case w.Zero():
			return
		case w.Note() == wantsRead:
			l.readers++
			l.reader = w.Task()
		case l.readers == 0:
			l.writing, l.writer = true, w.Task()
		default:
			return
		}
		l.line.Call(op)
	}
}

// With calls fn while it holds the lock for writing. It returns the error of fn, or of Acquire. It
// releases the lock even if fn panics.
//
// Cancellation: as for [RWLock.Acquire]; once fn runs, it handles cancellation.
func (l *RWLock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("RWLock.With", fn != nil)
	return with(ctx, fn, l.Acquire, l.Release)
}

// WithRead calls fn while it holds the lock for reading. It returns the error of fn, or of
// AcquireRead. It releases the lock even if fn panics.
//
// Cancellation: as for [RWLock.AcquireRead]; once fn runs, it handles cancellation.
func (l *RWLock) WithRead(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("RWLock.WithRead", fn != nil)
	return with(ctx, fn, l.AcquireRead, l.ReleaseRead)
}

// Locked reports whether a task holds the lock for writing.
func (l *RWLock) Locked() bool { return l.writing }

// Readers returns how many tasks hold the lock for reading.
func (l *RWLock) Readers() int { return l.readers }

// Statistics returns a copy of the lock's current state.
func (l *RWLock) Statistics() RWLockStatistics {
	return RWLockStatistics{
		Readers: l.readers,
		Writing: l.writing,
		Writer:  safetext.Message(l.writer.Name()),
		Waiting: l.line.Len(),
	}
}

// String shows which kind of task holds the lock, and how many tasks wait.
func (l *RWLock) String() string {
	state := "unlocked"
	switch {
	case l.writing:
		state = "locked for writing"
	case l.readers > 0:
		state = fmt.Sprintf("locked for reading, readers:%d", l.readers)
	}
	state += waitersText(l.line.Len()) + endedText("the last reader was", l.reader)
	return "<RWLock " + state + ">"
}

// rwLockWait is an RWLock that a task waits for.
type rwLockWait RWLock

func (l *rwLockWait) String() string { return (*RWLock)(l).String() }

// Blockers implements aio.Blocker: the writer. Readers are not known.
func (l *rwLockWait) Blockers() []aio.TaskRef { return []aio.TaskRef{l.writer} }
