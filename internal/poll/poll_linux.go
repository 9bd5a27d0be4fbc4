package poll

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// States of a poller, for Wake. The waiting goroutine alone leaves woken and parked for idle.
//
//	state   meaning                                 Wake
//	idle    nobody is parked                        -> woken
//	parked  Wait is parked, or about to             -> woken, and ends the parking
//	woken   the next Wait that would park returns   stays
const (
	idle int32 = iota
	parked
	woken
)

// longPast, as a deadline, ends a parked Wait.
var longPast = time.Unix(1, 0)

type epoll struct {
	fd   int             // -1 after Close: the number may belong to another file then
	file *os.File        // the same descriptor, as the runtime's poller knows it
	raw  syscall.RawConn // of file

	state atomic.Int32

	// Only the goroutine in Wait touches the rest.

	look   func(fd uintptr) bool // fetch as a value, made once
	events []syscall.EpollEvent  // what epoll_wait fills
	n      int                   // how many it filled
	errno  syscall.Errno         // or why it did not
	looked bool                  // fetch was called
	armed  bool                  // file has a read deadline, perhaps one that has passed
}

// New makes a poller.
func New() (Poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// os.NewFile hands a descriptor to the runtime's poller only if it is in non-blocking mode.
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &epoll{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	p.look = p.fetch
	// Deadlines work only on files the runtime's poller took; without them Wake could not.
	if err = p.file.SetReadDeadline(time.Time{}); err == nil {
		p.raw, err = p.file.SyscallConn()
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

func (p *epoll) Add(fd uintptr, token uint64, interest Interest) error {
	return p.ctl(syscall.EPOLL_CTL_ADD, fd, token, interest)
}

func (p *epoll) Modify(fd uintptr, token uint64, interest Interest) error {
	return p.ctl(syscall.EPOLL_CTL_MOD, fd, token, interest)
}

func (p *epoll) Remove(fd uintptr) error {
	return p.ctl(syscall.EPOLL_CTL_DEL, fd, 0, 0)
}

func (p *epoll) ctl(op int, fd uintptr, token uint64, interest Interest) error {
	if p.fd < 0 {
		return os.ErrClosed
	}
	ev := syscall.EpollEvent{Events: toEpoll(interest), Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	// epoll_ctl does not block: tell the scheduler nothing about it.
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), fd, uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

func (p *epoll) Wait(events []Event, d time.Duration) (int, error) {
	if len(events) == 0 {
		panic("poll: Wait: no room for events; pass a slice that is not empty")
	}
	if p.fd < 0 {
		return 0, os.ErrClosed
	}
	if cap(p.events) < len(events) {
		p.events = make([]syscall.EpollEvent, len(events))
	}
	p.events = p.events[:len(events)] // no more than fit: an edge that is dropped never comes back
	p.n, p.errno, p.looked = 0, 0, false
	if d == 0 {
		p.fetch(0)
	} else if err := p.park(d); err != nil {
		return 0, err
	}
	if p.errno != 0 {
		return 0, os.NewSyscallError("epoll_wait", p.errno)
	}
	for i := range p.n {
		ev := &p.events[i]
		events[i] = Event{Token: uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32, Ready: fromEpoll(ev.Events)}
	}
	return p.n, nil
}

// park waits for events, the end of d or Wake.
//
// No Wake is lost: one that comes before the change to parked makes that change fail; one that comes
// after it sees parked and moves the deadline, which the runtime's poller reports whether the goroutine
// is parked already or not. The deadline of d is set first, so it cannot undo the one of Wake. A Wake
// that is slow may hit the following Wait, which then returns early; the caller bears that.
func (p *epoll) park(d time.Duration) error {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	if p.armed || d > 0 {
		if err := p.file.SetReadDeadline(deadline); err != nil {
			return err
		}
		p.armed = d > 0
	}
	if !p.state.CompareAndSwap(idle, parked) {
		p.state.Store(idle)
		p.fetch(0)
		return nil
	}
	err := p.raw.Read(p.look)
	if p.state.Swap(idle) == woken {
		p.armed = true
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.armed = true
		err = nil
	}
	if err == nil && !p.looked {
		p.fetch(0) // a deadline that had passed already: it must not keep events waiting for ever
	}
	return err
}

// fetch reads the set without blocking. It reports whether the goroutine need not park.
func (p *epoll) fetch(uintptr) bool {
	p.looked = true
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p.events))), uintptr(len(p.events)), 0, 0, 0)
		switch errno {
		case 0:
			p.n = int(n)
			return p.n > 0
		case syscall.EINTR:
		default:
			p.errno = errno
			return true
		}
	}
}

func (p *epoll) Wake() {
	if p.state.Swap(woken) == parked {
		p.file.SetReadDeadline(longPast)
	}
}

func (p *epoll) Close() error {
	p.fd = -1
	return p.file.Close()
}

// epollET is syscall.EPOLLET, which is negative on some architectures, as the bit it is.
const epollET uint32 = 1 << 31

func toEpoll(i Interest) uint32 {
	var e uint32
	if i&Readable != 0 {
		e |= syscall.EPOLLIN
	}
	if i&Writable != 0 {
		e |= syscall.EPOLLOUT
	}
	if i&HangUp != 0 {
		e |= syscall.EPOLLRDHUP
	}
	if i&Edge != 0 {
		e |= epollET
	}
	return e
}

func fromEpoll(e uint32) Interest {
	var i Interest
	if e&(syscall.EPOLLIN|syscall.EPOLLPRI) != 0 {
		i |= Readable
	}
	if e&syscall.EPOLLOUT != 0 {
		i |= Writable
	}
	if e&syscall.EPOLLRDHUP != 0 {
		i |= Readable | HangUp
	}
	// A failure concerns readers and writers alike: whoever tries next is told what it was.
	if e&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		i |= Readable | Writable | HangUp
	}
	return i
}
