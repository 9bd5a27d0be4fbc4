package aio

import (
	"context"
	"fmt"
	"iter"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/ring"
)

// AsCompleted is an iterator over tasks and futures in the order in which they end; waiting for the next one suspends the task. Take the
// result with Result or Await. The error is nil until the wait itself is cancelled, which ends the iteration.
//
//	for task, err := range aio.AsCompleted(ctx, tasks...) {
//
// The same task given twice comes once. Leaving the loop early leaves the others alone. asyncio: as_completed.
//
// Cancellation: the tasks and futures go on.
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

// arrivals are the outcomes that have come and were not taken yet.
type arrivals[A AnyFuture] struct {
	plainWait
	w    Waiter // of the task that waits for the next one
	left int
	here ring.Ring[A]
}

// waitText implements waitable.
func (l *arrivals[A]) waitText() string { return fmt.Sprintf("the next of %d", l.left) }

func (l *arrivals[A]) wait(ctx context.Context) error {
	p := &running(ctx, "AsCompleted").wait
	p.begin(ctx, "AsCompleted", l)
	l.w = p.waiter()
	return p.park()
}

// arrival is one task or future: when it has ended it gets a turn in the ready queue, in which it joins those that have come.
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
