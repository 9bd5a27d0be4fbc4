// Tour runs the short programs that asyncio is taught with, written with aio.
//
//	go run ./examples/tour                 lists them, and where they come from
//	go run ./examples/tour hello gather    runs two of them
//	go run ./examples/tour -all
//	go run ./examples/tour -source hello   prints it, to be copied
//	go run ./examples/tour -python hello   prints what it is in asyncio
//	go run ./examples/tour -help
//
// programs.go is the list; the programs are in the files that are named for their subjects. The
// longer programs from the same texts are folders of their own beside this one; docs/seeds.md names
// them all.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aio-go/aio/examples/internal/cli"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], cli.Standard()))
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("tour", usage, err)
	}
	if len(s.chosen) == 0 {
		list(std.Out)
		return cli.OK
	}
	if s.show != nil {
		text, err := s.show(s.chosen[0])
		if err != nil {
			return std.Fail("tour", err)
		}
		fmt.Fprint(std.Out, text)
		return cli.OK
	}
	code := cli.OK
	for i, p := range s.chosen {
		if len(s.chosen) > 1 {
			if i > 0 {
				fmt.Fprintln(std.Out)
			}
			fmt.Fprintf(std.Out, "--- %s: %s\n", p.name, p.about)
		}
		err := p.run(ctx, newShow(std.Out, s))
		switch exit := cli.Code(ctx, err); {
		case exit == cli.Interrupted:
			fmt.Fprintf(std.Err, "tour: interrupted in %s\n", p.name)
			return exit
		case errors.Is(err, errors.ErrUnsupported):
			code = std.Fail("tour", fmt.Errorf("%s: this system cannot do it: %w", p.name, err))
		case err != nil:
			return std.Fail("tour", fmt.Errorf("%s: %w", p.name, err))
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
