// Package looptest has the shared helpers of this module's tests: runs under a virtual clock that
// fail on unexpected reports, a journal of events, and processes that play a part.
package looptest

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
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/goid"
	"github.com/aio-go/aio/internal/leaktest"
)

// Strict is for tests with calls from a foreign goroutine: if goroutines are told apart slowly,
// only debug mode checks that.
var Strict = aio.WithDebug(!goid.Fast || os.Getenv("AIO_DEBUG") != "")

// ErrBoom is an error for tests.
var ErrBoom = errors.New("boom")

// ErrReason is the cause of cancellations in tests.
var ErrReason = errors.New("the reason")

// Run runs main under a virtual clock. It fails the test if main returns an error or the loop
// reports anything.
func Run(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	if err := RunErr(t, main, opts...); err != nil {
		t.Fatalf("main returned: %v", err)
	}
}

// RunErr is Run for tests that look at the error of main.
func RunErr(t *testing.T, main func(ctx context.Context) error, opts ...aio.Option) error {
	t.Helper()
	seen, err := RunReports(t, main, opts...)
	for _, r := range seen.All() {
		t.Errorf("unexpected report: %s: %s: %v", r.Message, r.TaskName, r.Err)
	}
	return err
}

// RunReports is Run for tests that look at the loop's reports.
func RunReports(
	t *testing.T, main func(ctx context.Context) error, opts ...aio.Option,
) (*Reports, error) {
	t.Helper()
	seen := &Reports{}
	err := aio.Run(t.Context(), main, append(Options(seen), opts...)...)
	return seen, err
}

// Options are a virtual clock and a collector of reports. Slow steps are not reported, since every
// step may be slow on a busy machine.
func Options(seen *Reports) []aio.Option {
	return []aio.Option{aio.WithClock(aio.NewVirtualClock()), seen.Option(),
		aio.WithSlowCallback(0)}
}

// Reports collects the reports of loops.
type Reports struct {
	mu   sync.Mutex // loops may run on different goroutines
	list []aio.Report
}

// Option makes a loop report to r.
func (r *Reports) Option() aio.Option { return aio.WithExceptionHandler(r.Add) }

// Add is an exception handler.
func (r *Reports) Add(_ *aio.Loop, report aio.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, report)
}

// All returns the reports so far.
func (r *Reports) All() []aio.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// Strings returns each report as "message|task".
func (r *Reports) Strings() []string {
	var out []string
	for _, x := range r.All() {
		out = append(out, x.Message+"|"+x.TaskName)
	}
	return out
}

// Journal collects lines in the order of events on one loop.
type Journal []string

// Add adds a line.
func (j *Journal) Add(format string, args ...any) { *j = append(*j, fmt.Sprintf(format, args...)) }

// Want compares the lines so far with those given.
func (j *Journal) Want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(*j, lines) {
		t.Fatalf("the journal differs\n got: %s\nwant: %s",
			strings.Join(*j, " | "), strings.Join(lines, " | "))
	}
}

// PanicOf returns the value that fn panics with, nil if it does not panic.
func PanicOf(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

// WantPanic fails the test unless fn panics with a message that contains all parts.
func WantPanic(t *testing.T, fn func(), parts ...string) {
	t.Helper()
	v := PanicOf(fn)
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

// WantCancelled fails the test unless err is a cancellation with the cause given.
func WantCancelled(t *testing.T, err, cause error) {
	t.Helper()
	var c *aio.CancelledError
	switch {
	case !errors.As(err, &c), !errors.Is(err, aio.ErrCancelled), !errors.Is(err, context.Canceled):
		t.Errorf("got %v, want a cancellation", err)
	case c.Cause != cause:
		t.Errorf("the cause is %v, want %v", c.Cause, cause)
	}
}

// WantTimeout fails the test unless err is a time-out, and returns it.
func WantTimeout(t *testing.T, err error) *aio.TimeoutError {
	t.Helper()
	var te *aio.TimeoutError
	if !errors.As(err, &te) {
		t.Errorf("got %v, want a time-out", err)
		return &aio.TimeoutError{}
	}
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		!te.Timeout() {
		t.Errorf("the time-out %v should be a passed deadline and no cancellation", err)
	}
	return te
}

// WantGoroutines waits until at most n goroutines are left. Goroutines that were told to end need a
// moment, and no event reports their end.
func WantGoroutines(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, want %d", runtime.NumGoroutine(), n)
		}
		time.Sleep(time.Millisecond)
	}
}

// NeedProcesses skips a test that starts a program, or needs a pipe or a signal, if the system has
// no processes.
func NeedProcesses(t testing.TB) {
	t.Helper()
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on ", runtime.GOOS)
	}
}

// NeedGo skips a test that calls the go command where there is none: an emulator may run the test.
func NeedGo(t testing.TB) {
	t.Helper()
	NeedProcesses(t)
	leaktest.NeedFork(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command: ", err)
	}
}

// WantNoAllocs fails the test if fn, once warm, allocates.
func WantNoAllocs(t *testing.T, what string, fn func()) {
	t.Helper()
	for range 100 {
		fn()
	}
	if n := testing.AllocsPerRun(200, fn); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

// Started starts fn as a task that has made its first step.
func Started(ctx context.Context, fn func(ctx context.Context) error) *aio.Task[aio.None] {
	task := aio.Start(ctx, fn)
	_ = aio.Yield(ctx)
	return task
}

// Yields yields n times.
func Yields(ctx context.Context, n int) error {
	for range n {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Turns yields n times, even if the task is cancelled.
func Turns(ctx context.Context, n int) {
	if err := Yields(context.WithoutCancel(ctx), n); err != nil {
		panic(err)
	}
}

// Spin yields until it is cancelled.
func Spin(ctx context.Context) error {
	for {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
}

// PyBool prints b as Python does.
func PyBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// FailWith returns a function that fails with err.
func FailWith(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// Gate returns a future that tasks wait for; Open ends their wait.
func Gate(ctx context.Context) *aio.Future[aio.None] {
	return aio.NewFuture[aio.None](ctx)
}

// Open sets the future of Gate.
func Open(g *aio.Future[aio.None]) { _ = g.SetResult(aio.None{}) }

// Forever waits until it is cancelled.
func Forever(ctx context.Context) error {
	return aio.NewWaiter(ctx, "forever", nil).Park()
}

// Parts are the functions that a test binary runs in place of tests when PlayPart starts it.
var Parts = map[string]func(){}

const partVariable = "AIO_TEST_PART"

// PlayPart runs this test binary again, as a process of its own that runs Parts[name], and returns
// all its output.
func PlayPart(t *testing.T, name string, env ...string) (output string, err error) {
	t.Helper()
	NeedProcesses(t)
	leaktest.NeedFork(t)
	exe, err := os.Executable()
	if err != nil {
		t.Skip("no executable to run: ", err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), append(env, partVariable+"="+name)...)
	out, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(err.Error(), "exec format error") {
		t.Skip("the tests run under an emulator, which the system cannot start by itself: ", err)
	}
	return string(out), err
}

// Main is for TestMain. It fails if the tests leave goroutines behind; tasks are goroutines, too,
// and so are idle workers. A test binary that was started to play a part plays it.
func Main(m *testing.M) {
	if part := Parts[os.Getenv(partVariable)]; part != nil {
		part()
		return
	}
	leaktest.Main(m)
}
