package main

import (
	"fmt"
	"io"
	"os"
)

// A progress line on a terminal says what is being measured. Elsewhere it is silent.
type progress struct {
	out   io.Writer // nil: silent
	label string
	shown string
}

// newProgress writes to the file if it is a terminal.
func newProgress(f *os.File) *progress {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{out: f}
}

// step shows how far the work named by the label has come.
func (p *progress) step(done, of int) {
	if p.out == nil {
		return
	}
	line := fmt.Sprintf("%s %d%%", p.label, 100*done/max(of, 1))
	if line != p.shown {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		p.shown = line
	}
}

// clear takes the line away, before other output.
func (p *progress) clear() {
	if p.out != nil && p.shown != "" {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = ""
	}
}
