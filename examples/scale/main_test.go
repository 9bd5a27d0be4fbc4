package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/subprocess"
)

func TestMain(m *testing.M) {
	program := self
	self = func(args ...string) (*subprocess.Cmd, error) { // the test binary as the program
		cmd, err := program(args...)
		if err == nil {
			cmd.Env = clitest.Child()
		}
		return cmd, err
	}
	clitest.Main(m, main)
}

func TestEachContestantHasARow(t *testing.T) {
	got := clitest.Program(run).Run(t.Context(), "-json", "-tasks", "100", "-goroutines", "100",
		"-connections", "20", "-threads", "10", "-processes", "2")
	if got.Code != cli.OK || got.Err != "" {
		t.Fatalf("%+v", got)
	}
	var rows []string
	for line := range strings.Lines(got.Out) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Start <= 0 || r.End <= 0 || r.KiB < 0 {
			t.Errorf("%+v", r)
		}
		rows = append(rows, r.What)
	}
	if want := "tasks goroutines connections threads processes"; strings.Join(rows, " ") != want {
		t.Errorf("the rows are %v, want %s", rows, want)
	}
}

func TestZeroLeavesARowOut(t *testing.T) {
	got := clitest.Program(run).Run(t.Context(), "-tasks", "5", "-goroutines", "0",
		"-connections", "0", "-threads", "0", "-processes", "0")
	lines := strings.Split(strings.TrimSuffix(got.Out, "\n"), "\n")
	if got.Code != cli.OK || len(lines) != 2 || !strings.HasPrefix(lines[1], "tasks                5 ") {
		t.Errorf("%+v", got)
	}
}

func TestARowThatFailsDoesNotEndTheOthers(t *testing.T) {
	whole := self
	defer func() { self = whole }()
	self = func(args ...string) (*subprocess.Cmd, error) {
		if args[1] == "tasks" {
			return subprocess.Command("/no/such/program"), nil
		}
		return whole(args...)
	}
	got := clitest.Program(run).Run(t.Context(), "-json", "-tasks", "5", "-goroutines", "5",
		"-connections", "0", "-threads", "0", "-processes", "0")
	if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "scale: 5 tasks: ") ||
		!strings.Contains(got.Out, `"what":"goroutines","how_many":5,`) {
		t.Errorf("%+v", got)
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-tasks -1":       "-tasks is -1; it must be from 0 to 2000000",
		"-threads 5001":   "-threads is 5001; it must be from 0 to 5000",
		"-processes many": `invalid value "many" for flag -processes: parse error`,
		"all":             `there is nothing to do with "all"; only flags are expected`,
	} {
		got := clitest.Program(run).Run(t.Context(), strings.Fields(args)...)
		if got != (clitest.Outcome{Code: cli.BadUsage,
			Err: "scale: " + want + "\nTry scale -help.\n"}) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
	}
	if got := clitest.Program(run).Run(t.Context(), "-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCAndSIGTERMEndTheProgramAndItsProcesses(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "how many", "-tasks", "200000")
		if got.Code != cli.Interrupted || got.Err != "scale: interrupted\n" {
			t.Errorf("%+v", got)
		}
	})
}
