package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Supervisor runs services that fail, and starts them again.

    supervisor [flags]

    -strategy S     what is started again when a service fails (default one-for-one):
                    one-for-one    the service alone
                    one-for-all    all services
                    rest-for-one   the service and those after it in the list
    -restarts N     give up at more than N restarts, 0 to 16 (default 4)
    -within TIME    in so much time (default 20s)
    -pause TIME     wait so long before the first restart in that time; each further wait is twice
                    as long (default 100ms)
    -flaky          add a service that fails again and again
    -for TIME       end after so much time (default 1m)
    -real           use the clock of the machine. Without it the time is virtual, and a minute is
                    over at once
    -json           print one JSON object an event, each on a line of its own:
                    seconds, service, event (started, ended, stopped), error

The services are config, which does its work and ends; database, which fails once; cache, which
panics twice; and listener. Ctrl-C ends all of them, the last one first.

Exit code: 0, 1 if the supervisor gave up, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	strategy                strategy
	restarts                int
	within, pause, duration time.Duration
	flaky, real, json       bool
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("supervisor")
	name := flags.String("strategy", strategies[oneForOne], "")
	flags.IntVar(&s.restarts, "restarts", 4, "")
	flags.DurationVar(&s.within, "within", 20*time.Second, "")
	flags.DurationVar(&s.pause, "pause", 100*time.Millisecond, "")
	flags.DurationVar(&s.duration, "for", time.Minute, "")
	flags.BoolVar(&s.flaky, "flaky", false, "")
	flags.BoolVar(&s.real, "real", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	i := slices.Index(strategies, *name)
	if i < 0 {
		return s, fmt.Errorf("-strategy is %q; it must be one of %s", *name,
			strings.Join(strategies, ", "))
	}
	s.strategy = strategy(i)
	switch {
	case s.restarts < 0 || s.restarts > 16:
		return s, fmt.Errorf("-restarts is %d; it must be from 0 to 16", s.restarts)
	case s.within <= 0:
		return s, fmt.Errorf("-within is %v; it must be more than 0", s.within)
	case s.pause < 0 || s.pause > time.Hour:
		return s, fmt.Errorf("-pause is %v; it must be from 0 to 1h", s.pause)
	case s.duration <= 0:
		return s, fmt.Errorf("-for is %v; it must be more than 0", s.duration)
	}
	return s, nil
}
