package aio

import (
	"errors"
	"fmt"

	"github.com/aio-go/aio/internal/poll"
)

// ErrOwnedDescriptor is returned by AddReader and AddWriter for a descriptor that a [Watch], usually that of a transport, looks after.
var ErrOwnedDescriptor = errors.New("aio: the descriptor belongs to a transport")

// fileWatch is the level-triggered watch behind AddReader and AddWriter: one a descriptor, with a callback for each direction.
type fileWatch struct {
	watch  *Watch
	reader *Handle
	writer *Handle
}

// AddReader has fn called by the loop as long as there is something to read from fd, once a pass (level-triggered). A reader for the same
// descriptor is replaced. The descriptor stays the caller's: remove the reader before closing it. It returns [ErrOwnedDescriptor] for the
// descriptor of a transport, [ErrNoPoller] where the platform has no poller, and the system's error if it refuses the descriptor. Loop
// only. asyncio: add_reader.
func (l *Loop) AddReader(fd uintptr, fn func()) error {
	return l.addFile("Loop.AddReader", fd, fn, func(f *fileWatch) **Handle { return &f.reader })
}

// AddWriter is [Loop.AddReader] for room to write. asyncio: add_writer.
func (l *Loop) AddWriter(fd uintptr, fn func()) error {
	return l.addFile("Loop.AddWriter", fd, fn, func(f *fileWatch) **Handle { return &f.writer })
}

// RemoveReader ends what AddReader began and reports whether there was a reader. Loop only. asyncio: remove_reader.
func (l *Loop) RemoveReader(fd uintptr) bool {
	return l.removeFile(fd, func(f *fileWatch) **Handle { return &f.reader })
}

// RemoveWriter ends what AddWriter began and reports whether there was a writer. Loop only. asyncio: remove_writer.
func (l *Loop) RemoveWriter(fd uintptr) bool {
	return l.removeFile(fd, func(f *fileWatch) **Handle { return &f.writer })
}

func (l *Loop) addFile(op string, fd uintptr, fn func(), side func(*fileWatch) **Handle) error {
	l.checkCallback(op, fn)
	f := l.files[fd]
	if f == nil {
		if l.watches.has(fd) {
			return fmt.Errorf("%s: descriptor %d: %w", op, fd, ErrOwnedDescriptor)
		}
		f = &fileWatch{}
		*side(f) = &Handle{loop: l, fn: fn}
		w, err := l.watch(op, fd, f.interest(), f.ready)
		if err != nil {
			return err
		}
		f.watch = w
		if l.files == nil {
			l.files = map[uintptr]*fileWatch{}
		}
		l.files[fd] = f
		return nil
	}
	h := side(f)
	if *h != nil {
		(*h).Cancel()
	}
	*h = &Handle{loop: l, fn: fn}
	return l.poller.Modify(fd, f.watch.token, f.interest())
}

func (l *Loop) removeFile(fd uintptr, side func(*fileWatch) **Handle) bool {
	f := l.files[fd]
	if l.closed.Load() || f == nil || *side(f) == nil {
		return false
	}
	h := side(f)
	(*h).Cancel()
	*h = nil
	if f.interest() == 0 {
		delete(l.files, fd)
		f.watch.Close()
	} else if !l.closed.Load() {
		l.poller.Modify(fd, f.watch.token, f.interest())
	}
	return true
}

func (f *fileWatch) interest() (i poll.Interest) {
	if f.reader != nil {
		i |= Readable
	}
	if f.writer != nil {
		i |= Writable
	}
	return i
}

// ready is called, as an entry of the ready queue, when the descriptor was found ready. An end or an error is for both sides to find out.
func (f *fileWatch) ready(ev Interest) {
	if h := f.reader; h != nil && ev&(Readable|HangUp) != 0 {
		h.run()
	}
	if h := f.writer; h != nil && ev&(Writable|HangUp) != 0 {
		h.run()
	}
}

// has reports whether a Watch looks after fd.
func (t *watchTable) has(fd uintptr) bool {
	for _, w := range t.slots {
		if w != nil && w.fd == fd {
			return true
		}
	}
	return false
}
