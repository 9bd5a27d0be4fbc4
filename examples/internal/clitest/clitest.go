// Package clitest tests the example programs: it runs them in the process of the test or in one of
// their own, and sees to it that they leave nothing behind.
package clitest

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

// Patience is the time after which something that must end by itself is stuck.
const Patience = time.Minute

// child is set in the environment of a test binary that is to be the program.
const child = "AIO_EXAMPLE_CHILD"

// Main runs the tests of a program and fails if they leave goroutines or descriptors behind. In a
// process made with the environment of Child it is the program itself.
func Main(m *testing.M, program func()) {
	if os.Getenv(child) != "" {
		program()
		os.Exit(0)
	}
	if r, w, err := os.Pipe(); err == nil { // opens the runtime's own poller, which stays
		r.SetReadDeadline(time.Now())
		r.Close()
		w.Close()
	}
	c := make(chan os.Signal, 1) // and the goroutine of os/signal, which stays, too
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	before := ResourcesNow()
	code := m.Run()
	if problem := before.ComeBack(); problem != "" && code == 0 {
		fmt.Fprintln(os.Stderr, problem)
		code = 1
	}
	os.Exit(code)
}

// Child is the environment in which the test binary is the program.
func Child() []string { return append(os.Environ(), child+"=1") }

// Resources are what tests may not leave behind.
type Resources struct{ goroutines, descriptors int }

// ResourcesNow counts what there is.
func ResourcesNow() Resources {
	r := Resources{goroutines: runtime.NumGoroutine()}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil { // 0 where that cannot be known
		r.descriptors = len(list)
	}
	return r
}

// ComeBack waits until no more is in use than before, since tasks that were told to end need a
// moment. It returns what is left, "" if nothing is.
func (before Resources) ComeBack() string {
	// until everything that was told to end has ended
	for deadline := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		now := ResourcesNow()
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

// DescriptorsComeBack is ComeBack for descriptors alone: a loop keeps goroutines for tasks to come.
func (before Resources) DescriptorsComeBack() string {
	before.goroutines = math.MaxInt
	return before.ComeBack()
}

// Program is the whole of a program, from the command line to the exit code.
type Program func(ctx context.Context, args []string, std cli.Streams) int

// Outcome is what a run of a program gave.
type Outcome struct {
	Code     int
	Out, Err string
}

// Run runs a program to its end.
func (p Program) Run(ctx context.Context, args ...string) Outcome {
	var out, err strings.Builder
	code := p(ctx, args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err})
	return Outcome{code, out.String(), err.String()}
}

// Running is a program that goes on while the test does something.
type Running struct {
	t        *testing.T
	Out, Err *Console
	stop     context.CancelFunc
	ended    chan struct{}
	code     int
}

// Start starts a program on another goroutine. It is stopped with the test at the latest.
func (p Program) Start(t *testing.T, args ...string) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{
		t:     t,
		Out:   NewConsole(),
		Err:   NewConsole(),
		stop:  cancel,
		ended: make(chan struct{}),
	}
	go func() {
		defer close(r.ended)
		r.code = p(ctx, args, cli.Streams{In: strings.NewReader(""), Out: r.Out, Err: r.Err})
	}()
	t.Cleanup(func() { r.Stop() })
	return r
}

// Stop cancels the program and returns its exit code when it has ended.
func (r *Running) Stop() int {
	r.stop()
	return r.Wait()
}

// Wait waits until the program has ended and returns its exit code.
func (r *Running) Wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(Patience):
		buf := make([]byte, 1<<20)
		r.t.Fatalf("the program does not end; it said %q and %q\n%s",
			r.Out, r.Err, buf[:runtime.Stack(buf, true)])
	}
	return r.code
}

// Console keeps the text written to it. Any goroutine may use it.
type Console struct {
	mu     sync.Mutex
	text   strings.Builder
	change chan struct{} // closed and replaced at each write
}

// NewConsole returns an empty console.
func NewConsole() *Console { return &Console{change: make(chan struct{})} }

// Write implements io.Writer.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.change)
	c.change = make(chan struct{})
	return c.text.Write(p)
}

// String returns all that was written.
func (c *Console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// Await waits until a line was written that has text in it, and returns what follows text in that
// line.
func (c *Console) Await(t *testing.T, text string) string {
	t.Helper()
	stuck := time.After(Patience)
	for {
		c.mu.Lock()
		all, change := c.text.String(), c.change
		c.mu.Unlock()
		if _, rest, found := strings.Cut(all, text); found {
			if line, _, whole := strings.Cut(rest, "\n"); whole {
				return line
			}
		}
		select {
		case <-change:
		case <-stuck:
			t.Fatalf("%q was not written; this was:\n%s", text, all)
		}
	}
}
