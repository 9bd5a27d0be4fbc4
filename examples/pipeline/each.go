package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
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
	tokens := aiosync.NewSemaphore(p.jobs)
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

// one runs one command and shows its output and its end.
func (p *program) one(ctx context.Context, r *result) error {
	cmd := &subprocess.Cmd{Stdout: subprocess.Pipe, Stderr: subprocess.Pipe}
	var out, errput bytes.Buffer
	tagged, taggedErr := p.lines(p.out, r.item+": "), p.lines(p.err, r.item+": ")
	toOut, toErr := p.kept(&out), p.kept(&errput)
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
	free := context.WithoutCancel(ctx) // its output is shown even if it was interrupted
	var shown error
	switch {
	case p.json:
		shown = p.writeOne(free, r, out.Bytes(), errput.Bytes())
	case p.tag:
		shown = errors.Join(tagged.flush(free), taggedErr.flush(free))
	default:
		shown = errors.Join(p.write(free, p.out, out.Bytes()),
			p.write(free, p.err, cleanLines(errput.Bytes())))
	}
	if r.lost() && err == nil && shown == nil {
		shown = p.write(free, p.err, []byte("pipeline: "+r.sentence()+"\n"))
	}
	if err != nil {
		return err
	}
	return shown
}

// tooMuchError is the failure of a command that writes more than is kept of its output.
type tooMuchError struct{ most int }

func (e *tooMuchError) Error() string { return "it wrote more than " + cli.Count(e.most, "byte") }

// kept keeps what a command writes until it has ended.
func (p *program) kept(b *bytes.Buffer) sink {
	return func(_ context.Context, data []byte) error {
		if b.Len()+len(data) > p.keep {
			return &tooMuchError{p.keep}
		}
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
					if item := clean(string(line)); (item != "" ||
						err != nil) && !yield(item, err) {
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
		// A regular file: its reads never wait.
		in := bufio.NewReaderSize(p.in, longestLine)
		for {
			line, err := aio.ToThread(ctx, func(context.Context) (string, error) {
				line, err := in.ReadSlice('\n')
				if errors.Is(err, bufio.ErrBufferFull) {
					return "", fmt.Errorf("an item has more than %s",
						cli.Count(longestLine, "byte"))
				}
				return string(line), err
			})
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

// sentence says what went wrong, in one line and without where in our source that was noticed.
func (r *result) sentence() string {
	name := r.item
	if name == "" {
		name = r.command()
	}
	text := cli.Line(r.err)
	_, unstarted := errors.AsType[*subprocess.StartError](r.err)
	much, isMuch := errors.AsType[*tooMuchError](r.err)
	late := errors.Is(r.err, context.DeadlineExceeded)
	switch {
	case unstarted:
		text = strings.TrimPrefix(text, "subprocess: ")
	case isMuch:
		text = "stopped, since " + much.Error()
	case late && r.ended:
		text = "out of time, " + r.status.String()
	case late:
		text = "out of time, not started"
	case errors.Is(r.err, aio.ErrCancelled) && r.ended:
		text = "stopped, " + r.status.String()
	case errors.Is(r.err, aio.ErrCancelled):
		text = "not started"
	case r.ended && r.status.Code != 0:
		text = r.status.String()
	default:
		text = strings.TrimPrefix(text, "subprocess: ")
	}
	return cli.Printable(cli.Short(name, longestName)) + ": " + text
}

// longestName is how many characters of a command or an item are shown in messages.
const longestName = 200
