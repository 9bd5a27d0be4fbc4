//go:build unix

package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestRunReturnsHowItEnded(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		e.ok(Command("true").Run(ctx))
		for line, want := range map[string]string{
			"exit 3":                                "subprocess: sh: exit status 3",
			"echo first >&2; echo last >&2; exit 1": "subprocess: sh: exit status 1: last",
			"kill -TERM $$":                         "subprocess: sh: killed by SIGTERM",
			"kill -USR1 $$": fmt.Sprintf("subprocess: sh: killed by signal %d (%v)",
				int(syscall.SIGUSR1), syscall.SIGUSR1),
		} {
			err := Shell(line).Run(ctx)
			if _, ok := errors.AsType[*ExitError](err); !ok || err.Error() != want {
				t.Errorf("%s: %v, want %s", line, err, want)
			}
		}
	})
}

func TestAnErrorKeepsTheEndOfStderrOnly(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		err := Shell("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1").Run(ctx)
		exit, ok := errors.AsType[*ExitError](err)
		if !ok || len(exit.Stderr) != tailSize || !bytes.HasSuffix(exit.Stderr, []byte("xxx"+"end\n")) {
			t.Errorf("%d bytes: %.40v", len(exit.Stderr), err)
		}
		c := Shell("echo shown >&2; exit 1")
		c.Stderr = Null
		if err = c.Run(ctx); err.Error() != "subprocess: sh: exit status 1" {
			t.Errorf("without stderr: %v", err)
		}
	})
}

func TestOutputIsAllThatWasWritten(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := Shell("cat; echo lost >&2")
		c.Stdin = Input(big)
		if out, err := c.Output(ctx); !bytes.Equal(out, big) || err != nil {
			t.Errorf("%d bytes, %v", len(out), err)
		}
		if out, err := Shell("echo out; echo err >&2").CombinedOutput(ctx); string(out) != "out\nerr\n" ||
			err != nil {
			t.Errorf("combined: %q, %v", out, err)
		}
		out, err := Shell("echo out; exit 2").Output(ctx)
		if _, ok := errors.AsType[*ExitError](err); string(out) != "out\n" || !ok {
			t.Errorf("with an error: %q, %v", out, err)
		}
		c = Shell("exec <&-; echo enough")
		c.Stdin = Input(string(big))
		if out, err := c.Output(ctx); string(out) != "enough\n" || err != nil {
			t.Errorf("input that nobody wants: %q, %v", out, err)
		}
	})
}

// family is a shell that starts another one, which starts a third process. The two shells do what
// trap says with SIGTERM.
func family(trap string) *Cmd {
	const line = `trap '%[1]s' TERM; sh -c 'trap "%[1]s" TERM; echo $$; sh -c "echo \$\$; exec sleep 1000" & wait; wait; sleep 1000' & wait; wait; sleep 1000`
	c := Shell(fmt.Sprintf(line, trap))
	c.Stdout = Pipe
	return c
}

// members reads who they are.
func (e *env) members(ctx context.Context, p *Process) []int {
	e.Helper()
	return []int{p.Pid(), e.number(ctx, p), e.number(ctx, p)}
}

// deaths waits until all of them have ended.
func (e *env) deaths(ctx context.Context, pids []int) {
	e.Helper()
	for _, pid := range pids {
		e.awaitDeath(ctx, pid)
	}
}

func TestATimeOutEndsTheWholeFamily(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		var pids []int
		var inner error
		err := aio.Timeout(ctx, patience, func(ctx context.Context) error {
			block := aio.CurrentTimeout(ctx)
			inner = family("exit 0").With(ctx, func(ctx context.Context, p *Process) error {
				pids = e.members(ctx, p)
				e.ok(block.Reschedule(e.loop.Time()))
				_, err := p.Wait(ctx)
				return err
			})
			return inner
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		stopped, ok := errors.AsType[*StoppedError](inner)
		if !ok || stopped.Killed || stopped.Name != "sh" ||
			!strings.Contains(inner.Error(), "sh was asked to end: exit status 0") {
			t.Errorf("the error of With is %v", inner)
		}
		e.deaths(ctx, pids)
	})
}

func TestAFamilyThatIgnoresSIGTERMIsKilled(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		var pids []int
		c := family(":")
		c.Grace = 20 * time.Millisecond
		task := aio.Start(ctx, func(ctx context.Context) error {
			return c.With(ctx, func(ctx context.Context, p *Process) error {
				pids = e.members(ctx, p)
				aio.CurrentTask(ctx).Cancel(errors.New("enough"))
				_, err := p.Wait(ctx)
				return err
			})
		})
		_, err := task.Await(ctx)
		stopped, ok := errors.AsType[*StoppedError](err)
		if !errors.Is(err, context.Canceled) || !ok || !stopped.Killed || stopped.Status.Code != -9 ||
			!task.Cancelled() {
			t.Errorf("the error is %v", err)
		}
		e.deaths(ctx, pids)
	})
}

func TestANegativeGraceKillsAtOnce(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := family("exit 0")
		c.Grace = -1
		p := e.start(ctx, c)
		pids := e.members(ctx, p)
		killed, err := p.Stop(ctx)
		if !killed || err != nil {
			t.Errorf("Stop: %v, %v", killed, err)
		}
		e.code(ctx, p, -9)
		e.deaths(ctx, pids)
		p.Close()
	})
}

func TestStopWaitsForTheFamilyAndNotOnlyForItsHead(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		file := filepath.Join(t.TempDir(), "cleaned")
		p := e.start(ctx, piped(`sh -c 'trap "sleep 0.05; echo yes >'`+file+
			`'; exit 0" TERM; echo ready; while :; do sleep 0.01; done' & exec sleep 1000`))
		e.line(ctx, p, "ready")
		killed, err := p.Stop(ctx)
		if killed || err != nil {
			t.Errorf("Stop: %v, %v", killed, err)
		}
		if got, err := os.ReadFile(file); string(got) != "yes\n" {
			t.Errorf("the grandchild has not come to its end: %q, %v", got, err)
		}
		if killed, err = p.Stop(ctx); killed || err != nil { // again
			t.Errorf("Stop: %v, %v", killed, err)
		}
		p.Close()
	})
}

func TestAStopThatIsCancelledKills(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := family(":")
		c.Grace = time.Hour
		p := e.start(ctx, c)
		pids := e.members(ctx, p)
		stop := aio.Start(ctx, func(ctx context.Context) error {
			_, err := p.Stop(ctx)
			return err
		})
		e.ok(aio.Yield(ctx))
		stop.Cancel(nil)
		if _, err := stop.Await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
		e.code(ctx, p, -9)
		e.deaths(ctx, pids)
		p.Close()
	})
}

func TestAStoppedChildHearsThatItIsToEnd(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped(`trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done`))
		e.line(ctx, p, "ready")
		e.ok(p.SignalGroup(syscall.SIGSTOP))
		killed, err := p.Stop(ctx)
		if killed || err != nil {
			t.Errorf("Stop: %v, %v", killed, err)
		}
		e.code(ctx, p, 6)
		p.Close()
	})
}

func TestWithEndsItsChildWhenTheFunctionFails(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		failure := errors.New("failure")
		err := Command("sleep", "1000").With(ctx, func(ctx context.Context, p *Process) error {
			return failure
		})
		if stopped, ok := errors.AsType[*StoppedError](err); !ok || !errors.Is(err, failure) ||
			stopped.Status.Code != -15 {
			t.Errorf("the error is %v", err)
		}
		err = Shell("exit 3").With(ctx, func(ctx context.Context, p *Process) error {
			p.Wait(ctx)
			return failure
		})
		if exit, ok := errors.AsType[*ExitError](err); !errors.Is(err, failure) || !ok || exit.Code != 3 {
			t.Errorf("the error is %v", err)
		}
		defer func() {
			if v := recover(); v != "panic" {
				t.Errorf("recovered %v", v)
			}
			if hasChildren() {
				t.Error("a child is left")
			}
		}()
		Command("sleep", "1000").With(ctx, func(ctx context.Context, p *Process) error { panic("panic") })
	})
}

func TestWithClosesWhatTheFunctionLeavesOpen(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		e.ok(piped("cat").With(ctx, func(ctx context.Context, p *Process) error {
			p.Stdin.WriteString("a line\nanother one\n")
			e.line(ctx, p, "a line")
			return nil
		}))
	})
}

// A grandchild that holds the output open, as a server in the background does, hangs nobody.
func TestAGrandchildThatHoldsTheOutputHangsNobody(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := Shell("sleep 1000 & echo $!")
		c.Drain = 200 * time.Millisecond
		out, err := c.Output(ctx)
		if err != ErrHeldOpen {
			t.Errorf("Output: %q, %v", out, err)
		}
		e.killStray(string(out))

		c = Shell("sleep 1000 & echo $!; exit 3") // how the child ended counts for more
		c.Drain = 200 * time.Millisecond
		out, err = c.Output(ctx)
		if exit, ok := errors.AsType[*ExitError](err); !ok || exit.Code != 3 {
			t.Errorf("Output: %q, %v", out, err)
		}
		e.killStray(string(out))

		c = piped("sleep 1000 <&0 & echo $!")
		c.Drain = 200 * time.Millisecond
		p := e.start(ctx, c)
		out, errput, err := p.Communicate(ctx, big)
		if err != ErrHeldOpen || errput == nil || p.Err() != nil {
			t.Errorf("Communicate: %q, %q, %v, %v", out, errput, err, p.Err())
		}
		e.killStray(string(out))
		p.Close()

		file := filepath.Join(t.TempDir(), "pid")
		c = Shell("sleep 1000 & echo $! >" + file) // Run has stderr alone
		c.Drain = 200 * time.Millisecond
		if err = c.Run(ctx); err != ErrHeldOpen {
			t.Errorf("Run: %v", err)
		}
		pid, err := os.ReadFile(file)
		e.ok(err)
		e.killStray(string(pid))
	})
}

func TestCommunicateThatIsCancelledLosesNothing(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("trap 'echo two; exit 0' USR1; echo one; while :; do sleep 0.01; done"))
		talk := aio.Start(ctx, func(ctx context.Context) error {
			_, _, err := p.Communicate(ctx, nil)
			return err
		})
		e.awaitTrue(ctx, func() bool { return p.Stdout.Buffered() > 0 })
		talk.Cancel(nil)
		if _, err := talk.Await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Communicate: %v", err)
		}
		e.ok(p.SendSignal(syscall.SIGUSR1))
		out, _, err := p.Communicate(ctx, nil)
		if string(out) != "one\ntwo\n" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

func TestCredentialsAndFurtherAttributes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give a child to somebody else")
	}
	inLoop(t, func(ctx context.Context, e *env) {
		c := Shell("id -u; id -g")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 54321}}
		out, err := c.Output(ctx)
		if string(out) != "12345\n54321\n" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.Args[2] = "echo $$"
		out, err = c.Output(ctx)
		if len(out) == 0 || err != nil || c.SysProcAttr.Setpgid {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

func TestAChildInOurGroupIsSignalledAlone(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := piped("sleep 1000 & echo $!; wait")
		c.SameGroup = true
		p := e.start(ctx, c)
		if pgid, err := syscall.Getpgid(p.Pid()); pgid != syscall.Getpgrp() {
			t.Errorf("the group is %d, %v", pgid, err)
		}
		grandchild := e.number(ctx, p)
		if killed, err := p.Stop(ctx); killed || err != nil {
			t.Errorf("Stop: %v, %v", killed, err)
		}
		e.killStray(fmt.Sprint(grandchild))
		p.Close()
	})
}

func TestLiveOutputThatIsHeldOpenHangsNobody(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := Shell("sleep 1000 & echo $!; echo two")
		c.Stdout, c.Drain = Pipe, 200*time.Millisecond
		var lines []string
		err := c.With(ctx, func(ctx context.Context, p *Process) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					for line, err := range p.Stdout.Lines(ctx) {
						if err != nil {
							return err
						}
						lines = append(lines, string(line))
					}
					return nil
				})
				return p.WaitClosed(ctx)
			})
		})
		if err != ErrHeldOpen || len(lines) != 2 || lines[1] != "two\n" {
			t.Fatalf("%q, %v", lines, err)
		}
		e.killStray(lines[0])
	})
}

// A reader that is slow loses nothing, however long after the end of the child it reads.
func TestWaitClosedWaitsForASlowReader(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := piped("head -c 60000 /dev/zero")
		c.Limit, c.Drain = 100, 600*time.Millisecond
		p := e.start(ctx, c)
		closed := aio.Start(ctx, p.WaitClosed)
		e.code(ctx, p, 0)
		e.ok(aio.Sleep(ctx, 350*time.Millisecond)) // it has looked once
		got, err := p.Stdout.ReadAll(ctx)
		if len(got) != 60000 || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := closed.Await(ctx); err != nil {
			t.Errorf("WaitClosed: %v", err)
		}
	})
}
