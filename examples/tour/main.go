// Tour runs the short programs that asyncio is taught with, written with aio.
//
//	go run ./examples/tour                 lists them, and where they come from
//	go run ./examples/tour hello gather    runs two of them
//	go run ./examples/tour -all
//	go run ./examples/tour -help
//
// programs.go is the list; the programs are in the files that are named for their subjects. The longer
// programs from the same texts are folders of their own beside this one; docs/seeds.md names them all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/aio-go/aio"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	succeeded      = 0
	failed         = 1
	wrongUsage     = 2
	wasInterrupted = 130
)

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, out, stderr io.Writer) int {
	s, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return succeeded
	}
	if err != nil {
		fmt.Fprintf(stderr, "tour: %v\nTry tour -help.\n", err)
		return wrongUsage
	}
	if len(s.chosen) == 0 {
		list(out)
		return succeeded
	}
	code := succeeded
	for i, p := range s.chosen {
		if len(s.chosen) > 1 {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "--- %s: %s\n", p.name, p.about)
		}
		err := p.run(ctx, newShow(out, s))
		switch {
		case errors.Is(err, aio.ErrInterrupted):
			fmt.Fprintf(stderr, "tour: interrupted in %s\n", p.name)
			return wasInterrupted
		case errors.Is(err, errors.ErrUnsupported):
			fmt.Fprintf(stderr, "tour: %s: this system cannot do it: %v\n", p.name, err)
			code = failed
		case err != nil:
			fmt.Fprintf(stderr, "tour: %s: %v\n", p.name, err)
			return failed
		}
	}
	return code
}

// list shows every program under each text that has it.
func list(out io.Writer) {
	for i, text := range texts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s\n", text)
		for _, p := range programs {
			for _, f := range p.from {
				if f.text == text {
					fmt.Fprintf(out, "  %-18s %s\n  %-18s   %s\n", p.name, p.about, "", f.section)
				}
			}
		}
	}
	fmt.Fprintf(out, "\nRun one by its name: go run ./examples/tour hello\n")
}
