package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

func TestOutputIsBounded(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		endless := func() *Cmd {
			c := Shell("while :; do echo $$; done")
			c.OutputLimit = 100_000
			return c
		}
		for what, run := range map[string]func(c *Cmd) ([]byte, error){
			"Output":         func(c *Cmd) ([]byte, error) { return c.Output(ctx) },
			"CombinedOutput": func(c *Cmd) ([]byte, error) { return c.CombinedOutput(ctx) },
			"ignores SIGPIPE": func(c *Cmd) ([]byte, error) {
				c.Args[2] = "trap '' PIPE TERM; " + c.Args[2]
				c.Grace = 50 * time.Millisecond
				return c.Output(ctx)
			},
			"CombinedOutput of stderr": func(c *Cmd) ([]byte, error) {
				c.Args[2] = "exec >&2; " + c.Args[2]
				return c.CombinedOutput(ctx)
			},
		} {
			out, err := run(endless())
			if len(out) != 100_000 || !errors.Is(err, ErrOutputLimit) ||
				!strings.Contains(err.Error(), "100000 bytes") {
				t.Errorf("%s: %d bytes, %v", what, len(out), err)
			}
		}
		for limit, fits := range map[int]bool{5: true, 4: false, 1: false} {
			c := Shell("printf 12345")
			c.OutputLimit = limit
			out, err := c.Output(ctx)
			if string(out) != "12345"[:limit] || errors.Is(err, ErrOutputLimit) == fits ||
				(err == nil) != fits {
				t.Errorf("limit %d: %q, %v", limit, out, err)
			}
			c.Stdout = Pipe
			p := e.start(ctx, c)
			out, _, err = p.Communicate(ctx, nil)
			if string(out) != "12345"[:limit] || errors.Is(err, ErrOutputLimit) == fits ||
				(err == nil) != fits {
				t.Errorf("Communicate, limit %d: %q, %v", limit, out, err)
			}
			e.code(ctx, p, 0)
			p.Close()
		}
	})
}

func TestOutputBeyondTheLimitMayArriveBeforeConnectingReturns(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for range 200 {
			r, w, err := os.Pipe()
			e.ok(err)
			w.WriteString("12345")
			w.Close()
			c := &collector{limit: 1}
			_, err = transport.ConnectReadPipe(ctx, r, c)
			e.ok(err)
			if err := c.wait(ctx); !errors.Is(err, ErrOutputLimit) || string(c.data) != "1" {
				t.Errorf("%q, %v", c.data, err)
				return
			}
		}
	})
}

func TestCommunicateIsBounded(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for _, to := range []string{"", " >&2"} {
			c := piped("while :; do echo $$" + to + "; done")
			c.OutputLimit = 50_000
			p := e.start(ctx, c)
			out, errs, err := p.Communicate(ctx, nil)
			if len(out)+len(errs) != 50_000 || !errors.Is(err, ErrOutputLimit) {
				t.Errorf("%d and %d bytes, %v", len(out), len(errs), err)
			}
			p.Close()
			_, err = p.Wait(ctx)
			e.ok(err)
		}
	})
}

// To grow in one piece it would have to be copied, on the loop, again and again.
func TestMuchOutputIsCollectedInPieces(t *testing.T) {
	c := &collector{limit: 10<<20 + 5}
	want := make([]byte, 0, c.limit)
	for len(want) < c.limit {
		p := make([]byte, min(100_000, c.limit-len(want)))
		for i := range p {
			p[i] = byte(len(want) + i)
		}
		want = append(want, p...)
		c.DataReceived(p)
	}
	for _, p := range append(c.full, c.data) {
		if cap(p) > 2*pieceSize {
			t.Errorf("a piece has room for %d bytes", cap(p))
		}
	}
	inLoop(t, func(ctx context.Context, e *env) {
		if got := c.all(ctx); c.over || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d", len(got), len(want))
		}
		out, err := Shell("head -c 3000000 /dev/zero").Output(ctx)
		if err != nil || !bytes.Equal(out, make([]byte, 3_000_000)) {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
}

func TestAnErrorShowsNothingThatAChildCouldForge(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for _, script := range []string{
			`printf 'first\n\033[2J\033]0;title\007last \342\200\256 \302\205 line' >&2; exit 1`,
			`printf 'a\rroot: all is well' >&2; exit 1`,
			`head -c 100000 /dev/zero | tr '\0' x >&2; exit 1`,
		} {
			text := Shell(script).Run(ctx).Error()
			if strings.ContainsAny(text, "\x1b\a\r\n\u202e\u0085") || len(text) > 2000 {
				t.Errorf("%d bytes: %.200q", len(text), text)
			}
		}
		if text := Shell(`echo 'cannot open https://joe:secret@h/?token=secret' >&2; exit 1`).Run(ctx).Error(); strings.Contains(text, "secret") {
			t.Errorf("%q", text)
		}
		for _, name := range []string{"none\x1b[31m", "/none\nroot: forged"} {
			if text := Command(name).Run(ctx).Error(); strings.ContainsAny(text, "\x1b\n") {
				t.Errorf("%q", text)
			}
		}
	})
}

// The grandchildren here are in groups, and sessions, of their own.
func TestWhatHasLeftTheGroupEndsWithTheChild(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid: ", err)
	}
	const kind = `setsid sh -c '%strap "%s" TERM; echo $$; sh -c "echo \$\$; exec sleep 1000" & while :; do sleep 0.01; done' & `
	for what, ends := range map[string]struct {
		trap  string
		grace time.Duration
		stop  func(ctx context.Context, p *Process) error
	}{
		"asked": {"exit 0", patience, func(ctx context.Context, p *Process) error {
			_, err := p.Stop(ctx)
			return err
		}},
		"killed": {":", 20 * time.Millisecond, func(ctx context.Context, p *Process) error {
			_, err := p.Stop(ctx)
			return err
		}},
		"closed": {":", patience, func(_ context.Context, p *Process) error { p.Close(); return nil }},
	} {
		t.Run(what, func(t *testing.T) {
			inLoop(t, func(ctx context.Context, e *env) {
				c := piped(fmt.Sprintf(kind, "", ends.trap) + "while :; do sleep 0.01; done")
				c.Grace = ends.grace
				p := e.start(ctx, c)
				pids := []int{p.Pid(), e.number(ctx, p), e.number(ctx, p)}
				if sessionOf(pids[1]) == sessionOf(pids[0]) {
					t.Error("it is in the child's session")
				}
				e.ok(ends.stop(ctx, p))
				e.deaths(ctx, pids)
				_, err := p.Wait(ctx)
				e.ok(err)
				p.Close()
			})
		})
	}
}

func TestWhatIsLeftInTheBackgroundAfterAnEndInOrderIsLeftAlone(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid: ", err)
	}
	inLoop(t, func(ctx context.Context, e *env) {
		out, err := Shell("setsid sleep 1000 >/dev/null 2>&1 & echo $!").Output(ctx)
		e.ok(err)
		e.killStray(string(out))
	})
}

// When the leader of a group has been collected, the number is kept by those who are left. When
// nobody is left it may be anybody's.
func TestAGroupIsReachedAfterItsLeaderHasGoneAndNobodyElseIs(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		p := e.start(ctx, piped("sleep 1000 >/dev/null 2>&1 & echo $!"))
		left := e.number(ctx, p)
		e.code(ctx, p, 0)
		if p.child.group == nil {
			t.Fatal("there is no handle of the group")
		}
		if err := p.SignalGroup(syscall.Signal(0)); err != nil {
			t.Errorf("while somebody is there: %v", err)
		}
		e.ok(p.SignalGroup(syscall.SIGKILL))
		e.awaitDeath(ctx, left)
		e.awaitTrue(ctx, func() bool {
			return p.SignalGroup(syscall.Signal(0)) != nil || onlyZombies(p.Pid())
		})
		p.Close()
	})
}

// A child stands for the process that has got the number of one that has gone: it must not be
// reached, with a handle or without.
func TestANumberThatIsUsedAgainIsNotSignalled(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		victim := e.start(ctx, Shell("exec sleep 1000"))
		for _, handle := range []bool{true, false} {
			p := e.start(ctx, Shell("sleep 1000 & exit 0"))
			e.code(ctx, p, 0)
			c := p.child
			left := c.pid
			if !handle {
				c.group.Close()
				c.group = nil
			}
			c.pid = victim.Pid() // as if the system had given it away
			c.kill()
			if _, ended := victim.Poll(); ended {
				t.Errorf("with a handle: %v: another process was killed", handle)
			}
			c.pid, c.emptied = left, false
			if !handle {
				syscall.Kill(-left, syscall.SIGKILL)
			}
			p.Close()
		}
		victim.Close()
		_, err := victim.Wait(ctx)
		e.ok(err)
	})
}

const pidfdVariable = "AIO_SUBPROCESS_TEST_REFUSE"

// Emulators and sandboxes refuse CLONE_PIDFD; kernels 5.2 and 5.3 have it, but cannot wait for a
// pidfd.
func TestChildrenStartWherePidfdsAreRefused(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the filter is for amd64 and arm64")
	}
	if refused := os.Getenv(pidfdVariable); refused != "" {
		inLoop(t, func(ctx context.Context, e *env) {
			out, err := Shell("echo works; exit 3").Output(ctx)
			if _, ok := errors.AsType[*ExitError](err); string(out) != "works\n" || !ok {
				t.Errorf("%q, %v", out, err)
			}
			p := e.start(ctx, Shell("exec sleep 1000"))
			if _, ok := p.child.handle.(*processHandle); !ok {
				t.Errorf("the handle is a %T", p.child.handle)
			}
			killed, err := p.Stop(ctx)
			if killed || err != nil {
				t.Errorf("Stop: %v, %v", killed, err)
			}
			e.code(ctx, p, -15)
			_, err = Command("true").Output(ctx)
			e.ok(err)
			err = aio.Timeout(ctx, 20*time.Millisecond, Command("sleep", "1000").Run)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a time-out: %v", err)
			}
		})
		return
	}
	for _, what := range []string{"clone", "waitid", "pidfd_open", "pidfd_send_signal"} {
		t.Run(what, func(t *testing.T) {
			out, err := underFilter(what, "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$", "-test.v")
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// underFilter runs this program in a process that is refused something.
func underFilter(what string, args ...string) (out []byte, err error) {
	file, err := os.CreateTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread has the filter, too, and ends with this goroutine
		done <- func() error {
			if err := refuse(what); err != nil {
				return err
			}
			pid, err := syscall.ForkExec("/proc/self/exe", append(os.Args[:1:1], args...), &syscall.ProcAttr{
				Env:   append(os.Environ(), pidfdVariable+"="+what),
				Files: []uintptr{0, file.Fd(), file.Fd()},
			})
			if err != nil {
				return err
			}
			var status syscall.WaitStatus
			if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status != 0 {
				return fmt.Errorf("status %v, %v", status, err)
			}
			return nil
		}()
	}()
	err = <-done
	out, _ = os.ReadFile(file.Name())
	return out, err
}

// refuse has the system refuse a call with pidfds on this thread, and in what it starts, as one
// that does not know it.
func refuse(what string) error {
	type instruction struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	const (
		load, equal, anyBit, ret = 0x20, 0x15, 0x45, 0x06
		allow, refusal           = 0x7fff0000, 0x00050000
		number, first            = 0, 16 // offsets in seccomp_data
		setFilter                = 1
		clonePidfd               = 0x1000
		noNewPrivs               = 38
	)
	calls := map[string]uint32{
		"clone":             syscall.SYS_CLONE,
		"waitid":            syscall.SYS_WAITID,
		"pidfd_open":        pidfdOpen,
		"pidfd_send_signal": pidfdSendSignal,
	}
	program := []instruction{
		{load, 0, 0, number},
		{equal, 0, 3, calls[what]},
		{load, 0, 0, first},
		{equal, 0, 1, waitPidfd}, // of waitid
		{ret, 0, 0, refusal | uint32(syscall.EINVAL)},
		{ret, 0, 0, allow},
	}
	switch what {
	case "clone":
		program[3] = instruction{anyBit, 0, 1, clonePidfd}
	case "pidfd_open", "pidfd_send_signal":
		program[2], program[3] = instruction{ret, 0, 0, refusal | uint32(syscall.ENOSYS)},
			instruction{ret, 0, 0, allow}
	}
	filter := struct {
		n       uint16
		program *instruction
	}{uint16(len(program)), &program[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl: %w, %w", errno, errors.ErrUnsupported)
	}
	seccomp := map[string]uintptr{"amd64": 317, "arm64": 277}[runtime.GOARCH]
	_, _, errno := syscall.RawSyscall(seccomp, setFilter, 0, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w, %w", errno, errors.ErrUnsupported)
	}
	return nil
}

// pidfds counts the descriptors of processes.
func pidfds() (n int) {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		if link, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.Contains(link, "pidfd") {
			n++
		}
	}
	return n
}

// Without the collector, which closes what was forgotten.
func TestAGroupThatOutlivesItsLeaderHoldsNoDescriptorForLong(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ctx, before := context.Background(), pidfds()
	if err := aio.Run(ctx, func(ctx context.Context) error {
		for _, closed := range []bool{true, false} {
			p, err := Shell("sleep 100 </dev/null >/dev/null 2>&1 & exit 0").Start(ctx)
			if err != nil {
				return err
			}
			defer syscall.Kill(-p.Pid(), syscall.SIGKILL)
			if _, err := p.Wait(ctx); err != nil {
				return err
			}
			if !closed {
				continue // the close of the loop has to
			}
			if p.Close(); pidfds() != before {
				t.Errorf("%d descriptors after Close, want %d", pidfds(), before)
			}
			if err := p.SignalGroup(os.Kill); err != os.ErrProcessDone {
				t.Errorf("SignalGroup after Close: %v", err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if pidfds() != before {
		t.Errorf("%d descriptors after the loop's close, want %d", pidfds(), before)
	}
}

func TestAStartThatFailsBehindACancellationIsNoReport(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := Command("/no/such/program").Start(ctx)
			return err
		})
		e.ok(aio.Yield(ctx))
		stacks := make([]byte, 1<<20)
		for strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "threadJob") { // it runs, or has not begun yet
			runtime.Gosched()
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
	})
}
