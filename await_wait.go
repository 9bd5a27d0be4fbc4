package aio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/ring"
)

// When says how long [Wait] waits.
type When int

const (
	AllCompleted   When = iota // all have ended
	FirstCompleted             // at least one has ended
	FirstException             // one has failed (a cancellation does not count), or all have ended
)

// ErrNothingToWaitFor is returned by Wait and WaitTimeout without tasks and futures.
var ErrNothingToWaitFor = errors.New(
	"aio: Wait: nothing to wait for; pass at least one task or future")

// Wait waits until enough of the tasks and futures have ended, as when says. It returns those that
// have ended and those that have not, in the order of the arguments and without duplicates. A
// failure of a task is not an error of Wait: check the tasks in done. Without arguments it returns
// [ErrNothingToWaitFor]. asyncio: wait.
//
// Cancellation: the tasks and futures go on. Wait returns the error and the two lists as they are
// then.
func Wait[A AnyFuture](ctx context.Context, when When, aws ...A) (done, pending []A, err error) {
	return waitFor(ctx, "Wait", when, -1, aws)
}

// WaitTimeout is [Wait] for at most d. When the time is over it returns the two lists as they are,
// without an error, and the rest goes on. asyncio: wait with timeout.
func WaitTimeout[A AnyFuture](
	ctx context.Context, d time.Duration, when When, aws ...A,
) (done, pending []A, err error) {
	return waitFor(ctx, "WaitTimeout", when, max(d, 0), aws)
}

func waitFor[A AnyFuture](
	ctx context.Context, op string, when When, d time.Duration, aws []A,
) (done, pending []A, err error) {
	w := running(ctx, op)
	if len(aws) == 0 {
		return nil, nil, ErrNothingToWaitFor
	}
	if when < AllCompleted || when > FirstException {
		panic(misuse(op, fmt.Sprintf("unknown mode %d; "+
			"use AllCompleted, FirstCompleted or FirstException", when)))
	}
	seen := make(map[*core]bool, len(aws))
	unique := make([]A, 0, len(aws))
	for _, aw := range aws {
		if c := coreOf(w, op, aw); !seen[c] {
			seen[c] = true
			unique = append(unique, aw)
		}
	}
	x := &waiting{when: when, left: len(unique), nodes: make([]list.Elem[completer], len(unique))}
	p := &w.wait
	p.begin(ctx, op, x)
	x.w = p.waiter()
	if p.fate == open {
		for i, aw := range unique {
			c := aw.future()
			if c.Done() {
				x.completed(c)
				continue
			}
			c.tell(&x.nodes[i], x)
		}
		if d >= 0 && !x.over {
			x.timer.due = x
			w.task.loop.timers.start(&x.timer, w.task.loop.clock.after(d))
		}
	}
	err = p.park()
	w.task.loop.timers.stop(&x.timer)
	for i, aw := range unique {
		c := aw.future()
		c.waiters.Remove(&x.nodes[i])
		c.forsaken() // who called may look at once
		if c.Done() {
			done = append(done, aw)
		} else {
			pending = append(pending, aw)
		}
	}
	return done, pending, err
}

// waiting is one wait of Wait. When the condition holds, or the time is over, it takes a turn in
// the ready queue and wakes the task.
type waiting struct {
	plainWait
	w     Waiter
	when  When
	left  int
	over  bool
	timer timer
	nodes []list.Elem[completer]
}

// completed implements completer. The outcome counts as unseen: the caller gets the tasks and can
// look.
func (x *waiting) completed(c *core) {
	c.flags |= attended
	x.left--
	if x.over {
		return
	}
	if x.left == 0 || x.when == FirstCompleted || x.when == FirstException && c.state == failed {
		x.over = true
		x.w.p.worker.loop.ready.Push(x)
	}
}

// run is called when the wait's turn in the ready queue comes.
func (x *waiting) run() { x.w.Unpark() }

// waitText implements waitable.
func (x *waiting) waitText([]*taskCore) string { return fmt.Sprintf("%d tasks or futures", x.left) }

// AsCompleted returns an iterator over tasks and futures in the order in which they end. It
// suspends the task until the next one has ended. Get the result with Result or Await. The error is
// nil until the wait itself is cancelled.
//
//	for task, err := range aio.AsCompleted(ctx, tasks...) {
//
// A task given twice is yielded once. After a break the remaining tasks go on. asyncio:
// as_completed.
//
// Cancellation: the tasks and futures go on. The iterator yields the error as its last element.
func AsCompleted[A AnyFuture](ctx context.Context, aws ...A) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		w := running(ctx, "AsCompleted")
		line := &arrivals[A]{}
		seen := make(map[*core]bool, len(aws))
		for _, aw := range aws {
			c := coreOf(w, "AsCompleted", aw)
			if seen[c] {
				continue
			}
			seen[c] = true
			line.left++
			a := &arrival[A]{line: line, aw: aw, core: c}
			if c.Done() {
				a.completed(c)
				continue
			}
			c.tell(&a.node, a)
			defer func() {
				c.waiters.Remove(&a.node)
				c.forsaken()
			}()
		}
		for ; line.left > 0; line.left-- {
			if line.here.Len() == 0 {
				if err := line.wait(ctx); err != nil {
					var none A
					yield(none, err)
					return
				}
			}
			aw := line.here.Pop()
			more := yield(aw, nil)
			aw.future().forsaken() // unless the loop body has looked
			if !more {
				return
			}
		}
	}
}

// arrivals are the ended tasks and futures that the iterator has not yielded yet.
type arrivals[A AnyFuture] struct {
	plainWait
	w    Waiter // of the task that waits for the next one
	left int
	here ring.Ring[A]
}

// waitText implements waitable.
func (l *arrivals[A]) waitText([]*taskCore) string { return fmt.Sprintf("the next of %d", l.left) }

func (l *arrivals[A]) wait(ctx context.Context) error {
	p := &running(ctx, "AsCompleted").wait
	p.begin(ctx, "AsCompleted", l)
	l.w = p.waiter()
	return p.park()
}

// arrival is one task or future. When it has ended, the arrival takes a turn in the ready queue and
// joins arrivals.
type arrival[A AnyFuture] struct {
	node list.Elem[completer]
	line *arrivals[A]
	aw   A
	core *core
}

func (a *arrival[A]) completed(c *core) {
	c.flags |= attended
	c.loop.ready.Push(a)
}

func (a *arrival[A]) run() {
	l := a.line
	l.here.Push(a.aw)
	l.w.Unpark()
}

// Shield awaits a task or future without passing on a cancellation. If the waiting task is
// cancelled, Shield returns and the other task goes on. Keep its handle and await it later;
// otherwise its error is reported. asyncio: shield.
//
//	err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
//		result, err = aio.Shield(ctx, job)  // the job survives the time-out
//		return err
//	})
//
// Cancellation: Shield returns the error, and the awaited task goes on.
func Shield[T any, A TaskOrFuture[T]](ctx context.Context, aw A) (T, error) {
	var zero T
	w := running(ctx, "Shield")
	c := coreOf(w, "Shield", aw)
	if !c.Done() {
		if err := shield(w, ctx, c); err != nil {
			return zero, err
		}
	}
	c.observe()
	c.raise()
	return aw.Result()
}

func shield(w *worker, ctx context.Context, c *core) error {
	s := &shielded{core: c}
	p := &w.wait
	p.begin(ctx, "Shield", s)
	s.w = p.waiter()
	if p.fate == open {
		c.tell(&s.node, s)
	}
	err := p.park()
	c.waiters.Remove(&s.node)
	if err != nil {
		c.forsaken()
	}
	return err
}

// shielded is one wait of Shield. When the other task has ended, it takes a turn in the ready queue
// and wakes the waiting task. That takes two passes, as in asyncio.
type shielded struct {
	*core // prints and blocks as it does
	node  list.Elem[completer]
	w     Waiter
}

func (s *shielded) completed(c *core) {
	c.flags |= attended
	c.loop.ready.Push(s)
}

func (s *shielded) run() { s.w.Unpark() }

// cancelFor implements waitable: nothing is passed on.
func (s *shielded) cancelFor(*wait, *cancellation) bool { return false }

// evict implements waitable.
func (s *shielded) evict(*wait, error) { s.core.waiters.Remove(&s.node) }
