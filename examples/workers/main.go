// Workers shows four ways for two tasks to share a queue of work.
//
//	go run ./examples/workers                 all four, one after the other
//	go run ./examples/workers asynchronous    one of them
//	go run ./examples/workers -help
//
// Each version is a file: synchronous.go, generators.go, blocking.go, asynchronous.go. They are to
// be read in this order, and side by side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clock"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], cli.Standard()))
}

const usage = `Workers shows four ways for two tasks to share a queue of work.

    workers                     all four versions, one after the other
    workers [flags] VERSION...  these

    -real    use the clock of the machine: what takes 32 seconds takes 32 seconds

Exit code: 0, 1 if something failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.

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

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	flags := cli.Flags("workers")
	real := flags.Bool("real", false, "")
	names, err := cli.Parse(flags, args)
	if err != nil {
		return std.Usage("workers", usage+list(), err)
	}
	chosen, err := choose(names)
	if err != nil {
		return std.Usage("workers", "", err)
	}
	for i, v := range chosen {
		if len(chosen) > 1 {
			if i > 0 {
				fmt.Fprintln(std.Out)
			}
			fmt.Fprintf(std.Out, "%s: %s\n\n", v.name, v.about)
		}
		w := &work{out: std.Out, clock: clock.New(*real)}
		err := v.main(ctx, w)
		switch {
		case errors.Is(err, aio.ErrInterrupted):
			fmt.Fprintf(std.Err, "workers: interrupted in the version %s\n", v.name)
			return cli.Interrupted
		case err != nil:
			return std.Fail("workers", err)
		}
	}
	return cli.OK
}

// list names the versions.
func list() string {
	var text strings.Builder
	for _, v := range versions {
		fmt.Fprintf(&text, "    %-14s %s\n", v.name, v.about)
	}
	return text.String()
}

// choose returns the versions to run: all, if none is named.
func choose(chosenNames []string) ([]version, error) {
	if len(chosenNames) == 0 {
		return versions, nil
	}
	var names []string
	for _, v := range versions {
		names = append(names, v.name)
	}
	var chosen []version
	for _, name := range chosenNames {
		i := slices.IndexFunc(versions, func(v version) bool { return v.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no version %q%s; they are\n%s",
				name, cli.Suggest(name, names), strings.TrimRight(list(), "\n"))
		}
		chosen = append(chosen, versions[i])
	}
	return chosen, nil
}
