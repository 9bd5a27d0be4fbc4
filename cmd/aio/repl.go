package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/aio-go/aio/cmd/aio/internal/gosh"
)

// repl runs a prompt for Go on a loop of its own.
func (c *command) repl(ctx context.Context) error {
	if c.attach != "" {
		return misuse(
			"repl -attach does not exist: an interpreter in the process could change anything, " +
				"and no part of Go is only for questions; " +
				"ask by ps, why and dump, or end a task by cancel",
		)
	}
	var in io.Reader = os.Stdin
	if c.in != nil {
		in = c.in
	}
	history := ""
	if dir, err := os.UserCacheDir(); err == nil {
		history = filepath.Join(dir, "aio", "history")
	}
	terminal := in == os.Stdin && isTerminal(c.out) && isTerminal(os.Stdin)
	editor, end := gosh.NewEditor(in, terminal, history)
	defer end()
	session := gosh.Console{
		Editor: editor,
		Out:    c.out,
		Errs:   c.errs,
		Files:  c.args,
		Quiet:  !terminal,
	}
	// Ctrl-C is for the input.
	err := session.Run(context.WithoutCancel(ctx))
	if errors.Is(err, os.ErrNotExist) {
		return &problem{missing, err.Error()}
	}
	return err
}
