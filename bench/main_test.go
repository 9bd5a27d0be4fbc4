package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be its own contestant, as the program is.
func TestMain(m *testing.M) {
	serveIfContestant()
	serveNetIfContestant()
	loadIfGenerator()
	// Under the race detector a program waits a second before it exits; the
	// contestants need not.
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	code := m.Run()
	if left := leftBehind(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leftBehind returns the stacks of goroutines that do not end, but for the two
// that ants starts when it is loaded.
func leftBehind() (left string) {
	for range 1000 {
		buf := make([]byte, 1<<20)
		stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		stacks = slices.DeleteFunc(stacks, func(s string) bool {
			return strings.Contains(s, "panjf2000/ants")
		})
		if len(stacks) == 1 {
			return ""
		}
		left = strings.Join(stacks[1:], "\n\n")
		time.Sleep(time.Millisecond) // goroutines that have been told to end need a moment
	}
	return left
}

func TestTheMicroSuiteRunsAtTinySizes(t *testing.T) {
	args := []string{"-json", "-rounds", "2", "-roundtime", "1ms", "-scale", "0.01", "-rivals",
		"goroutine,errgroup,conc,ants,asyncio"}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("the exit code is %d; stderr: %s", code, &stderr)
	}
	var rep report
	decoder := json.NewDecoder(&stdout)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rep); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(decoder.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("after the JSON comes %q", rest)
	}
	if rep.Suite != "micro" || len(rep.Rows) != 2*len(micro) {
		t.Errorf("suite %q has %d rows, want micro with two for each of %d works",
			rep.Suite, len(rep.Rows), len(micro))
	}
	for i, row := range rep.Rows {
		w := micro[i/2]
		if row.Work != w.name || row.Unit != w.unit || row.Procs != 2-i%2 {
			t.Errorf("row %d is %s, %s, procs %d, want %s, %s, procs %d",
				i, row.Work, row.Unit, row.Procs, w.name, w.unit, 2-i%2)
		}
		for _, name := range []string{"aio", "goroutine"} {
			if !(row.Results[name] > 0) {
				t.Errorf("%s, procs %d: %s has the figure %v", row.Work, row.Procs, name, row.Results[name])
			}
		}
	}
	for name, reason := range rep.Absent {
		// Python may be missing, and sees its memory in whole pages only.
		if name != "asyncio" && name != "asyncio/task_memory" {
			t.Errorf("%s is absent: %s", name, reason)
		}
	}
}

func TestEveryWorkIsDoneByAioAndByItsBaseline(t *testing.T) {
	all := slices.Concat(micro, exploreSuite.works)
	for _, w := range all {
		for _, name := range []string{"aio", w.baseline} {
			if goContestants[name][w.name] == nil {
				t.Errorf("%s does not do %s", name, w.name)
			}
		}
	}
	for name, works := range goContestants {
		for _, w := range slices.Sorted(maps.Keys(works)) {
			if !slices.Contains(workNames(all), w) {
				t.Errorf("%s does %s, which is in no suite", name, w)
			}
		}
	}
}

func TestAWrongCommandLineIsExplained(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-suite macro", `no suite "macro"`},
		{"-work yeild", `no work "yeild"; there are: yield,`},
		{"-rivals gevent", `no rival "gevent" in this suite; there are: goroutine,`},
		{"-procs 0", `"0" is not a positive number`},
		{"-procs ,", "names no value"},
		{"-rounds 0", "-rounds must be at least 1"},
		{"-roundtime 0s", "-roundtime must be positive"},
		{"-scale 2", "-scale must be"},
		{"yield", `unexpected argument "yield"`},
		{"-jsno", "flag provided but not defined"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.args), &stdout, &stderr); code != exitUsage {
			t.Errorf("bench %s exits with %d, want %d", c.args, code, exitUsage)
		}
		if stdout.Len() > 0 || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("bench %s says %q and %q, want nothing and %q", c.args, &stdout, &stderr, c.says)
		}
	}
}

func TestHelpNamesTheWorksAndIsNoFailure(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitOK {
		t.Errorf("bench --help exits with %d", code)
	}
	for _, says := range []string{"-suite", "-json", "-work", "-rounds", "-procs", "-rivals",
		"-install", "create_await"} {
		if !strings.Contains(stderr.String(), says) {
			t.Errorf("the help does not mention %s", says)
		}
	}
}

func TestAContestantAnswersEachRequestAndEndsWithItsInput(t *testing.T) {
	works := map[string]round{
		"double": func(size, reps int) (float64, error) { return float64(2 * size * reps), nil },
		"wrong":  func(size, reps int) (float64, error) { return 1, expect("sum", size, reps) },
	}
	var out bytes.Buffer
	err := serve(works, strings.NewReader("double 3 4\nwrong 1 2\nother 1 1\ndouble 1 1\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !strings.HasPrefix(lines[0], "ready go") || !strings.HasSuffix(lines[0], " double,wrong") {
		t.Errorf("the greeting is %q", lines[0])
	}
	want := []string{"24", "error: wrong result: sum is 1, not 2", "error: no work other", "2"}
	if !slices.Equal(lines[1:], want) {
		t.Errorf("the answers are %q, want %q", lines[1:], want)
	}
}

func TestAContestantThatIsNotThereIsAbsentWithAReason(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	rep := report{Absent: map[string]string{}}
	entrants, err := assemble(t.Context(), newEntrant, []string{"goroutine", "uvloop", "tokio"}, &rep)
	if err != nil {
		t.Fatal(err)
	}
	if len(entrants) != 2 || entrants[0].name != "aio" || entrants[1].name != "goroutine" {
		t.Errorf("there are %d contestants, want aio and goroutine", len(entrants))
	}
	if !strings.Contains(rep.Absent["uvloop"], "python3") ||
		rep.Absent["tokio"] != errNotInstalled.Error() {
		t.Errorf("absent are %v, want uvloop for want of python3 and tokio as not installed", rep.Absent)
	}
}

func TestAContestantThatGreetsWronglyIsRefused(t *testing.T) {
	e := goEntrant("nobody") // serves no work at all
	if _, err := e.start(t.Context(), 1); err == nil {
		t.Error("a contestant without works was accepted")
	}
}

func TestAContestantThatDiesGivesItsLastWordsAsTheReason(t *testing.T) {
	e := goEntrant("goroutine")
	p, err := e.start(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.round(t.Context(), work{name: "yield but not this way", size: 1}, 1)
	if err == nil || !strings.Contains(err.Error(), "ended early: request") {
		t.Errorf("the round ended with %v, want what the contestant said about the request", err)
	}
	if err := p.close(); err == nil {
		t.Error("the contestant's exit code was lost")
	}
}

func TestTheLastWordsOfAPanicAreItsFirst(t *testing.T) {
	var said tail
	said.Write([]byte("warming up\npanic: out of luck\n\ngoroutine 1 [running]:\n"))
	if got := said.lastLine(); got != "panic: out of luck" {
		t.Errorf("the last words are %q", got)
	}
}

func TestTimersAreSetBeforeTheFirstIsDue(t *testing.T) {
	var leads []time.Duration
	var lead time.Duration
	set, fire, err := untilDue(&lead, 1000,
		func(_ int, first time.Time) (time.Duration, time.Time, error) {
			leads = append(leads, lead)
			return 4 * time.Millisecond, first.Add(time.Millisecond), nil
		})
	if err != nil || set != 4*time.Millisecond || fire != time.Millisecond {
		t.Errorf("untilDue returned %v, %v, %v, want 4ms, 1ms and no error", set, fire, err)
	}
	want := []time.Duration{1500 * time.Microsecond, 8 * time.Millisecond}
	if !slices.Equal(leads, want) {
		t.Errorf("the leads were %v, want %v", leads, want)
	}
	if lead != 11*time.Millisecond {
		t.Errorf("the lead kept is %v, want 11ms: half as much again as setting took, and 5ms", lead)
	}
}
