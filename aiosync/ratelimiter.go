package aiosync

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/aio-go/aio"
)

// RateLimiter is a token bucket. It holds at most n tokens and refills at a rate of n tokens per
// period, by the loop's clock. Each task that passes takes a token. If there is none it waits, in
// FIFO order. A RateLimiter belongs to the first loop that uses it. asyncio has no counterpart.
type RateLimiter struct {
	n     int
	per   time.Duration
	each  time.Duration // the time in which one token refills, rounded up
	burst time.Duration // the time in which all tokens but one refill
	epoch time.Time     // the first use
	full  time.Duration // when the bucket is full again, since epoch

	loop *aio.Loop
	line aio.Line
	next *aio.Timer // set while tasks wait: the first in line may pass
}

// RateLimiterStatistics is the result of [RateLimiter.Statistics].
type RateLimiterStatistics struct {
	N       int
	Per     time.Duration
	Waiting int // tasks in line
}

// NewRateLimiter returns a limiter that lets n tasks pass per period. Its bucket is full. It panics
// if n or per is not positive.
func NewRateLimiter(n int, per time.Duration) *RateLimiter {
	if n < 1 || per <= 0 {
		problem := fmt.Sprintf("the rate is %d per %s; use a positive number and period", n, per)
		panic(misuse("NewRateLimiter", problem))
	}
	r := &RateLimiter{n: n, per: per, each: (per-1)/time.Duration(n) + 1, burst: math.MaxInt64}
	if others := time.Duration(n - 1); others == 0 || r.each <= math.MaxInt64/others {
		r.burst = others * r.each
	}
	return r
}

// Acquire takes a token. It waits until there is a token and every task ahead in line has passed.
// If that is so now it returns nil at once, even if the context is cancelled. There is nothing to
// release.
//
// Cancellation: Acquire returns the error, and the token goes to the next task in line.
func (r *RateLimiter) Acquire(ctx context.Context) error {
	const op = "RateLimiter.Acquire"
	t := aio.Running(ctx, op)
	if r.n == 0 {
		panic(misuse(op, "the limiter has no rate; make it with NewRateLimiter"))
	}
	r.line.Bind(t, op)
	if r.loop == nil {
		r.loop = aio.RunningLoop(ctx)
		r.epoch, r.next = r.loop.Time(), r.loop.NewTimer(r.serve)
	}
	if r.line.Head().Zero() && r.take() {
		return nil
	}
	if !r.next.Running() {
		r.next.Start(r.untilNext())
	}
	w := aio.NewWaiter(ctx, op, r)
	err := r.line.Wait(w)
	if err != nil && w.Woken() {
		r.full -= r.each // the token that the task does not use
		r.serve()
	} else if r.line.Head().Zero() {
		r.next.Stop()
	}
	return err
}

// take takes a token if there is one.
func (r *RateLimiter) take() bool {
	if r.untilNext() > 0 {
		return false
	}
	r.full = max(r.full, r.now())
	if r.full > math.MaxInt64-r.each {
		r.full = math.MaxInt64
	} else {
		r.full += r.each
	}
	return true
}

// untilNext returns how long it is until there is a token, 0 or less if there is one.
func (r *RateLimiter) untilNext() time.Duration {
	untilFull := r.full - r.now()
	if untilFull <= 0 {
		return 0
	}
	return untilFull - r.burst
}

// now returns the loop's time since the first use.
func (r *RateLimiter) now() time.Duration { return max(0, r.loop.Time().Sub(r.epoch)) }

// serve lets tasks pass while there are tokens, and sets the timer for the next one.
func (r *RateLimiter) serve() {
	r.next.Stop()
	for !r.line.Head().Zero() {
		if !r.take() {
			r.next.Start(r.untilNext())
			return
		}
		r.line.Call("RateLimiter.Acquire")
	}
}

// Statistics returns a copy of the limiter's current state.
func (r *RateLimiter) Statistics() RateLimiterStatistics {
	return RateLimiterStatistics{N: r.n, Per: r.per, Waiting: r.line.Len()}
}

// String shows the rate, and how many tasks wait.
func (r *RateLimiter) String() string {
	return fmt.Sprintf("<RateLimiter %d per %s%s>", r.n, r.per, waitersText(r.line.Len()))
}
