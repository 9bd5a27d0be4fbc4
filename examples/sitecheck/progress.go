package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aio-go/aio"
)

// isTerminal reports whether f is a terminal.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

const (
	repaint   = 100 * time.Millisecond
	clearLine = "\r\x1b[K"
)

// withProgress runs check while a second task keeps a line on w up to date. The line is gone when
// withProgress returns.
func withProgress(
	ctx context.Context, w io.Writer, rows []*row, check func(ctx context.Context) error,
) error {
	defer io.WriteString(w, clearLine)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				fmt.Fprintf(w, "%s%s ...", clearLine, progress(rows))
				if err := aio.Sleep(ctx, repaint); err != nil {
					return err
				}
			}
		}, aio.Name("progress"))
		defer g.Cancel(errors.New("the check is over"))
		return check(ctx)
	})
}

// progress is the text of the line.
func progress(rows []*row) string {
	c := count(rows)
	text := fmt.Sprintf("%d of %d sites checked", c.checked, c.sites)
	if failed := c.checked - c.answered; failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	return text
}
