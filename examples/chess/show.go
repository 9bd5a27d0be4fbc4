package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

// clockTime writes a time as h:mm:ss.
func clockTime(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// writeTable shows both ways side by side, a line for each board, and their totals.
func writeTable(w io.Writer, e exhibition, sequential, concurrent *record) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s, %s of each side; she takes %v for a move, an opponent %v.\n\n",
		cli.Count(e.boards, "board"), cli.Count(e.pairs, "move"), e.master, e.opponent)
	if concurrent.keepMoves {
		writeMoves(out, concurrent)
	}
	fmt.Fprintf(out, "board            one game after the other      from table to table\n")
	for i := range sequential.games {
		s, c := sequential.games[i], concurrent.games[i]
		fmt.Fprintf(out, "%5d           %10s to %10s %10s to %10s\n", i+1,
			clockTime(sequential.since(s.began)), clockTime(sequential.since(s.ended)),
			clockTime(concurrent.since(c.began)), clockTime(concurrent.since(c.ended)))
	}
	line := func(what string, of func(*record) string) {
		fmt.Fprintf(out, "%-29s %10s %24s\n", what, of(sequential), of(concurrent))
	}
	fmt.Fprintln(out)
	line("her last move", func(r *record) string { return clockTime(r.since(r.lastOfHers)) })
	line("the last answer", func(r *record) string { return clockTime(r.took()) })
	line("she thought for", func(r *record) string { return clockTime(r.moving) })
	line("and sat there for", func(r *record) string {
		return clockTime(r.since(r.lastOfHers) - r.moving)
	})
	if hers := concurrent.since(concurrent.lastOfHers); hers > 0 {
		fmt.Fprintf(out, "\nFrom table to table she has made her last move %.1f times as early.\n",
			float64(sequential.since(sequential.lastOfHers))/float64(hers))
	}
	return out.Flush()
}

func writeMoves(w io.Writer, r *record) {
	for _, m := range r.moves {
		who := "she moves"
		if m.side == opponent {
			who = "the opponent answers"
		}
		fmt.Fprintf(w, "%10s  board %3d  %s\n", clockTime(r.since(m.at)), m.board+1, who)
	}
	fmt.Fprintln(w)
}

// wayJSON is a way as -json shows it.
type wayJSON struct {
	Way       string     `json:"way"`
	Boards    int        `json:"boards"`
	Seconds   float64    `json:"seconds"`
	HerLast   float64    `json:"her_last_move_seconds"`
	HerMoving float64    `json:"moving_seconds"`
	Games     []gameJSON `json:"games"`
}

type gameJSON struct {
	Board int     `json:"board"`
	Began float64 `json:"began_seconds"`
	Ended float64 `json:"ended_seconds"`
}

func writeJSON(w io.Writer, sequential, concurrent *record) error {
	out := json.NewEncoder(w)
	for _, way := range []struct {
		name string
		r    *record
	}{{"one game after the other", sequential}, {"from table to table", concurrent}} {
		r := way.r
		j := wayJSON{
			Way: way.name, Boards: len(r.games), Seconds: r.took().Seconds(),
			HerLast: r.since(r.lastOfHers).Seconds(), HerMoving: r.moving.Seconds(),
		}
		for i, g := range r.games {
			j.Games = append(j.Games,
				gameJSON{i + 1, r.since(g.began).Seconds(), r.since(g.ended).Seconds()})
		}
		if err := out.Encode(j); err != nil {
			return err
		}
	}
	return nil
}
