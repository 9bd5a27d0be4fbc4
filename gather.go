package aio

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/list"
)

// Gather waits for tasks and futures that were started before and returns their results in the order of the arguments. It returns the first
// error as soon as one of them fails; the others go on, and their errors count as seen. The same task may be given more than once. A panic
// of a task is raised again here. Without arguments it returns at once. To start functions, and end the rest when one fails, use [All].
// asyncio: gather.
//
// Cancellation: all that have not ended and that nobody else awaits are cancelled, in the order of the arguments, and waited for.
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

// GatherSettled waits until all have ended and returns the outcome of each, in the order of the arguments: values and errors, cancellations
// and panics (as [*PanicError]) among them. The error is only that of the wait itself. asyncio: gather(return_exceptions=True).
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

// gathering is one wait of Gather. It is over when left is 0 or one child has failed; it then gets a turn in the ready queue, in which it
// wakes the task: two passes from the last child's end to the task, as in asyncio. While the children are being cancelled a failure does not
// end it, but is its result in the end.
type gathering struct {
	w        Waiter
	settled  bool // failures do not end it
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
	g := &gathering{settled: settled, left: len(aws), children: make([]*core, len(aws)), nodes: make([]list.Elem[completer], len(aws))}
	for i, aw := range aws {
		c := coreOf(w, op, aw)
		if c == &w.task.core {
			panic(misuse(op, "a task cannot wait for its own end"))
		}
		g.children[i] = c
	}
	p := &w.wait
	p.begin(ctx, op, g)
	g.w = p.waiter()
	for i, c := range g.children {
		if c.Done() {
			if c.rare == nil || c.rare.panic == nil {
				c.observe()
			}
			g.completed(c)
			continue
		}
		c.tell(&g.nodes[i], g)
	}
	if p.fate == refused && (w.unservable() || !p.passOn(p.req)) {
		g.leave()
		return p.refuse()
	}
	err := p.park()
	var req *cancellation
	if p.fate == passedOn {
		req = p.req
	}
	g.leave()
	switch {
	case err != nil:
		g.unseen()
		return err
	case g.first != nil:
		if req != nil {
			w.delivered()
		}
		g.first.observe()
		g.first.raise()
		return g.first.err
	case req != nil:
		w.delivered()
		g.unseen()
		return req.awaitError()
	}
	return nil
}

// completed implements completer.
func (g *gathering) completed(c *core) {
	c.flags |= dismissed
	if g.settled {
		c.flags |= awaited
	}
	g.left--
	if g.over {
		return
	}
	cancelling := g.w.p.fate == passedOn
	if !g.settled && g.first == nil && (c.state == failed || c.state == cancelled && !cancelling) {
		g.first = c
		c.flags |= awaited
	}
	if g.first != nil && !cancelling {
		g.end()
	} else if g.left == 0 {
		g.end()
	}
}

func (g *gathering) end() {
	g.over = true
	g.w.p.worker.loop.ready.Push(g)
}

// run is the gathering's turn in the ready queue.
func (g *gathering) run() { g.w.Unpark() }

// waitText implements waitable.
func (g *gathering) waitText() string { return fmt.Sprintf("%d of %d", g.left, len(g.children)) }

// blockers implements waitable.
func (g *gathering) blockers() (out []*taskCore) {
	for _, c := range g.children {
		if t := c.self.asTask(); t != nil && !c.Done() {
			out = append(out, t)
		}
	}
	return out
}

// evict implements waitable.
func (g *gathering) evict(*wait, error) { g.leave() }

// cancelFor implements waitable. Once it has returned true a failure does not end the wait.
func (g *gathering) cancelFor(p *wait, req *cancellation) bool {
	if g.over {
		return false
	}
	waiting := 0
	var own []*core // those that nobody else waits for
	for i, c := range g.children {
		if c.Done() || !g.nodes[i].Linked() {
			continue
		}
		mine := c.onlyFor(g)
		if mine {
			own = append(own, c)
		}
		if mine && c.yields(p) {
			waiting++
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
	return waiting > 0
}

// unseen is called when the outcomes are not handed on. Errors were, as it were, seen; panics are not lost.
func (g *gathering) unseen() {
	for _, c := range g.children {
		if c.state >= failed && c.flags&observed == 0 {
			c.notice()
		}
	}
}

// leave gives up the children that have not ended.
func (g *gathering) leave() {
	for i, c := range g.children {
		if g.nodes[i].Linked() {
			c.waiters.Remove(&g.nodes[i])
			c.flags |= dismissed
		}
	}
}
