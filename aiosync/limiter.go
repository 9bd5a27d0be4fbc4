package aiosync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aio-go/aio/internal/safetext"

	"github.com/aio-go/aio"
)

// Limiter is a semaphore that knows who has its tokens: each borrower, usually a task, has at most one, and gives it back itself. Tokens go
// to those who wait in the order in which they came. The number of tokens can be changed at any time. It belongs to the first loop that
// uses it. Its methods are for the loop only. asyncio has no counterpart; Trio and AnyIO call it CapacityLimiter.
//
// A token that is released while tasks wait belongs to the first of them from that moment on, although it goes on only in the next pass.
type Limiter struct {
	total     int
	borrowers map[any]uint64 // and when each came, as a number that grows
	seq       uint64
	loop      *aio.Loop // the one that uses it
	line      aio.Line
	waits     map[aio.TaskRef]any // for whom the tasks in line want to borrow
	asking    map[any]bool        // and the same the other way round
}

// LimiterStatistics is what [Limiter.Statistics] returns.
type LimiterStatistics struct {
	Total     int
	Borrowed  int
	Borrowers []string // the names of the tasks, and what others print as, in the order of borrowing
	Waiting   int      // tasks in line
}

// NewLimiter makes a limiter with n tokens. It panics if n is less than one.
func NewLimiter(n int) *Limiter {
	mustHaveTokens("NewLimiter", n)
	return &Limiter{total: n, borrowers: make(map[any]uint64), waits: make(map[aio.TaskRef]any), asking: make(map[any]bool)}
}

func mustHaveTokens(op string, n int) {
	if n < 1 {
		panic(misuse(op, fmt.Sprintf("the number of tokens is %d; use 1 or more", n)))
	}
}

// Acquire waits until there is a token that nobody has asked for before, and borrows it for the running task. If there is one now it returns
// at once, also when the context is cancelled. It returns nil, or the error of a cancellation. It panics if the task has a token already.
//
// Cancellation: the task leaves the line without a token; one that had been given to it already goes to the next in line.
func (l *Limiter) Acquire(ctx context.Context) error {
	t := aio.Running(ctx, "Limiter.Acquire")
	return l.acquire(ctx, t, t.Task(), "Limiter.Acquire")
}

// AcquireFor is Acquire for a borrower that is not the running task: any comparable value, such as a connection that outlives the task.
//
// Cancellation: as for Acquire.
func (l *Limiter) AcquireFor(ctx context.Context, borrower any) error {
	return l.acquire(ctx, aio.Running(ctx, "Limiter.AcquireFor"), borrowerOf(borrower), "Limiter.AcquireFor")
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
		panic(misuse(op, "the borrower has a token, or waits for one, already; release that first, or use a Semaphore"))
	}
}

func (l *Limiter) lend(borrower any) {
	l.seq++
	l.borrowers[borrower] = l.seq
}

// hand lends free tokens to those who wait.
func (l *Limiter) hand(op string) {
	for len(l.borrowers) < l.total {
		w := l.line.Call(op)
		if w.Zero() {
			return
		}
		l.lend(l.waits[w.Task()])
	}
}

// Release gives the token of the running task back. If tasks wait, the first of them has it and goes on in the next pass. It never waits.
// It panics if the task has no token, and in a callback; use ReleaseFor there.
func (l *Limiter) Release() {
	const op = "Limiter.Release"
	var t aio.AnyTask
	if l.loop != nil {
		t = l.loop.CurrentTask()
	}
	if t == nil {
		panic(misuse(op, "no task is running that could have a token; use ReleaseFor"))
	}
	l.release(t, op)
}

// ReleaseFor gives the token of a borrower back, as Release does. It panics if the borrower has none.
func (l *Limiter) ReleaseFor(borrower any) { l.release(borrowerOf(borrower), "Limiter.ReleaseFor") }

func (l *Limiter) release(borrower any, op string) {
	if _, has := l.borrowers[borrower]; !has {
		panic(misuse(op, "the borrower has no token; call it once after each Acquire that returned nil, in the same task, or use AcquireFor and ReleaseFor"))
	}
	delete(l.borrowers, borrower)
	l.hand(op)
}

// borrowerOf checks that there is a borrower.
func borrowerOf(borrower any) any {
	if borrower == nil {
		panic(misuse("Limiter", "the borrower is nil"))
	}
	if borrower != borrower {
		panic(misuse("Limiter", "the borrower does not equal itself, so that it could never give its token back; use another value than NaN"))
	}
	return borrower
}

// With calls fn while the running task has a token and returns the error of fn, or of Acquire.
//
// Cancellation: as for Acquire; while fn runs it is fn's matter. The token is given back in any case, after a panic too.
func (l *Limiter) With(ctx context.Context, fn func(ctx context.Context) error) error {
	mustHave("Limiter.With", fn != nil)
	if err := l.Acquire(ctx); err != nil {
		return err
	}
	defer l.Release()
	return fn(ctx)
}

// SetTotal changes the number of tokens. More tokens go to those who wait at once; with fewer, as many as are too many are kept back when
// they are released. It panics if n is less than one.
func (l *Limiter) SetTotal(n int) {
	mustHaveTokens("Limiter.SetTotal", n)
	l.total = n
	l.hand("Limiter.SetTotal")
}

// Total returns the number of tokens.
func (l *Limiter) Total() int { return l.total }

// Available returns how many tokens are free.
func (l *Limiter) Available() int { return max(0, l.total-len(l.borrowers)) }

// Statistics returns a picture of the limiter as it is now.
func (l *Limiter) Statistics() LimiterStatistics {
	who := make([]any, 0, len(l.borrowers))
	for b := range l.borrowers {
		who = append(who, b)
	}
	slices.SortFunc(who, func(a, b any) int { return int(int64(l.borrowers[a] - l.borrowers[b])) })
	names := make([]string, len(who))
	for i, b := range who {
		if t, ok := b.(aio.AnyTask); ok {
			names[i] = safetext.Message(t.Name())
		} else {
			names[i] = safetext.Value(b, 200)
		}
	}
	return LimiterStatistics{Total: l.total, Borrowed: len(who), Borrowers: names, Waiting: l.line.Len()}
}

// String shows how many tokens are lent, to whom, and how many tasks wait.
func (l *Limiter) String() string {
	s := l.Statistics()
	text := fmt.Sprintf("<Limiter %d of %d", s.Borrowed, s.Total)
	if s.Borrowed > 0 {
		text += " lent to " + strings.Join(s.Borrowers, ", ")
	}
	return text + waitersText(s.Waiting) + ">"
}
