package aio

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/list"
)

// Gather waits for tasks and futures that were started before and returns their results in the
// order of the arguments. When one fails it returns that error at once; the others continue, and
// their errors count as seen. A panic of a task is re-panicked here. The same task may be given
// more than once. Without arguments it returns at once. To start functions, and cancel the rest
// when one fails, use [All]. asyncio: gather.
//
// Cancellation: Gather cancels the children that have not ended and that no other task awaits, in
// the order of the arguments, and waits for them. If a child had failed before, Gather returns its
// error and waits for none.
func Gather[T any, A TaskOrFuture[T]](ctx context.Context, aws ...A) ([]T, error) {
	if err := gather(ctx, "Gather", aws, false); err != nil {
		return nil, err
	}
	out := make([]T, len(aws))
	for i, aw := range aws {
		out[i], _ = aw.Result()
	}
	return out, nil
}

// GatherSettled waits until all children have ended and returns their outcomes in the order of the
// arguments. Errors, cancellations and panics (as [*PanicError]) are outcomes too. The returned
// error is only that of the wait itself. asyncio: gather(return_exceptions=True).
//
// Cancellation: as for [Gather].
func GatherSettled[T any, A TaskOrFuture[T]](ctx context.Context, aws ...A) ([]Outcome[T], error) {
	if err := gather(ctx, "GatherSettled", aws, true); err != nil {
		return nil, err
	}
	out := make([]Outcome[T], len(aws))
	for i, aw := range aws {
		out[i].Value, out[i].Err = aw.Result()
	}
	return out, nil
}

// gathering is one wait of Gather. As in asyncio, the task resumes two passes after the child that
// decides. While the children are being cancelled, a failure does not end the wait but is its
// result in the end.
//
//	state    meaning                                            left when
//	open     children have still to end                         the last one ends, or one fails
//	decided  it is in the ready queue; if the task is           its turn comes
//	         cancelled, children that go on still are, too
//	over     the task has been woken
type gathering struct {
	w        Waiter
	settled  bool // failures do not end it
	decided  bool
	over     bool
	left     int
	first    *core // the child that failed first, if that matters
	children []*core
	nodes    []list.Elem[completer]
}

func gather[A AnyFuture](ctx context.Context, op string, aws []A, settled bool) error {
	w := running(ctx, op)
	if len(aws) == 0 {
		return nil
	}
	g := &gathering{
		settled:  settled,
		left:     len(aws),
		children: make([]*core, len(aws)),
		nodes:    make([]list.Elem[completer], len(aws)),
	}
	for i, aw := range aws {
		c := coreOf(w, op, aw)
		if c == &w.task.core {
			panic(misuse(op, "a task cannot wait for its own end; await another task"))
		}
		g.children[i] = c
	}
	p := &w.wait
	p.begin(ctx, op, g)
	g.w = p.waiter()
	for i, c := range g.children {
		if c.Done() {
			g.completed(c)
			continue
		}
		c.tell(&g.nodes[i], g)
	}
	if p.fate == refused && (w.unservable() || !p.passOn(p.req)) {
		g.forsake()
		return p.refuse()
	}
	err := p.park()
	var req *cancellation
	if p.fate == passedOn {
		req = p.req
	}
	if req != nil {
		w.delivered()
	}
	switch {
	case err == nil && g.first != nil:
		g.first.observe()
		g.dismiss()
		g.first.raise()
		return g.first.err
	case err == nil && req != nil:
		err = req.awaitError()
		fallthrough
	case err != nil:
		g.forsake()
	}
	return err
}

// completed implements completer.
func (g *gathering) completed(c *core) {
	c.flags |= awaited
	g.left--
	if g.decided {
		return
	}
	cancelling := g.w.p.fate == passedOn
	if !g.settled && g.first == nil && (c.state == failed || c.state == cancelled && !cancelling) {
		g.first = c
	}
	if g.left == 0 || g.first != nil && !cancelling {
		g.decided = true
		g.w.p.worker.loop.ready.Push(g)
	}
}

// run is called when the gathering's turn in the ready queue comes.
func (g *gathering) run() {
	g.over = true
	g.w.Unpark()
}

// waitText implements waitable.
func (g *gathering) waitText([]*taskCore) string {
	return fmt.Sprintf("%d of %d", g.left, len(g.children))
}

// blockers implements waitable.
func (g *gathering) blockers(to []*taskCore) []*taskCore {
	for _, c := range g.children {
		if t := c.self.asTask(); t != nil && !c.Done() {
			to = append(to, t)
		}
	}
	return to
}

// evict implements waitable.
func (g *gathering) evict(*wait, error) { g.forsake() }

// cancelFor implements waitable. Once it has returned true, a failure does not end the wait. A
// failure that is known already remains the result, and the children that go on are cancelled.
func (g *gathering) cancelFor(p *wait, req *cancellation) bool {
	switch {
	case g.over:
		return false
	case g.decided && g.left == 0:
		g.first = nil // the cancellation takes the place of a failure, which will be reported
		return true   // the wait ends in its turn, which is in the ready queue
	}
	goesOn := false
	var own []*core // children that nothing else waits for
	for i, c := range g.children {
		if c.Done() || !g.nodes[i].Linked() {
			continue
		}
		mine := c.onlyFor(g)
		if mine {
			own = append(own, c)
		}
		goesOn = goesOn || g.first != nil
		if mine && c.yields(p) {
			goesOn = true
			continue
		}
		c.waiters.Remove(&g.nodes[i])
		g.left--
	}
	if len(own) > 0 {
		req = req.from(p)
	}
	for _, c := range own {
		c.cancelWith(req)
	}
	return goesOn
}

// forsake stops waiting for the children and retrieves no outcome.
func (g *gathering) forsake() {
	for i, c := range g.children {
		c.waiters.Remove(&g.nodes[i])
		c.forsaken()
	}
}

// dismiss stops waiting for the children after one has failed. The errors of the others count as
// seen, their panics do not.
func (g *gathering) dismiss() {
	for i, c := range g.children {
		c.waiters.Remove(&g.nodes[i])
		c.flags |= dismissed
		if c.Done() && (c.rare == nil || c.rare.panic == nil) {
			c.observe()
		}
		c.forsaken()
	}
}
