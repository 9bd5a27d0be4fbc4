package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/stream"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var soakProgram = clitest.Program(run)

func TestNothingIsLeftBehindByAShortLoad(t *testing.T) {
	// So short a load has not seen all there is to see: what it allocates once, it may do in its
	// second part.
	got := soakProgram.Run(t.Context(), "-visits", "400", "-clients", "20", "-growth", "100", "-json")
	if got.Code != cli.OK {
		t.Fatalf("exit code %d\n%s%s", got.Code, got.Out, got.Err)
	}
	var r result
	if err := json.Unmarshal([]byte(got.Out), &r); err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, v := range visits {
		if r.Tally.Visits[v.name] == 0 {
			t.Errorf("nobody made the visit %s", v.name)
		}
		made += r.Tally.Visits[v.name]
	}
	if made != 400 || r.Tally.Cancelled == 0 || r.Tally.Failed != 0 || r.Tally.Reported != 0 {
		t.Errorf("%d visits, of which %d were cancelled and %d failed; %d reports",
			made, r.Tally.Cancelled, r.Tally.Failed, r.Tally.Reported)
	}
	if r.After.Tasks != 1 || r.After.Connections != 0 || r.Before.Memory == 0 {
		t.Errorf("before %+v, after %+v", r.Before, r.After)
	}
}

func TestTheResultIsATableWithAVerdict(t *testing.T) {
	got := soakProgram.Run(t.Context(), "-visits", "30", "-clients", "3", "-growth", "1000")
	for _, want := range []string{"30 visits in ", "  pipeline ", "  memory in use ", "  descriptors ",
		"\nNothing was left behind.\n"} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("%q is not in\n%s", want, got.Out)
		}
	}
	if got.Code != cli.OK || got.Err != "" {
		t.Errorf("exit code %d, errors %q", got.Code, got.Err)
	}
}

func TestTheLoadEndsByTimeToo(t *testing.T) {
	got := soakProgram.Run(t.Context(), "-for", "30ms", "-clients", "2", "-growth", "1000")
	if got.Code != cli.OK {
		t.Errorf("exit code %d\n%s%s", got.Code, got.Out, got.Err)
	}
}

func TestWhatWasLeftBehindIsNamed(t *testing.T) {
	before := gauge{Memory: 1000 << 10, Resident: 1, Tasks: 1, Descriptors: 8, Goroutines: 10}
	for _, c := range []struct {
		about string
		after gauge
		want  []string
	}{
		{"the same", before, nil},
		{"less", gauge{Memory: 900 << 10, Descriptors: 7}, nil},
		{"a tenth more memory", gauge{
			Memory:      1100 << 10,
			Tasks:       1,
			Descriptors: 8,
			Resident:    1 << 30,
			Goroutines:  200,
		}, nil},
		{"more memory than that", gauge{Memory: 1101 << 10, Tasks: 1, Descriptors: 8},
			[]string{"memory in use has grown from 1000 KiB to 1101 KiB, by more than 10 %"}},
		{"all kinds", gauge{Tasks: 3, Connections: 1, Descriptors: 12},
			[]string{"2 tasks were left behind", "1 connection was left behind",
				"4 descriptors were left behind"}},
	} {
		if got := compare(before, c.after, 10); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
}

func TestATaskAndAConnectionLeftBehindAreSeen(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		s, err := listen(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		before, err := s.quiet(ctx)
		if err != nil {
			return err
		}
		_, w, err := stream.Open(ctx, "tcp", s.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Abort()
		after, err := s.quiet(ctx)
		if err != nil {
			return err
		}
		got := compare(before, after, 1000)
		want := []string{"1 task was left behind", "1 connection was left behind"}
		if len(got) < 2 || !slices.Equal(got[:2], want) {
			t.Errorf("the problems are %q, want %q first", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestVisitsThatFailAreCountedAndTheFirstAreTold(t *testing.T) {
	tally := newTally()
	for range 7 {
		tally.add(visit{name: "echo"}, errPattern)
	}
	tally.add(visit{name: "echo"}, nil)
	tally.add(visit{name: "nap"}, &aio.CancelledError{})
	tally.report(nil, aio.Report{Message: "a handler failed", Err: errors.New("oh")})
	tally.report(nil, aio.Report{Message: "a peer left", Warning: true})
	if tally.visits() != 9 || tally.Failed != 7 || tally.Cancelled != 1 || tally.Reported != 1 {
		t.Errorf("the tally is %+v", tally)
	}
	got := tally.problems()
	if len(got) != 6 || got[0] != "the visit echo failed: "+errPattern.Error() ||
		got[5] != "and 3 more like these" {
		t.Errorf("the problems are %q", got)
	}
}

func TestAMistakeOnTheCommandLineIsNamed(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-for 0s", "-for is 0s; it must be positive"},
		{"-for long", `invalid value "long" for flag -for`},
		{"-visits -1", "-visits is -1; it must not be negative"},
		{"-clients 0", "-clients is 0; it must be at least 1"},
		{"-growth -5", "-growth is -5; it must not be negative"},
		{"-fro 3s", "flag provided but not defined"},
		{"now", `there is nothing to do with "now"`},
	} {
		got := soakProgram.Run(t.Context(), strings.Fields(c.args)...)
		if got.Code != cli.BadUsage || got.Out != "" || !strings.Contains(got.Err, c.says) ||
			!strings.Contains(got.Err, "Try soak -help.") {
			t.Errorf("soak %s: exit code %d, %q, want %d and %q",
				c.args, got.Code, got.Err, cli.BadUsage, c.says)
		}
	}
	if got := soakProgram.Run(t.Context(), "-help"); got.Code != cli.OK ||
		!strings.Contains(got.Out, "Exit code: 0 if nothing was left behind") {
		t.Errorf("-help gives exit code %d and\n%s", got.Code, got.Out)
	}
}

func TestAnInterruptEndsTheLoadWithASummary(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "50 clients visit a server, for 1h0m0s", "-for", "1h", "-seed", "7")
		if got.Code != cli.Interrupted || !strings.HasPrefix(got.Err, "soak: interrupted after ") ||
			strings.Contains(got.Err, "PROBLEM") {
			t.Errorf("%+v", got)
		}
		if !strings.Contains(got.Out, " Seed 7.\n") {
			t.Errorf("the seed is missing in %q", got.Out)
		}
	})
}
