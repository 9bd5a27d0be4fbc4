// Package gosh is a prompt for Go in a task of a live loop.
package gosh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/aio-go/aio"
)

// Editor reads the lines of the user.
type Editor interface {
	// Line reads a line, without its end. It returns io.EOF at the end of the input, and ErrAborted
	// if the user gives up the input.
	Line(prompt string) (string, error)
	// Remember adds an input to the history.
	Remember(input string)
	// Complete sets the function that knows how a word goes on.
	Complete(fn func(word string) []string)
}

// ErrAborted is returned by an Editor when the user gives up an input.
var ErrAborted = errors.New("the input was given up")

// Console is one session.
type Console struct {
	Editor    Editor
	Out, Errs io.Writer
	Files     []string // evaluated first
	Quiet     bool     // no greeting
}

const greeting = `Go at a prompt, in a task of a running loop. Use ctx to await, as in aio.Sleep(ctx, time.Second).
The packages of aio and of the standard library are imported. Ctrl-C cancels an input, Ctrl-D ends.
`

// Run runs the session on a loop of its own until the input ends.
func (c *Console) Run(ctx context.Context, opts ...aio.Option) error {
	return aio.Run(ctx, c.main, opts...)
}

func (c *Console) main(ctx context.Context) error {
	i, err := newInterpreter(c.Out)
	if err != nil {
		return err
	}
	for _, file := range c.Files {
		if err := i.load(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if !c.Quiet {
		fmt.Fprint(c.Out, greeting)
	}
	loop := aio.RunningLoop(ctx)
	c.Editor.Complete(func(word string) []string { // on the goroutine that reads
		words, _ := aio.SubmitValue(
			context.WithoutCancel(ctx),
			loop,
			func(context.Context) ([]string, error) {
				return i.complete(word), nil
			},
		)
		return words
	})
	var current *aio.Task[aio.None]
	defer c.watch(loop, func() {
		if current != nil {
			current.Cancel(aio.ErrInterrupted)
		}
	})()
	for {
		src, err := c.read(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, ErrAborted):
			continue
		case err != nil:
			return err
		}
		c.Editor.Remember(src)
		current = aio.Start(
			ctx,
			func(ctx context.Context) error { return i.run(ctx, src) },
			aio.Name("input"),
		)
		_, err = current.Await(ctx)
		current = nil
		c.explain(err)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
}

// read reads an input of one or more lines. Meanwhile the tasks go on.
func (c *Console) read(ctx context.Context) (src string, err error) {
	prompt := ">>> "
	for {
		line, err := aio.ToThread(
			ctx,
			func(context.Context) (string, error) { return c.Editor.Line(prompt) },
		)
		if err != nil {
			if errors.Is(err, io.EOF) && src != "" {
				return src, nil
			}
			return "", err
		}
		if src += line; !incomplete(src) {
			return src, nil
		}
		src += "\n"
		prompt = "... "
	}
}

func (c *Console) explain(err error) {
	switch {
	case err == nil:
	case errors.Is(err, aio.ErrInterrupted) && errors.Is(err, aio.ErrCancelled):
		fmt.Fprintln(c.Errs, "cancelled")
	default:
		fmt.Fprintln(c.Errs, "error:", err)
	}
}

// watch calls cancel on the loop for each Ctrl-C, until the returned function is called.
func (c *Console) watch(loop *aio.Loop, cancel func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			taken := make(chan struct{})
			_, err := loop.CallSoonThreadsafe(func() {
				close(taken)
				cancel()
			})
			if err != nil {
				return
			}
			select {
			case <-done:
				return
			case <-taken:
			case <-time.After(time.Second):
				fmt.Fprintln(
					c.Errs,
					`the input blocks the loop, so it cannot be cancelled; Ctrl-\ ends the session`,
				)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
