package aio

import (
	"context"
)

// foreignContext is a context that the standard library, or somebody else, made, and that ends a wait or a scope of ours when it ends. It is
// part of the wait or scope, and listed with the loop meanwhile.
//
// The standard library tells us of the end on a goroutine of its own, some time later. That must not decide an order that we could know:
// after a cancellation of our own, which may have ended contexts derived from it, the loop looks at those it has listed, in the same call;
// and a loop under a chooser or with a clock of its own looks before each pass.
type foreignContext struct {
	ctx   context.Context // nil: not in use
	stop  func() bool
	owner interface{ contextEnded(ctx context.Context) }
	index int // in the loop's list
	gen   uint32
}

// follow begins to look after ctx on behalf of owner.
func (f *foreignContext) follow(l *Loop, ctx context.Context, owner interface{ contextEnded(ctx context.Context) }) {
	f.gen++
	f.ctx, f.owner, f.index = ctx, owner, len(l.foreign)
	l.foreign = append(l.foreign, f)
	gen := f.gen
	f.stop = context.AfterFunc(ctx, func() { l.post(&foreignEnd{l, f, gen}) })
}

// tell tells the owner that the context has ended, once.
func (f *foreignContext) tell(l *Loop) {
	if ctx, owner := f.ctx, f.owner; ctx != nil {
		f.leave(l)
		owner.contextEnded(ctx)
	}
}

// leave ends it.
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

// foreignEnd arrives on the loop when a foreign context has ended.
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

// inOne makes the cancellations until the function it returns is called count as one, after which the loop looks once at the contexts
// that they may have ended.
func (l *Loop) inOne() (done func()) {
	l.cancelling++
	return func() {
		if l.cancelling--; l.cancelling == 0 && len(l.foreign) > 0 {
			l.lookAtForeign()
		}
	}
}

// lookAtForeign tells those whose contexts have ended by now.
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
