package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func workers(args ...string) clitest.Outcome {
	return clitest.Program(run).Run(context.Background(), args...)
}

func TestEachVersionPrintsWhatTheOriginalPrints(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + v.name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			got := workers(v.name)
			if got.Code != cli.OK || got.Err != "" {
				t.Errorf("exit code %d, errors %q", got.Code, got.Err)
			}
			if got.Out != string(want) {
				t.Errorf("got\n%swant\n%s", got.Out, want)
			}
		})
	}
}

func TestWithoutArgumentsAllVersionsRunInOrder(t *testing.T) {
	got := workers()
	if got.Code != cli.OK {
		t.Fatalf("exit code %d, errors %q", got.Code, got.Err)
	}
	rest := got.Out
	for _, v := range versions {
		var found bool
		if _, rest, found = strings.Cut(rest, v.name+": "+v.about+"\n\n"); !found {
			t.Fatalf("there is no %s after those before it in\n%s", v.name, got.Out)
		}
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"parallel":      "there is no version \"parallel\"; they are\n" + strings.TrimRight(list(), "\n"),
		"-fast":         "flag provided but not defined: -fast",
		"blocking -one": "flag provided but not defined: -one",
	} {
		if got := workers(strings.Fields(args)...); got != (clitest.Outcome{
			Code: cli.BadUsage,
			Err:  "workers: " + want + "\nTry workers -help.\n",
		}) {
			t.Errorf("workers %s: %+v, want %q", args, got, want)
		}
	}
}

func TestHelpNamesEveryVersion(t *testing.T) {
	got := workers("-help")
	if got.Code != cli.OK {
		t.Errorf("exit code %d", got.Code)
	}
	for _, v := range versions {
		if !strings.Contains(got.Out, v.name) || !strings.Contains(got.Out, v.about) {
			t.Errorf("the help does not name %s", v.name)
		}
	}
}

func TestACancelledContextEndsTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := clitest.Program(run).Run(ctx, "asynchronous"); got.Code != cli.Failed ||
		!strings.Contains(got.Err, "cancel") {
		t.Errorf("%+v", got)
	}
}
