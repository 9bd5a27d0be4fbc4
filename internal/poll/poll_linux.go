package poll

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// States of a poller, for Wake. Only the waiting goroutine sets woken and parked back to idle.
//
//	state   meaning                                 Wake
//	idle    no goroutine is parked                  -> woken
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
	fd   int // -1 after Close: the number may belong to another file then
	gate gate
	file *os.File        // the gate, as the runtime's poller knows it
	raw  syscall.RawConn // of file

	state atomic.Int32

	// Only the goroutine in Wait uses the rest.

	look   func(fd uintptr) bool // lookParked as a value, made once
	events []syscall.EpollEvent  // what epoll_wait fills
	n      int                   // how many it filled
	errno  syscall.Errno         // or why it did not
	looks  int                   // how often the set was read
	parked bool                  // the last Wait has parked
	armed  bool                  // file has a read deadline
	until  time.Time             // that deadline; zero if it has passed
}

// New returns a poller.
func New() (Poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	g, err := newGate(fd)
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	// os.NewFile hands a descriptor to the runtime's poller only if it is in non-blocking mode.
	if err := syscall.SetNonblock(g.fd, true); err != nil {
		syscall.Close(g.fd)
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &epoll{fd: fd, gate: g, file: os.NewFile(uintptr(g.fd), "epoll")}
	p.look = p.lookParked
	// Deadlines work only on files the runtime's poller took; without them Wake could not.
	if err = p.file.SetReadDeadline(time.Time{}); err == nil {
		p.raw, err = p.file.SyscallConn()
	}
	if err != nil {
		p.file.Close()
		syscall.Close(fd)
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
	low, high := int32(uint32(token)), int32(uint32(token>>32))
	ev := syscall.EpollEvent{Events: toEpoll(interest), Fd: low, Pad: high}
	// epoll_ctl does not block, so the scheduler need not know of it.
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL,
		uintptr(p.fd), uintptr(op), fd, uintptr(unsafe.Pointer(&ev)), 0, 0)
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
	p.n, p.errno, p.looks, p.parked = 0, 0, 0, false
	if d == 0 {
		p.fetch()
	} else if err := p.park(d); err != nil {
		return 0, err
	}
	if p.errno == 0 && p.n > 0 {
		p.errno = p.gate.reported()
	}
	if p.errno != 0 {
		return 0, os.NewSyscallError("epoll_wait", p.errno)
	}
	for i := range p.n {
		ev := &p.events[i]
		token := uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
		events[i] = Event{Token: token, Ready: fromEpoll(ev.Events)}
	}
	return p.n, nil
}

// park waits for events, the end of d or Wake.
//
// No Wake is lost. A Wake before the change to parked makes that change fail. A Wake after it sees
// parked and moves the deadline, which the runtime's poller reports whether or not the goroutine is
// parked yet. The deadline of d is set before the state is read, so it cannot undo that of Wake. A
// slow Wake may end the next Wait, which then looks again.
func (p *epoll) park(d time.Duration) error {
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	if err := p.limit(end); err != nil {
		return err
	}
	if !p.state.CompareAndSwap(idle, parked) {
		p.state.Store(idle)
		p.fetch()
		return nil
	}
	var err error
	for {
		err = p.raw.Read(p.look)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		p.armed, p.until, err = true, time.Time{}, nil
		if p.looks > 0 && p.state.Load() == woken {
			p.parked = true
			break // events that came meanwhile have time until the next Wait
		}
		// Look, since an expired deadline must not delay events. It may be that of an earlier Wait
		// or a slow Wake: then there is time left.
		if p.lookParked(0) || d > 0 && !time.Now().Before(end) {
			break
		}
		if err = p.limit(end); err != nil || p.state.Load() == woken {
			break
		}
	}
	if p.state.Swap(idle) == woken {
		p.armed, p.until = true, time.Time{}
	}
	return err
}

// limit sets when the parking ends; the zero time means never. It keeps an earlier deadline that is
// set already: setting one is expensive and may wake a thread.
func (p *epoll) limit(end time.Time) error {
	switch {
	case !p.armed && end.IsZero():
		return nil
	case p.armed && !p.until.IsZero() && (end.IsZero() || !p.until.After(end)):
		return nil
	}
	p.armed, p.until = !end.IsZero(), end
	return p.file.SetReadDeadline(end)
}

// lookParked is called before the goroutine parks and after each wake-up. It reports whether the
// goroutine need not park. It opens the gate first: later events are reported, and earlier ones are
// found here.
func (p *epoll) lookParked(uintptr) bool {
	p.parked = p.looks > 0
	if p.errno = p.gate.unlock(); p.errno != 0 {
		return true
	}
	return p.fetch()
}

// Parked reports whether the last Wait parked, so that the scheduler had its turn.
func (p *epoll) Parked() bool { return p.parked }

// fetch reads the set without blocking. It reports whether there is something to return.
func (p *epoll) fetch() bool {
	p.looks++
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
	if p.fd < 0 {
		return os.ErrClosed
	}
	fd := p.fd
	p.fd = -1
	return errors.Join(os.NewSyscallError("close", syscall.Close(fd)), p.file.Close())
}

// epollET is syscall.EPOLLET as a bit. The constant is negative on some architectures.
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
	// Readers and writers both learn of a failure: the next operation returns the error.
	if e&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		i |= Readable | Writable | HangUp
	}
	return i
}
