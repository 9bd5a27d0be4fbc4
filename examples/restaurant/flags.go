package main

import (
	"fmt"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Restaurant shows one loop at work: LoopBot, who is GreetBot, WaitBot, ChefBot and WineBot in one.

    restaurant [flags]

    -parties N    how many parties come, one every four seconds, 1 to 20 (default 8)
    -bots N       4: a further evening, on which four bots, each a thread, do LoopBot's work and
                  ChefBot watches the oven (default 1: LoopBot alone)
    -evening E    short: every task is short; blocking: ChefBot watches the oven instead of setting
                  a timer; both (default)
    -speed X      how fast the animation is, 0.1 to 100 (default 2)
    -plain        lines instead of an animation, at once
    -real         with -plain: let the time go by that the work takes
    -json         print one JSON object an evening, each on a line of its own: evening, bots,
                  parties, served, left_hungry, seconds, longest_wait_seconds, mean_visit_seconds,
                  longest_hold_seconds, held_by

On a terminal of at least 80 columns and 18 lines it is animated; otherwise it prints what happens, a
line each, under a clock that nobody has to wait for. NO_COLOR takes the colours away. Ctrl-C closes the
restaurant and gives the terminal back.

Exit code: 0, 1 if something failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	parties, bots     int
	evening           string
	speed             float64
	plain, real, json bool
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("restaurant")
	flags.IntVar(&s.parties, "parties", 8, "")
	flags.IntVar(&s.bots, "bots", 1, "")
	flags.StringVar(&s.evening, "evening", "both", "")
	flags.Float64Var(&s.speed, "speed", 2, "")
	flags.BoolVar(&s.plain, "plain", false, "")
	flags.BoolVar(&s.real, "real", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	switch {
	case s.parties < 1 || s.parties > 20:
		return s, fmt.Errorf("-parties is %d; it must be from 1 to 20", s.parties)
	case s.bots != 1 && s.bots != bots:
		return s, fmt.Errorf("-bots is %d; it must be 1 or %d", s.bots, bots)
	case s.evening != "short" && s.evening != "blocking" && s.evening != "both":
		return s, fmt.Errorf("-evening is %q; it must be short, blocking or both", s.evening)
	case !(s.speed >= 0.1 && s.speed <= 100):
		return s, fmt.Errorf("-speed is %v; it must be from 0.1 to 100", s.speed)
	}
	return s, nil
}

// evenings are those that were asked for.
func (s settings) evenings() []*evening {
	var list []*evening
	if s.evening != "blocking" {
		list = append(list, &evening{name: "short", title: "every task is short"})
	}
	if s.evening != "short" {
		list = append(list, &evening{
			name:     "blocking",
			title:    "ChefBot watches the oven",
			blocking: true,
		})
	}
	if s.bots == bots {
		list = append(list, &evening{
			name:     "threads",
			title:    "four bots, each a thread",
			blocking: true,
			threads:  true,
		})
	}
	return list
}
