package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/subprocess"
)

// runStages runs a pipeline and shows its output. Failures of its commands are counted and shown;
// the error is that of the program.
func (p *program) runStages(ctx context.Context, line string) error {
	stages, err := parseStages(line)
	if err != nil {
		return err
	}
	results := make([]*result, len(stages))
	for i, words := range stages {
		results[i] = &result{words: words}
	}
	p.known += len(results)
	var captured bytes.Buffer
	all := func(ctx context.Context) error { return p.join(ctx, results, &captured) }
	if p.timeout > 0 {
		err = aio.Timeout(ctx, p.timeout, all)
		if errors.Is(err, context.DeadlineExceeded) {
			for _, r := range results {
				if errors.Is(r.err, aio.ErrCancelled) { // because of that
					r.err = err
				}
			}
		}
	} else {
		err = all(ctx)
	}
	if p.direct() != nil && results[len(results)-1].brokenPipe() && err == nil {
		results[len(results)-1].err = nil // it is our reader that has left
		err = errReaderLeft
	}
	p.judge(results)
	if p.json {
		if failed := p.writeStages(results, captured.Bytes()); err == nil {
			err = failed
		}
	}
	if _, start := errors.AsType[*subprocess.StartError](err); start ||
		errors.Is(err, context.DeadlineExceeded) {
		return nil // it is counted and shown already
	}
	return err
}

// join starts the commands, joined by pipes, and waits for all.
func (p *program) join(ctx context.Context, results []*result, captured *bytes.Buffer) error {
	last := len(results) - 1
	joints := make([][2]*os.File, last) // reading and writing end
	closeEnds := func(files ...*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	for i := range joints {
		r, w, err := os.Pipe()
		if err != nil {
			for _, j := range joints[:i] {
				closeEnds(j[0], j[1])
			}
			return err
		}
		joints[i] = [2]*os.File{r, w}
	}
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i, r := range results {
			cmd := &subprocess.Cmd{Stdout: subprocess.Pipe, Stderr: subprocess.Pipe}
			var ours []*os.File // ends that belong to this child
			if i == 0 {
				cmd.Stdin = p.input()
			} else {
				cmd.Stdin = subprocess.File(joints[i-1][0])
				ours = append(ours, joints[i-1][0])
			}
			if i < last {
				cmd.Stdout = subprocess.File(joints[i][1])
				ours = append(ours, joints[i][1])
			} else if f := p.direct(); f != nil {
				cmd.Stdout = subprocess.File(f)
			}
			out := func(ctx context.Context, data []byte) error {
				if p.json {
					return p.kept(captured)(ctx, data)
				}
				return p.write(ctx, p.out, data)
			}
			errput := p.lines(p.err, r.words[0]+": ")
			task := g.Go(func(ctx context.Context) error {
				err := p.child(ctx, cmd, r, out, errput.write, func() { closeEnds(ours...) })
				if flushed := errput.flush(ctx); err == nil {
					err = flushed
				}
				if _, start := errors.AsType[*subprocess.StartError](r.err); start {
					return r.err // the others would wait for it
				}
				return err
			}, aio.Name(fmt.Sprintf("stage %d, %s", i+1, r.words[0])))
			// of one that was cancelled before it began
			task.AddDoneCallback(func() { closeEnds(ours...) })
		}
		return nil
	})
}

// direct is where the last command writes without us in between, nil if it does not.
func (p *program) direct() *os.File {
	if f, ok := p.out.(*os.File); ok && !p.json {
		return f
	}
	return nil
}

// input is the stdin of the first command: ours, unless that is a terminal, which a process group
// in the background must not read.
func (p *program) input() subprocess.Stdio {
	switch in := p.in.(type) {
	case nil:
		return subprocess.Null
	case *os.File:
		if isTerminal(in) {
			return subprocess.Null
		}
		return subprocess.File(in)
	default:
		data, err := io.ReadAll(in)
		if err != nil {
			return subprocess.Null
		}
		return subprocess.Input(data)
	}
}

// judge counts and shows the failures. A command that SIGPIPE ended has not failed if the next one
// ended well. If a command could not be started, that one has failed, and not the others that were
// given up because of it.
func (p *program) judge(results []*result) {
	orphans := slices.ContainsFunc(results, func(r *result) bool {
		_, unstarted := errors.AsType[*subprocess.StartError](r.err)
		return unstarted
	})
	for i, r := range results {
		if r.orphan = orphans; r.dropped() {
			r.err = nil
		}
		if i+1 < len(results) && r.brokenPipe() && results[i+1].ended {
			r.err = nil
		}
		p.count(r)
		if r.lost() {
			fmt.Fprintf(p.err, "pipeline: %s\n", r.sentence())
		}
	}
}
