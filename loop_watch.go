package aio

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/poll"
)

// Interest is a set of things that can happen to a descriptor.
type Interest = poll.Interest

// What a descriptor is ready for.
const (
	Readable = poll.Readable // there is something to read, or the end
	Writable = poll.Writable // there is room to write
	HangUp   = poll.HangUp   // the other side has ended its direction, or the connection has failed
)

// Watch is a descriptor that the loop looks after.
type Watch struct {
	_      nocopy.Mark
	loop   *Loop
	fd     uintptr
	token  uint64
	ready  func(ev Interest)
	events Interest // seen, not yet handed on
	queued bool
}

// Watch has ready called, as an entry of the ready queue, whenever the readiness of the descriptor fd changes (edge-triggered: read or
// write until the system says that it would block). The descriptor must be non-blocking. The loop does not own it: Close the Watch before
// closing the descriptor. It returns [ErrNoPoller] where the platform has no poller, and the system's error if it refuses the descriptor.
// Loop only.
func (l *Loop) Watch(fd uintptr, ready func(ev Interest)) (*Watch, error) {
	mustHave("Loop.Watch", ready != nil)
	l.check("Loop.Watch")
	return l.watch("Loop.Watch", fd, Readable|Writable|HangUp|poll.Edge, ready)
}

func (l *Loop) watch(op string, fd uintptr, interest Interest, ready func(ev Interest)) (*Watch, error) {
	if err := l.needPoller(); err != nil {
		return nil, err
	}
	w := &Watch{loop: l, fd: fd, ready: ready}
	w.token = l.watches.add(w)
	if err := l.poller.Add(fd, w.token, interest); err != nil {
		l.watches.remove(w)
		return nil, fmt.Errorf("aio: %s: descriptor %d: %w", op, fd, err)
	}
	return w, nil
}

// Close ends the watch: ready is not called any more. A second Close does nothing. Loop only.
func (w *Watch) Close() {
	if w.ready == nil {
		return
	}
	w.ready = nil
	if !w.loop.closed.Load() {
		w.loop.poller.Remove(w.fd)
	}
	w.loop.watches.remove(w)
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

// eventsAtOnce is how many events a pass takes. The sockets and buffers that their callbacks touch are still in the
// processor's cache when the tasks go on that they woke; with hundreds of events they are not.
const eventsAtOnce = 32

// needPoller makes the poller when the first descriptor comes.
func (l *Loop) needPoller() error {
	if l.poller != nil {
		return nil
	}
	p, err := l.newPoll()
	if errors.Is(err, errors.ErrUnsupported) {
		return ErrNoPoller
	} else if err != nil {
		return err
	}
	l.pollBuf = make([]poll.Event, eventsAtOnce)
	l.parker, _ = p.(parker)
	l.mu.Lock()
	l.poller = p
	l.mu.Unlock()
	return nil
}

// watchTable finds the Watch of an event. Slots are used again; the generation in the token tells an event for the former user of a slot.
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
