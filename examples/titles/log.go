package main

import (
	"fmt"
	"io"
	"os"

	"github.com/aio-go/aio/examples/internal/cli"
)

// The colours of the log, as terminals understand them.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	white  = "\x1b[37m"
	plain  = "\x1b[0m"
)

// log writes lines in colours, if somebody sees them.
type log struct {
	out    io.Writer
	colour bool
}

// newLog makes a log. Without an order to do otherwise it is coloured on a terminal, unless the
// environment variable NO_COLOR is set.
func newLog(out io.Writer, color string) *log {
	l := &log{out: out, colour: color == "always"}
	if file, ok := out.(*os.File); ok && color == "auto" {
		l.colour = cli.IsTerminal(file) && os.Getenv("NO_COLOR") == ""
	}
	return l
}

func (l *log) line(colour, format string, args ...any) {
	text := cli.Printable(fmt.Sprintf(format, args...))
	if l.colour {
		text = colour + text + plain
	}
	fmt.Fprintln(l.out, text)
}
