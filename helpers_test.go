package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/leaktest"
)

// strict is for tests that come from a foreign goroutine: where telling goroutines apart takes long, only debug mode does.
var strict = aio.WithDebug(!goid.Fast || os.Getenv("AIO_DEBUG") != "")

// run runs main under a virtual clock. It fails the test if main returns an error or if anything is reported.
func run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	if err := runErr(t, main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// runErr is run for tests that want to see the error of main.
func runErr(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) error {
	t.Helper()
	seen := &reports{}
	opts = append(testOptions(seen), opts...)
	err := aio.Run(t.Context(), main, opts...)
	for _, r := range seen.all() {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
	return err
}

// runReports is run for tests in which something is reported: it returns that.
func runReports(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) (*reports, error) {
	t.Helper()
	seen := &reports{}
	opts = append(testOptions(seen), opts...)
	err := aio.Run(t.Context(), main, opts...)
	return seen, err
}

// testOptions are a virtual clock, reports to be looked at, and no reports about slow steps in debug mode: on a busy machine every step may be slow.
func testOptions(seen *reports) []aio.Option {
	return []aio.Option{aio.WithClock(aio.NewVirtualClock()), seen.option(), aio.WithSlowCallback(0)}
}

// reports collects what a loop reports.
type reports struct {
	mu   sync.Mutex // reports of different loops may come from different goroutines
	list []aio.Report
}

func (r *reports) option() aio.Option {
	return aio.WithExceptionHandler(r.add)
}

func (r *reports) add(_ *aio.Loop, report aio.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, report)
}

func (r *reports) all() []aio.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// strings returns each report as "message|task".
func (r *reports) strings() []string {
	var out []string
	for _, x := range r.all() {
		out = append(out, x.Message+"|"+x.TaskName)
	}
	return out
}

// journal collects lines in the order in which things happen on one loop.
type journal []string

func (j *journal) add(format string, args ...any) { *j = append(*j, fmt.Sprintf(format, args...)) }

// want compares the lines so far with those given.
func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(*j, lines) {
		t.Fatalf("what happened differs\n got: %s\nwant: %s", strings.Join(*j, " | "), strings.Join(lines, " | "))
	}
}

// panicOf returns what fn panics with, nil if it does not.
func panicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

// wantPanic fails the test unless fn panics with a message that has all the parts.
func wantPanic(t *testing.T, fn func(), parts ...string) {
	t.Helper()
	v := panicOf(fn)
	if v == nil {
		t.Errorf("it did not panic; want a message with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(fmt.Sprint(v), part) {
			t.Errorf("the panic has no %q: %v", part, v)
		}
	}
}

// forever waits until it is cancelled.
func forever(ctx context.Context) error {
	return aio.NewWaiter(ctx, "forever", nil).Park()
}

// errBoom is an error for tests.
var errBoom = errors.New("boom")

// needProcesses skips a test that starts a program, or needs a pipe or a signal, where the system has no processes.
func needProcesses(t testing.TB) {
	t.Helper()
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on ", runtime.GOOS)
	}
}

// parts are things that a test binary does instead of tests, when playPart starts it.
var parts = map[string]func(){}

const partVariable = "AIO_TEST_PART"

// playPart runs this test binary again, as a process of its own that does what parts[name] says, and returns all its output.
func playPart(t *testing.T, name string, env ...string) (output string, err error) {
	t.Helper()
	needProcesses(t)
	exe, err := os.Executable()
	if err != nil {
		t.Skip("no executable to run: ", err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), append(env, partVariable+"="+name)...)
	out, err := cmd.CombinedOutput()
	leaktest.NeedOwnProgram(t, err)
	return string(out), err
}
