package main

import (
	"fmt"
	"slices"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Scale lets very many things wait at the same time, and tells what that takes.

    scale [flags]

    -tasks N        tasks of one loop, up to 2000000 (default 100000)
    -goroutines N   goroutines, up to 2000000 (default 100000)
    -connections N  connections to a server on this machine, each with a task at both ends, up to
                    20000 (default 10000)
    -threads N      threads of the system, up to 5000 (default 1000)
    -processes N    processes, up to 500 (default 50)
    -json           print one JSON object a row, each on a line of its own:
                    what, how_many, start_seconds, end_seconds, kib_each

0 leaves a row out. The columns are the number, the time until all of them wait at the same time, the
time until all have ended, and the memory that each takes while it waits: what the process has more
of than before, divided by their number. Of a process it is the memory that it shares with no other.
The memory that the system itself needs for threads, processes and connections comes on top. Where
/proc is missing, the memory is what Go's runtime has asked the system for.

The server of the connections is a process of its own; its memory counts. A connection takes a
descriptor at each end. The limit of descriptors is raised as far as the system allows.

Exit code: 0, 1 if a row failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	counts     map[string]int // by the contestants' names
	json       bool
	contestant string // in the process of one: its name
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	s := settings{counts: map[string]int{}}
	flags := cli.Flags("scale")
	numbers := map[string]*int{}
	for _, c := range contestants {
		numbers[c.name] = flags.Int(c.name, c.usual, "")
	}
	flags.BoolVar(&s.json, "json", false, "")
	flags.StringVar(&s.contestant, "contestant", "", "") // for the program's own processes
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	for _, c := range contestants {
		n := *numbers[c.name]
		if n < 0 || n > c.most {
			return s, fmt.Errorf("-%s is %d; it must be from 0 to %d", c.name, n, c.most)
		}
		s.counts[c.name] = n
	}
	return s, nil
}

// byName returns the contestant with a name.
func byName(name string) (contestant, error) {
	i := slices.IndexFunc(contestants, func(c contestant) bool { return c.name == name })
	if i < 0 {
		return contestant{}, fmt.Errorf("there is no contestant %q", name)
	}
	return contestants[i], nil
}
