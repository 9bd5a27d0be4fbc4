package aio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio/internal/list"
)

// When says what [Wait] waits for.
type When int

const (
	AllCompleted   When = iota // all have ended
	FirstCompleted             // at least one has ended
	FirstException             // one has failed (a cancellation does not count), or all have ended
)

// ErrNothingToWaitFor is returned by Wait and WaitTimeout without tasks.
var ErrNothingToWaitFor = errors.New("aio: Wait: nothing to wait for; give it at least one task or future")

// Wait waits until as many of the tasks and futures have ended as when says, and returns those that have and those that have not, each in
// the order of the arguments and without duplicates. It does not fail when they do: look at the done ones. The error is that of the wait
// itself: its cancellation, with the lists as they are then, or [ErrNothingToWaitFor]. asyncio: wait.
//
// Cancellation: the tasks and futures go on.
func Wait[A AnyFuture](ctx context.Context, when When, aws ...A) (done, pending []A, err error) {
	return waitFor(ctx, "Wait", when, -1, aws)
}

// WaitTimeout is [Wait] for at most d. When the time is over it returns what has ended by then, without an error, and leaves the rest alone.
// asyncio: wait with timeout.
func WaitTimeout[A AnyFuture](ctx context.Context, d time.Duration, when When, aws ...A) (done, pending []A, err error) {
	return waitFor(ctx, "WaitTimeout", when, max(d, 0), aws)
}

func waitFor[A AnyFuture](ctx context.Context, op string, when When, d time.Duration, aws []A) (done, pending []A, err error) {
	w := running(ctx, op)
	if len(aws) == 0 {
		return nil, nil, ErrNothingToWaitFor
	}
	if when < AllCompleted || when > FirstException {
		panic(misuse(op, fmt.Sprintf("unknown mode %d; use AllCompleted, FirstCompleted or FirstException", when)))
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
			x.timer.start(w.task.loop, w.task.loop.after(d))
		}
	}
	err = p.park()
	x.timer.stop(w.task.loop)
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

// waiting is one wait of Wait. When the condition holds, or the time is over, it gets a turn in the ready queue and wakes the task.
type waiting struct {
	plainWait
	w     Waiter
	when  When
	left  int
	over  bool
	timer timer
	nodes []list.Elem[completer]
}

// completed implements completer. The outcome counts as unseen: whoever waits has the tasks and can look.
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

// run is the wait's turn in the ready queue.
func (x *waiting) run() { x.w.Unpark() }

// waitText implements waitable.
func (x *waiting) waitText() string { return fmt.Sprintf("%d tasks or futures", x.left) }
