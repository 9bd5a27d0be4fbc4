package aio

import (
	"context"

	"github.com/aio-go/aio/internal/list"
)

// Shield awaits a task or future without passing on a cancellation: if the waiting task is cancelled, Shield returns and the other goes on.
// Somebody should keep and await it then; its error is reported otherwise. asyncio: shield.
//
//	err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
//		result, err = aio.Shield(ctx, job)  // the job survives the time-out
//		return err
//	})
//
// Cancellation: only the wait ends.
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

// shielded is one wait of Shield. When the other has ended it gets a turn in the ready queue and wakes the task: two passes, as in asyncio.
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
