//go:build unix

package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// Conformance: SP-001.
func TestACopyingChildReturnsWhatItIsSent(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("cat"))
		p.Stdin.WriteString("some data")
		e.ok(p.Stdin.Drain(ctx))
		p.Stdin.Close()
		got, err := p.Stdout.ReadAll(ctx)
		e.ok(err)
		e.code(ctx, p, 0)
		if string(got) != "some data" {
			t.Errorf("got %q", got)
		}
	})
}

// Conformance: SP-002, SP-011.
func TestCommunicateSendsClosesAndReads(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("cat; echo done >&2"))
		// would keep the stdin of the first one open if it had inherited it
		other := e.start(ctx, piped("cat"))
		out, errput, err := p.Communicate(ctx, []byte("some data"))
		if string(out) != "some data" || string(errput) != "done\n" || err != nil || p.Err() != nil {
			t.Errorf("got %q, %q, %v, %v", out, errput, err, p.Err())
		}
		other.Close()
		e.code(ctx, other, -9)
	})
}

// Conformance: SP-003, CW-003.
func TestAShellsExitCodeIsReturned(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, Shell("exit 7"))
		e.awaitTrue(ctx, func() bool { _, ended := p.Poll(); return ended }) // before anybody waits
		e.code(ctx, p, 7)
		if code, ended := p.Poll(); code != 7 || !ended {
			t.Errorf("Poll: %d, %v", code, ended)
		}
		exit, ok := errors.AsType[*ExitError](p.Err())
		if !ok || exit.Code != 7 || exit.Error() != "subprocess: sh: exit status 7" {
			t.Errorf("Err: %v", p.Err())
		}
	})
}

// Conformance: SP-004.
func TestAChildInASessionOfItsOwnIsCollected(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := piped("echo $$; exit 8")
		c.NewSession = true
		p := e.start(ctx, c)
		if n := e.number(ctx, p); n != p.Pid() {
			t.Errorf("pid %d, the child says %d", p.Pid(), n)
		}
		e.code(ctx, p, 8)
		q := e.start(ctx, &Cmd{Args: []string{"sleep", "1000"}, NewSession: true})
		if sid := sessionOf(q.Pid()); sid != q.Pid() {
			t.Errorf("the session is %d, want %d", sid, q.Pid())
		}
		e.ok(q.Kill())
		e.code(ctx, q, -9)
	})
}

// Conformance: SP-005.
func TestAChildThatIsKilledHasItsSignalAsCode(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, Command("sleep", "1000"))
		e.ok(p.Kill())
		e.code(ctx, p, -int(syscall.SIGKILL))
		if s, _ := p.Status(); s.Signal() != syscall.SIGKILL || s.String() != "killed by SIGKILL" {
			t.Errorf("the status is %v", s)
		}
		p = e.start(ctx, Command("sleep", "1000"))
		e.ok(p.Terminate())
		e.code(ctx, p, -int(syscall.SIGTERM))
	})
}

// Conformance: SP-006.
func TestAnySignalCanBeSent(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
			p := e.start(ctx, piped("echo ready; exec sleep 1000"))
			e.line(ctx, p, "ready")
			e.ok(p.SendSignal(sig))
			e.code(ctx, p, -int(sig))
			p.Close()
		}
	})
}

// Conformance: SP-007.
func TestWaitDoesNotWaitForTheGrandchildsPipe(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("sleep 1000 & echo $!; wait"))
		grandchild := e.number(ctx, p)
		e.ok(p.Kill())
		e.code(ctx, p, -9)
		if !alive(grandchild) {
			t.Error("Kill has reached the grandchild")
		}
		e.ok(p.SignalGroup(syscall.SIGKILL))
		e.awaitDeath(ctx, grandchild)
		if _, err := p.Stdout.ReadAll(ctx); err != nil {
			t.Error(err)
		}
		e.awaitTrue(ctx, func() bool { return p.child.groupGone() || onlyZombies(p.Pid()) })
		p.Close()
	})
}

// big is more than any pipe holds.
var big = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)

// Conformance: SP-008.
func TestAChildThatDoesNotReadItsInputIsABrokenPipe(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("read line; exit 0"))
		p.Stdin.WriteString("go\n")
		p.Stdin.Write(big)
		if err := p.Stdin.Drain(ctx); !errors.Is(err, syscall.EPIPE) &&
			!errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Drain: %v", err)
		}
		e.code(ctx, p, 0)
		p.Close()
	})
}

// Conformance: SP-009.
func TestCommunicateDoesNotMindABrokenPipe(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("exec <&-; echo enough"))
		out, _, err := p.Communicate(ctx, big)
		if string(out) != "enough\n" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

// Conformance: SP-010.
func TestCommunicateResumesOutputThatWasPaused(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := piped("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2")
		c.Limit = 1000
		p := e.start(ctx, c)
		e.awaitTrue(ctx, func() bool { return !p.Stdout.Transport().IsReading() })
		if n := p.Stdout.Buffered(); n <= 2*c.Limit {
			t.Errorf("paused with %d bytes", n)
		}
		out, errput, err := p.Communicate(ctx, nil)
		if len(out) != 300000 || len(errput) != 300000 || err != nil {
			t.Errorf("got %d and %d bytes, %v", len(out), len(errput), err)
		}
	})
}

// Conformance: SP-012, SP-013.
func TestCommunicateWithoutInputClosesStdin(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for _, input := range [][]byte{nil, {}} {
			p := e.start(ctx, piped("wc -c"))
			out, _, err := p.Communicate(ctx, input)
			if strings.TrimSpace(string(out)) != "0" || err != nil {
				t.Errorf("got %q, %v", out, err)
			}
		}
	})
}

// Conformance: SP-014.
func TestTheNullDeviceIsNoPipe(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for _, null := range []Stdio{nil, Null} {
			c := Shell("wc -c; echo lost >&2")
			c.Stdin, c.Stdout, c.Stderr = null, Pipe, null
			p := e.start(ctx, c)
			out, errput, err := p.Communicate(ctx, nil)
			if strings.TrimSpace(string(out)) != "0" || errput != nil || err != nil || p.Stdin != nil ||
				p.Stderr != nil {
				t.Errorf("got %q, %q, %v", out, errput, err)
			}
			c.Stdin, c.Stdout, c.Stderr = Pipe, null, Pipe
			p = e.start(ctx, c)
			out, errput, err = p.Communicate(ctx, []byte("x"))
			if out != nil || string(errput) != "lost\n" || err != nil || p.Stdout != nil {
				t.Errorf("got %q, %q, %v", out, errput, err)
			}
		}
	})
}

// Conformance: SP-015.
func TestAChildMayOpenItsStdinByName(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("cat /dev/stdin"))
		out, _, err := p.Communicate(ctx, []byte("by name"))
		if string(out) != "by name" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

// Conformance: SP-016.
func TestAWaitThatIsCancelledLeavesTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, Command("sleep", "1000"))
		wait := aio.CreateTask(ctx, p.Wait)
		e.ok(aio.Yield(ctx))
		wait.Cancel(nil)
		if _, err := wait.Await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait: %v", err)
		}
		if _, ended := p.Poll(); ended || len(p.child.waiters) != 0 {
			t.Errorf("%v, %d waiting", p, len(p.child.waiters))
		}
		e.ok(p.Kill())
		e.code(ctx, p, -9)
	})
}

// Conformance: SP-020.
func TestAFailedStartLeavesNothing(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		e.ok(Command("true").Run(ctx)) // what is opened once for the loop is open now
		before := leaktest.Descriptors()
		plain := filepath.Join(t.TempDir(), "plain")
		e.ok(os.WriteFile(plain, []byte("no program"), 0o644))
		for _, c := range []struct {
			cmd  *Cmd
			is   error
			text string
		}{
			{Command("no-such-program-here"), fs.ErrNotExist,
				`subprocess: "no-such-program-here": executable file not found in $PATH`},
			{Command("no-such-program-here"), exec.ErrNotFound, ""},
			{Command("/no/such/program"), fs.ErrNotExist,
				"subprocess: fork/exec /no/such/program: no such file or directory"},
			{Command(plain), fs.ErrPermission, ""},
			{&Cmd{
				Args: []string{"true"},
				Dir:  "/no/such/dir",
			}, fs.ErrNotExist, "subprocess: true: chdir /no/such/dir: no such file or directory"},
			{&Cmd{Args: []string{"true", "a\x00b"}}, syscall.EINVAL, ""},
		} {
			for _, stdin := range []Stdio{nil, Pipe} {
				c.cmd.Stdin, c.cmd.Stdout = stdin, Pipe
				_, err := c.cmd.Start(ctx)
				failed, ok := errors.AsType[*StartError](err)
				if !ok || !errors.Is(err, c.is) || failed.Name != c.cmd.Args[0] ||
					c.text != "" && err.Error() != c.text {
					t.Errorf("%q: %v", c.cmd.Args, err)
				}
			}
		}
		if now := leaktest.Descriptors(); now > before { // fewer: some of an earlier test were still open
			t.Errorf("%d descriptors were open, now %v", before, now)
		}
		if len(nurseryOf(e.loop).children) != 0 {
			t.Error("there are children")
		}
	})
}

// Conformance: SP-021.
func TestOutputCanBeReadAfterTheEndOfTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := piped("head -c 50000 /dev/zero")
		c.Limit = 100
		p := e.start(ctx, c)
		e.code(ctx, p, 0)
		n, buf := 0, make([]byte, 77)
		for {
			k, err := p.Stdout.Read(ctx, buf)
			n += k
			if err == io.EOF {
				break
			}
			e.ok(err)
			e.ok(aio.Yield(ctx))
		}
		if n != 50000 {
			t.Errorf("read %d bytes", n)
		}
		p.Close()
	})
}

// Conformance: SP-023.
func TestProgramAndArgumentsMayBePaths(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		dir := filepath.Join(t.TempDir(), "with space")
		e.ok(os.Mkdir(dir, 0o755))
		script := filepath.Join(dir, "say it")
		e.ok(os.WriteFile(script, []byte("echo \"$0 says $1\"\n"), 0o644))
		out, err := (&Cmd{Args: []string{"sh", script, dir}, Path: "/bin/sh"}).Output(ctx)
		if want := script + " says " + dir + "\n"; string(out) != want || err != nil {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	})
}

// Conformance: SP-024.
func TestTenChildrenAtOnceHaveTheirOwnOutput(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		var asks []aio.Func[string]
		for i := range 10 {
			asks = append(asks, func(ctx context.Context) (string, error) {
				p := e.start(ctx, piped("cat; echo ' from '"+fmt.Sprint(i)))
				out, _, err := p.Communicate(ctx, fmt.Append(nil, i*i))
				return string(out), err
			})
		}
		answers, err := aio.All(ctx, asks...)
		e.ok(err)
		for i, got := range answers {
			if want := fmt.Sprintf("%d from %d\n", i*i, i); got != want {
				t.Errorf("child %d says %q, want %q", i, got, want)
			}
		}
	})
}

// Conformance: SP-025.
func TestASignalToAChildThatHasEndedIsAnError(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, Shell("exit 3"))
		e.code(ctx, p, 3)
		for name, err := range map[string]error{
			"SendSignal":  p.SendSignal(syscall.SIGHUP),
			"Terminate":   p.Terminate(),
			"Kill":        p.Kill(),
			"SignalGroup": p.SignalGroup(syscall.SIGTERM),
		} {
			if !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		e.code(ctx, p, 3)
	})
}

// Conformance: SP-026.
func TestAProcessShowsItsNumberAndState(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("cat"))
		if got, want := p.String(), fmt.Sprintf("<Process sh, pid %d, running>", p.Pid()); got != want {
			t.Errorf("running: %q, want %q", got, want)
		}
		e.ok(p.Kill())
		e.code(ctx, p, -9)
		if got, want := p.String(),
			fmt.Sprintf("<Process sh, pid %d, killed by SIGKILL>", p.Pid()); got != want {
			t.Errorf("ended: %q, want %q", got, want)
		}
		p.Close()
	})
}

// Conformance: SP-033.
func TestAnOutputThatIsClosedBreaksThePipeOfTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("trap '' PIPE; read line; echo more 2>/dev/null || echo broken >&2"))
		p.Stdout.Close()
		e.ok(p.Stdout.WaitClosed(ctx))
		p.Stdin.WriteString("go\n")
		line, err := p.Stderr.ReadLine(ctx)
		if string(line) != "broken\n" || err != nil {
			t.Errorf("stderr: %q, %v", line, err)
		}
		e.code(ctx, p, 0)
		p.Close()
	})
}

// Conformance: SP-034.
func TestACmdThatMakesNoSenseIsMisuse(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for want, fn := range map[string]func(){
			"Cmd.Start: Args names no program": func() { (&Cmd{}).Start(ctx) },
			"Cmd.Run: Args names no program":   func() { Command("").Run(ctx) },
			"Connect: the protocol is nil":     func() { Connect(ctx, Command("true"), nil) },
			"Connect: Args names no program":   func() { Connect(ctx, &Cmd{}, BaseProtocol{}) },
			"Cmd.Start: ToStdout is for Stderr": func() {
				(&Cmd{Args: []string{"true"}, Stdout: ToStdout}).Start(ctx)
			},
			"Cmd.Start: Input is for Stdin": func() {
				(&Cmd{Args: []string{"true"}, Stdout: Input("x")}).Start(ctx)
			},
			"Cmd.Start: the limit is negative": func() {
				(&Cmd{Args: []string{"true"}, Limit: -1}).Start(ctx)
			},
			"Cmd.Run: with a Pipe that nobody uses": func() {
				(&Cmd{Args: []string{"true"}, Stdin: Pipe}).Run(ctx)
			},
			"Cmd.Output: Stdout is set already": func() {
				(&Cmd{Args: []string{"true"}, Stdout: Null}).Output(ctx)
			},
			"Cmd.CombinedOutput: Stdout or Stderr is": func() {
				(&Cmd{Args: []string{"true"}, Stderr: Null}).CombinedOutput(ctx)
			},
			"Cmd.With: the function is nil": func() { Command("true").With(ctx, nil) },
			"File: the file is nil":         func() { File(nil) },
			"Process.Communicate: there is input but ": func() {
				e.start(ctx, Command("true")).Communicate(ctx, []byte("x"))
			},
		} {
			func() {
				defer func() {
					if v, _ := recover().(string); !strings.HasPrefix(v, "subprocess: "+want) {
						t.Errorf("the panic is %q, want %q", v, want)
					}
				}()
				fn()
			}()
		}
	})
}

// Conformance: SP-035.
func TestTenMayWaitForOneChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("read line; exit 5"))
		waits := make([]aio.Func[int], 10)
		for i := range waits {
			waits[i] = p.Wait
		}
		aio.RunningLoop(ctx).CallSoon(func() { p.Stdin.WriteString("go\n") })
		for range 2 { // the second time the child has ended
			codes, err := aio.All(ctx, waits...)
			e.ok(err)
			for _, code := range codes {
				if code != 5 {
					t.Errorf("the codes are %v", codes)
				}
			}
		}
		p.Close()
	})
}

// Conformance: SP-037.
func TestTheEnvironmentIsWhatWasGiven(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		t.Setenv("AIO_INHERITED", "from here")
		sh := Shell(`echo "$AIO_TEST $AIO_INHERITED $PWD"`)
		env := Command("sh", "-c", `echo "$AIO_TEST $AIO_INHERITED $PWD"`)
		env.Path = "/bin/sh"
		for _, c := range []*Cmd{sh, env} {
			c.Dir = "/"
			c.Env = []string{"AIO_TEST=first", "AIO_TEST=bar"}
			if out, err := c.Output(ctx); string(out) != "bar  /\n" || err != nil {
				t.Errorf("given: %q, %v", out, err)
			}
			c.Env = nil
			if out, err := c.Output(ctx); string(out) != " from here /\n" || err != nil {
				t.Errorf("inherited: %q, %v", out, err)
			}
		}
	})
}

func TestAnEnvironmentThatCannotBePassedOnIsAnError(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := Command("true")
		c.Env = []string{"AIO_TEST=half\x00other half"}
		var err *StartError
		if got := c.Run(ctx); !errors.As(got, &err) {
			t.Errorf("got %v, want a *StartError", got)
		}
	})
}

// Conformance: SP-038.
func TestASignalMayMeetAChildThatHasJustEnded(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, Shell("exit 4"))
		for range 1000 { // until the end is noticed, and after it
			if err := p.SendSignal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
		e.code(ctx, p, 4)
	})
}

func TestFilesAreHandedToTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		name := filepath.Join(t.TempDir(), "out")
		out, err := os.Create(name)
		e.ok(err)
		r, w, err := os.Pipe()
		e.ok(err)
		extra, err := os.Open(os.Args[0])
		e.ok(err)
		c := Shell("cat; head -c 4 <&3 | tail -c 3; echo to stderr >&2")
		c.Stdin, c.Stdout, c.Stderr, c.ExtraFiles = File(r), File(out), ToStdout, []*os.File{extra}
		p := e.start(ctx, c)
		r.Close()
		w.WriteString("from a pipe, ")
		w.Close()
		e.code(ctx, p, 0)
		extra.Close()
		out.Close() // they stay open here until then
		got, err := os.ReadFile(name)
		if want := "from a pipe, ELFto stderr\n"; string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

func TestACmdCanBeUsedAgainAndChangedMeanwhile(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		c := Shell("exit 1")
		first := aio.Start(ctx, c.Run)
		e.ok(aio.Yield(ctx))
		c.Args = []string{"sh", "-c", "exit 2"}
		second := c.Run(ctx)
		_, firstErr := first.Await(ctx)
		for want, err := range map[int]error{1: firstErr, 2: second} {
			if exit, ok := errors.AsType[*ExitError](err); !ok || exit.Code != want {
				t.Errorf("got %v, want exit status %d", err, want)
			}
		}
	})
}

// The text names the call in the program, and not what is below it.
func TestAContextWithoutALoopIsMisuseOfTheCall(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "subprocess.Cmd.Run: no running event loop") {
			t.Errorf("the panic is %q", v)
		}
	}()
	Command("none").Run(context.Background())
}
