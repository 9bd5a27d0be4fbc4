package aio

import (
	"context"
	"iter"

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
		line := &arrivals[A]{p: &w.park}
		left := 0
		seen := make(map[*core]bool, len(aws))
		for _, aw := range aws {
			c := coreOf(w, "AsCompleted", aw)
			if seen[c] {
				continue
			}
			seen[c] = true
			left++
			a := &arrival[A]{line: line, aw: aw, core: c}
			if c.Done() {
				a.completed(c)
				continue
			}
			a.node.owner = a
			c.join(&a.node)
			defer func() { c.leave(&a.node) }()
		}
		for ; left > 0; left-- {
			if line.here.Len() == 0 {
				if err := line.wait(ctx); err != nil {
					var none A
					yield(none, err)
					return
				}
			}
			if !yield(line.here.Pop(), nil) {
				return
			}
		}
	}
}

// arrivals are the outcomes that have come and were not taken yet.
type arrivals[A AnyFuture] struct {
	p    *park
	here ring.Ring[A]
}

func (l *arrivals[A]) wait(ctx context.Context) error {
	w := running(ctx, "AsCompleted")
	l.p = &w.park
	l.p.begin("AsCompleted", l)
	l.p.govern(ctx)
	return l.p.wait()
}

// arrival is one task or future: when it has ended it gets a turn in the ready queue, in which it joins those that have come.
type arrival[A AnyFuture] struct {
	node node
	line *arrivals[A]
	aw   A
	core *core
}

func (a *arrival[A]) completed(c *core) { c.loop.ready.Push(a) }

func (a *arrival[A]) run() {
	l := a.line
	l.here.Push(a.aw)
	if l.p.state == parked && l.p.on == any(l) && l.p.err == nil {
		l.p.wake()
	}
}
