package aiosync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Limiter is a semaphore that knows which borrowers have its tokens. A borrower is usually a task.
// It has at most one token and has to release that itself. The number of tokens can be changed at
// any time. A Limiter belongs to the first loop that uses it. asyncio has no counterpart; Trio and
// AnyIO call it CapacityLimiter.
//
// If a token is released while tasks wait, it belongs to the first task in line at once. That task
// resumes in the next pass.
type Limiter struct {
	total     int
	borrowers map[any]uint64 // each with its number in the order of borrowing
	seq       uint64
	loop      *aio.Loop // the one that uses it
	line      aio.Line
	waits     map[aio.TaskRef]any // the borrower of each task in line
	asking    map[any]bool        // the same borrowers
}

// LimiterStatistics is the result of [Limiter.Statistics].
type LimiterStatistics struct {
	Total     int
	Borrowed  int
	Borrowers []string // tasks by name, others as printed, in the order of borrowing
	Waiting   int      // tasks in line
}

// NewLimiter returns a limiter with n tokens. It panics if n is less than 1.
func NewLimiter(n int) *Limiter {
	mustHaveTokens("NewLimiter", n)
	l := &Limiter{
		total:     n,
		borrowers: make(map[any]uint64),
		waits:     make(map[aio.TaskRef]any),
		asking:    make(map[any]bool),
	}
	l.line.MustBeHere("NewLimiter")
	return l
}

func mustHaveTokens(op string, n int) {
	if n < 1 {
		panic(misuse(op, fmt.Sprintf("the number of tokens is %d; use 1 or more", n)))
	}
}

// Acquire takes a token for the running task. It waits until a token is free and every task ahead
// in line has one. If a token is free now and no task waits, it returns nil at once, even if the
// context is cancelled. It panics if the task has a token already.
//
// Cancellation: Acquire returns the error without a token. If the task was granted a token, that
// goes to the next task in line.
func (l *Limiter) Acquire(ctx context.Context) error {
	t := aio.Running(ctx, "Limiter.Acquire")
	return l.acquire(ctx, t, t.Task(), "Limiter.Acquire")
}

// AcquireFor is [Limiter.Acquire] for any comparable value as the borrower, such as a connection
// that outlives the task.
//
// Cancellation: as for [Limiter.Acquire].
func (l *Limiter) AcquireFor(ctx context.Context, borrower any) error {
	const op = "Limiter.AcquireFor"
	return l.acquire(ctx, aio.Running(ctx, op), borrowerOf(borrower), op)
}

func (l *Limiter) acquire(ctx context.Context, t aio.TaskRef, borrower any, op string) error {
	if l.borrowers == nil {
		panic(misuse(op, "the limiter has no number of tokens; make it with NewLimiter"))
	}
	l.line.Bind(t, op)
	l.loop = aio.RunningLoop(ctx)
	l.mustBeNew(borrower, op)
	if len(l.borrowers) < l.total && l.line.Head().Zero() {
		l.lend(borrower)
		return nil
	}
	wait := aio.NewWaiter(ctx, op, l)
	l.waits[t], l.asking[borrower] = borrower, true
	err := l.line.Wait(wait)
	delete(l.waits, t)
	delete(l.asking, borrower)
	if err != nil && wait.Woken() {
		delete(l.borrowers, borrower)
		l.hand(op)
	}
	return err
}

// mustBeNew panics if the borrower has a token or waits for one.
func (l *Limiter) mustBeNew(borrower any, op string) {
	if _, has := l.borrowers[borrower]; has || l.asking[borrower] {
		panic(misuse(op, "the borrower has a token or waits for one already; "+
			"release it first, or use a Semaphore"))
	}
}

func (l *Limiter) lend(borrower any) {
	l.seq++
	l.borrowers[borrower] = l.seq
}

// hand gives free tokens to the tasks in line.
func (l *Limiter) hand(op string) {
	for len(l.borrowers) < l.total {
		w := l.line.Call(op)
		if w.Zero() {
			return
		}
		l.lend(l.waits[w.Task()])
	}
}

// Release releases the token of the running task. If tasks wait, the first in line has the token at
// once and resumes in the next pass. It never waits. It panics if the task has no token. It also
// panics in a callback; use [Limiter.ReleaseFor] there.
func (l *Limiter) Release() {
	const op = "Limiter.Release"
	l.line.MustBeHere(op)
	var t aio.AnyTask
	if l.loop != nil {
		t = l.loop.CurrentTask()
	}
	if t == nil {
		panic(misuse(op, "no task is running; use ReleaseFor in a callback"))
	}
	l.release(t, op)
}

// ReleaseFor releases the token of a borrower, as [Limiter.Release] does. It panics if the borrower
// has none.
func (l *Limiter) ReleaseFor(borrower any) { l.release(borrowerOf(borrower), "Limiter.ReleaseFor") }

func (l *Limiter) release(borrower any, op string) {
	l.line.MustBeHere(op)
	if _, has := l.borrowers[borrower]; !has {
		panic(misuse(op, "the borrower has no token; "+
			"call it once after each Acquire that returned nil, in the same task, "+
			"or use AcquireFor and ReleaseFor"))
	}
	delete(l.borrowers, borrower)
	l.hand(op)
}

// borrowerOf panics if the borrower is nil or does not equal itself.
func borrowerOf(borrower any) any {
	if borrower == nil {
		panic(misuse("Limiter", "the borrower is nil; pass a comparable value"))
	}
	if borrower != borrower {
		panic(misuse("Limiter", "the borrower does not equal itself, so it could not release; "+
			"use another value than NaN"))
	}
	return borrower
}

// With calls fn while the running task has a token. It returns the error of fn, or of Acquire. It
// releases the token even if fn panics.
//
// Cancellation: as for [Limiter.Acquire]; once fn runs, it handles cancellation.
func (l *Limiter) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Limiter.With", fn != nil)
	return with(ctx, fn, l.Acquire, l.Release)
}

// SetTotal changes the number of tokens. New tokens go to waiting tasks at once. If more than n
// tokens are borrowed, releases lower that number before a task gets a token again. It panics if n
// is less than 1.
func (l *Limiter) SetTotal(n int) {
	mustHaveTokens("Limiter.SetTotal", n)
	l.line.MustBeHere("Limiter.SetTotal")
	l.total = n
	l.hand("Limiter.SetTotal")
}

// Total returns the number of tokens, free and borrowed.
func (l *Limiter) Total() int { return l.total }

// Available returns how many tokens are free.
func (l *Limiter) Available() int { return max(0, l.total-len(l.borrowers)) }

// Statistics returns a copy of the limiter's current state.
func (l *Limiter) Statistics() LimiterStatistics {
	who := l.inOrder()
	names := make([]string, len(who))
	for i, b := range who {
		if t, ok := b.(aio.AnyTask); ok {
			names[i] = safetext.Message(t.Name())
		} else {
			names[i] = safetext.Value(b, 200)
		}
	}
	return LimiterStatistics{
		Total:     l.total,
		Borrowed:  len(who),
		Borrowers: names,
		Waiting:   l.line.Len(),
	}
}

// inOrder returns the borrowers in the order of borrowing.
func (l *Limiter) inOrder() []any {
	who := make([]any, 0, len(l.borrowers))
	for b := range l.borrowers {
		who = append(who, b)
	}
	slices.SortFunc(who, func(a, b any) int { return int(int64(l.borrowers[a] - l.borrowers[b])) })
	return who
}

// String shows how many tokens are borrowed, by which borrowers, and how many tasks wait.
func (l *Limiter) String() string {
	s := l.Statistics()
	text := fmt.Sprintf("<Limiter %d of %d", s.Borrowed, s.Total)
	if s.Borrowed > 0 {
		for i, b := range l.inOrder() {
			if t, ok := b.(aio.AnyTask); ok && t.Done() {
				s.Borrowers[i] += " (which has ended)"
			}
		}
		text += " lent to " + strings.Join(s.Borrowers, ", ")
	}
	return text + waitersText(s.Waiting) + ">"
}
