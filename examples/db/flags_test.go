package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
)

func TestMistakesInTheCommandLineAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-speed 7":              "flag provided but not defined: -speed",
		"-accounts 1":           "-accounts is 1; it must be at least 2",
		"-transfers -1":         "-transfers is -1; it must be at least 0",
		"-tellers 0":            "-tellers is 0; it must be at least 1",
		"-timeout 0s":           "-timeout is 0s; it must be more than 0",
		"-timeout soon":         `invalid value "soon" for flag -timeout: it must be a time with its unit, as in 500ms`,
		"-file a -url b":        "-file and -url are both given; use one of them",
		"-url mysql://x/y":      "-url must begin with postgres://; for a SQLite database use -file",
		"bank.db":               `there is nothing to do with "bank.db"; only flags are expected`,
		"-json bank.db -seed 2": `there is nothing to do with "bank.db"; only flags are expected`,
	} {
		got := db.Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" || got.Err != "db: "+want+"\nTry db -help.\n" {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	got := db.Run(t.Context(), "--help")
	if got.Code != cli.OK || got.Out != usage || got.Err != "" {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"-file", "-url", "-accounts N", "-transfers N", "-tellers N",
		"-timeout TIME", "-seed N", "-json"} {
		if !strings.Contains(usage, name) {
			t.Errorf("the help does not tell of %s", name)
		}
	}
}

func TestADatabaseThatIsNotThereIsNamed(t *testing.T) {
	got := db.Run(t.Context(), "-file", "no/such/folder/bank.db")
	if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "db: the file cannot be opened: ") {
		t.Errorf("%+v", got)
	}
	got = db.Run(t.Context(), "-url", "postgres://bank@/bank?host=/no/such/folder")
	if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "db: no database listens there: ") ||
		strings.Count(got.Err, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	got = db.Run(t.Context(), "-url", "postgres://bank@host:what/bank")
	if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "db: bad -url: ") {
		t.Errorf("%+v", got)
	}
}
