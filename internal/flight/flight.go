// Package flight has the ring in which a loop records what it does. The loop writes, and any
// goroutine may take a copy, also while the loop stands still. Package recorder shows it.
package flight

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Kind is what an [Event] is about.
type Kind uint16

const (
	Clock    Kind = iota + 1 // the clock was read: Cause and Arg have the time
	Made                     // a task was made; Arg is the place of its function
	Start                    // a task takes its first step
	Step                     // a task goes on; Op is the await that is over
	Callback                 // a function of CallSoon and the like is called; Arg is its place
	Due                      // timers are due, the first of them for Arg microseconds
	Timer                    // a timer's turn; Task is the one that slept, if any
	Deadline                 // the time of a block of Task is over
	Ready                    // descriptor Arg is ready
	Internal                 // the loop's own work
	Posts                    // Arg calls of other goroutines have come
	Wait                     // the loop waits
	End                      // a task has ended; Arg is its Outcome
	Cancel                   // a task was asked to end
)

// Outcome is how a task has ended.
type Outcome = uint32

const (
	Succeeded Outcome = iota
	Failed
	Cancelled
)

// Event is an entry of the ring. It has no pointers, so that the collector need not look at it, and
// four fields: the compiler would write more of them through the stack.
type Event struct {
	Task  uint32
	Cause uint32 // the low half of the number of the event that led to this one; 0: unknown
	Arg   uint32
	What  What
}

// What is a Kind, and in its upper half the number of an operation, see Picture.Ops.
type What uint32

// With returns a What for the operation with this number.
func (k Kind) With(op uint16) What { return What(k) | What(op)<<16 }

// Kind returns the kind.
func (w What) Kind() Kind { return Kind(w) }

// Op returns the number of the operation.
func (w What) Op() uint16 { return uint16(w >> 16) }

// Time is the time of a Clock event.
func (e Event) Time() int64 { return int64(e.Cause)<<32 | int64(e.Arg) }

const (
	// segment is how many events are written between two exchanges with those who read.
	segment = 256
	// Least and Most are the limits of the size of a ring.
	Least, Most = 2 * segment, 1 << 20
	// brisk is how long a step takes that is short, in nanoseconds. While steps are short the clock
	// is read once in up to maxGroup of them.
	brisk    = 1000
	maxGroup = 32
	// maxOps limits the names of operations that are kept.
	maxOps = 4096
)

// Recorder is the ring of one loop.
type Recorder struct {
	// The loop's own.
	now      func() int64
	events   []Event
	mask     uint64
	n        uint64 // of the next event
	first    uint64 // of the first one
	last     int64  // when the clock was last read
	steps    int32  // steps until the clock is read again
	group    int32  // steps between two readings
	maxGroup int32
	ops      [64]opPlace

	// The operation that was asked for last.
	text   *byte
	length int
	op     uint16

	published atomic.Uint64 // events before this one may be read

	mu     sync.Mutex // guards the rest, and the exchange of segments
	sealed uint64     // the first event of the segment that is being written
	names  []named    // of tasks, a ring
	named  int        // names ever given
	texts  []string   // by Event.Op
	byText map[string]uint16
}

type opPlace struct {
	text string
	op   uint16
}

type named struct {
	task uint32
	name string
}

// New returns a ring for at least n events. Their numbers are higher than after, which is End of
// the ring before it, or 0. begin is the time, in nanoseconds, and now reads the clock. If always
// is set, that costs nothing, and is done at each step.
func New(n int, after uint64, begin int64, now func() int64, always bool) *Recorder {
	size := Least
	for size < n && size < Most {
		size *= 2
	}
	r := &Recorder{
		now: now, events: make([]Event, size), mask: uint64(size - 1), first: segment,
		last: begin, group: 1, maxGroup: maxGroup,
		names: make([]named, size/8), texts: []string{""}, byText: map[string]uint16{"": 0},
	}
	if always {
		r.maxGroup = 1
	}
	if after > 0 {
		r.first = (after + segment) &^ (segment - 1)
	}
	r.n, r.sealed = r.first, r.first
	r.putTime()
	r.Show()
	return r
}

// Size returns how many events the ring holds.
func (r *Recorder) Size() int { return len(r.events) }

// Run records that the loop runs something: a step of a task, or another entry of the ready queue.
// It returns the number of the event, as a Cause.
func (r *Recorder) Run(e Event) uint32 {
	r.readClock()
	n := r.Next()
	r.Put(e)
	r.Show()
	return n
}

// Brisk reports whether a step may be recorded by Put, since the clock was read not long ago.
// Otherwise Run records it. Both are small enough to be inlined.
func (r *Recorder) Brisk() bool {
	r.steps--
	return r.steps > 0
}

// Next returns the number of the next event, as a Cause.
func (r *Recorder) Next() uint32 { return uint32(r.n) }

// End returns the number of the next event. Loop only.
func (r *Recorder) End() uint64 { return r.n }

// Put records an event without a look at the clock. It is small enough to be inlined.
func (r *Recorder) Put(e Event) {
	r.events[r.n&r.mask] = e
	if r.n++; r.n&(segment-1) == 0 {
		r.turn()
	}
}

// Wait records that the loop waits.
func (r *Recorder) Wait() {
	r.readClock()
	r.Put(Event{What: Wait.With(0)})
	r.steps, r.group = 0, 1
	r.Show()
}

// Show lets other goroutines see all events. The loop calls it.
func (r *Recorder) Show() { r.published.Store(r.n) }

// readClock records the time, if it has changed, and decides when to read the clock again.
func (r *Recorder) readClock() {
	now := r.now()
	passed := now - r.last
	if r.last = now; passed != 0 {
		if r.putTime(); r.n&(segment-1) == 0 {
			r.turn()
		}
	}
	if passed > int64(r.group)*brisk {
		r.group = 1
	} else if r.group < r.maxGroup {
		r.group *= 2
	}
	r.steps = r.group
}

// turn goes on to the next segment, which begins with the time.
func (r *Recorder) turn() {
	r.mu.Lock()
	r.sealed = r.n
	r.published.Store(r.n)
	r.mu.Unlock()
	r.putTime()
}

// putTime records when the clock was last read. The segment has room for that.
func (r *Recorder) putTime() {
	r.events[r.n&r.mask] = Event{0, uint32(r.last >> 32), uint32(r.last), Clock.With(0)}
	r.n++
}

// Op returns the number of an operation's name.
func (r *Recorder) Op(text string) uint16 {
	if unsafe.StringData(text) == r.text && len(text) == r.length {
		return r.op
	}
	return r.look(text)
}

func (r *Recorder) look(text string) uint16 {
	r.text, r.length = unsafe.StringData(text), len(text)
	p := uintptr(unsafe.Pointer(r.text))
	e := &r.ops[(p>>3^p>>9)&63]
	if unsafe.StringData(e.text) != r.text || len(e.text) != r.length {
		e.text, e.op = text, r.number(text)
	}
	r.op = e.op
	return e.op
}

func (r *Recorder) number(text string) uint16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	op, known := r.byText[text]
	if !known && len(r.texts) < maxOps {
		op = uint16(len(r.texts))
		r.texts = append(r.texts, text)
		r.byText[text] = op
	}
	return op
}

// Name records the name of a task.
func (r *Recorder) Name(task uint32, name string) {
	r.mu.Lock()
	r.names[r.named%len(r.names)] = named{task, name}
	r.named++
	r.mu.Unlock()
}

// Picture is a copy of a ring.
type Picture struct {
	Begin  uint64 // the number of the first event ever
	First  uint64 // the number of the first event that is still there
	Events []Event
	Names  map[uint32]string // of tasks that have one of their own
	Ops    []string
}

// Copy returns what the ring holds. Any goroutine.
func (r *Recorder) Copy() Picture {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.published.Load()
	first := r.first
	// The loop may be writing the segment that began at sealed, over what is as old as the ring.
	if next := r.sealed + segment; next > first+uint64(len(r.events)) {
		first = next - uint64(len(r.events))
	}
	p := Picture{Begin: r.first, First: first, Events: make([]Event, 0, end-first),
		Names: map[uint32]string{}, Ops: slices.Clone(r.texts)}
	for n := first; n < end; n++ {
		p.Events = append(p.Events, r.events[n&r.mask])
	}
	for i := range min(r.named, len(r.names)) {
		at := (r.named + i) % len(r.names)
		if r.named < len(r.names) {
			at = i
		}
		p.Names[r.names[at].task] = r.names[at].name
	}
	return p
}

// base is an address to which places of functions are relative.
var base = reflect.ValueOf(New).Pointer()

// Place returns the place of a function with this address, 0 if it is too far away.
func Place(pc uintptr) uint32 {
	d := int64(pc) - int64(base)
	if pc == 0 || d != int64(int32(d)) {
		return 0
	}
	return uint32(int32(d))
}

// Address returns the address of a place, 0 if it is not known.
func Address(place uint32) uintptr {
	if place == 0 {
		return 0
	}
	return uintptr(int64(base) + int64(int32(place)))
}
