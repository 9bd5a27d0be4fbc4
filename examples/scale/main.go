// Scale starts very many of something, lets all of them wait at the same time, and tells what that
// takes: tasks, goroutines, threads of the system, processes, connections. It is the claim of every
// text about asynchronous programs, made on your machine.
//
//	go run ./examples/scale
//	go run ./examples/scale -tasks 1000000 -connections 2000 -json
//	go run ./examples/scale -help
//
// Each contestant has a process of its own, so that the memory of one does not count for another.
// contestants.go has them; measure.go starts these processes and asks the system for their memory.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], cli.Standard()))
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("scale", usage, err)
	}
	if s.contestant != "" {
		return contest(ctx, s, std)
	}
	code := cli.OK
	exit, err := cli.Run(ctx, func(ctx context.Context) error {
		if !s.json {
			fmt.Fprintf(std.Out, "%-12s %9s %12s %12s %14s\n", "", "how many", "start, s",
				"end, s", "memory, KiB")
		}
		for _, c := range contestants {
			n := s.counts[c.name]
			if n == 0 {
				continue
			}
			r, err := c.inProcess(ctx, n)
			switch {
			case errors.Is(err, aio.ErrCancelled):
				return err
			case err != nil: // the others may still do it
				fmt.Fprintf(std.Err, "scale: %d %s: %s\n", n, c.name, cli.Line(err))
				code = cli.Failed
				continue
			}
			if err := r.write(std.Out, s.json); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case exit == cli.Interrupted:
		fmt.Fprintln(std.Err, "scale: interrupted")
		return exit
	case err != nil:
		return std.Fail("scale", err)
	}
	return code
}

// contest is the program in a process of a contestant: it prints one result.
func contest(ctx context.Context, s settings, std cli.Streams) int {
	switch s.contestant {
	case waiter:
		return beWaiter(std)
	case server:
		return beServer(ctx, s.counts["connections"], std)
	}
	c, err := byName(s.contestant)
	if err != nil {
		return std.Fail("scale", err)
	}
	r, err := c.measure(ctx, s.counts[c.name])
	if code := cli.Code(ctx, err); code == cli.Interrupted {
		return code
	}
	if err == nil {
		err = r.write(std.Out, true)
	}
	if err != nil {
		return std.Fail("scale", err)
	}
	return cli.OK
}
