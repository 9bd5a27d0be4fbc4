package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
)

// result is how a command went.
type result struct {
	words   []string
	item    string // of each
	began   time.Time
	took    time.Duration
	status  subprocess.Status
	ended   bool
	orphan  bool                     // another one of its pipeline could not be started
	stopped *subprocess.StoppedError // how it was ended, if it did not end by itself
	err     error                    // nil if it ended with code 0
}

// command is the words, for people.
func (r *result) command() string { return strings.Join(r.words, " ") }

// dropped reports whether it was ended, or not begun, only because another one of the pipeline
// could not be started.
func (r *result) dropped() bool {
	return r.orphan && (r.brokenPipe() || r.stopped != nil || errors.Is(r.err, aio.ErrCancelled))
}

// lost reports whether it could not be started, did not end with code 0, or was stopped.
func (r *result) lost() bool { return r.err != nil }

// brokenPipe reports whether it ended because the reader of its output had left.
func (r *result) brokenPipe() bool { return r.ended && r.status.Signal() == syscall.SIGPIPE }

// sink takes output as it comes; it may suspend, which holds the child back.
type sink func(ctx context.Context, p []byte) error

// child runs one command. out and errput get its output from pipes. started is called when it runs,
// or failed to start.
//
// The error is only one that concerns more than this child: a cancellation from outside, or output
// that cannot be written.
func (p *program) child(
	ctx context.Context, cmd *subprocess.Cmd, r *result, out, errput sink, started func(),
) error {
	cmd.Args, cmd.Grace = r.words, p.grace
	if p.grace == 0 {
		cmd.Grace = -1
	}
	loop := aio.RunningLoop(ctx)
	r.began = loop.Time()
	p.running++
	var child *subprocess.Process
	var outside error
	defer func() {
		p.running--
		if child != nil {
			delete(p.live, child)
			r.status, r.ended = child.Status()
		}
		r.took = loop.Time().Sub(r.began)
	}()
	r.err = cmd.With(ctx, func(ctx context.Context, c *subprocess.Process) error {
		child = c
		p.live[c] = true
		if started != nil {
			started()
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			if c.Stdout != nil {
				g.Go(func(ctx context.Context) error {
					return copyTo(ctx, out, c.Stdout, &outside)
				})
			}
			if c.Stderr != nil {
				g.Go(func(ctx context.Context) error {
					return copyTo(ctx, errput, c.Stderr, &outside)
				})
			}
			return c.WaitClosed(ctx)
		})
	})
	if child == nil && started != nil {
		started()
	}
	if errors.Is(r.err, subprocess.ErrHeldOpen) {
		r.err = nil // it left a process in the background, which is no error here
	}
	errors.As(r.err, &r.stopped)
	switch {
	case outside != nil:
		return outside
	case errors.Is(r.err, aio.ErrCancelled):
		return r.err
	}
	return nil
}

// copyTo hands what comes from a pipe to a sink.
func copyTo(ctx context.Context, to sink, from *stream.PipeReader, failed *error) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(ctx, buf)
		if n > 0 {
			if err := to(ctx, buf[:n]); err != nil {
				if _, much := errors.AsType[*tooMuchError](err); !much &&
					!errors.Is(err, aio.ErrCancelled) {
					*failed = err
				}
				return err
			}
		}
		if err != nil {
			return ignoreEnd(err)
		}
	}
}
