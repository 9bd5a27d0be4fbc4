//go:build !plan9

package poll

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

// The part of the kqueue poller that needs no kqueue: it makes of filters what epoll makes of conditions.

// filter is one of the two conditions of a descriptor that a kqueue watches, each by itself.
type filter uint8

const (
	readFilter filter = iota
	writeFilter
)

// action is what a kqueue is to do with a filter.
type action uint8

const (
	addLevel action = iota
	addEdge
	touch // change nothing: fails if the filter is not there
	drop
)

// report is what a kqueue says of a descriptor.
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

// filterSet keeps what is watched: a kqueue has no room for a token that the collector would not take for a pointer.
type filterSet struct {
	kernel kernel
	known  map[uintptr]*watched
	broken []uintptr // descriptors that failed before they could be watched, to be reported; in the order of Add
	room   []report  // what the kernel fills
}

type watched struct {
	token    uint64
	interest Interest
	filters  []filter // those that the kernel has
	socket   bool
}

func newFilterSet(k kernel) filterSet { return filterSet{kernel: k, known: make(map[uintptr]*watched)} }

// Add fails with EEXIST if the descriptor is watched already. A kqueue itself would replace what it has.
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

// has reports whether the kernel still watches fd: a closed descriptor leaves a kqueue by itself.
func (s *filterSet) has(fd uintptr) bool {
	w := s.known[fd]
	return w != nil && len(w.filters) > 0 && s.kernel.change(fd, w.filters[0], touch) == nil
}

// Modify watches anew: that reports once more what is ready. If that fails, the old watch stays where it can.
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

// filters returns what to watch for an interest. A half-close is seen by the read filter alone.
func filters(i Interest) (fs []filter) {
	if i&(Readable|HangUp) != 0 {
		fs = append(fs, readFilter)
	}
	if i&Writable != 0 {
		fs = append(fs, writeFilter)
	}
	return fs
}

// adding says how a filter is added. A read filter that is there for a half-close alone is to report data that nobody
// reads once, not as long as it lasts.
func adding(f filter, i Interest) action {
	if i&Edge != 0 || f == readFilter && i&Readable == 0 {
		return addEdge
	}
	return addLevel
}

// ready translates a report into what epoll would say, 0 if that is nothing.
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
