package executor_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

const (
	workerVariable = "AIO_EXECUTOR_WORKER"
	someToken      = "0123456789abcdef0123456789abcdef"
	nobody         = 65534
)

// who returns whose rights a worker has.
var who = executor.Register("who", func(context.Context, aio.None) (int, error) {
	return os.Geteuid(), nil
})

// frame is a body behind its length.
func frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// orders is what a parent sends: that it knows the token, and a job.
func orders(token string) []byte {
	text := func(to []byte, s string) []byte {
		return append(binary.AppendUvarint(to, uint64(len(s))), s...)
	}
	welcome := binary.AppendUvarint(text([]byte{7}, token), 1<<20)
	job := append(text(text([]byte{2}, "id"), "who"), 1, 0, 0)
	return append(frame(welcome), frame(job)...)
}

// ask starts a program as a worker, without a pool, gives it orders, and returns all that it
// answers.
func ask(t *testing.T, cmd *exec.Cmd, variable string, orders []byte) (answer []byte, said string) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	var stderr bytes.Buffer
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs}, &stderr
	cmd.Env = append(os.Environ(), workerVariable+"="+variable)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if _, err := ours.Write(orders); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	syscall.Shutdown(fds[0], syscall.SHUT_WR)
	answer, _ = io.ReadAll(ours)
	_ = cmd.Wait()
	return answer, stderr.String()
}

// self is this program, which runs no test.
func self(name string, args ...string) *exec.Cmd {
	return exec.Command(name, append(args, "-test.run=^$")...)
}

func TestOnlyWhoKnowsTheTokenIsServed(t *testing.T) {
	answer, said := ask(t, self(os.Args[0]), "3:"+someToken, orders(someToken))
	if len(answer) == 0 {
		t.Fatalf("who knows the token is not served: %s", said)
	}
	for what, c := range map[string]struct{ variable, token string }{
		"another token":            {"3:" + someToken, strings.Repeat("0", len(someToken))},
		"no token":                 {"3:" + someToken, ""},
		"part of it":               {"3:" + someToken, someToken[:5]},
		"none was given":           {"3", ""},
		"an empty one was given":   {"3:", ""},
		"a short one was given":    {"3:ab", "ab"},
		"another descriptor":       {"1:" + someToken, someToken},
		"not even a number":        {"x:" + someToken, someToken},
		"no descriptor of a peer":  {"9:" + someToken, someToken},
		"a negative descriptor":    {"-3:" + someToken, someToken},
		"an enormous descriptor":   {"99999999999999999999:" + someToken, someToken},
		"a descriptor with a sign": {"+1:" + someToken, someToken},
	} {
		if answer, said := ask(t, self(os.Args[0]), c.variable, orders(c.token)); len(answer) > 0 ||
			!strings.Contains(said, "the worker ends") {
			t.Errorf("%s: it answers %q and says %q", what, answer, said)
		}
	}
	job := orders(someToken)[4+1+1+len(someToken)+3:] // without the welcome
	if answer, _ := ask(t, self(os.Args[0]), "3:"+someToken, job); len(answer) > 0 {
		t.Errorf("no welcome: %q", answer)
	}
}

func TestAWorkerServesItsParentOnly(t *testing.T) {
	// the shell is the parent
	cmd := exec.Command("sh", "-c", `"$0" -test.run='^$' & wait`, os.Args[0])
	if answer, said := ask(t, cmd, "3:"+someToken, orders(someToken)); len(answer) > 0 ||
		!strings.Contains(said, "and not the parent") {
		t.Errorf("it answers %q and says %q", answer, said)
	}
}

// setUID makes a copy of this program that has root's rights for any user that starts
// it, and returns the command by which another user starts it.
func setUID(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a set-uid program")
	}
	dir, err := os.MkdirTemp("", "setuid-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "program")
	data, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.WriteFile(name, data, 0o700), os.Chmod(name, 0o755|os.ModeSetuid),
			os.Chmod(dir, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := self(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	check := exec.Command(name, "-test.run=^$")
	check.Dir, check.SysProcAttr, check.Env = "/", cmd.SysProcAttr, []string{partVariable + "=rights"}
	if out, err := check.Output(); err != nil || string(out) != fmt.Sprintf("%d 0", nobody) {
		t.Skipf("set-uid programs do not work here: %q, %v", out, err)
	}
	return cmd
}

func init() {
	parts["rights"] = func() { fmt.Print(os.Getuid(), " ", os.Geteuid()) }
	parts["pool"] = func() {
		executor.Main()
		os.Unsetenv(partVariable)
		_ = aio.Run(context.Background(), func(ctx context.Context) error {
			return executor.Processes(ctx, func(ctx context.Context, p *executor.Pool) error {
				_, err := who.Run(ctx, aio.None{})
				fmt.Print(errors.Is(err, errors.ErrUnsupported), " ", err)
				return nil
			}, executor.Workers(1))
		})
	}
}

func TestASetUIDProgramIsNobodysWorker(t *testing.T) {
	cmd := setUID(t)
	answer, said := ask(t, cmd, "3:"+someToken, orders(someToken))
	if len(answer) > 0 {
		t.Errorf("it answers %q and says %q", answer, said)
	}
}

// Its workers would be set-uid programs in turn, and no workers, and would start workers.
func TestASetUIDProgramHasNoWorkers(t *testing.T) {
	cmd := setUID(t)
	cmd.Env = []string{partVariable + "=pool"}
	out, err := cmd.Output()
	if !strings.HasPrefix(string(out), "true executor: the worker of \"who\" was lost: ") {
		t.Errorf("it says %q, %v", out, err)
	}
}

// inherited returns the environment of what a worker starts, also of its own that the system shows.
var inherited = executor.Register("inherited", func(context.Context, aio.None) (string, error) {
	out, err := exec.Command("env").Output()
	fds, err2 := exec.Command("sh", "-c", "ls /proc/self/fd | wc -l").Output()
	return string(out) + early + string(fds), errors.Join(err, err2)
})

// early is the environment before main.
var early = strings.Join(os.Environ(), "\n")

func TestWhatAWorkerStartsIsNoWorker(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		got, err := inherited.Run(ctx, aio.None{})
		if strings.Contains(got, workerVariable) {
			t.Errorf("a worker's child has %q", got)
		}
		return err
	})
}

var (
	huge = executor.Register("huge", func(_ context.Context, n int) ([]byte, error) {
		return make([]byte, n), nil
	})
	rage = executor.Register("rage", func(ctx context.Context, lie []byte) (int, error) {
		f := os.NewFile(uintptr(parentFD()), "parent")
		if string(lie) == "a heap" {
			lie = heap()
		}
		for len(lie) > 0 {
			n, err := f.Write(lie)
			if err != nil && !errors.Is(err, syscall.EAGAIN) { // the package has it in its poller
				return 0, err
			}
			lie = lie[n:]
		}
		<-ctx.Done() // never: it is killed
		return 0, nil
	})
	reports = executor.Register("reports", func(ctx context.Context, n int) (int, error) {
		return 7, executor.Progress(ctx, make([]byte, n))
	})
)

// parentFD finds the socket that leads to the parent.
func parentFD() int {
	for fd := 3; fd < 100; fd++ {
		peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil && int(peer.Pid) == os.Getppid() {
			return fd
		}
	}
	return -1
}

func TestAWorkerCannotMakeItsParentKeepMuch(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		for n, fits := range map[int]bool{1<<20 - 1: true, 1 << 20: false, 3 << 20: false} {
			got, err := huge.Run(ctx, n)
			if fits != (err == nil) || fits && len(got) != n ||
				!fits && !strings.Contains(err.Error(), "MaxMessage") {
				t.Errorf("%d bytes became %d, %v", n, len(got), err)
			}
			heard := 0
			listening := reports.With(executor.OnProgress(func(p []byte) { heard = len(p) }))
			if seven, err := listening.Run(ctx, n); seven != 7 || err != nil || fits != (heard == n) {
				t.Errorf("a report of %d bytes: %d, %v, heard %d", n, seven, err, heard)
			}
		}
		if _, err := echo.Run(ctx, make([]byte, 1<<20)); err == nil ||
			!strings.Contains(err.Error(), "MaxMessage") {
			t.Errorf("an argument: %v", err)
		}
		for what, lie := range map[string][]byte{
			"a frame of 4 GiB":   {0xff, 0xff, 0xff, 0xff, 5},
			"an empty frame":     {0, 0, 0, 0},
			"an unknown kind":    {0, 0, 0, 1, 99},
			"another start":      {0, 0, 0, 1, 3},
			"a hello":            {0, 0, 0, 2, 1, 1},
			"a torn failure":     {0, 0, 0, 2, 6, 0x80},
			"a job":              {0, 0, 0, 2, 2, 0},
			"a little too large": {0, 0x10, 0, 1, 5},
			"an unknown object":  frame([]byte{8, 1, 1, 1, 'x'}),
			"an unknown act":     frame([]byte{8, 1, 99, 2, 'i', 'n'}),
			"a queue as a lock":  frame([]byte{8, 1, 4, 2, 'i', 'n'}),
			"a torn ask":         frame([]byte{8, 1, 2, 9, 'i'}),
			"an ID twice":        bytes.Repeat(frame([]byte{8, 1, 2, 2, 'i', 'n'}), 2),
			"a torn settlement":  frame([]byte{10, 1}),
			"two settlements":    frame([]byte{10, 1, 1, 1}),
			"a reply":            frame([]byte{9, 1, 0}),
			"too many asks":      flood(),
			"too large asks":     []byte("a heap"),
		} {
			if _, err := rage.Run(ctx, lie); wantLostOrFrame(err) != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		got, err := echo.Run(ctx, []byte("well"))
		if string(got) != "well" {
			t.Errorf("afterwards: %q", got)
		}
		return err
	}, executor.Workers(1), executor.MaxMessage(1<<20))
	wantPanic(t, func() { executor.MaxMessage(10) }, "executor: MaxMessage")
}

// flood are more asks for an item than a worker may have under way.
func flood() (asks []byte) {
	for id := range uint64(5_000) {
		body := binary.AppendUvarint([]byte{8}, id)
		asks = append(asks, frame(append(body, 2, 2, 'i', 'n'))...)
	}
	return asks
}

// heap are more bytes than a worker may have in asks that wait: the queue has room for four.
func heap() (asks []byte) {
	for id := range byte(100) {
		body := append([]byte{8, id, 1, 5}, "large"...)
		asks = append(asks, frame(append(body, make([]byte, 1<<20-20)...))...)
	}
	return asks
}

func wantLostOrFrame(err error) error {
	var lost *executor.WorkerError
	if errors.As(err, &lost) || err != nil && strings.Contains(err.Error(), "malformed") {
		return nil
	}
	return fmt.Errorf("not lost: %w", err)
}

var forges = executor.Register("forges", func(_ context.Context, how string) (int, error) {
	const text = "last\x1b[2J\nroot: all is well\u202e"
	if how == "error" {
		return 0, errors.New(text)
	}
	fmt.Fprint(os.Stderr, text)
	os.Exit(1)
	return 0, nil
})

func TestErrorsOfWorkersAreSafeToShow(t *testing.T) {
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		for _, how := range []string{"error", "stderr"} {
			if _, err := forges.Run(ctx, how); err == nil ||
				strings.ContainsAny(err.Error(), "\x1b\n\u202e") {
				t.Errorf("%s: %q", how, err)
			}
		}
		return nil
	}, executor.Workers(1))
}
