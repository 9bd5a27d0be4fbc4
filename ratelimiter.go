package aio

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio/internal/nocopy"
)

// RateLimiter lets a number of tasks through in each stretch of time, by the loop's clock. It saves up what is not used, up to that number:
// after a pause so many pass at once, then one whenever its share of the time is over. Tasks pass in the order in which they came. It belongs
// to the first loop that uses it. Its methods are for the loop only. asyncio has no counterpart.
type RateLimiter struct {
	_    nocopy.Mark
	n    int
	per  time.Duration
	each int64 // nanoseconds that one pass costs
	full int64 // when all is saved up again, in the loop's nanoseconds
	loop *Loop // the one that uses it
	line Line
	next timer // for the first in line
}

// RateLimiterStatistics is what [RateLimiter.Statistics] returns.
type RateLimiterStatistics struct {
	N       int
	Per     time.Duration
	Waiting int // tasks in line
}

// NewRateLimiter makes a limiter that lets n tasks through in each stretch of time per. It panics if either is not positive.
func NewRateLimiter(n int, per time.Duration) *RateLimiter {
	if n < 1 || per <= 0 {
		panic(misuse("NewRateLimiter", fmt.Sprintf("the rate is %d per %s; use a positive number and a positive time", n, per)))
	}
	each := (int64(per)-1)/int64(n) + 1
	r := &RateLimiter{n: n, per: per, each: each}
	r.next.due = (*turn)(r)
	return r
}

// Acquire waits until the rate allows the task to pass and all who came before have passed. If that is so now it returns at once, also when
// the context is cancelled. It returns nil, or the error of a cancellation. There is nothing to release.
//
// Cancellation: the task leaves the line, and its turn goes to the next.
func (r *RateLimiter) Acquire(ctx context.Context) error {
	const op = "RateLimiter.Acquire"
	t := Running(ctx, op)
	if r.n == 0 {
		panic(misuse(op, "the limiter has no rate; make it with NewRateLimiter"))
	}
	l := RunningLoop(ctx)
	r.line.Bind(t, op)
	r.loop = l
	if r.line.Head().Zero() && r.take(l.now()) {
		return nil
	}
	wait := NewWaiter(ctx, op, r)
	if !r.next.armed() {
		r.next.start(l, r.nextTurn())
	}
	err := r.line.Wait(wait)
	if err != nil && wait.Woken() {
		r.full -= r.each
		r.next.stop(l)
		r.serve()
	} else if r.line.Head().Zero() {
		r.next.stop(l)
	}
	return err
}

// take lets one pass, if the time has come.
func (r *RateLimiter) take(now int64) bool {
	if now < r.nextTurn() {
		return false
	}
	r.full = subtract(max(r.full, now), -r.each)
	return true
}

// nextTurn is when the next may pass.
func (r *RateLimiter) nextTurn() int64 {
	n := int64(r.n - 1)
	if n > 0 && r.each > maxTime/n {
		return 0 // rounding up has made more of the time than there is: so many never come
	}
	return r.full - n*r.each
}

// serve lets those through whose time has come, and sets the timer for the next.
func (r *RateLimiter) serve() {
	l := r.loop
	now := l.now()
	for r.line.Head().Pending() {
		if !r.take(now) {
			r.next.start(l, r.nextTurn())
			return
		}
		r.line.Call("RateLimiter.Acquire")
	}
}

// turn is the timer's entry in the ready queue.
type turn RateLimiter

func (t *turn) run() {
	if r := (*RateLimiter)(t); !r.next.armed() {
		r.serve()
	}
}

// Statistics returns a picture of the limiter as it is now.
func (r *RateLimiter) Statistics() RateLimiterStatistics {
	return RateLimiterStatistics{N: r.n, Per: r.per, Waiting: r.line.Len()}
}

// String shows the rate, and how many tasks wait.
func (r *RateLimiter) String() string {
	return fmt.Sprintf("<RateLimiter %d per %s%s>", r.n, r.per, waitersText(r.line.Len()))
}
