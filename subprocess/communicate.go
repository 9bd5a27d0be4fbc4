package subprocess

import (
	"context"
	"errors"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// Communicate sends input to the child and closes its stdin, reads stdout and stderr to the end, and waits for the end of the child. What is no Pipe
// gives nil. A child that does not want its input is no error. Memory is the only limit of the output.
//
// The error is that of communicating, not that of the child: see [Process.Err]. If others hold the pipes of a child that has ended, Communicate
// gives up after [Cmd.Drain] and returns what it has, with [ErrHeldOpen]. It panics if there is input for a child without a Pipe for it.
//
// Cancellation: the child goes on. Its stdin is closed; an output that has not come to its end can still be read, in full.
//
// It stands for asyncio's Process.communicate.
func (p *Process) Communicate(ctx context.Context, input []byte) (stdout, stderr []byte, err error) {
	if p.Stdin != nil {
		p.Stdin.Write(input) // if that fails the child does not want it
		p.Stdin.Close()
	} else if len(input) > 0 {
		panic("subprocess: Process.Communicate: there is input but no pipe for it; set Cmd.Stdin to Pipe")
	}
	held := false
	err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		var parts []aio.AnyFuture
		part := func(fn func(ctx context.Context) error) { parts = append(parts, g.Go(fn)) }
		read := func(r *stream.PipeReader, into *[]byte) {
			if r == nil {
				return
			}
			*into = []byte{}
			part(func(ctx context.Context) error {
				data, err := r.ReadAll(ctx)
				if len(data) > 0 {
					*into = data
				}
				return err
			})
		}
		read(p.Stdout, &stdout)
		read(p.Stderr, &stderr)
		if p.Stdin != nil {
			part(func(ctx context.Context) error {
				if err := p.Stdin.WaitClosed(ctx); errors.Is(err, aio.ErrCancelled) {
					return err
				}
				return nil
			})
		}
		if _, err := p.Wait(ctx); err != nil || len(parts) == 0 {
			return err
		}
		err := aio.Timeout(ctx, p.drain, func(ctx context.Context) error {
			_, _, err := aio.Wait(ctx, aio.AllCompleted, parts...)
			return err
		})
		if _, late := errors.AsType[*aio.TimeoutError](err); late {
			held = true
			p.closePipes() // which ends the others
			return nil
		}
		return err
	})
	if err == nil && held {
		err = ErrHeldOpen
	}
	return stdout, stderr, err
}
