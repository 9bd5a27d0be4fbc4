package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Tour runs the short programs that asyncio is taught with, written with aio.

    tour                      list them, and the texts and sections they come from
    tour [flags] PROGRAM...   run these
    tour [flags] -all         run every one

    -real    use the clock of the machine. Without it the time is virtual: it begins in the year
             2000, and a program that sleeps is over at once. Programs that talk to a server of
             their own or start commands take the little time they need.
    -times   put the time before every line
    -net     ask the real sites and name servers, where there are any: session, fetch, only-found,
             in-order, as-dict and as-set. It takes the clock of the machine.
    -source  do not run the program but print it, as a main.go to copy. Its clock is the machine's.
    -python  do not run the program but print one for asyncio that does the same

Exit code: 0, 1 if a program failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	chosen      []*program // none: list them
	real, times bool
	net         bool
	show        func(p *program) (string, error) // instead of running it
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("tour")
	all := flags.Bool("all", false, "")
	flags.BoolVar(&s.real, "real", false, "")
	flags.BoolVar(&s.times, "times", false, "")
	flags.BoolVar(&s.net, "net", false, "")
	source := flags.Bool("source", false, "")
	python := flags.Bool("python", false, "")
	names, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	for _, name := range names {
		p := byName(name)
		if p == nil {
			return s, fmt.Errorf("there is no program %q%s", name, didYouMean(name))
		}
		s.chosen = append(s.chosen, p)
	}
	if *all {
		if len(s.chosen) > 0 {
			return s, fmt.Errorf("-all and %s do not go together", s.chosen[0].name)
		}
		s.chosen = slices.Clone(programs)
	}
	return s, s.check(*source, *python)
}

// check settles what is shown in place of a run, and which flags go together.
func (s *settings) check(source, python bool) error {
	switch {
	case source && python:
		return errors.New("-source and -python do not go together")
	case source:
		s.show = func(p *program) (string, error) { return standalone(p, s.net) }
	case python:
		s.show = func(p *program) (string, error) { return inPython(p) }
	}
	if s.show != nil && len(s.chosen) != 1 {
		return fmt.Errorf("-source and -python take one program, not %d", len(s.chosen))
	}
	if s.net {
		s.real = true
		if len(s.chosen) == 0 {
			return errors.New("-net needs the name of a program")
		}
		for _, p := range s.chosen {
			if !p.net {
				return fmt.Errorf("%s uses no network, so there is no -net for it", p.name)
			}
		}
	}
	return nil
}

func byName(name string) *program {
	i := slices.IndexFunc(programs, func(p *program) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return programs[i]
}

// didYouMean names the programs that a wrong name may have been meant for.
func didYouMean(wrong string) string {
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
	}
	return cmp.Or(cli.Suggest(wrong, names), "; tour without arguments lists them")
}
