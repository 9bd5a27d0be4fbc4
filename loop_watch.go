package aio

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/poll"
)

// Interest is a set of events of a descriptor.
type Interest = poll.Interest

// The events of a descriptor.
const (
	Readable = poll.Readable // there is something to read, or the end
	Writable = poll.Writable // there is room to write
	HangUp   = poll.HangUp   // the other side has ended its direction, or the connection has failed
)

// Watch is a descriptor that the loop watches.
type Watch struct {
	_      nocopy.Mark
	loop   *Loop
	fd     uintptr
	token  uint64
	ready  func(ev Interest)
	events Interest // seen, not yet handed on
	queued bool
}

// Watch makes the loop call ready whenever the readiness of descriptor fd changes. It is
// edge-triggered: read or write until the system says that it would block. The descriptor must be
// non-blocking. The loop does not own it: close the Watch before the descriptor. It returns
// [ErrNoPoller] on platforms without a poller, and the system's error if it refuses the descriptor.
func (l *Loop) Watch(fd uintptr, ready func(ev Interest)) (*Watch, error) {
	mustHave("Loop.Watch", ready != nil)
	l.check("Loop.Watch")
	return l.watch("Loop.Watch", fd, Readable|Writable|HangUp|poll.Edge, ready)
}

func (l *Loop) watch(
	op string, fd uintptr, interest Interest, ready func(ev Interest),
) (*Watch, error) {
	if err := l.watches.open(&l.inbox); err != nil {
		return nil, err
	}
	w := &Watch{loop: l, fd: fd, ready: ready}
	w.token = l.watches.table.add(w)
	if err := l.watches.poller.Add(fd, w.token, interest); err != nil {
		l.watches.table.remove(w)
		return nil, fmt.Errorf("aio: %s: descriptor %d: %w", op, fd, err)
	}
	return w, nil
}

// Close ends the watch: ready is not called any more. A second Close does nothing.
func (w *Watch) Close() {
	w.loop.MustBeHere("Watch.Close")
	if w.ready == nil {
		return
	}
	w.ready = nil
	if !w.loop.closed.Load() {
		w.loop.watches.poller.Remove(w.fd)
	}
	w.loop.watches.table.remove(w)
}

func (w *Watch) run() {
	ev := w.events
	w.events, w.queued = 0, false
	if w.ready == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			w.loop.report(Report{
				Message: fmt.Sprintf("the callback for descriptor %d panicked", w.fd),
				Err:     &PanicError{Value: v, Stack: debug.Stack()},
			})
		}
	}()
	w.ready(ev)
}

// Source is a source of events without a descriptor: an end of a connection in memory, or a device
// that a test simulates. Its reports take their turns as those of a [Watch] do, so to a [Scheduler]
// they are events. In contrast to a descriptor, a virtual clock does not wait for it: what it
// reports comes from the loop itself. asyncio has no counterpart.
type Source struct {
	_      nocopy.Mark
	loop   *Loop
	ready  func(ev Interest)
	events Interest // reported, not yet handed on
	queued bool
}

// NewSource returns a source whose reports make the loop call ready. Reports that come before the
// call are passed on together. It panics if ready is nil. Loop only.
func (l *Loop) NewSource(ready func(ev Interest)) *Source {
	mustHave("Loop.NewSource", ready != nil)
	return &Source{loop: l, ready: ready}
}

// Report makes the loop call the function with ev, never inside Report. It allocates nothing. After
// Close it does nothing. Loop only; on other goroutines use [Loop.CallSoonThreadsafe].
func (s *Source) Report(ev Interest) {
	s.loop.MustBeHere("Source.Report")
	if s.ready == nil {
		return
	}
	s.events |= ev
	if !s.queued {
		s.queued = true
		s.loop.ready.Push(s)
	}
}

// Close ends the source: the function is not called any more. A second Close does nothing.
func (s *Source) Close() {
	s.loop.MustBeHere("Source.Close")
	s.ready = nil
}

func (s *Source) run() {
	ev := s.events
	s.events, s.queued = 0, false
	if s.ready == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.loop.report(Report{
				Message: "the callback of a source of events panicked",
				Err:     &PanicError{Value: v, Stack: debug.Stack()},
			})
		}
	}()
	s.ready(ev)
}

// watches is the part of a loop that knows the descriptors.
type watches struct {
	table  watchTable
	files  map[uintptr]*fileWatch // of AddReader and AddWriter
	make   func() (poll.Poller, error)
	poller poll.Poller // made with the first descriptor; nil: none yet
	parker parker      // the poller, if it can tell whether it parked; else nil
	events []poll.Event
	last   int64 // when the poller was last asked
	steps  uint  // steps of the loop then
}

// Poller waits for descriptors on behalf of a loop, which creates one with its first descriptor.
type Poller = poll.Poller

// PollEvent is an event that a [Poller] reports.
type PollEvent = poll.Event

// WithPoller sets the function that creates the poller. Default: epoll on Linux, kqueue on macOS
// and the BSDs, none elsewhere.
func WithPoller(make func() (Poller, error)) Option {
	mustHave("WithPoller", make != nil)
	return option(func(l *Loop) { l.watches.make = make })
}

// parker is a poller that knows whether its last Wait parked the goroutine.
type parker interface{ Parked() bool }

// eventsAtOnce is how many events a pass handles. The sockets and buffers that callbacks touch are
// then still in the cache when the tasks they woke resume. With hundreds of events they are not.
const eventsAtOnce = 32

// open creates the poller when the first descriptor comes.
func (x *watches) open(b *inbox) error {
	if x.poller != nil {
		return nil
	}
	p, err := x.make()
	if errors.Is(err, errors.ErrUnsupported) {
		return ErrNoPoller
	} else if err != nil {
		return err
	}
	x.events = make([]poll.Event, eventsAtOnce)
	x.parker, _ = p.(parker)
	x.poller = p
	b.wakeBy(p)
	return nil
}

// close forgets the files and closes the poller.
func (x *watches) close() {
	x.files = nil
	if x.poller != nil {
		x.poller.Close()
	}
}

// watchTable finds the Watch of an event. Slots are reused. The generation in the token tells
// events of a slot's previous user apart.
type watchTable struct {
	slots []*Watch
	free  []uint32
	gen   uint32
	live  int
}

func (t *watchTable) add(w *Watch) (token uint64) {
	slot := uint32(len(t.slots))
	if n := len(t.free); n > 0 {
		slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		t.slots = append(t.slots, nil)
	}
	t.slots[slot] = w
	t.live++
	t.gen++
	return uint64(t.gen)<<32 | uint64(slot)
}

func (t *watchTable) remove(w *Watch) {
	slot := uint32(w.token)
	t.slots[slot] = nil
	t.free = append(t.free, slot)
	t.live--
}

func (t *watchTable) ready(l *Loop, ev poll.Event) {
	slot := uint32(ev.Token)
	if int(slot) >= len(t.slots) || t.slots[slot] == nil || t.slots[slot].token != ev.Token {
		return
	}
	w := t.slots[slot]
	w.events |= ev.Ready
	if !w.queued {
		w.queued = true
		l.ready.Push(w)
	}
}

// ErrOwnedDescriptor is returned by AddReader and AddWriter for a descriptor that has a [Watch]
// already, usually that of a transport.
var ErrOwnedDescriptor = errors.New("aio: the descriptor belongs to a transport")

// fileWatch is the level-triggered watch of AddReader and AddWriter. There is one for each
// descriptor, with a callback for each direction.
type fileWatch struct {
	watch  *Watch
	reader *Handle
	writer *Handle
}

// AddReader makes the loop call fn once a pass while fd is readable (level-triggered). It replaces
// a reader for the same descriptor. The caller owns the descriptor: remove the reader before
// closing it. It returns [ErrOwnedDescriptor] for a transport's descriptor and [ErrNoPoller] on
// platforms without a poller. If the system refuses the descriptor, it returns that error. asyncio:
// add_reader.
func (l *Loop) AddReader(fd uintptr, fn func()) error {
	return l.addFile("Loop.AddReader", fd, fn, func(f *fileWatch) **Handle { return &f.reader })
}

// AddWriter is [Loop.AddReader] for a writable descriptor. asyncio: add_writer.
func (l *Loop) AddWriter(fd uintptr, fn func()) error {
	return l.addFile("Loop.AddWriter", fd, fn, func(f *fileWatch) **Handle { return &f.writer })
}

// RemoveReader removes the callback of AddReader and reports whether there was one. asyncio:
// remove_reader.
func (l *Loop) RemoveReader(fd uintptr) bool {
	l.MustBeHere("Loop.RemoveReader")
	return l.removeFile(fd, func(f *fileWatch) **Handle { return &f.reader })
}

// RemoveWriter removes the callback of AddWriter and reports whether there was one. asyncio:
// remove_writer.
func (l *Loop) RemoveWriter(fd uintptr) bool {
	l.MustBeHere("Loop.RemoveWriter")
	return l.removeFile(fd, func(f *fileWatch) **Handle { return &f.writer })
}

func (l *Loop) addFile(op string, fd uintptr, fn func(), side func(*fileWatch) **Handle) error {
	l.checkCallback(op, fn)
	f := l.watches.files[fd]
	if f == nil {
		if l.watches.table.has(fd) {
			return fmt.Errorf("%s: descriptor %d: %w", op, fd, ErrOwnedDescriptor)
		}
		f = &fileWatch{}
		*side(f) = &Handle{loop: l, fn: fn}
		w, err := l.watch(op, fd, f.interest(), f.ready)
		if err != nil {
			return err
		}
		f.watch = w
		if l.watches.files == nil {
			l.watches.files = map[uintptr]*fileWatch{}
		}
		l.watches.files[fd] = f
		return nil
	}
	h := side(f)
	if *h != nil {
		(*h).Cancel()
	}
	*h = &Handle{loop: l, fn: fn}
	return l.watches.poller.Modify(fd, f.watch.token, f.interest())
}

func (l *Loop) removeFile(fd uintptr, side func(*fileWatch) **Handle) bool {
	f := l.watches.files[fd]
	if l.closed.Load() || f == nil || *side(f) == nil {
		return false
	}
	h := side(f)
	(*h).Cancel()
	*h = nil
	if f.interest() == 0 {
		delete(l.watches.files, fd)
		f.watch.Close()
	} else if !l.closed.Load() {
		l.watches.poller.Modify(fd, f.watch.token, f.interest())
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

// ready is called, as an entry of the ready queue, when the descriptor is ready. A hang-up is
// passed to both sides.
func (f *fileWatch) ready(ev Interest) {
	if h := f.reader; h != nil && ev&(Readable|HangUp) != 0 {
		h.run()
	}
	if h := f.writer; h != nil && ev&(Writable|HangUp) != 0 {
		h.run()
	}
}

// has reports whether a Watch uses fd.
func (t *watchTable) has(fd uintptr) bool {
	for _, w := range t.slots {
		if w != nil && w.fd == fd {
			return true
		}
	}
	return false
}
