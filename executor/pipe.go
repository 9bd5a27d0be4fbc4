package executor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Pipe is one end of a connection between the caller of a function and the function: it sends
// values of type S and receives values of type R. Any goroutine. A task awaits, any other goroutine
// blocks. asyncio: a pair of streams; aioprocessing: AioPipe.
type Pipe[S, R any] struct {
	space *space // nil: the end of the function
}

// The queues of a pipe, from the caller's point of view.
const (
	pipeTo   = "to"
	pipeFrom = "from"
)

// NewPipe returns the caller's end of a pipe, for one call of a function that is given it by
// [Through]. Up to size values wait in each direction. It belongs to the loop of ctx.
//
//	pipe := executor.NewPipe[string, int](ctx, 8)
//	task := g.Go(... count.With(executor.Through(pipe)).Run ...)
//	err := pipe.Send(ctx, "some text")
func NewPipe[S, R any](ctx context.Context, size int) *Pipe[S, R] {
	atLeastOne("NewPipe", size)
	mustEncode[S](nil, "NewPipe")
	mustEncode[R](nil, "NewPipe")
	s := newSpace(aio.RunningLoop(ctx), mostMessage)
	s.objects[pipeTo], s.objects[pipeFrom] = newQueueObject(size), newQueueObject(size)
	return &Pipe[S, R]{space: s}
}

// Through gives the function the other end of the pipe. The pipe ends when the call does, however
// it ends: use it for one call. It panics if p is nil, or the end of a function.
func Through[S, R any](p *Pipe[S, R]) CallOption {
	if p == nil || p.space == nil {
		panic("executor: Through: the pipe is not the caller's end; make one with NewPipe")
	}
	return func(s *settings) { s.pipe = p.space }
}

// PipeOf returns the end of the function that got ctx. S and R are the caller's R and S. If the
// call has no pipe, its methods return an error.
func PipeOf[S, R any](context.Context) *Pipe[S, R] { return &Pipe[S, R]{} }

// Send sends a copy of v, and waits while the pipe is full. It returns io.ErrClosedPipe if the call
// has ended, or after Close.
//
// Cancellation: the value was not sent if the caller is a task of the pipe's loop. In other places
// it may have been sent at that moment.
func (p *Pipe[S, R]) Send(ctx context.Context, v S) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	_, _, _, err = p.ask(ctx, putOp, pipeTo, data)
	if errors.Is(err, aiosync.ErrQueueShutdown) {
		return io.ErrClosedPipe
	}
	return err
}

// Receive waits for a value of the other side. It returns io.EOF if the other side has closed the
// pipe or the call has ended, and everything has been received.
//
// Cancellation: the value can be received by the next call.
func (p *Pipe[S, R]) Receive(ctx context.Context) (R, error) {
	var zero R
	l, id, data, err := p.ask(ctx, getOp, pipeFrom, nil)
	switch {
	case errors.Is(err, aiosync.ErrQueueShutdown):
		return zero, io.EOF
	case err != nil:
		return zero, err
	}
	l.settle(id, true)
	return decode[R](data)
}

// Close says that this end will send no more. It can still receive.
//
// Cancellation: the pipe may be closed.
func (p *Pipe[S, R]) Close(ctx context.Context) error {
	_, _, _, err := p.ask(ctx, closeOp, pipeTo, nil)
	return err
}

// ask performs an operation on one of the queues. The function's end has no names: the parent
// finds the queue.
func (p *Pipe[S, R]) ask(
	ctx context.Context, o op, name string, data []byte,
) (l link, id uint64, reply []byte, err error) {
	if p.space == nil {
		if l, _ := ctx.Value(linkKey{}).(link); l == nil {
			return nil, 0, nil, errNoPipe
		}
		return ask(ctx, request{op: o, data: data})
	}
	l = p.space.link()
	id, reply, err = askOn(ctx, l, request{op: o, name: name, data: data})
	return l, id, reply, err
}

// converse performs an operation of the function on its end of the pipe.
func (a *account) converse(
	ctx context.Context, r request,
) (reply []byte, back func(done bool), err error) {
	if a.pipe == nil {
		return nil, nil, errNoPipe
	}
	r.name = pipeFrom
	if r.op == getOp {
		r.name = pipeTo
	}
	l := a.pipe.link()
	id, reply, err := l.ask(ctx, r)
	if err != nil || r.op != getOp {
		return nil, nil, err
	}
	return reply, func(done bool) { l.settle(id, done) }, nil
}

// hangUp ends a pipe: its call has ended.
func (s *space) hangUp() {
	for _, name := range []string{pipeTo, pipeFrom} {
		if q, ok := s.objects[name].(*queueObject); ok {
			q.close()
		}
	}
}

// String says which end it is.
func (p *Pipe[S, R]) String() string {
	if p.space == nil {
		return "<Pipe, the function's end>"
	}
	return fmt.Sprintf("<Pipe, to the function %v, from it %v>",
		p.space.objects[pipeTo], p.space.objects[pipeFrom])
}
