// Package cli is what the example programs have in common: where they read and write, how they read
// their command line and with which codes they exit.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Streams are where a program reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Progress io.Writer // nil without a terminal
}

// Standard returns the streams of the process.
func Standard() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	if IsTerminal(os.Stderr) {
		s.Progress = os.Stderr
	}
	return s
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// The exit codes.
const (
	OK          = 0
	Failed      = 1
	BadUsage    = 2
	Interrupted = 130 // by Ctrl-C or SIGTERM
)

// Flags returns an empty set of flags that writes nothing by itself.
func Flags(program string) *flag.FlagSet {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// Parse reads a command line and returns the arguments in it. Flags may stand after arguments, too;
// what follows a -- is no flag.
func Parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, Explain(flags, err)
		}
		left := flags.Args()
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		if len(left) == 0 {
			return rest, nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// Explain makes an error of flags.Parse say what a time looks like, where it says just "parse
// error".
func Explain(flags *flag.FlagSet, err error) error {
	text, cut := strings.CutSuffix(err.Error(), ": parse error")
	at := strings.LastIndex(text, " for flag -")
	if !cut || at < 0 {
		return err
	}
	f := flags.Lookup(text[at+len(" for flag -"):])
	if f == nil {
		return err
	}
	value, ok := f.Value.(flag.Getter)
	if !ok {
		return err
	}
	if _, ok := value.Get().(time.Duration); !ok {
		return err
	}
	return errors.New(text + ": it must be a time with its unit, as in 500ms")
}

// NoArguments is the error of a program that takes flags alone.
func NoArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("there is nothing to do with %q; only flags are expected", args[0])
}

// Usage ends a program that was called in a way it does not understand, or for its help. It returns
// the exit code.
func (s Streams) Usage(program, help string, err error) int {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(s.Out, help)
		return OK
	}
	text := strings.Split(err.Error(), "\n")
	for i, line := range text {
		text[i] = Printable(line)
	}
	fmt.Fprintf(s.Err, "%s: %s\nTry %s -help.\n", program, strings.Join(text, "\n"), program)
	return BadUsage
}
