package subprocess

import (
	"context"
	"errors"
	"slices"

	"github.com/aio-go/aio/internal/errtree"
)

// Run runs the program and waits for its end. It returns nil if that has exit code 0, an [*ExitError] if not, a [*StartError] if the
// program could not be started.
//
// Run owns the child: see [Cmd.With] for what a cancellation does. Stdin, Stdout and Stderr must not be [Pipe], since nobody would be at the other end.
//
// It stands for subprocess.run of Python.
func (c *Cmd) Run(ctx context.Context) error {
	c.check("Cmd.Run")
	c.noPipes("Cmd.Run", c.Stdin, c.Stdout, c.Stderr)
	return c.With(ctx, func(ctx context.Context, p *Process) error { return nil })
}

// Output is [Cmd.Run], and returns what the program wrote to stdout. Stdout must be nil.
//
// After an error what was written until then comes with it. A child whose descendants hold its stdout open gives [ErrHeldOpen]. One that writes more
// than [Cmd.OutputLimit] is stopped as by a cancellation, and the error matches [ErrOutputLimit].
func (c *Cmd) Output(ctx context.Context) ([]byte, error) {
	if c.Stdout != nil {
		panic("subprocess: Cmd.Output: Stdout is set already; leave it nil, or use Run")
	}
	return c.collect(ctx, "Cmd.Output", c.Stderr)
}

// CombinedOutput is [Cmd.Output] with stderr in it, in the order in which it was written. Stdout and Stderr must be nil.
func (c *Cmd) CombinedOutput(ctx context.Context) ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		panic("subprocess: Cmd.CombinedOutput: Stdout or Stderr is set already; leave them nil, or use Run")
	}
	return c.collect(ctx, "Cmd.CombinedOutput", ToStdout)
}

func (c *Cmd) collect(ctx context.Context, op string, stderr Stdio) ([]byte, error) {
	c.check(op)
	c.noPipes(op, c.Stdin, stderr)
	out := &collector{limit: c.outputLimit()}
	with := *c
	with.Stdout, with.Stderr = out, stderr
	err := with.With(ctx, out.watch)
	if err != nil && len(out.data) == 0 {
		return nil, err
	}
	return out.data, err
}

func (c *Cmd) noPipes(op string, all ...Stdio) {
	if slices.Contains(all, Stdio(Pipe)) {
		panic("subprocess: " + op + ": with a Pipe that nobody uses; use Start or With, or Input for stdin")
	}
}

// With starts the program, calls fn, closes the pipes that fn has left open, waits for the end of the child, and returns its error as [Cmd.Run] does.
// fn runs in the calling task.
//
// With owns the child. If fn fails or panics, or the task is cancelled, or a time-out around it fires, the child is stopped as [Process.Stop]
// does: SIGTERM for it and its process group, SIGKILL after [Cmd.Grace]. With returns when that is done. The error is a [*StoppedError] around the
// one of fn if the child was stopped, that of fn alone if it had ended before. After an end in order, what the child has left running in the background is
// left alone.
//
// Cancellation: the child is stopped. A further cancellation does not cut the grace short.
func (c *Cmd) With(ctx context.Context, fn func(ctx context.Context, p *Process) error) (err error) {
	c.check("Cmd.With")
	if fn == nil {
		panic("subprocess: Cmd.With: the function is nil; pass one, or use Run")
	}
	cmd := *c
	var errput *collector
	if cmd.Stderr == nil {
		errput = &collector{tail: tailSize}
		cmd.Stderr = errput
	}
	p, err := cmd.begin(ctx)
	if err != nil {
		return err
	}
	p.errput = errput
	returned := false
	defer func() {
		if !returned { // fn panicked, or the task is being ended
			defer p.Close()
			p.Stop(context.WithoutCancel(ctx))
		}
	}()
	if err = fn(ctx, p); err == nil {
		err = p.finish(ctx)
	}
	alive := !p.child.poll()
	if err != nil && err != ErrHeldOpen && (alive || !p.child.groupGone()) {
		killed, failed := p.Stop(context.WithoutCancel(ctx))
		if alive && failed == nil {
			err = &StoppedError{Name: p.child.name, Status: p.child.status, Killed: killed, Err: err}
		}
	}
	returned = true
	p.Close()
	switch failed := p.Err(); {
	case failed == nil || alive:
		return err
	case err == nil || err == ErrHeldOpen:
		return failed
	case errtree.Is(err, context.Canceled):
		return err // it must not be hidden among others
	default:
		return errors.Join(err, failed)
	}
}

// finish lets the child come to its end: it gets the end of its input, what it writes to a reader goes nowhere, the collectors get the rest.
func (p *Process) finish(ctx context.Context) error {
	if p.Stdin != nil {
		p.Stdin.Close()
	}
	if p.Stdout != nil {
		p.Stdout.Close()
	}
	if p.Stderr != nil {
		p.Stderr.Close()
	}
	return p.WaitClosed(ctx)
}
