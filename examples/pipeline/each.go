package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
	"github.com/aio-go/aio/transport"
)

var errFailFast = errors.New("stopped at the first failure")

// runEach runs the command for each item, so many at a time.
func (p *program) runEach(ctx context.Context, command string) error {
	t, err := newTemplate(command, p.shell)
	if err != nil {
		return err
	}
	tokens := aio.NewSemaphore(p.jobs)
	p.known += len(p.items)
	err = p.withProgress(ctx, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for item, err := range p.eachItem(ctx) {
				if err != nil {
					return err
				}
				if len(p.items) == 0 {
					p.known++
				}
				if err := tokens.Acquire(ctx); err != nil {
					return err
				}
				g.Go(func(ctx context.Context) error {
					defer tokens.Release()
					r := &result{words: t.fill(item), item: item}
					if err := p.one(ctx, r); err != nil {
						return err
					}
					if r.lost() && p.failfast {
						g.Cancel(errFailFast)
					}
					return nil
				}, aio.Name(item))
			}
			return nil
		})
	})
	if errors.Is(err, errFailFast) {
		return nil
	}
	return err
}

// one runs one command and shows what it wrote and how it ended.
func (p *program) one(ctx context.Context, r *result) error {
	cmd := &subprocess.Cmd{Stdout: subprocess.Pipe, Stderr: subprocess.Pipe}
	var out, errput bytes.Buffer
	tagged, taggedErr := p.lines(p.out, r.item+": "), p.lines(p.err, r.item+": ")
	toOut, toErr := keep(&out), keep(&errput)
	if p.tag {
		toOut, toErr = tagged.write, taggedErr.write
	}
	run := func(ctx context.Context) error { return p.child(ctx, cmd, r, toOut, toErr, nil) }
	var err error
	if p.timeout > 0 {
		if err = aio.Timeout(ctx, p.timeout, run); errors.Is(err, context.DeadlineExceeded) {
			r.err, err = err, nil
		}
	} else {
		err = run(ctx)
	}
	p.count(r)
	free := context.WithoutCancel(ctx) // what it wrote is shown also if it was interrupted
	var shown error
	switch {
	case p.json:
		shown = p.writeOne(free, r, out.Bytes(), errput.Bytes())
	case p.tag:
		shown = errors.Join(tagged.flush(free), taggedErr.flush(free))
	default:
		shown = errors.Join(p.write(free, p.out, out.Bytes()), p.write(free, p.err, errput.Bytes()))
	}
	if r.lost() && err == nil && shown == nil {
		shown = p.write(free, p.err, []byte("pipeline: "+r.sentence()+"\n"))
	}
	if err != nil {
		return err
	}
	return shown
}

func keep(b *bytes.Buffer) sink {
	return func(_ context.Context, data []byte) error {
		b.Write(data)
		return nil
	}
}

// eachItem yields the items of the command line, or the lines of standard input while they come.
func (p *program) eachItem(ctx context.Context) iter.Seq2[string, error] {
	if len(p.items) > 0 || p.in == nil {
		return func(yield func(string, error) bool) {
			for _, item := range p.items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
	return func(yield func(string, error) bool) {
		if f, ok := p.in.(*os.File); ok {
			in, err := stream.ReadPipe(ctx, f)
			if err == nil {
				defer in.Close()
				for line, err := range in.Lines(ctx) {
					if item := clean(string(line)); (item != "" || err != nil) && !yield(item, err) {
						return
					}
				}
				return
			}
			if !errors.Is(err, transport.ErrNotPipe) {
				yield("", err)
				return
			}
		}
		// A regular file: its reads do not wait for anybody.
		in := bufio.NewReader(p.in)
		for {
			line, err := aio.ToThread(ctx, func(context.Context) (string, error) { return in.ReadString('\n') })
			if item := clean(line); item != "" && !yield(item, nil) {
				return
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
		}
	}
}

func clean(line string) string { return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r") }

// ignoreEnd makes nothing of the end of a stream.
func ignoreEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// sentence says what went wrong.
func (r *result) sentence() string {
	name := r.item
	if name == "" {
		name = r.command()
	}
	text := strings.TrimPrefix(r.err.Error(), "subprocess: ")
	switch {
	case !r.ended && errors.Is(r.err, aio.ErrCancelled):
		text = "not started"
	case r.stopped != nil && errors.Is(r.err, context.DeadlineExceeded):
		text = "out of time, " + r.stopped.Status.String()
	case r.stopped != nil && r.ended:
		text = "stopped, " + r.status.String()
	case errors.Is(r.err, context.DeadlineExceeded) && r.ended:
		text = "out of time, " + r.status.String()
	case r.ended && r.status.Code != 0:
		text = r.status.String()
	}
	return name + ": " + text
}
