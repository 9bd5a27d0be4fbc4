package main

import (
	"fmt"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Chess plays an exhibition, one master against many opponents: first one game after the other, then
in turns, where she makes a move and goes to the next table. The clock is virtual, so that twelve
hours are over at once.

    chess [flags]

    -boards N         how many opponents (default 24)
    -pairs N          how many moves each side makes in a game (default 30)
    -master TIME      how long she takes for a move (default 5s)
    -opponent TIME    how long an opponent takes (default 55s)
    -moves            show every move of the second way, with its time
    -json             print one JSON object a way, each on a line of its own:
                      way, boards, seconds, her_last_move_seconds, moving_seconds,
                      games (board, began_seconds, ended_seconds)

Exit code: 0, 1 if something failed, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	exhibition
	moves, json bool
}

const (
	mostBoards = 100_000
	mostPairs  = 100_000
	mostMoves  = 2_000_000
)

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("chess")
	flags.IntVar(&s.boards, "boards", 24, "")
	flags.IntVar(&s.pairs, "pairs", 30, "")
	flags.DurationVar(&s.master, "master", 5*time.Second, "")
	flags.DurationVar(&s.opponent, "opponent", 55*time.Second, "")
	flags.BoolVar(&s.moves, "moves", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	switch {
	case s.boards < 1 || s.boards > mostBoards:
		return s, fmt.Errorf("-boards is %d; it must be from 1 to %d", s.boards, mostBoards)
	case s.pairs < 1 || s.pairs > mostPairs:
		return s, fmt.Errorf("-pairs is %d; it must be from 1 to %d", s.pairs, mostPairs)
	case s.boards*s.pairs > mostMoves:
		return s, fmt.Errorf("-boards %d times -pairs %d is more than %d moves",
			s.boards, s.pairs, mostMoves)
	case s.master < 0 || s.master > time.Hour:
		return s, fmt.Errorf("-master is %v; it must be from 0s to 1h", s.master)
	case s.opponent < 0 || s.opponent > time.Hour:
		return s, fmt.Errorf("-opponent is %v; it must be from 0s to 1h", s.opponent)
	case s.moves && s.json:
		return s, fmt.Errorf("-moves and -json do not go together")
	}
	return s, nil
}
