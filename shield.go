package aio

import "context"

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
	p := &w.park
	p.begin("Shield", c)
	p.govern(ctx)
	s := &shielded{p: p, gen: p.gen}
	s.node.owner = s
	if p.broken == nil {
		c.join(&s.node)
	}
	err := p.wait()
	c.leave(&s.node)
	return err
}

// shielded is one wait of Shield. When the other has ended it gets a turn in the ready queue and wakes the task: two passes, as in asyncio.
type shielded struct {
	node node
	p    *park
	gen  uint32
}

func (s *shielded) completed(c *core) { c.loop.ready.Push(s) }

func (s *shielded) run() {
	if s.p.gen == s.gen && s.p.state == parked && s.p.err == nil {
		s.p.wake()
	}
}
