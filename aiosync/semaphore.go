package aiosync

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// Semaphore is a number of permits that tasks take and give back; who finds none waits, first come, first served. The zero value has no
// permits until somebody releases one. It must not be copied after first use, and belongs to the first loop on which a task had to wait for
// it. Its methods are for the loop only. To know who has the permits use a [Limiter]. asyncio: Semaphore, BoundedSemaphore.
//
// A permit that is released while tasks wait belongs to the first of them from that moment on, although it goes on only in the next pass.
type Semaphore struct {
	value   int  // permits that nobody has
	made    bool // by one of the functions below: the zero value has no permits, ever
	bounded bool
	bound   int // if bounded, the most that value may be
	line    aio.Line
}

// SemaphoreStatistics is what [Semaphore.Statistics] returns.
type SemaphoreStatistics struct {
	Value   int  // free permits
	Bounded bool // made by NewBoundedSemaphore
	Bound   int  // if so, the most free permits that there can be
	Waiting int  // tasks in line
}

// NewSemaphore makes a semaphore with n permits. Releasing more than were taken makes more. It panics if n is negative.
func NewSemaphore(n int) *Semaphore {
	if n < 0 {
		panic(misuse("NewSemaphore", fmt.Sprintf("the number of permits is negative (%d); use 0 or more", n)))
	}
	return &Semaphore{value: n, made: true}
}

// NewBoundedSemaphore makes a semaphore with n permits that panics when more are released than were taken. It panics if n is negative.
func NewBoundedSemaphore(n int) *Semaphore {
	if n < 0 {
		panic(misuse("NewBoundedSemaphore", fmt.Sprintf("the number of permits is negative (%d); use 0 or more", n)))
	}
	return &Semaphore{value: n, made: true, bounded: true, bound: n}
}

// Acquire waits until there is a permit that nobody has asked for before, and takes it. If there is one now it returns at once, also when
// the context is cancelled. It returns nil, or the error of a cancellation. asyncio: acquire.
//
// Cancellation: the task leaves the line without a permit; one that had been given to it already goes to the next in line.
func (s *Semaphore) Acquire(ctx context.Context) error {
	t := aio.Running(ctx, "Semaphore.Acquire")
	if s.value > 0 && s.line.Idle() && s.line.Fits(t) {
		s.value--
		return nil
	}
	return s.acquire(ctx, t)
}

func (s *Semaphore) acquire(ctx context.Context, t aio.TaskRef) error {
	if !s.made {
		panic(misuse("Semaphore.Acquire", "the semaphore has no number of permits; make it with NewSemaphore"))
	}
	s.line.MustFit(t, "Semaphore.Acquire")
	if !s.Locked() {
		s.value--
		return nil
	}
	wait := aio.NewWaiter(ctx, "Semaphore.Acquire", s)
	err := s.line.Wait(wait)
	if err != nil && wait.Woken() {
		s.value++
	}
	s.hand("Semaphore.Acquire")
	return err
}

// Release gives a permit back. If tasks wait, the first of them has it and goes on in the next pass. It never waits. It panics if the
// semaphore is bounded and has all its permits already. asyncio: release.
func (s *Semaphore) Release() {
	if s.bounded && s.value >= s.bound {
		panic(misuse("Semaphore.Release", fmt.Sprintf("all %d permits are back already; call Release once after each Acquire that returned nil", s.bound)))
	}
	s.value++
	if s.line.Len() > 0 && !s.line.Call("Semaphore.Release").Zero() {
		s.value--
	}
}

// hand gives free permits to those who came while others had been called and not gone on yet: whoever goes on lets them in.
func (s *Semaphore) hand(op string) {
	for s.value > 0 && !s.line.Call(op).Zero() {
		s.value--
	}
}

// With calls fn while it has a permit and returns the error of fn, or of Acquire. asyncio: async with semaphore.
//
// Cancellation: as for Acquire; while fn runs it is fn's matter. The permit is given back in any case, after a panic too.
func (s *Semaphore) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Semaphore.With", fn != nil)
	if err := s.Acquire(ctx); err != nil {
		return err
	}
	defer s.Release()
	return fn(ctx)
}

// Locked reports whether Acquire would have to wait. asyncio: locked.
func (s *Semaphore) Locked() bool { return s.value == 0 || s.line.Taken() }

// Statistics returns a picture of the semaphore as it is now.
func (s *Semaphore) Statistics() SemaphoreStatistics {
	return SemaphoreStatistics{Value: s.value, Bounded: s.bounded, Bound: s.bound, Waiting: s.line.Len()}
}

// String shows how many permits are free, and how many tasks wait.
func (s *Semaphore) String() string {
	state := fmt.Sprintf("unlocked, value:%d", s.value)
	if s.Locked() {
		state = "locked"
	}
	return "<Semaphore " + state + waitersText(s.line.Len()) + ">"
}
