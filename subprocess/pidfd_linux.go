package subprocess

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/aio-go/aio"
)

// pidfd is a child as a descriptor, which is readable when the child has ended. It means this child
// and no other while it is open, even if another process collects the child and its number is
// reused.
type pidfd struct {
	fd      int // -1 after close
	readied *aio.Watch
}

const (
	waitPidfd       = 3   // P_PIDFD
	pidfdSendSignal = 424 // the number of the call, on all architectures
	siginfoSize     = 128 // bytes
)

// takePidfd makes a handle of the descriptor that the system gave at the start, nil if it gave
// none. The os.Process is not used any more then.
func takePidfd(fd int, p *os.Process) handle {
	if fd < 0 {
		return nil
	}
	p.Release()
	return &pidfd{fd: fd}
}

func (h *pidfd) watch(n *nursery, ended func(Status, error)) (err error) {
	h.readied, err = n.loop.Watch(uintptr(h.fd), func(aio.Interest) {
		if s, yes, err := h.poll(); yes {
			ended(s, err)
		}
	})
	return err
}

// poll collects the child if it has ended.
func (h *pidfd) poll() (Status, bool, error) {
	if h.fd < 0 {
		return Status{}, false, os.ErrClosed
	}
	var info [siginfoSize / 4]int32
	var usage syscall.Rusage
	for {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_WAITID, waitPidfd, uintptr(h.fd),
			uintptr(unsafe.Pointer(&info)),
			syscall.WEXITED|syscall.WNOHANG, uintptr(unsafe.Pointer(&usage)), 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return Status{}, true, os.NewSyscallError("waitid", errno)
		case info[0] == 0: // no signal: it still runs
			return Status{}, false, nil
		}
		return statusOf(&info, &usage), true, nil
	}
}

// statusOf reads the result of waitid. The layout has padding in front of the union if pointers
// have 8 bytes; on MIPS two fields are in the other order.
func statusOf(info *[siginfoSize / 4]int32, usage *syscall.Rusage) Status {
	code, union := info[2], 3
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		code = info[1]
	}
	if unsafe.Sizeof(uintptr(0)) == 8 {
		union = 4
	}
	status := int(info[union+2])
	s := Status{
		Code:   status,
		User:   time.Duration(usage.Utime.Nano()),
		System: time.Duration(usage.Stime.Nano()),
	}
	const (
		exited = 1 // CLD_EXITED
		dumped = 3 // CLD_DUMPED
	)
	if code != exited {
		s.Code, s.Core = -status, code == dumped
	}
	return s
}

func (h *pidfd) signal(sig syscall.Signal) error {
	if h.fd < 0 {
		return os.ErrProcessDone
	}
	_, _, errno := syscall.RawSyscall6(pidfdSendSignal, uintptr(h.fd), uintptr(sig), 0, 0, 0, 0)
	switch errno {
	case 0:
		return nil
	case syscall.ESRCH:
		return os.ErrProcessDone
	}
	return os.NewSyscallError("pidfd_send_signal", errno)
}

// outlast waits in poll(2), since the loop does not run any more.
func (h *pidfd) outlast(d time.Duration) (Status, bool, error) {
	deadline := time.Now().Add(d)
	for {
		s, ended, err := h.poll()
		left := time.Until(deadline)
		if ended || err != nil || left <= 0 {
			return s, ended, err
		}
		waiting := struct {
			fd              int32
			events, revents int16
		}{fd: int32(h.fd), events: 1}
		limit := syscall.NsecToTimespec(int64(left))
		syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&waiting)), 1,
			uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	}
}

func (h *pidfd) close() {
	if h.readied != nil {
		h.readied.Close()
		h.readied = nil
	}
	if h.fd >= 0 {
		syscall.Close(h.fd)
		h.fd = -1
	}
}

// pidfdOf returns a descriptor of a new child, -1 if there is none. Package os finds out once
// whether the system has all the calls (Linux 5.4 has, emulators and sandboxes may not), and asks
// for one then.
func pidfdOf(p *os.Process) int {
	fd := -1
	_ = p.WithHandle(func(handle uintptr) {
		if n, err := dupCloseOnExec(int(handle)); err == nil {
			fd = n
		}
	})
	return fd
}
