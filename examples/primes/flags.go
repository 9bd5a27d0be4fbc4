package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Primes counts prime numbers in four ways, and tells the times.

    primes [flags]

    -below N    count the primes below N, up to 1000000000 (default 3000000)
    -parts N    divide the work into N parts (default 64)
    -workers N  compute N parts at the same time, except in the first way (default: the cores)
    -way WAY    only one way: loop, threads, processes or loops (default all)
    -json       print one JSON object a way, each on a line of its own:
                way, primes, seconds, times_as_fast_as_the_first

    loop        a task for each part, on one loop: one core, and nothing is gained
    threads     ToThread: a goroutine for each part
    processes   executor.Processes: worker processes
    loops       RunParallel: several loops, each with a share of the parts

Exit code: 0, 1 if something failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	below, parts, workers int
	ways                  []way
	json                  bool
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	s := settings{ways: ways}
	flags := cli.Flags("primes")
	flags.IntVar(&s.below, "below", 3_000_000, "")
	flags.IntVar(&s.parts, "parts", 64, "")
	flags.IntVar(&s.workers, "workers", runtime.GOMAXPROCS(0), "")
	only := flags.String("way", "", "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	switch {
	case s.below < 2 || s.below > 1e9:
		return s, fmt.Errorf("-below is %d; it must be from 2 to 1000000000", s.below)
	case s.parts < 1 || s.parts > 10_000:
		return s, fmt.Errorf("-parts is %d; it must be from 1 to 10000", s.parts)
	case s.workers < 1 || s.workers > 256:
		return s, fmt.Errorf("-workers is %d; it must be from 1 to 256", s.workers)
	}
	if *only != "" {
		s.ways = nil
		var names []string
		for _, w := range ways {
			if names = append(names, w.name); w.name == *only {
				s.ways = []way{w}
			}
		}
		if s.ways == nil {
			return s, fmt.Errorf("-way is %q; it must be one of %s",
				*only, strings.Join(names, ", "))
		}
	}
	return s, nil
}
