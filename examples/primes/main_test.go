package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/executor"
)

func TestMain(m *testing.M) {
	executor.Main()
	clitest.Main(m, main)
}

func TestAllWaysFindTheSamePrimes(t *testing.T) {
	got := clitest.Program(run).Run(t.Context(), "-below", "10000", "-parts", "7", "-workers", "3",
		"-json")
	if strings.Contains(got.Err, "this system cannot do it") {
		t.Skip(got.Err)
	}
	if got.Code != cli.OK || got.Err != "" {
		t.Fatalf("%+v", got)
	}
	var names []string
	for line := range strings.Lines(got.Out) {
		var o outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		if o.Primes != 1229 || o.Seconds <= 0 || o.Faster <= 0 {
			t.Errorf("%+v, want 1229 primes", o)
		}
		names = append(names, o.Way)
	}
	if text := strings.Join(names, " "); text != "loop threads processes loops" {
		t.Errorf("the ways are %s", text)
	}
}

func TestThePartsAreAllNumbersOnce(t *testing.T) {
	for _, below := range []int{2, 50, 1e9} {
		for _, n := range []int{1, 2, 7, 100, 10_000} {
			at := 0
			for _, p := range split(below, n) {
				if p.From != at || p.To <= p.From {
					t.Errorf("%d in %d parts: %+v after %d", below, n, p, at)
				}
				at = p.To
			}
			if at != below {
				t.Errorf("%d in %d parts ends at %d", below, n, at)
			}
		}
	}
}

func TestTheTableHasALineForEachWay(t *testing.T) {
	got := clitest.Program(run).Run(t.Context(), "-below", "100", "-way", "threads", "-workers", "1")
	if got.Code != cli.OK || !strings.HasPrefix(got.Out,
		"primes below 100, in 64 parts, with 1 worker:\n\nthreads           25 primes ") {
		t.Errorf("%+v", got)
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-below 1":     "-below is 1; it must be from 2 to 1000000000",
		"-parts 0":     "-parts is 0; it must be from 1 to 10000",
		"-workers 257": "-workers is 257; it must be from 1 to 256",
		"-way thread":  `-way is "thread"; it must be one of loop, threads, processes, loops`,
		"all":          `there is nothing to do with "all"; only flags are expected`,
	} {
		got := clitest.Program(run).Run(t.Context(), strings.Fields(args)...)
		if got != (clitest.Outcome{Code: cli.BadUsage,
			Err: "primes: " + want + "\nTry primes -help.\n"}) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
	}
	if got := clitest.Program(run).Run(t.Context(), "-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}

// Each way ends when the program is told to, whatever it computes at that moment.
func TestEachWayCanBeInterrupted(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			got := clitest.Program(run).Run(ctx, "-below", "1000000000", "-way", w.name)
			if got.Code != cli.Interrupted || got.Err != "primes: interrupted in "+w.name+"\n" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestCtrlCAndSIGTERMEndTheProgram(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "workers:", "-below", "1000000000", "-workers", "2")
		if got.Code != cli.Interrupted || got.Err != "primes: interrupted in loop\n" {
			t.Errorf("%+v", got)
		}
	})
}
