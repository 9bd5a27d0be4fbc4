// Workers shows four ways for two tasks to share a queue of work.
//
//	go run ./examples/workers                 all four, one after the other
//	go run ./examples/workers asynchronous    one of them
//	go run ./examples/workers -help
//
// Each version is a file: synchronous.go, generators.go, blocking.go, asynchronous.go. They are to be
// read in this order, and side by side.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clock"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `Workers shows four ways for two tasks to share a queue of work.

    workers                     all four versions, one after the other
    workers [flags] VERSION...  these

    -real    use the clock of the machine: what takes 32 seconds takes 32 seconds

The versions:

`

// version is one way to do the work.
type version struct {
	name, about string
	main        func(ctx context.Context, w *work) error
}

var versions = []version{
	{"synchronous", "a task that never stops takes all the work", synchronous},
	{"generators", "the tasks take turns", generators},
	{"blocking", "the tasks take turns, and their times add up", blocking},
	{"asynchronous", "the tasks wait at the same time", asynchronous},
}

// work is what a version needs: where to print, and the clock.
type work struct {
	out   io.Writer
	clock *clock.Clock
}

func (w *work) printf(format string, args ...any) { fmt.Fprintf(w.out, format, args...) }

// amounts are the pieces of work in the queue: numbers to count to, or seconds.
var amounts = []int{15, 10, 5, 2}

// The exit codes.
const (
	succeeded      = 0
	failed         = 1
	wrongUsage     = 2
	wasInterrupted = 130
)

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, out, stderr io.Writer) int {
	flags := flag.NewFlagSet("workers", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	real := flags.Bool("real", false, "")
	chosen, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		for _, v := range versions {
			fmt.Fprintf(out, "    %-14s %s\n", v.name, v.about)
		}
		return succeeded
	}
	if err != nil {
		fmt.Fprintf(stderr, "workers: %v\nTry workers -help.\n", err)
		return wrongUsage
	}
	for i, v := range chosen {
		if len(chosen) > 1 {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "%s: %s\n\n", v.name, v.about)
		}
		w := &work{out: out, clock: clock.New(*real)}
		err := v.main(ctx, w)
		switch {
		case errors.Is(err, aio.ErrInterrupted):
			fmt.Fprintf(stderr, "workers: interrupted in the version %s\n", v.name)
			return wasInterrupted
		case err != nil:
			fmt.Fprintln(stderr, "workers:", err)
			return failed
		}
	}
	return succeeded
}

// parse reads the command line and returns the versions to run: all, if none is named. Flags may stand
// after names, too.
func parse(flags *flag.FlagSet, args []string) ([]version, error) {
	var chosen []version
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		i := slices.IndexFunc(versions, func(v version) bool { return v.name == flags.Arg(0) })
		if i < 0 {
			var names []string
			for _, v := range versions {
				names = append(names, v.name)
			}
			return nil, fmt.Errorf("there is no version %q; there are %s", flags.Arg(0), strings.Join(names, ", "))
		}
		chosen, args = append(chosen, versions[i]), flags.Args()[1:]
	}
	if chosen == nil {
		return versions, nil
	}
	return chosen, nil
}
