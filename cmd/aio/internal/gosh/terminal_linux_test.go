package gosh

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) {
	looptest.Parts["terminal"] = func() {
		ed, end := NewEditor(os.Stdin, true, os.Getenv("AIO_TEST_HISTORY"))
		s := Console{Editor: ed, Out: os.Stdout, Errs: os.Stderr}
		err := s.Run(context.Background())
		end()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	looptest.Main(m)
}

// terminal is a session in a terminal of its own.
type terminal struct {
	t      *testing.T
	master *os.File
	screen *screen
	cmd    *exec.Cmd
}

func newTerminal(t *testing.T, history string) *terminal {
	t.Helper()
	looptest.NeedProcesses(t)
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	var unlock, number int32
	control(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{30, 150, 0, 0}
	control(t, master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer slave.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "AIO_TEST_PART=terminal", "TERM=xterm", "AIO_TEST_HISTORY="+history,
		"GOCOVERDIR="+t.TempDir())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	term := &terminal{t, master, newScreen(), cmd}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf) // fails when the child has ended
			_, _ = term.screen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-read
		master.Close()
	})
	return term
}

func control(t *testing.T, f *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err != nil || errno != 0 {
		t.Skip(err, errno)
	}
}

// enter types text when there is a prompt. The editor draws it again while one types, so what an
// input prints has to be seen before the next one is entered.
func (x *terminal) enter(text string) {
	x.t.Helper()
	x.see(">>> ")
	x.send(text)
}

// see waits for text, and forgets it with all before it.
func (x *terminal) see(text string) {
	x.t.Helper()
	x.screen.waitFor(text)
	x.screen.forget(text)
}

func (x *terminal) send(text string) {
	x.t.Helper()
	if _, err := x.master.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// forget drops all up to the first text, so that a later one is waited for.
func (s *screen) forget(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := strings.Index(s.text.String(), text); at >= 0 {
		s.text.Next(at + len(text))
	}
}

// The session keeps its names through a cancelled input, one that is given up, and one that blocks no
// longer than the loop.
func TestCtrlCCancelsTheInputAndNotTheSession(t *testing.T) {
	history := filepath.Join(t.TempDir(), "folder", "history")
	x := newTerminal(t, history)
	x.enter("kept := 40 + 2; kept\r")
	x.see("42\r\n")
	x.enter(`fmt.Print("it ", "waits\n"); aio.Sleep(ctx, time.Hour)` + "\r")
	x.see("it waits\r\n")
	x.send("\x03")
	x.see("cancelled\r\n")
	x.enter("given up")
	x.see("given up") // so the editor has the terminal
	x.send("\x03")
	x.see("^C")
	x.enter("ke\t + 1\r")
	x.see("43\r\n")
	x.enter("\x1b[A\r") // the one before
	x.see("43\r\n")
	x.enter("\x04")
	if err := x.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, x.screen)
	}
	text, err := os.ReadFile(history)
	if err != nil || !strings.HasPrefix(string(text), "kept := 40 + 2; kept\n") || !strings.Contains(string(text), "kept + 1\n") {
		t.Errorf("the history: %q, %v", text, err)
	}
	x = newTerminal(t, history)
	x.enter("\x1b[A\r") // of the session before
	x.see("error: undefined: kept\r\n")
	x.enter("\x04")
	if err := x.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, x.screen)
	}
}

func TestAnInputThatBlocksTheLoopIsNamed(t *testing.T) {
	x := newTerminal(t, "")
	x.enter(`fmt.Print("it ", "blocks\n"); time.Sleep(time.Hour)` + "\r")
	x.see("it blocks\r\n")
	x.send("\x03")
	x.see("the input blocks the loop")
	x.send("\x1c") // Ctrl-\
	if err := x.cmd.Wait(); err == nil {
		t.Error("it ended well")
	}
}
