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
