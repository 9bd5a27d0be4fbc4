package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/internal/safetext"
)

// write writes on another thread, since the reader of our output may be slow, and one piece after
// the other.
func (p *program) write(ctx context.Context, w io.Writer, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	return p.output.With(ctx, func(ctx context.Context) error {
		p.clearProgress()
		var failed error // not needed if this task is cancelled meanwhile
		err := aio.Blocking(ctx, func(context.Context) error {
			_, failed = w.Write(data)
			return nil
		})
		if err == nil && failed != nil {
			err = outputError(failed)
		}
		return err
	})
}

// errReaderLeft says that the reader of our output has left, as with head.
var errReaderLeft = errors.New("who reads the output has left")

func outputError(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errReaderLeft
	}
	return fmt.Errorf("writing the output: %w", err)
}

// tagger writes whole lines, each after a tag. What could make a terminal do other things than
// print, or forge a tag, is escaped.
type tagger struct {
	program *program
	to      io.Writer
	tag     string
	rest    []byte // the beginning of a line
}

const longestLine = 64 << 10 // bytes; a longer one is cut

func (p *program) lines(to io.Writer, tag string) *tagger {
	return &tagger{program: p, to: to, tag: cli.Printable(cli.Short(tag, longestName))}
}

// write is a sink.
func (t *tagger) write(ctx context.Context, data []byte) error {
	t.rest = append(t.rest, data...)
	end := bytes.LastIndexByte(t.rest, '\n') + 1
	if end == 0 && len(t.rest) < longestLine {
		return nil
	}
	if end == 0 {
		return t.flush(ctx)
	}
	var text bytes.Buffer
	for line := range bytes.Lines(t.rest[:end]) {
		text.WriteString(t.tag + safetext.Lines(string(line)))
	}
	t.rest = append(t.rest[:0], t.rest[end:]...)
	return t.program.write(ctx, t.to, text.Bytes())
}

// cleanLines escapes what a terminal would act upon. It is for messages; output is passed on as it
// is.
func cleanLines(text []byte) []byte {
	var clean bytes.Buffer
	for line := range bytes.Lines(text) {
		clean.WriteString(safetext.Lines(string(line)))
	}
	return clean.Bytes()
}

// flush writes a last line that has no end.
func (t *tagger) flush(ctx context.Context) error {
	if len(t.rest) == 0 {
		return nil
	}
	text := t.tag + safetext.Lines(string(t.rest)) + "\n"
	t.rest = nil
	return t.program.write(ctx, t.to, []byte(text))
}

// counts is a summary of all commands.
type counts struct {
	known, done, failed int
	terminated, killed  int // of those that did not end by themselves
}

func (c *counts) total() int { return max(c.known, c.done) }

func (c *counts) count(r *result) {
	c.done++
	if r.lost() {
		c.failed++
	}
	if r.stopped != nil {
		if r.stopped.Killed {
			c.killed++
		} else {
			c.terminated++
		}
	}
}

// summary is the result in a sentence.
func (c *counts) summary() string {
	s := fmt.Sprintf("%d of %d commands have ended, %d failed", c.done, c.total(), c.failed)
	if c.terminated > 0 {
		s += fmt.Sprintf(", %d asked to end", c.terminated)
	}
	if c.killed > 0 {
		s += fmt.Sprintf(", %d killed", c.killed)
	}
	return s
}

// record is a command as a program reads it. Every field is always there.
type record struct {
	Item    string   `json:"item,omitempty"` // of each alone
	Command []string `json:"command"`
	Code    int      `json:"code"`   // the exit code, -N for signal N
	Signal  string   `json:"signal"` // the one that ended it, or ""
	Started bool     `json:"started"`
	Stopped bool     `json:"stopped"` // it did not end by itself
	Seconds float64  `json:"seconds"`
	CPU     float64  `json:"cpu_seconds"`
	Error   string   `json:"error"` // "" if it ended with code 0
	Stdout  *string  `json:"stdout,omitempty"`
	Stderr  *string  `json:"stderr,omitempty"`
}

func (r *result) record() record {
	rec := record{Item: r.item, Command: r.words, Code: r.status.Code, Started: r.ended,
		Stopped: r.stopped != nil,
		Seconds: seconds(r.took), CPU: seconds(r.status.User + r.status.System)}
	if sig := r.status.Signal(); sig != 0 {
		rec.Signal = sig.String()
	}
	if r.err != nil {
		rec.Error = r.sentence()
	}
	return rec
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 1e4 }

func (p *program) writeOne(ctx context.Context, r *result, out, errput []byte) error {
	rec := r.record()
	stdout, stderr := text(out), text(errput)
	rec.Stdout, rec.Stderr = &stdout, &stderr
	return p.writeJSON(ctx, rec)
}

func (p *program) writeStages(results []*result, out []byte) error {
	stages := make([]record, len(results))
	for i, r := range results {
		stages[i] = r.record()
	}
	err := cli.WriteJSON(p.out, struct {
		Failed int      `json:"failed"`
		Stages []record `json:"stages"`
		Output string   `json:"output"`
	}{p.failed, stages, text(out)})
	if err != nil {
		return outputError(err)
	}
	return nil
}

func (p *program) writeJSON(ctx context.Context, v any) error {
	var line bytes.Buffer
	if err := cli.WriteJSON(&line, v); err != nil {
		return err
	}
	return p.write(ctx, p.out, line.Bytes())
}

// text is data as JSON can have it.
func text(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// withProgress calls fn and shows its progress meanwhile.
func (p *program) withProgress(ctx context.Context, fn func(ctx context.Context) error) error {
	if p.progress == nil {
		return fn(ctx)
	}
	defer p.clearProgress()
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		ticker := g.Go(func(ctx context.Context) error {
			for {
				fmt.Fprintf(p.progress, "\r\x1b[K%d done, %d running, %d failed",
					p.done, p.running, p.failed)
				if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
					return err
				}
			}
		})
		defer ticker.Cancel(nil)
		return fn(ctx)
	})
}

func (p *program) clearProgress() {
	if p.progress != nil {
		fmt.Fprint(p.progress, "\r\x1b[K")
	}
}
