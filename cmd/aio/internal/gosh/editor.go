package gosh

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/peterh/liner"
)

// NewEditor returns an editor with history and completion if the standard input and output are a
// terminal, and otherwise one that reads lines. The history is in file; "" keeps none.
func NewEditor(in io.Reader, terminal bool, file string) (ed Editor, end func()) {
	if !terminal {
		return &reader{lines: bufio.NewReader(in)}, func() {}
	}
	e := &terminalEditor{file: file}
	e.cooked, _ = liner.TerminalMode()
	e.state = liner.NewLiner()
	e.raw, _ = liner.TerminalMode()
	e.state.SetCtrlCAborts(true)
	e.state.SetMultiLineMode(true)
	if f, err := os.Open(file); err == nil {
		_, _ = e.state.ReadHistory(f)
		f.Close()
	}
	e.mode(e.cooked)
	return e, e.close
}

type terminalEditor struct {
	state       *liner.State
	cooked, raw liner.ModeApplier // while an input runs, and while one is typed
	file        string
}

func (e *terminalEditor) mode(m liner.ModeApplier) {
	if m != nil {
		_ = m.ApplyMode()
	}
}

func (e *terminalEditor) Line(prompt string) (string, error) {
	e.mode(e.raw)
	defer e.mode(e.cooked)
	line, err := e.state.Prompt(prompt)
	if errors.Is(err, liner.ErrPromptAborted) {
		return "", ErrAborted
	}
	return line, err
}

func (e *terminalEditor) Remember(input string) {
	if strings.TrimSpace(input) != "" {
		e.state.AppendHistory(strings.ReplaceAll(input, "\n", " "))
	}
}

func (e *terminalEditor) Complete(fn func(word string) []string) {
	e.state.SetTabCompletionStyle(liner.TabPrints)
	e.state.SetWordCompleter(func(line string, pos int) (head string, words []string, tail string) {
		text := []rune(line)
		pos = min(pos, len(text))
		from := pos
		for from > 0 && partOfName(text[from-1]) {
			from--
		}
		if from == pos { // nothing is begun
			return string(text[:pos]), nil, string(text[pos:])
		}
		return string(text[:from]), fn(string(text[from:pos])), string(text[pos:])
	})
}

func partOfName(r rune) bool {
	return r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func (e *terminalEditor) close() {
	if e.file != "" {
		_ = os.MkdirAll(filepath.Dir(e.file), 0o700)
		if f, err := os.OpenFile(e.file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err == nil {
			_, _ = e.state.WriteHistory(f)
			f.Close()
		}
	}
	e.state.Close()
	e.mode(e.cooked)
}

// reader reads from a pipe or file.
type reader struct{ lines *bufio.Reader }

func (r *reader) Line(string) (string, error) {
	line, err := r.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (*reader) Remember(string)                {}
func (*reader) Complete(func(string) []string) {}
