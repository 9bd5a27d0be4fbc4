package subprocess

import (
	"context"
	"fmt"
	"math"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/stream"
)

// Communicate sends input to the child and closes its stdin, reads stdout and stderr to the end, and waits for the end of the child. What is no Pipe
// gives nil. A child that does not want its input is no error. Of each output [Cmd.OutputLimit] bytes are kept: if there is more, the error matches
// [ErrOutputLimit], what has come is returned, and the child goes on.
//
// The error is that of communicating, not that of the child: see [Process.Err]. If others hold the pipes of a child that has ended, Communicate
// gives up after [Cmd.Drain] and returns what it has, with [ErrHeldOpen]. It panics if there is input for a child without a Pipe for it.
//
// Cancellation: the child goes on. Its stdin is closed; an output that has not come to its end can still be read, in full.
//
// It stands for asyncio's Process.communicate.
func (p *Process) Communicate(ctx context.Context, input []byte) (stdout, stderr []byte, err error) {
	held := false
	if p.Stdin != nil {
		p.Stdin.Write(input) // if that fails the child does not want it
		p.Stdin.Close()
	} else if len(input) > 0 {
		panic("subprocess: Process.Communicate: there is input but no pipe for it; set Cmd.Stdin to Pipe")
	}
	err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		read := func(r *stream.PipeReader, into *[]byte) {
			if r == nil {
				return
			}
			*into = []byte{}
			g.Go(func(ctx context.Context) error {
				data, err := readUpTo(ctx, r, p.limit)
				if len(data) > 0 {
					*into = data
				}
				return err
			})
		}
		read(p.Stdout, &stdout)
		read(p.Stderr, &stderr)
		if err := p.WaitClosed(ctx); err != ErrHeldOpen {
			return err
		}
		held = true
		return nil
	})
	if err == nil && held {
		err = ErrHeldOpen
	}
	return stdout, stderr, err
}

// readUpTo reads to the end, but no more than limit bytes. If it is cancelled nothing is taken.
func readUpTo(ctx context.Context, r *stream.PipeReader, limit int) ([]byte, error) {
	if limit == math.MaxInt {
		return r.ReadAll(ctx)
	}
	data, err := r.ReadExactly(ctx, limit+1)
	if part, ok := errtree.As[*stream.IncompleteReadError](err); ok {
		return part.Partial, nil
	}
	if err == nil {
		return data[:limit], fmt.Errorf("%w: %d bytes; raise OutputLimit, or read from the pipe", ErrOutputLimit, limit)
	}
	if n := r.Buffered(); n > 0 && r.Err() != nil { // the pipe has failed, and nothing waits
		data = make([]byte, n)
		n, _ = r.Read(ctx, data)
		return data[:n], err
	}
	return nil, err
}

// WaitClosed waits until the child has ended and its pipes are at their end, too; while somebody else reads them. Pipes that others hold open, and in
// which nothing has come for [Cmd.Drain] after the end of the child, are closed, which is the end for who reads them; then it returns [ErrHeldOpen].
// It closes Stdin, as soon as the child has ended.
//
// Cancellation: the child and its pipes go on.
func (p *Process) WaitClosed(ctx context.Context) error {
	if _, err := p.Wait(ctx); err != nil {
		return err
	}
	// Who is not behind has read all there is, but one who has only just caught up may not have got to it yet: look twice.
	for quiet := 0; quiet < 2; quiet++ {
		err := aio.Timeout(ctx, p.drain/2, p.pipesClosed)
		if _, late := errtree.As[*aio.TimeoutError](err); !late {
			return err
		}
		if p.behind() {
			quiet = -1
		}
	}
	p.closePipes()
	return ErrHeldOpen
}

// pipesClosed waits for the end of all pipes.
func (p *Process) pipesClosed(ctx context.Context) error {
	if p.Stdin != nil {
		p.Stdin.Close()
		if err := p.Stdin.WaitClosed(ctx); errtree.Is(err, aio.ErrCancelled) {
			return err // any other is that of the pipe: the child did not want the rest
		}
	}
	for _, r := range []*stream.PipeReader{p.Stdout, p.Stderr} {
		if r != nil {
			if err := r.WaitClosed(ctx); errtree.Is(err, aio.ErrCancelled) {
				return err // any other is for who reads
			}
		}
	}
	for _, c := range p.collectors {
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// behind reports whether a reader is, so that a pipe may have more than was read of it.
func (p *Process) behind() bool {
	for _, r := range []*stream.PipeReader{p.Stdout, p.Stderr} {
		if r != nil && !r.Transport().IsClosing() && !r.Transport().IsReading() {
			return true
		}
	}
	return false
}
