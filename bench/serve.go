package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

// contestantEnv makes a child process of this program a contestant, and names it.
const contestantEnv = "AIO_BENCH_CONTESTANT"

// A round does reps repetitions of size operations each and returns the figure
// of one operation. It checks its own result: a contestant that does the work
// wrongly gets no figure.
type round func(size, reps int) (float64, error)

// goContestants are the contestants this program runs in a child process of
// its own executable, by name.
var goContestants = map[string]map[string]round{
	"aio":       aioWorks,
	"goroutine": goroutineWorks,
	"errgroup":  errgroupWorks,
	"conc":      concWorks,
	"ants":      antsWorks,
	"synctest":  synctestWorks,
}

// serveIfContestant turns this process into a contestant and does not return,
// if its parent started it as one.
func serveIfContestant() {
	name := os.Getenv(contestantEnv)
	if name == "" {
		return
	}
	ignoreInterrupt()
	if name == "synctest" {
		serveInTest(func() error { return serve(goContestants[name], os.Stdin, os.Stdout) })
	}
	if err := serve(goContestants[name], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// ignoreInterrupt leaves it to the parent: a terminal sends its interrupt to
// the whole group.
func ignoreInterrupt() { signal.Ignore(os.Interrupt) }

// serve is the contestant's side of the protocol, which rival_python.py and
// the tokio program follow too. It greets with
//
//	ready <version> <work,work,...>
//
// and then answers each request line
//
//	<work> <size> <repetitions>
//
// with the figure of one operation, or with "error: " and a reason. It ends
// with its input.
func serve(works map[string]round, in io.Reader, out io.Writer) error {
	names := slices.Sorted(maps.Keys(works))
	fmt.Fprintf(out, "ready %s %s\n", runtime.Version(), strings.Join(names, ","))
	requests := bufio.NewScanner(in)
	for requests.Scan() {
		var name string
		var size, reps int
		if _, err := fmt.Sscan(requests.Text(), &name, &size, &reps); err != nil {
			return fmt.Errorf("request %q: %w", requests.Text(), err)
		}
		do, ok := works[name]
		if !ok {
			fmt.Fprintf(out, "error: no work %s\n", name)
			continue
		}
		runtime.GC() // what earlier rounds left is not this one's cost
		figure, err := do(size, reps)
		if err != nil {
			fmt.Fprintf(out, "error: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintf(out, "%g\n", figure)
	}
	return requests.Err()
}

// timed measures body, which does the given number of repetitions. If there are several, a tenth
// more are done before the clock starts. So a round finds pools and caches as the last one left
// them.
func timed(size, reps int, body func(reps int) error) (float64, error) {
	if reps > 1 {
		if err := body(max(1, reps/10)); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	if err := body(reps); err != nil {
		return 0, err
	}
	return perOp(time.Since(start), size*reps), nil
}

// expect returns an error unless a work came to the result it must have.
func expect(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("wrong result: %s is %d, not %d", what, got, want)
	}
	return nil
}

// sumBelow is 0 + 1 + ... + n-1.
func sumBelow(n int) int { return n * (n - 1) / 2 }
