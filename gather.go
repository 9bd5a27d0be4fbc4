package aio

import "context"

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
// wakes the task: two passes from the last child's end to the task, as in asyncio.
type gathering struct {
	p        *park
	settled  bool // failures do not end it
	over     bool
	left     int
	first    *core // the child that failed first
	children []*core
	nodes    []node
}

func gather[A AnyFuture](ctx context.Context, op string, aws []A, settled bool) error {
	w := running(ctx, op)
	if len(aws) == 0 {
		return nil
	}
	p := &w.park
	p.begin(op, nil)
	p.govern(ctx)
	g := &gathering{p: p, settled: settled, left: len(aws), children: make([]*core, len(aws)), nodes: make([]node, len(aws))}
	p.on = g
	for i, aw := range aws {
		c := aw.future()
		if c.loop != w.task.loop {
			panic(misuse(op, c.String()+" belongs to another loop; hand the work over with Submit"))
		}
		if c == &w.task.core {
			panic(misuse(op, "a task cannot wait for its own end"))
		}
		g.children[i] = c
	}
	for i, c := range g.children {
		if c.Done() {
			c.observe()
			g.completed(c)
			continue
		}
		g.nodes[i].owner = g
		c.join(&g.nodes[i])
	}
	if req := p.broken; req != nil {
		if !g.cancelFor(p, req) {
			g.leave()
			return p.wait()
		}
		p.alone()
		p.pending = req
	}
	p.forward = g
	err := p.wait()
	p.forward = nil
	req := p.pending
	p.pending = nil
	if err == nil && req != nil {
		w.delivered(req)
		err = req.awaitError()
	}
	if err != nil {
		g.leave()
		return err
	}
	if g.first != nil {
		g.first.raise()
		return g.first.err
	}
	return nil
}

// completed implements completer.
func (g *gathering) completed(c *core) {
	c.flags |= observed
	g.left--
	if g.over {
		return
	}
	if c.state >= failed && !g.settled && g.p.pending == nil {
		g.first = c
		g.end()
	} else if g.left == 0 {
		g.end()
	}
}

func (g *gathering) end() {
	g.over = true
	g.p.worker.task.loop.ready.Push(g)
}

// run is the gathering's turn in the ready queue.
func (g *gathering) run() {
	if g.p.state == parked && g.p.on == any(g) && g.p.err == nil {
		g.p.wake()
	}
}

// cancelFor implements forwarder.
func (g *gathering) cancelFor(p *park, req *cancellation) bool {
	if g.over {
		return false
	}
	p.pending = req // from now on a failure does not end the wait
	waiting := 0
	for i, c := range g.children {
		switch {
		case c.Done() || g.nodes[i].next == nil:
		case c.onlyFor(g):
			waiting++
		default:
			c.leave(&g.nodes[i])
			g.left--
		}
	}
	p.pending = nil
	if waiting == 0 {
		return false
	}
	p.pending = req
	for _, c := range g.children {
		if c.onlyFor(g) {
			c.cancelWith(req)
		}
	}
	return true
}

// leave gives up the children that have not ended.
func (g *gathering) leave() {
	for i, c := range g.children {
		c.leave(&g.nodes[i])
	}
}
