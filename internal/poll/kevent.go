//go:build !plan9

package poll

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

// The part of the kqueue poller that needs no kqueue: it translates filters to epoll's conditions.

// filter is one of the two conditions of a descriptor that a kqueue watches separately.
type filter uint8

const (
	readFilter filter = iota
	writeFilter
)

// action is an operation of a kqueue on a filter.
type action uint8

const (
	addLevel action = iota
	addEdge
	touch // change nothing: fails if the filter is not there
	drop
)

// report is an event of a kqueue.
type report struct {
	fd     uintptr
	filter filter
	eof    bool // reading: the other side sends no more; writing: nothing can be sent any more
	failed bool // and the system knows an error
}

// kernel is the kqueue itself.
type kernel interface {
	change(fd uintptr, f filter, a action) error
	reports(room []report) (int, error) // without waiting
	isSocket(fd uintptr) bool
}

// filterSet stores what is watched: a kqueue has no room for a token that the garbage collector
// would not take for a pointer.
type filterSet struct {
	kernel kernel
	known  map[uintptr]*watched
	broken []uintptr // descriptors that failed in Add and have to be reported, in that order
	room   []report  // what the kernel fills
}

type watched struct {
	token    uint64
	interest Interest
	filters  []filter // those that the kernel has
	socket   bool
}

func newFilterSet(k kernel) filterSet {
	return filterSet{kernel: k, known: make(map[uintptr]*watched)}
}

// Add fails with EEXIST if the descriptor is watched already. A kqueue itself would replace the
// watch.
func (s *filterSet) Add(fd uintptr, token uint64, interest Interest) error {
	if s.has(fd) {
		return os.NewSyscallError("kevent", syscall.EEXIST)
	}
	s.forget(fd) // one of that number was closed without Remove
	w := &watched{token: token, interest: interest, socket: s.kernel.isSocket(fd)}
	for _, f := range filters(interest) {
		err := s.kernel.change(fd, f, adding(f, interest))
		switch {
		case err == nil:
			w.filters = append(w.filters, f)
		case f == writeFilter && errors.Is(err, syscall.EPIPE):
			s.broken = append(s.broken, fd) // FreeBSD refuses a pipe whose reader has gone
		default:
			for _, f := range w.filters {
				s.kernel.change(fd, f, drop)
			}
			return err
		}
	}
	s.known[fd] = w
	return nil
}

// has reports whether the kernel still watches fd. A closed descriptor leaves a kqueue by itself.
func (s *filterSet) has(fd uintptr) bool {
	w := s.known[fd]
	return w != nil && len(w.filters) > 0 && s.kernel.change(fd, w.filters[0], touch) == nil
}

// Modify watches again, so a descriptor that is ready is reported once more. If that fails, the old
// watch stays where possible.
func (s *filterSet) Modify(fd uintptr, token uint64, interest Interest) error {
	old := s.known[fd]
	if old == nil {
		return os.NewSyscallError("kevent", syscall.ENOENT)
	}
	s.Remove(fd) // Add tells what is wrong
	err := s.Add(fd, token, interest)
	if err != nil {
		s.Add(fd, old.token, old.interest)
	}
	return err
}

func (s *filterSet) Remove(fd uintptr) (err error) {
	w := s.known[fd]
	if w == nil {
		return os.NewSyscallError("kevent", syscall.ENOENT)
	}
	s.forget(fd)
	for _, f := range w.filters {
		if failed := s.kernel.change(fd, f, drop); err == nil {
			err = failed // the descriptor was closed before
		}
	}
	return err
}

func (s *filterSet) forget(fd uintptr) {
	delete(s.known, fd)
	if i := slices.Index(s.broken, fd); i >= 0 {
		s.broken = slices.Delete(s.broken, i, i+1)
	}
}

func (s *filterSet) fetch(events []Event) (int, error) {
	if cap(s.room) < len(events) {
		s.room = make([]report, len(events))
	}
	n, err := s.kernel.reports(s.room[:len(events)])
	if err != nil {
		return 0, err
	}
	stored := 0
	for _, r := range s.room[:n] {
		w := s.known[r.fd]
		if w == nil {
			continue
		}
		if ready := w.ready(r); ready != 0 {
			events[stored] = Event{Token: w.token, Ready: ready}
			stored++
		}
	}
	left := s.broken[:0]
	for _, fd := range s.broken {
		w := s.known[fd]
		if stored < len(events) {
			events[stored] = Event{Token: w.token, Ready: Readable | Writable | HangUp}
			stored++
			if w.interest&Edge != 0 {
				continue
			}
		}
		left = append(left, fd)
	}
	s.broken = left
	return stored, nil
}

// filters returns the filters of an interest. Only the read filter sees a half-close.
func filters(i Interest) (fs []filter) {
	if i&(Readable|HangUp) != 0 {
		fs = append(fs, readFilter)
	}
	if i&Writable != 0 {
		fs = append(fs, writeFilter)
	}
	return fs
}

// adding returns how to add a filter. A read filter that is only there for a half-close should
// report unread data once, not continuously.
func adding(f filter, i Interest) action {
	if i&Edge != 0 || f == readFilter && i&Readable == 0 {
		return addEdge
	}
	return addLevel
}

// ready translates a report to epoll's conditions, or 0 if there are none.
//
//	filter  eof  of a socket  error  says
//	read    -    -            -      Readable, if asked for
//	read    yes  yes          no     half-close: Readable, and HangUp if asked for
//	write   -    -            -      Writable
//	write   yes  yes          no     Writable: this side may have ended its own direction
//	any     yes  no           -      failure: everything
//	any     yes  yes          yes    failure: everything
func (w *watched) ready(r report) Interest {
	switch {
	case r.eof && (r.failed || !w.socket):
		return Readable | Writable | HangUp
	case r.filter == writeFilter:
		return Writable
	case r.eof:
		return Readable | w.interest&HangUp
	}
	return w.interest & Readable
}
