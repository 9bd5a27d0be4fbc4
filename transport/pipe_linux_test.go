package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns the master of a new terminal in raw mode, and the terminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n uint32
	var errno syscall.Errno
	raw.Control(func(fd uintptr) {
		unlocked := 0
		if _, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCSPTLCK,
			uintptr(unsafe.Pointer(&unlocked))); errno == 0 {
			_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGPTN,
				uintptr(unsafe.Pointer(&n)))
		}
	})
	if errno != 0 {
		t.Skipf("no terminals here: %v", errno)
	}
	// Opened as a shell has it: in blocking mode.
	fd, err := syscall.Open(fmt.Sprintf("/dev/pts/%d",
		n), syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	terminal = os.NewFile(uintptr(fd), "terminal")
	t.Cleanup(func() { terminal.Close() })
	var mode syscall.Termios
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCGETS,
		uintptr(unsafe.Pointer(&mode))); errno != 0 {
		t.Fatal(errno)
	}
	mode.Lflag &^= syscall.ECHO | syscall.ICANON | syscall.ISIG
	mode.Oflag &^= syscall.OPOST
	mode.Iflag &^= syscall.ICRNL | syscall.IXON
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCSETS,
		uintptr(unsafe.Pointer(&mode))); errno != 0 {
		t.Fatal(errno)
	}
	return master, terminal
}

// isBlocking reports the mode of the open file of f.
func isBlocking(t *testing.T, f *os.File) bool {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var flags uintptr
	raw.Control(func(fd uintptr) {
		flags, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
	})
	return flags&syscall.O_NONBLOCK == 0
}

// duplicated returns f under another number.
func duplicated(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := takeDescriptor(f)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// Conformance: UP-002.
func TestATerminalAsReadPipe(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			master, terminal := openTerminal(t)
			p := &recorder{name: "reader"}
			_, err := ConnectReadPipe(ctx, master, p)
			e.ok(err)
			terminal.WriteString("1")
			p.awaitData(ctx, e, "1")
			terminal.WriteString("2345")
			p.awaitData(ctx, e, "12345")
			terminal.Close()
			e.ok(p.awaitLost(ctx, e))
		})
	})
}

// Conformance: UP-005.
func TestATerminalWorksInBothDirections(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			master, terminal := openTerminal(t)
			from, to := &recorder{name: "reader"}, &recorder{name: "writer"}
			in, err := ConnectReadPipe(ctx, duplicated(t, master), from)
			e.ok(err)
			out, err := ConnectWritePipe(ctx, duplicated(t, master), to)
			e.ok(err)
			out.Write([]byte("down"))
			got := make([]byte, 4)
			if _, err := terminal.Read(got); err != nil || string(got) != "down" {
				t.Errorf("the terminal read %q, %v", got, err)
			}
			terminal.WriteString("up")
			from.awaitData(ctx, e, "up")
			out.Close()
			e.ok(to.awaitLost(ctx, e))
			terminal.WriteString(" and on")
			from.awaitData(ctx, e, "up and on")
			in.Close()
			e.ok(from.awaitLost(ctx, e))
		})
	})
}

// Conformance: UP-004.
func TestAWritePipeNoticesThatItsReaderLeft(t *testing.T) {
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		r, w := osPipe(t)
		p := &recorder{name: "writer"}
		_, err := ConnectWritePipe(ctx, w, p)
		e.ok(err)
		r.Close()
		e.ok(p.awaitLost(ctx, e)) // although nothing was written
		p.expect(e, "made", "lost")
	})
}

func TestAPortableWritePipeNoticesThatItsReaderLeftWhenItWrites(t *testing.T) {
	inLoop(t, Portable(), func(ctx context.Context, e *env) {
		r, w := osPipe(t)
		p := &recorder{name: "writer"}
		tr, err := ConnectWritePipe(ctx, w, p)
		e.ok(err)
		r.Close()
		tr.Write([]byte("x"))
		tr.Close()
		if err := p.awaitLost(ctx, e); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("lost with %v", err)
		}
	})
}

// A descriptor that others share must go on blocking: a pipe and a terminal always, a socket after
// the end.
func TestOthersDoNotNoticeThatADescriptorIsUsedWithoutBlocking(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var fds [2]int
			e.ok(syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
			end, shared := os.NewFile(uintptr(fds[1]), "end"), os.NewFile(uintptr(fds[0]), "shared")
			defer end.Close()
			defer shared.Close()
			p := &recorder{}
			tr, err := ConnectReadPipe(ctx, duplicated(t, shared), p)
			e.ok(err)
			if !isBlocking(t, shared) {
				t.Error("the pipe does not block any more")
			}
			end.WriteString("works")
			p.awaitData(ctx, e, "works")
			tr.Abort()
			e.ok(p.awaitLost(ctx, e))

			_, terminal := openTerminal(t)
			p = &recorder{}
			tr, err = ConnectWritePipe(ctx, duplicated(t, terminal), p)
			e.ok(err)
			if !isBlocking(t, terminal) {
				t.Error("the terminal does not block any more")
			}
			tr.Abort()
			e.ok(p.awaitLost(ctx, e))

			pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			e.ok(err)
			mine, other := os.NewFile(uintptr(pair[0]), "mine"), os.NewFile(uintptr(pair[1]), "other")
			defer mine.Close()
			defer other.Close()
			p = &recorder{}
			tr, err = ConnectReadPipe(ctx, duplicated(t, mine), p)
			e.ok(err)
			other.WriteString("works, too")
			p.awaitData(ctx, e, "works, too")
			tr.Abort()
			e.ok(p.awaitLost(ctx, e))
			if !isBlocking(t, mine) {
				t.Error("the mode of the socket was not restored")
			}
		})
	})
}

func TestADeviceThatIsAlwaysReadyIsRefused(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		null, err := os.Open(os.DevNull)
		e.ok(err)
		_, err = ConnectReadPipe(ctx, null, &recorder{})
		if !errors.Is(err, ErrNotPipe) || !strings.Contains(err.Error(), os.DevNull) {
			t.Errorf("the error is %v", err)
		}
	})
}
