//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is the time after which something that must end by itself is stuck.
const patience = time.Minute

// TestMain is also the program itself, for the tests that need it as a process of its own. It fails
// if the tests leave goroutines, descriptors or children behind.
func TestMain(m *testing.M) {
	if os.Getenv("PIPELINE_TEST_CHILD") != "" {
		main()
	}
	if r, w, err := os.Pipe(); err == nil { // opens the runtime's own poller, which stays
		r.Close()
		w.Close()
	}
	c := make(chan os.Signal, 1) // and the goroutine of os/signal, which stays, too
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	before := resourcesNow()
	code := m.Run()
	if problem := before.comeBack(); problem != "" && code == 0 {
		fmt.Fprintln(os.Stderr, problem)
		code = 1
	}
	os.Exit(code)
}

// resources are what a test may not leave behind.
type resources struct{ goroutines, descriptors int }

func resourcesNow() resources {
	r := resources{goroutines: runtime.NumGoroutine()}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil { // 0 where that cannot be known
		r.descriptors = len(list)
	}
	return r
}

// comeBack waits until there is no more in use than before, since what has been told to end needs a
// moment. It returns what is left.
func (before resources) comeBack() string {
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		return "a child was left behind"
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now := resourcesNow()
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return ""
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			return fmt.Sprintf("left behind: had %+v, have %+v\n%s",
				before, now, buf[:runtime.Stack(buf, true)])
		}
	}
}

// outcome is what a run of the program gave.
type outcome struct {
	code     int
	out, err string
}

// pipeline runs the program with standard input.
func pipeline(t *testing.T, input string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, err strings.Builder
	code := run(ctx, args, streams{in: strings.NewReader(input), out: &out, err: &err})
	return outcome{code, out.String(), err.String()}
}

// expect compares what a run gave.
func (o outcome) expect(t *testing.T, code int, out, err string) {
	t.Helper()
	if o.code != code || o.out != out || o.err != err {
		t.Errorf("code %d, printed %q and %q\nwant code %d, %q and %q",
			o.code, o.out, o.err, code, out, err)
	}
}

// decode reads what -json printed, one value a line.
func decode[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, v)
	}
	return all
}

func TestWhatItShowsForMachinesIsJSONAlone(t *testing.T) {
	o := pipeline(t, "", "-json")
	if all := decode[map[string]any](t, o.out); o.code != allDone || len(all) != 4 {
		t.Errorf("code %d, %d values: %q", o.code, len(all), o.out)
	}
}

func TestWithoutArgumentsItShowsBothWays(t *testing.T) {
	o := pipeline(t, "")
	if o.code != allDone || o.err != "" {
		t.Errorf("code %d, %q", o.code, o.err)
	}
	for _, want := range []string{"3 pear\n", "2 fig\n", "1 apple\n", "\n1: slept 0.1 s\n",
		"\n2: slept 0.2 s\n", "\n3: slept 0.3 s\n"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q does not have %q", o.out, want)
		}
	}
}

func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"-j 0 ls":              "-j is 0; it must be at least 1",
		"-timeout -1s ls":      "-timeout is -1s; it must not be negative",
		"-grace -1s ls":        "-grace is -1s; it must not be negative",
		"-timeout soon ls":     `invalid value "soon" for flag -timeout: it must be a time with its unit, as in 500ms`,
		"-nonsense":            "flag provided but not defined: -nonsense",
		"each":                 "each needs a command",
		"each -tag -json ls a": "-tag and -json exclude each other",
		"ls -l":                `the pipeline is one argument: quote it; there is another one, "-l"`,
		"ls|":                  "there is no command at the end of the pipeline",
		"each ls|wc a":         "each runs one command, not a pipeline; with -shell it may be one",
		"-tag ls":              "flag provided but not defined: -tag",
		"each -timeout=1x ls " +
			"one": `invalid value "1x" for flag -timeout: it must be a time with its unit, as in 500ms`,
	} {
		pipeline(t, "", strings.Fields(args)...).expect(t, wrongUsage, "", "pipeline: "+want+
			"\nTry pipeline -help.\n")
	}
	if o := pipeline(t, "", "-help"); o.code != 0 || o.out != usage {
		t.Errorf("-help: code %d, %q", o.code, o.out)
	}
}
