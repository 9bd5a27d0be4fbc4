package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// Semaphore is a number of permits that tasks acquire and release. Tasks wait for a permit in FIFO
// order. Make it with [NewSemaphore] or [NewBoundedSemaphore]. To know which tasks have permits use
// a [Limiter]. asyncio: Semaphore, BoundedSemaphore.
//
// If a permit is released while tasks wait, it belongs to the first task in line at once. That task
// resumes in the next pass.
type Semaphore struct {
	value   int  // free permits
	made    bool // by NewSemaphore or NewBoundedSemaphore
	bounded bool
	bound   int         // if bounded, the most that value may be
	last    aio.TaskRef // the task that took the last permit; zero while one is free
	line    aio.Line
}

// SemaphoreStatistics is the result of [Semaphore.Statistics].
type SemaphoreStatistics struct {
	Value   int  // free permits
	Bounded bool // made by NewBoundedSemaphore
	Bound   int  // the number of permits, if bounded
	Waiting int  // tasks in line
}

// NewSemaphore returns a semaphore with n permits. Release may add more than n. It panics if n is
// negative. asyncio: Semaphore.
func NewSemaphore(n int) *Semaphore {
	mustNotBeNegative("NewSemaphore", n)
	s := &Semaphore{value: n, made: true}
	s.line.MustBeHere("NewSemaphore")
	return s
}

// NewBoundedSemaphore returns a semaphore with n permits whose Release panics if all n are free. It
// panics if n is negative. asyncio: BoundedSemaphore.
func NewBoundedSemaphore(n int) *Semaphore {
	mustNotBeNegative("NewBoundedSemaphore", n)
	s := &Semaphore{value: n, made: true, bounded: true, bound: n}
	s.line.MustBeHere("NewBoundedSemaphore")
	return s
}

func mustNotBeNegative(op string, n int) {
	if n < 0 {
		panic(misuse(op, fmt.Sprintf("the number of permits is negative (%d); use 0 or more", n)))
	}
}

// Acquire takes a permit. It waits until a permit is free and every task ahead in line has one. If
// a permit is free and no task waits, it returns nil at once, even if the context is cancelled.
// asyncio: acquire.
//
// Cancellation: Acquire returns the error without a permit. If the task was granted a permit, that
// goes to the next task in line.
func (s *Semaphore) Acquire(ctx context.Context) error {
	t := aio.Running(ctx, "Semaphore.Acquire")
	if s.value > 0 && s.line.Idle() && s.line.Fits(t) {
		s.take(t)
		return nil
	}
	return s.acquire(ctx, t)
}

func (s *Semaphore) acquire(ctx context.Context, t aio.TaskRef) error {
	const op = "Semaphore.Acquire"
	if !s.made {
		panic(misuse(op, "the semaphore has no permits; make it with NewSemaphore"))
	}
	s.line.MustFit(t, op)
	if !s.Locked() {
		s.take(t)
		return nil
	}
	wait := aio.NewWaiter(ctx, op, s)
	err := s.line.Wait(wait)
	if err != nil && wait.Woken() {
		s.add()
	}
	s.hand(op)
	return err
}

// take takes a free permit for a task.
func (s *Semaphore) take(t aio.TaskRef) {
	if s.value--; s.value == 0 {
		s.last = t
	}
}

// add adds a free permit.
func (s *Semaphore) add() {
	s.value++
	s.last = aio.TaskRef{}
}

// Release releases a permit. If tasks wait, the first in line has the permit at once and resumes in
// the next pass. It never waits. It panics if the semaphore is bounded and all permits are free.
// asyncio: release.
func (s *Semaphore) Release() {
	s.line.MustBeHere("Semaphore.Release")
	if s.bounded && s.value >= s.bound {
		panic(misuse("Semaphore.Release", fmt.Sprintf("all %d permits are free already; "+
			"call Release once after each Acquire that returned nil", s.bound)))
	}
	s.add()
	if s.line.Len() > 0 {
		if w := s.line.Call("Semaphore.Release"); !w.Zero() {
			s.take(w.Task())
		}
	}
}

// hand gives free permits to the tasks in line. They arrived while called tasks had not resumed, so
// each task that resumes checks for them.
func (s *Semaphore) hand(op string) {
	for s.value > 0 {
		w := s.line.Call(op)
		if w.Zero() {
			return
		}
		s.take(w.Task())
	}
}

// With calls fn while it has a permit. It returns the error of fn, or of Acquire. It releases the
// permit even if fn panics. asyncio: async with semaphore.
//
// Cancellation: as for [Semaphore.Acquire]; once fn runs, it handles cancellation.
func (s *Semaphore) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Semaphore.With", fn != nil)
	return with(ctx, fn, s.Acquire, s.Release)
}

// Locked reports whether Acquire would have to wait. asyncio: locked.
func (s *Semaphore) Locked() bool { return s.value == 0 || s.line.Taken() }

// Statistics returns a copy of the semaphore's current state.
func (s *Semaphore) Statistics() SemaphoreStatistics {
	return SemaphoreStatistics{
		Value:   s.value,
		Bounded: s.bounded,
		Bound:   s.bound,
		Waiting: s.line.Len(),
	}
}

// String shows how many permits are free, and how many tasks wait. If none is free, and the task
// that took the last one has ended, it is named.
func (s *Semaphore) String() string {
	state := fmt.Sprintf("unlocked, value:%d", s.value)
	if s.Locked() {
		state = "locked"
	}
	state += waitersText(s.line.Len()) + endedText("the last permit was taken by", s.last)
	return "<Semaphore " + state + ">"
}
