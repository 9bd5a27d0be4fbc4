// Primes counts prime numbers in four ways, to show what a loop does for work that computes: alone
// it gains nothing; with threads, processes or more loops it uses all cores.
//
//	go run ./examples/primes
//	go run ./examples/primes -below 20000000 -json
//	go run ./examples/primes -help
//
// ways.go has the four ways. The rest is what a program needs around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/executor"
)

func main() {
	executor.Main() // in a worker process this runs the jobs and does not return

	// Each way has loops of its own, so the signals belong to none of them.
	ctx, stop := cli.Signals()
	code := run(ctx, os.Args[1:], cli.Standard())
	stop()
	os.Exit(code)
}

// outcome is what a way gave, as it is printed in JSON.
type outcome struct {
	Way     string  `json:"way"`
	Primes  int     `json:"primes"`
	Seconds float64 `json:"seconds"`
	Faster  float64 `json:"times_as_fast_as_the_first"`
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("primes", usage, err)
	}
	parts := split(s.below, s.parts)
	if !s.json {
		fmt.Fprintf(std.Out, "primes below %d, in %s, with %s:\n\n", s.below,
			cli.Count(len(parts), "part"), cli.Count(s.workers, "worker"))
	}
	first, code := 0.0, cli.OK
	for _, w := range s.ways {
		began := time.Now()
		n, err := w.count(ctx, parts, s.workers)
		took := time.Since(began).Seconds()
		switch exit := cli.Code(ctx, err); {
		case exit == cli.Interrupted:
			fmt.Fprintf(std.Err, "primes: interrupted in %s\n", w.name)
			return exit
		case errors.Is(err, errors.ErrUnsupported):
			code = std.Fail("primes", fmt.Errorf("%s: this system cannot do it: %w", w.name, err))
			continue
		case err != nil:
			return std.Fail("primes", fmt.Errorf("%s: %w", w.name, err))
		}
		if first == 0 {
			first = took
		}
		o := outcome{Way: w.name, Primes: n, Seconds: took, Faster: first / took}
		if err := o.write(std.Out, s.json, w.about); err != nil {
			return std.Fail("primes", err)
		}
	}
	return code
}

func (o outcome) write(out io.Writer, json bool, about string) error {
	if json {
		return cli.WriteJSON(out, o)
	}
	_, err := fmt.Fprintf(out, "%-10s %9d primes %8.2f s %5.1f times   %s\n",
		o.Way, o.Primes, o.Seconds, o.Faster, about)
	return err
}
