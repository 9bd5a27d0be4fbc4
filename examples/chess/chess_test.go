package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func chess(args ...string) clitest.Outcome {
	return clitest.Program(run).Run(context.Background(), args...)
}

func playBoth(t *testing.T, s settings) (sequential, concurrent *record) {
	t.Helper()
	sequential, concurrent = newRecord(s), newRecord(s)
	if err := play(t.Context(), s.exhibition, oneAfterTheOther, sequential); err != nil {
		t.Fatal(err)
	}
	if err := play(t.Context(), s.exhibition, fromTableToTable, concurrent); err != nil {
		t.Fatal(err)
	}
	return sequential, concurrent
}

func TestTheExhibitionTakesTwelveHoursOrOneToTheSecond(t *testing.T) {
	s, err := parseFlags(nil)
	if err != nil {
		t.Fatal(err)
	}
	sequential, concurrent := playBoth(t, s)
	if got := sequential.took(); got != 12*time.Hour {
		t.Errorf("one game after the other takes %v", got)
	}
	if got := concurrent.since(concurrent.lastOfHers); got != time.Hour {
		t.Errorf("from table to table she makes her last move after %v", got)
	}
	if got := concurrent.took(); got != time.Hour+55*time.Second {
		t.Errorf("from table to table the last answer comes after %v", got)
	}
	if sequential.moving != time.Hour || concurrent.moving != time.Hour {
		t.Errorf("she thinks for %v and for %v, want an hour each", sequential.moving, concurrent.moving)
	}
}

func TestEveryGameIsPlayedInTurnsOfBothSides(t *testing.T) {
	_, concurrent := playBoth(t, settings{exhibition: exhibition{
		boards:   5,
		pairs:    4,
		master:   5 * time.Second,
		opponent: 55 * time.Second,
	}, moves: true})
	next := make([]side, 5) // whose turn it is
	for i := range next {
		next[i] = her
	}
	count := make([]int, 5)
	var hers time.Duration // when she was last seen making a move
	for _, m := range concurrent.moves {
		if m.side != next[m.board] {
			t.Fatalf("board %d: the wrong side moves at %v", m.board+1, concurrent.since(m.at))
		}
		next[m.board] = !m.side
		count[m.board]++
		if m.side == her {
			if at := concurrent.since(m.at); at < hers+5*time.Second {
				t.Errorf("she moves at %v and again at %v: there is only one of her", hers, at)
			}
			hers = concurrent.since(m.at)
		}
	}
	for board, n := range count {
		if n != 8 {
			t.Errorf("board %d has %d moves, want 8", board+1, n)
		}
	}
}

func TestWithFewBoardsSheWaitsForTheOpponents(t *testing.T) {
	_, concurrent := playBoth(t, settings{exhibition: exhibition{
		boards:   2,
		pairs:    3,
		master:   5 * time.Second,
		opponent: 55 * time.Second,
	}})
	// the second game begins 5 s later
	if got, want := concurrent.took(), 3*time.Minute+5*time.Second; got != want {
		t.Errorf("it takes %v, want %v", got, want)
	}
}

func TestTheTableIsTheSameEveryTime(t *testing.T) {
	for name, args := range map[string][]string{
		"exhibition": nil,
		"moves":      {"-boards", "3", "-pairs", "2", "-moves"},
	} {
		want, err := os.ReadFile("testdata/" + name + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if got := chess(args...); got != (clitest.Outcome{Out: string(want)}) {
			t.Errorf("%s: got %+v\nwant\n%s", name, got, want)
		}
	}
}

func TestJSONHasALineForEachWay(t *testing.T) {
	got := chess("-json", "-boards", "2")
	decoder := json.NewDecoder(strings.NewReader(got.Out))
	decoder.DisallowUnknownFields()
	for _, want := range []wayJSON{
		{Way: "one game after the other", Boards: 2, Seconds: 3600, HerLast: 3545, HerMoving: 300},
		{Way: "from table to table", Boards: 2, Seconds: 1805, HerLast: 1750, HerMoving: 300},
	} {
		var way wayJSON
		if err := decoder.Decode(&way); err != nil {
			t.Fatal(err)
		}
		if len(way.Games) != 2 || way.Games[1].Board != 2 {
			t.Errorf("%s: games %+v", way.Way, way.Games)
		}
		way.Games = nil
		if way.Way != want.Way || way.Seconds != want.Seconds || way.HerLast != want.HerLast ||
			way.HerMoving != want.HerMoving || way.Boards != 2 {
			t.Errorf("got %+v, want %+v", way, want)
		}
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-boards 0":                "-boards is 0; it must be from 1 to 100000",
		"-pairs -3":                "-pairs is -3; it must be from 1 to 100000",
		"-boards 100000 -pairs 30": "-boards 100000 times -pairs 30 is more than 2000000 moves",
		"-master -1s":              "-master is -1s; it must be from 0s to 1h",
		"-opponent 2h":             "-opponent is 2h0m0s; it must be from 0s to 1h",
		"-moves -json":             "-moves and -json do not go together",
		"-boards 3 Polgar":         `there is nothing to do with "Polgar"; only flags are expected`,
		"-boards many":             `invalid value "many" for flag -boards: parse error`,
		"-speed 3":                 "flag provided but not defined: -speed",
	} {
		got := chess(strings.Fields(args)...)
		if got != (clitest.Outcome{Code: cli.BadUsage, Err: "chess: " + want + "\nTry chess -help.\n"}) {
			t.Errorf("chess %s: %+v, want %q", args, got, want)
		}
	}
}

func TestHelpIsNotAnError(t *testing.T) {
	if got := chess("-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}
