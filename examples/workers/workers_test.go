package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// outcome is what a run of the program gave.
type outcome struct {
	code     int
	out, err string
}

func workers(args ...string) outcome {
	var out, err strings.Builder
	code := run(context.Background(), args, &out, &err)
	return outcome{code, out.String(), err.String()}
}

func TestEachVersionPrintsWhatTheOriginalPrints(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + v.name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			got := workers(v.name)
			if got.code != succeeded || got.err != "" {
				t.Errorf("exit code %d, errors %q", got.code, got.err)
			}
			if got.out != string(want) {
				t.Errorf("got\n%swant\n%s", got.out, want)
			}
		})
	}
}

func TestWithoutArgumentsAllVersionsRunInOrder(t *testing.T) {
	got := workers()
	if got.code != succeeded {
		t.Fatalf("exit code %d, errors %q", got.code, got.err)
	}
	rest := got.out
	for _, v := range versions {
		var found bool
		if _, rest, found = strings.Cut(rest, v.name+": "+v.about+"\n\n"); !found {
			t.Fatalf("there is no %s after those before it in\n%s", v.name, got.out)
		}
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"parallel":      `workers: there is no version "parallel"; there are synchronous, generators, blocking, asynchronous`,
		"-fast":         "workers: flag provided but not defined: -fast",
		"blocking -one": "workers: flag provided but not defined: -one",
	} {
		got := workers(strings.Fields(args)...)
		if want += "\nTry workers -help.\n"; got != (outcome{code: wrongUsage, err: want}) {
			t.Errorf("workers %s: %+v, want %q", args, got, want)
		}
	}
}

func TestHelpNamesEveryVersion(t *testing.T) {
	got := workers("-help")
	if got.code != succeeded {
		t.Errorf("exit code %d", got.code)
	}
	for _, v := range versions {
		if !strings.Contains(got.out, v.name) || !strings.Contains(got.out, v.about) {
			t.Errorf("the help does not name %s", v.name)
		}
	}
}

func TestACancelledContextEndsTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, stderr strings.Builder
	if code := run(ctx, []string{"asynchronous"}, &out, &stderr); code != failed || !strings.Contains(stderr.String(), "cancel") {
		t.Errorf("exit code %d, errors %q", code, stderr.String())
	}
}
