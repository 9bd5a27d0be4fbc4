package aio

import (
	"context"
)

// foreignContext is a context not made by aio that ends a wait or a scope when it ends. It is a
// field of that wait or scope, and the loop lists it meanwhile.
//
// The standard library announces the end on another goroutine, some time later. That must not
// decide an order that the loop can know. So after a cancellation of its own, which may have ended
// derived contexts, the loop checks its list in the same call. A loop with a chooser or its own
// clock also checks before each pass.
type foreignContext struct {
	ctx   context.Context // nil: not in use
	stop  func() bool
	owner interface{ contextEnded(ctx context.Context) }
	index int // in the loop's list
	gen   uint32
}

// follow starts to watch ctx on behalf of owner.
func (f *foreignContext) follow(
	l *Loop, ctx context.Context, owner interface{ contextEnded(ctx context.Context) },
) {
	f.gen++
	f.ctx, f.owner, f.index = ctx, owner, len(l.foreign)
	l.foreign = append(l.foreign, f)
	gen := f.gen
	f.stop = context.AfterFunc(ctx, func() { l.inbox.put(&foreignEnd{l, f, gen}) })
}

// tell informs the owner, once, that the context has ended.
func (f *foreignContext) tell(l *Loop) {
	if ctx, owner := f.ctx, f.owner; ctx != nil {
		f.leave(l)
		owner.contextEnded(ctx)
	}
}

// leave stops watching.
func (f *foreignContext) leave(l *Loop) {
	if f.ctx == nil {
		return
	}
	f.stop()
	last := len(l.foreign) - 1
	l.foreign[f.index] = l.foreign[last]
	l.foreign[f.index].index = f.index
	l.foreign[last] = nil
	l.foreign = l.foreign[:last]
	f.ctx, f.stop, f.owner = nil, nil, nil
}

// foreignEnd is posted to the loop when a foreign context has ended.
type foreignEnd struct {
	loop *Loop
	f    *foreignContext
	gen  uint32
}

func (e *foreignEnd) run() {
	if e.f.gen == e.gen {
		e.f.tell(e.loop)
	}
}

// inOne makes all cancellations up to the call of done count as one. The loop then checks once for
// contexts that they have ended.
func (l *Loop) inOne() (done func()) {
	l.cancelling++
	return func() {
		if l.cancelling--; l.cancelling == 0 && len(l.foreign) > 0 {
			l.lookAtForeign()
		}
	}
}

// lookAtForeign informs the owners whose contexts have ended.
func (l *Loop) lookAtForeign() {
	var ended []*foreignContext
	for _, f := range l.foreign {
		if f.ctx.Err() != nil {
			ended = append(ended, f)
		}
	}
	for _, f := range ended {
		f.tell(l)
	}
}

// contextEnded implements the owner of a foreign context for a wait.
func (p *wait) contextEnded(ctx context.Context) { p.cancel(cancellationOf(ctx)) }

// contextEnded implements the owner of a foreign context for a scope.
func (m *scopeMore) contextEnded(ctx context.Context) { m.self.cancel(cancellationOf(ctx)) }

func (p *wait) unsubscribe() {
	m := p.more
	if m == nil {
		return
	}
	if m.ctx != nil {
		m.link.leave(p.worker.loop)
		m.ctx = nil
	}
	if m.scope != nil {
		m.scope.unsubscribe(p)
	}
}

type keySpy struct {
	context.Context
	key any
}

// Err makes package context look for the cause.
func (s *keySpy) Err() error { return context.Canceled }

func (s *keySpy) Value(key any) any {
	s.key = key
	return nil
}
