package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/clock"
)

func restaurant(args ...string) clitest.Outcome {
	told := func(ctx context.Context, args []string, std cli.Streams) int {
		return run(ctx, args, std, screen{})
	}
	return clitest.Program(told).Run(context.Background(), args...)
}

var update = flag.Bool("update", false, "write testdata anew")

func sameAsGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func anEvening(t *testing.T, name string) *evening {
	t.Helper()
	list := settings{evening: name}.evenings()
	if name == "threads" {
		list = settings{evening: "short", bots: bots}.evenings()[1:]
	}
	if len(list) != 1 {
		t.Fatalf("%d evenings", len(list))
	}
	return list[0]
}

func TestBothEveningsAreToldTheSameWayEveryTime(t *testing.T) {
	got := restaurant()
	if got.Code != cli.OK || got.Err != "" {
		t.Errorf("exit code %d, errors %q", got.Code, got.Err)
	}
	sameAsGolden(t, "evenings.golden", got.Out)
}

func TestTheFramesOfAnEvening(t *testing.T) {
	for _, name := range []string{"short", "blocking", "threads"} {
		var frames []string
		next := 2 * time.Second
		everyFrame(t, name, palette{}, func(now time.Duration, frame func() []string) {
			if now >= next && now < 42*time.Second {
				frames = append(frames, strings.Join(frame(), "\n"))
				next += 8 * time.Second
			}
		})
		sameAsGolden(t, name+".frames", strings.Join(frames, "\n\n")+"\n")
	}
}

// everyFrame runs an evening under a virtual clock and calls look whenever a screen would show a
// frame.
func everyFrame(
	t *testing.T, name string, c palette, look func(now time.Duration, frame func() []string),
) {
	t.Helper()
	h := newHouse(anEvening(t, name), 10, clock.New(false), 1, func() error { return nil })
	h.paint = func() { look(h.now(), func() []string { return h.frame(c) }) }
	if err := aio.Run(t.Context(), h.onScreen, aio.WithClock(h.clock)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryFrameHasItsSizeAndEndsItsColours(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, name := range []string{"short", "blocking", "threads"} {
		n := 0
		everyFrame(t, name, colourful, func(now time.Duration, draw func() []string) {
			if n++; n%7 != 0 {
				return // drawing takes its time
			}
			frame := draw()
			if len(frame) != frameHeight {
				t.Fatalf("at %v: %d lines, want %d", now, len(frame), frameHeight)
			}
			for _, line := range frame {
				if w := width(escape.ReplaceAllString(line, "")); w > frameWidth {
					t.Fatalf("at %v: %d columns in %q", now, w, line)
				}
				all := escape.FindAllString(line, -1)
				if len(all) > 0 && all[len(all)-1] != colourful.off {
					t.Fatalf("at %v: a colour goes on after %q", now, line)
				}
			}
		})
		if n < 200 {
			t.Errorf("%s: only %d frames", name, n)
		}
	}
}

func TestOnlyOneBotHasTheLoop(t *testing.T) {
	for _, name := range []string{"short", "blocking"} {
		e := anEvening(t, name)
		if err := e.tell(t.Context(), settings{parties: 20, json: true}, nil); err != nil {
			t.Fatal(err)
		}
		var end time.Duration
		for _, x := range e.house.held {
			if x.from < end {
				t.Errorf("%s: %s %s from %v on, but the loop was held until %v",
					name, x.bot, x.what, x.from, end)
			}
			end = x.to
		}
	}
}

func TestEveryPartyIsServedOrLeavesHungryAndTheTablesAreFreeThen(t *testing.T) {
	for _, name := range []string{"short", "blocking", "threads"} {
		for parties := range 20 {
			e := anEvening(t, name)
			if err := e.tell(t.Context(), settings{parties: parties + 1, json: true}, nil); err != nil {
				t.Fatal(err)
			}
			r := e.result()
			if r.Parties != parties+1 || r.Served+r.LeftHungry != r.Parties ||
				name == "short" && r.LeftHungry > 0 {
				t.Errorf("%+v", r)
			}
			h := e.house
			if h.free.Len() != len(h.tables) || slices.ContainsFunc(h.tables[:],
				func(p *party) bool { return p != nil }) || h.oven+h.breathe > 0 {
				t.Errorf("%s, %d parties: %d tables are free, %d dishes in the oven",
					name, r.Parties, h.free.Len(), h.oven)
			}
		}
	}
}

func TestABlockingTaskIsWhatMakesTheDifference(t *testing.T) {
	got := restaurant("-json")
	decoder := json.NewDecoder(strings.NewReader(got.Out))
	decoder.DisallowUnknownFields()
	var results [2]result
	for i := range results {
		if err := decoder.Decode(&results[i]); err != nil {
			t.Fatal(err)
		}
	}
	want := [2]result{
		{"short", 1, 8, 8, 0, 51, 4, 20.6, 0.5, "GreetBot"},
		{"blocking", 1, 8, 5, 3, 61, 21.5, 40.4, 6, "ChefBot"},
	}
	if results != want {
		t.Errorf("got %+v, want %+v", results, want)
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-parties 21":   "-parties is 21; it must be from 1 to 20",
		"-evening long": `-evening is "long"; it must be short, blocking or both`,
		"-speed 0":      "-speed is 0; it must be from 0.1 to 100",
		"-speed NaN":    "-speed is NaN; it must be from 0.1 to 100",
		"tonight":       `there is nothing to do with "tonight"; only flags are expected`,
		"-bots 5":       "-bots is 5; it must be 1 or 4",
		"-tables 5":     "flag provided but not defined: -tables",
	} {
		if got := restaurant(strings.Fields(args)...); got != (clitest.Outcome{
			Code: cli.BadUsage,
			Err:  "restaurant: " + want + "\nTry restaurant -help.\n",
		}) {
			t.Errorf("restaurant %s: %+v, want %q", args, got, want)
		}
	}
}

func TestHelpIsNotAnError(t *testing.T) {
	if got := restaurant("-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}

// Four bots that are threads block each other no more: ChefBot watches the oven, and the others
// work on. But each has one pair of hands: LoopBot, with short tasks, bakes several dishes at once and
// serves more.
func TestFourBotsAsThreadsDoNotWaitForEachOther(t *testing.T) {
	got := restaurant("-json", "-bots", "4")
	var results [3]result
	decoder := json.NewDecoder(strings.NewReader(got.Out))
	for i := range results {
		if err := decoder.Decode(&results[i]); err != nil {
			t.Fatal(err)
		}
	}
	want := result{"threads", 4, 8, 7, 1, 63, 15, 32.3, 0, ""}
	if threads := results[2]; threads != want || results[0].Served != 8 || results[1].Served != 5 {
		t.Errorf("LoopBot %+v, four bots %+v, want %+v", results[:2], threads, want)
	}
	e := anEvening(t, "threads")
	if err := e.tell(t.Context(), settings{parties: 8, json: true}, nil); err != nil {
		t.Fatal(err)
	}
	meanwhile := 0
	for _, x := range e.house.held {
		for _, y := range e.house.held {
			if x.bot == chefBot && y.bot != chefBot && y.from > x.from && y.to < x.to {
				meanwhile++
			}
			if x.bot == y.bot && x.from < y.from && y.from < x.to {
				t.Errorf("%s does two things at a time: %+v, %+v", x.bot, x, y)
			}
		}
	}
	if meanwhile == 0 {
		t.Error("nobody does anything while ChefBot watches the oven")
	}
}

// cancelling is an output that cancels when a text is written to it.
type cancelling struct {
	at     string
	cancel func()
}

func (c cancelling) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.at) {
		c.cancel()
	}
	return len(p), nil
}

func TestFourThreadsEndWhenTheRestaurantIsClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := anEvening(t, "threads")
	err := e.tell(ctx, settings{parties: 20, real: true}, cancelling{"GreetBot leads", cancel})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if e.result().Served > 0 {
		t.Errorf("it went on: %+v", e.result())
	}
}
