package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Pipeline runs commands joined by pipes, or one command for many items at once.

    pipeline                               a small show of both
    pipeline [flags] 'COMMAND | COMMAND'   each command reads what the one before writes; the
                                           output of the last one is shown while it comes
    pipeline each [flags] 'COMMAND' [ITEM...]
                                           run the command for each item; without items for each
                                           line of standard input, while they come
    -timeout TIME  for the whole pipeline, or for each command of each: 500ms, 10s, 1m
                   (default: no limit)
    -grace TIME    between SIGTERM and SIGKILL (default 5s)
    -keep BYTES    stop a command that writes more than that where its output is kept until it has
                   ended: in each without -tag, and with -json (default 67108864)
    -json          print JSON, with the output in it: one object for a pipeline; for each one a
                   command, on a line of its own, as they end

    for each alone:
    -j N           at most N commands at the same time (default: the number of processors)
    -tag           show output line by line while it comes, after the item, and not command by
                   command when it has ended
    -shell         COMMAND is a line for the shell
    -failfast      stop everything at the first failure

What commands write to standard error, and every line with -tag, is shown with its control characters escaped; other
output is passed on as it is.

In a command {} is the item, as one word or part of one; without {} the item is the last word.
With -shell it is "$1". Words are quoted as for a shell, but there is no shell: no variables,
no redirection, no *.

A command that runs out of time, or that Ctrl-C interrupts, gets SIGTERM together with everything
it has started, and SIGKILL after the grace period; a second Ctrl-C kills at once.

Exit code: the number of commands that failed, 101 for more than 100; 125 for a mistake in the
command line or a failure of this program, 130 after Ctrl-C or SIGTERM, 141 if who reads
the output left before its end. In a pipeline a command that was ended by SIGPIPE because the next one
wanted no more has not failed, nor has one that was ended because another one could not be
started.
`

// settings are what the command line says.
type settings struct {
	each     bool
	command  string // "": the show
	items    []string
	jobs     int
	timeout  time.Duration // 0: none
	grace    time.Duration
	json     bool
	tag      bool
	shell    bool
	failfast bool
	keep     int // bytes
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("pipeline", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&s.timeout, "timeout", 0, "")
	flags.DurationVar(&s.grace, "grace", 5*time.Second, "")
	flags.BoolVar(&s.json, "json", false, "")
	flags.IntVar(&s.keep, "keep", 64<<20, "")
	if s.each = len(args) > 0 && args[0] == "each"; s.each {
		args = args[1:]
		flags.BoolVar(&s.tag, "tag", false, "")
		flags.BoolVar(&s.shell, "shell", false, "")
		flags.BoolVar(&s.failfast, "failfast", false, "")
	}
	flags.IntVar(&s.jobs, "j", processors(), "")
	if err := flags.Parse(args); err != nil {
		return s, cli.Explain(flags, err)
	}
	rest := flags.Args()
	switch {
	case s.timeout < 0:
		return s, fmt.Errorf("-timeout is %v; it must not be negative", s.timeout)
	case s.grace < 0:
		return s, fmt.Errorf("-grace is %v; it must not be negative", s.grace)
	case s.keep < 1:
		return s, fmt.Errorf("-keep is %d; it must be at least 1", s.keep)
	case s.jobs < 1:
		return s, fmt.Errorf("-j is %d; it must be at least 1", s.jobs)
	case s.each && len(rest) == 0:
		return s, errors.New("each needs a command")
	case s.tag && s.json:
		return s, errors.New("-tag and -json exclude each other")
	case !s.each && len(rest) > 1:
		return s, fmt.Errorf("the pipeline is one argument: quote it; there is another one, %q",
			rest[1])
	case len(rest) == 0:
		return s, nil
	}
	s.command, s.items = rest[0], rest[1:]
	// Mistakes in it are reported before anything runs.
	if s.each {
		_, err := newTemplate(s.command, s.shell)
		return s, err
	}
	_, err := parseStages(s.command)
	return s, err
}

// isTerminal reports whether f is one.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
