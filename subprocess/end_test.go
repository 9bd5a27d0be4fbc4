//go:build unix

package subprocess

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/transport"
)

// Conformance: CW-002.
func TestTwoChildrenHaveTheirOwnCodes(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		a, b := e.start(ctx, piped("read line; exit 1")), e.start(ctx, piped("read line; kill -TERM $$"))
		a.Stdin.WriteString("go\n")
		e.code(ctx, a, 1)
		if _, ended := b.Poll(); ended {
			t.Error("the second one has ended, too")
		}
		b.Stdin.WriteString("go\n")
		e.code(ctx, b, -15)
		a, b = e.start(ctx, piped("read line; exit 2")), e.start(ctx, piped("read line; exit 3"))
		a.Stdin.WriteString("go\n")
		b.Stdin.WriteString("go\n")
		e.awaitTrue(ctx, func() bool { return !alive(a.Pid()) && !alive(b.Pid()) }) // together
		e.code(ctx, a, 2)
		e.code(ctx, b, 3)
	})
}

// Conformance: CW-006.
func TestAChildThatSomebodyElseHasCollectedHasCode255(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the goroutine in Wait would have it")
	}
	inLoopOn(t, transport.Native(), func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("read line; exit 3"))
		p.Stdin.WriteString("go\n")
		for { // before the loop gets to it
			if pid, err := syscall.Wait4(p.Pid(), nil, 0, nil); pid == p.Pid() && err == nil {
				break
			} else if err != syscall.EINTR {
				t.Fatal(err)
			}
		}
		e.code(ctx, p, 255)
		if len(e.reports) != 1 || !strings.Contains(e.reports[0].Message, "collected by somebody else") ||
			!errors.Is(e.reports[0].Err, syscall.ECHILD) {
			t.Errorf("reported %v", e.reports)
		}
		e.reports = nil
		p.Close()
	})
}

// Conformance: SP-017.
func TestAStartThatIsCancelledLeavesNoChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		e.ok(Command("true").Run(ctx))
		before := leaktest.Descriptors()
		seen := map[string]bool{}
		for passes := range 60 {
			var p *Process
			start := aio.Start(ctx, func(ctx context.Context) (err error) {
				p, err = piped("exec sleep 1000").Start(ctx)
				return err
			})
			for range passes % 20 {
				if passes < 40 {
					e.ok(aio.Yield(ctx))
				} else {
					e.ok(aio.Sleep(ctx, 100*time.Microsecond)) // now and then between the thread and the pipes
				}
			}
			start.Cancel(nil)
			switch _, err := start.Await(ctx); {
			case p != nil: // too late: it had started
				seen["started"] = true
				p.Close()
			case errors.Is(err, context.Canceled):
				seen["cancelled"] = true
			default:
				t.Fatal(err)
			}
		}
		if !seen["cancelled"] {
			t.Errorf("no start was cancelled: %v", seen)
		}
		e.awaitTrue(ctx, func() bool {
			return !hasChildrenOf(e.loop) && leaktest.Descriptors() <= before
		})
	})
}

// hasChildrenOf reports whether a loop, or a thread that starts something for it, has children. It
// must not collect what others look after.
func hasChildrenOf(l *aio.Loop) bool {
	return len(nurseryOf(l).children) > 0 || len(startedBy(os.Getpid())) > 0
}

// Cancelled between the thread and each of the pipes.
func TestAStartThatIsCancelledWhileItConnectsItsPipesLeavesNoChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for pass := range 3 {
			start := aio.Start(ctx, func(ctx context.Context) error {
				p, err := piped("exec sleep 1000").Start(ctx)
				if err == nil {
					p.Close()
				}
				return err
			})
			e.awaitTrue(ctx, func() bool { return len(nurseryOf(e.loop).children) == 1 || start.Done() })
			for range pass {
				e.ok(aio.Yield(ctx))
			}
			start.Cancel(nil)
			start.Await(ctx)
			e.awaitTrue(ctx, func() bool { return len(nurseryOf(e.loop).children) == 0 })
		}
	})
}

func TestClosingTheLoopEndsItsChildren(t *testing.T) {
	for name, n := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	} {
		t.Run(name, func(t *testing.T) {
			var pids []int
			var polite, deaf *Process
			inLoopOn(t, n, func(ctx context.Context, e *env) {
				c := piped("trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done")
				polite = e.start(ctx, c)
				e.line(ctx, polite, "ready")
				c = family(":")
				c.Grace = 50 * time.Millisecond
				deaf = e.start(ctx, c)
				pids = e.members(ctx, deaf)
			})
			if code, ended := polite.ReturnCode(); !ended || code != 4 {
				t.Errorf("the one that hears has code %d, %v", code, ended)
			}
			if code, ended := deaf.ReturnCode(); !ended || code != -9 {
				t.Errorf("the one that does not has code %d, %v", code, ended)
			}
			inLoopOn(t, n, func(ctx context.Context, e *env) { e.deaths(ctx, pids) })
		})
	}
}

func TestATaskThatIsEndedAtShutdownLeavesNoChild(t *testing.T) {
	for name, n := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	} {
		t.Run(name, func(t *testing.T) {
			var pids []int
			err := aio.Run(transport.WithNetwork(context.Background(), n), func(ctx context.Context) error {
				c := family(":")
				c.Grace = time.Hour
				started := aio.NewFuture[aio.None](ctx)
				aio.Start(ctx, func(ctx context.Context) error {
					return c.With(ctx, func(ctx context.Context, p *Process) error {
						pids = (&env{T: t}).members(ctx, p)
						started.SetResult(aio.None{})
						_, err := p.Wait(ctx)
						return err
					})
				})
				_, err := started.Await(ctx)
				return err
			}, aio.WithShutdown(0, 20*time.Millisecond),
				aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
			if err != nil {
				t.Error(err)
			}
			if hasChildren() {
				t.Error("a child was not collected")
			}
			inLoopOn(t, n, func(ctx context.Context, e *env) { e.deaths(ctx, pids) })
		})
	}
}

// Children are killed in the middle of their work, and everybody learns of the right one.
func TestKillingChildrenInTheMiddleOfTheirWork(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		const n = 30
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range n {
				g.Go(func(ctx context.Context) error {
					c := piped("cat")
					c.Drain = time.Hour // what ends the output is its end, however late the loop sees it
					p, err := c.Start(ctx)
					if err != nil {
						return err
					}
					defer p.Close()
					p.Stdin.Write(big)
					e.awaitTrue(ctx, func() bool { return p.Stdout.Buffered() > 1000 })
					if i%3 == 0 {
						syscall.Kill(p.Pid(), syscall.SIGKILL) // as somebody else would
					}
					p.Stdin.Close()
					out, _, err := p.Communicate(ctx, nil)
					code, _ := p.ReturnCode()
					if killed := code == -9; killed != (i%3 == 0) ||
						!killed && len(out) != len(big) || err != nil {
						return fmt.Errorf("child %d: code %d, %d bytes, %w", i, code, len(out), err)
					}
					return nil
				})
			}
			return nil
		})
		e.ok(err)
	})
}

// Many hundred children at once, without a goroutine each.
func TestManyChildrenAtOnce(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		n := 400
		native := strings.HasSuffix(e.Name(), "/native")
		if !native || testing.Short() {
			n = 100
		}
		ready := 0
		var all aiosync.Event
		before := runtime.NumGoroutine()
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range n {
				g.Go(func(ctx context.Context) error {
					c := Shell("echo $$; read code; exit $code")
					c.Stdin, c.Stdout = Pipe, Pipe
					err := c.With(ctx, func(ctx context.Context, p *Process) error {
						if got := e.number(ctx, p); got != p.Pid() {
							t.Errorf("child %d is %d, and says %d", i, p.Pid(), got)
						}
						if ready++; ready == n {
							all.Set()
						}
						if err := all.Wait(ctx); err != nil { // now all of them run
							return err
						}
						fmt.Fprintf(p.Stdin, "%d\n", i%200)
						if code, err := p.Wait(ctx); code != i%200 || err != nil {
							t.Errorf("child %d: code %d, %v", i, code, err)
						}
						return nil
					})
					if exit, ok := errors.AsType[*ExitError](err); ok && exit.Code == i%200 {
						return nil
					}
					return err
				})
			}
			if err := all.Wait(ctx); err != nil {
				return err
			}
			if len(nurseryOf(e.loop).children) != n {
				t.Errorf("%d children run", len(nurseryOf(e.loop).children))
			}
			// a task is one, in the count of the runtime
			if grew := runtime.NumGoroutine() - before - n; native && grew > n/10 {
				t.Errorf("%d goroutines more than tasks", grew)
			}
			return nil
		})
		e.ok(err)
	})
}

// A start that is cancelled is still under way on its thread: the caller may close what he gave to
// it, and open something else.
func TestFilesMayBeClosedWhenAStartWasCancelled(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		before := leaktest.Descriptors()
		for range 30 {
			r, w, err := os.Pipe()
			e.ok(err)
			c := Command("cat")
			c.Stdin, c.Stdout, c.ExtraFiles = File(r), File(w), []*os.File{nil, w}
			start := aio.Start(ctx, func(ctx context.Context) error {
				p, err := c.Start(ctx)
				if err == nil {
					p.Close()
				}
				return err
			})
			e.ok(aio.Yield(ctx))
			start.Cancel(nil)
			start.Await(ctx)
			r.Close()
			w.Close()
		}
		e.awaitTrue(ctx, func() bool {
			return !hasChildrenOf(e.loop) && leaktest.Descriptors() <= before+2
		}) // the loop's poller
	})
}

func TestAFileThatIsClosedAlreadyCannotBeGiven(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		r, w, err := os.Pipe()
		e.ok(err)
		w.Close()
		for _, c := range []*Cmd{{Args: []string{"true"}, Stdin: File(r), Stdout: File(w)},
			{Args: []string{"true"}, ExtraFiles: []*os.File{r, w}}} {
			if err := c.Run(ctx); !errors.Is(err, os.ErrClosed) {
				t.Errorf("the error is %v", err)
			}
		}
		r.Close()
	})
}

func TestForgottenPipesOfAnEndedChildAreClosedInSilence(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test counts descriptors")
	}
	inLoop(t, func(ctx context.Context, e *env) {
		open := 0
		func() {
			p := e.start(ctx, piped("sleep 1000 & echo $!; read line"))
			defer e.killStray(strconv.Itoa(e.number(ctx, p))) // it keeps the outputs open
			p.Stdin.WriteString("go\n")
			e.code(ctx, p, 0)
			open = leaktest.Descriptors()
		}()
		e.awaitTrue(ctx, func() bool { // the outputs are closed, and stdin now or before
			runtime.GC()
			return leaktest.Descriptors() <= open-2
		})
	})
}

func TestPipesStayOpenWhileATaskWaitsForTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		wait := aio.Start(ctx, func(ctx context.Context) error {
			p, err := piped("read line; exit 3").Start(ctx) // it ends at the end of its input
			if err != nil {
				return err
			}
			_, err = p.Wait(ctx)
			return err
		})
		for range 10 {
			e.ok(aio.Sleep(ctx, 5*time.Millisecond))
			runtime.GC()
		}
		if wait.Done() {
			t.Error("stdin was closed")
		}
		wait.Cancel(nil)
		wait.Await(ctx)
	})
}
