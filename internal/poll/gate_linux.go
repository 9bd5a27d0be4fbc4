package poll

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// gate stands between a set of descriptors and the poller of the Go runtime. It is a second epoll
// set that contains the first; the runtime knows only the gate.
//
// Each event behind an open gate wakes a thread of the runtime, if one sits in its poller. One does
// while a goroutine waits there or a timer of the program is pending. That is needed while our
// goroutine is parked. While the loop runs it is waste, because the loop finds the event by itself.
//
//	gate  an event                          becomes
//	shut  stays in the set                  open, when a goroutine is about to park
//	open  is reported to the runtime, too   shut, when two reports came within dense
//
// Opening and shutting take a system call each. So in sparse traffic, where the goroutine is nearly
// always parked, the gate stays open.
type gate struct {
	fd   int // of the outer set; the runtime's file owns it
	set  int // of the inner set
	open bool
	last time.Duration // since start: when events were last reported through the open gate
}

// dense is the longest time between two reports of events that counts as dense traffic.
const dense = time.Millisecond

var start = time.Now()

// newGate returns a shut gate around a set. The caller closes fd.
func newGate(set int) (gate, error) {
	g := gate{set: set, last: -dense}
	var err error
	if g.fd, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return g, os.NewSyscallError("epoll_create1", err)
	}
	if errno := g.ctl(syscall.EPOLL_CTL_ADD, 0); errno != 0 {
		syscall.Close(g.fd)
		return g, os.NewSyscallError("epoll_ctl", errno)
	}
	return g, nil
}

// unlock opens the gate. It may not report events that are in the set already, since it may have
// reported them before. So the caller reads the set afterwards, and parks only if it is empty.
func (g *gate) unlock() syscall.Errno {
	if g.open {
		return 0
	}
	errno := g.ctl(syscall.EPOLL_CTL_MOD, syscall.EPOLLIN)
	g.open = errno == 0
	return errno
}

// reported is called when events were found in the set. It shuts the gate if they come close
// together.
func (g *gate) reported() syscall.Errno {
	if !g.open {
		return 0
	}
	now := time.Since(start)
	gap := now - g.last
	g.last = now
	if gap >= dense {
		return 0
	}
	errno := g.ctl(syscall.EPOLL_CTL_MOD, 0)
	g.open = errno != 0
	return errno
}

func (g *gate) ctl(op int, events uint32) syscall.Errno {
	ev := syscall.EpollEvent{Events: events}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL,
		uintptr(g.fd), uintptr(op), uintptr(g.set), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return errno
}
