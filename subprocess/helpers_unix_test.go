//go:build unix

package subprocess

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// patience is the time after which something that must end by itself is stuck.
const patience = 30 * time.Second

// hasChildren reports whether this process has a child, alive or not.
func hasChildren() bool {
	_, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	return err != syscall.ECHILD
}

// env is what a test has in its loop.
type env struct {
	*testing.T
	loop    *aio.Loop
	reports []aio.Report // what came to the exception handler
}

// inLoop runs fn as the main task of a loop, once with pidfds and once with goroutines. Reports
// that fn did not ask for fail the test, and so do children that are left.
func inLoop(t *testing.T, fn func(ctx context.Context, e *env)) {
	t.Helper()
	t.Run("native", func(t *testing.T) { inLoopOn(t, transport.Native(), fn) })
	t.Run("portable", func(t *testing.T) { inLoopOn(t, transport.Portable(), fn) })
}

func inLoopOn(t *testing.T, n transport.Network, fn func(ctx context.Context, e *env)) {
	t.Helper()
	e := &env{T: t}
	err := aio.Run(transport.WithNetwork(context.Background(), n), func(ctx context.Context) error {
		e.loop = aio.RunningLoop(ctx)
		e.loop.SetExceptionHandler(func(_ *aio.Loop, r aio.Report) { e.reports = append(e.reports, r) })
		return aio.Timeout(ctx, patience, func(ctx context.Context) error {
			fn(ctx, e)
			return nil
		})
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, r := range e.reports {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
	if hasChildren() {
		t.Error("a child was not collected")
	}
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// start starts a program.
func (e *env) start(ctx context.Context, c *Cmd) *Process {
	e.Helper()
	p, err := c.Start(ctx)
	e.ok(err)
	return p
}

// code waits for the end of a child and compares its code.
func (e *env) code(ctx context.Context, p *Process, want int) {
	e.Helper()
	got, err := p.Wait(ctx)
	e.ok(err)
	if got != want {
		e.Errorf("%v, want code %d", p, want)
	}
}

// piped returns a shell whose streams are pipes.
func piped(line string) *Cmd {
	c := Shell(line)
	c.Stdin, c.Stdout, c.Stderr = Pipe, Pipe, Pipe
	return c
}

// line reads a line of the child's stdout.
func (e *env) line(ctx context.Context, p *Process, want string) {
	e.Helper()
	got, err := p.Stdout.ReadLine(ctx)
	e.ok(err)
	if want != "" && string(got) != want+"\n" {
		e.Fatalf("the child said %q, want %q", got, want)
	}
}

// number reads a line that is a number.
func (e *env) number(ctx context.Context, p *Process) int {
	e.Helper()
	got, err := p.Stdout.ReadLine(ctx)
	e.ok(err)
	n, err := strconv.Atoi(strings.TrimSpace(string(got)))
	e.ok(err)
	return n
}

// awaitDeath waits until a process that is no child of ours, or no more, has ended.
func (e *env) awaitDeath(ctx context.Context, pid int) {
	e.Helper()
	for alive(pid) {
		e.ok(aio.Sleep(ctx, time.Millisecond)) // there is nothing that would tell
	}
}

// alive reports whether there is such a process, and it is no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	return !isZombie(pid)
}

// awaitTrue waits for something that comes soon, but that nothing tells of.
func (e *env) awaitTrue(ctx context.Context, cond func() bool) {
	e.Helper()
	for !cond() {
		e.ok(aio.Sleep(ctx, time.Millisecond))
	}
}

// killStray ends a process that must still be there, and that nobody else will end.
func (e *env) killStray(number string) {
	e.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || pid <= 1 { // which would mean us, or everybody
		e.Fatalf("%q is no process", number)
	}
	if !alive(pid) {
		e.Errorf("process %d is gone", pid)
	}
	syscall.Kill(pid, syscall.SIGKILL)
}
