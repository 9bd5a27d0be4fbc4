package aio

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Scheduler decides, step by step, what a loop does next. It is for tools that test a program under
// many orders, such as package aiotest. In contrast to a [Chooser] it sees everything that is ready
// and may hold an entry back for as long as it likes, so it reaches every order of the steps.
//
// Its methods are called on the loop. asyncio has no counterpart.
type Scheduler interface {
	// Next is called before each step, also if only one is possible, and returns the index of the
	// entry that takes it. The entries are in the order in which they became ready. The slice is
	// valid during the call. No task runs meanwhile, so Next may look at the program and cancel
	// tasks. With -1 no step is made: the loop looks for timers, events and posts, and asks again.
	// A scheduler that sets the clock needs that.
	Next(ready []Entry) int
	// Await is called when a task is about to suspend, on the task's own stack.
	Await(a Await)
}

// WithScheduler lets s decide what runs next. It takes the place of a chooser. Default: none.
//
// With a scheduler a pass is one step: posts, descriptors and timers are looked at before each. A
// sleep that is over is one entry, the next step of its task; so is a call of ToThread that took no
// token. The loop's own bookkeeping between steps, and entries that have nothing left to do, are no
// choices. Where calls from other goroutines are certain to come (see [Loop.ExpectPosts]) the loop
// waits for them before it asks.
func WithScheduler(s Scheduler) Option {
	return option(func(l *Loop) {
		l.chooser, l.scheduling = nil, nil
		if s != nil {
			l.chooser = firstChooser{}
			l.scheduling = &scheduling{by: s}
		}
	})
}

// EntryKind is what an [Entry] of the ready queue is.
type EntryKind uint8

const (
	EntryStep     EntryKind = iota + 1 // the next step of a task
	EntryCallback                      // a function given to CallSoon or AddDoneCallback
	EntryTimer                         // a function whose time has come
	EntryDeadline                      // the end of a time-out or of a context's time
	EntryPost                          // what another goroutine has sent
	EntryEvent                         // an event of a descriptor, or of a Source
)

func (k EntryKind) String() string {
	return [...]string{"nothing", "step", "callback", "timer", "deadline", "post", "event"}[k]
}

// EntryKey names an entry. The same schedule of the same program has the same keys in each run. ID
// is the task's number, see [TaskInfo], for a step and a deadline, and for a post of ToThread;
// otherwise entries of the kind are counted. The zero key is the outside world.
type EntryKey struct {
	Kind EntryKind
	ID   uint32
}

func (k EntryKey) String() string { return fmt.Sprintf("%s %d", k.Kind, k.ID) }

// Entry is something that is ready to run, as a [Scheduler] sees it.
type Entry struct {
	EntryKey
	By  EntryKey // the step that made it ready; zero: time or the outside world
	Op  string   // of a step: the await that is over, if any; of a post: ToThread or empty
	Seq uint64   // grows in the order in which entries become ready; the slice is sorted by it
}

// comes reports whether an entry may be what the loop was told to expect.
func (e *Entry) comes() bool { return e.Kind == EntryPost || e.Kind == EntryEvent }

// Await is an await that suspends a task, as a [Scheduler] sees it.
type Await struct {
	Task uint32 // the task's number
	Op   string // the operation
	wait *wait
}

// On says what the task waits for, as [TaskInfo] does. It is valid during Scheduler.Await.
func (a Await) On() string { return a.wait.waitText() }

// internalEntry is the kind of what the loop has to do between steps.
const internalEntry EntryKind = 0

// scheduling is a loop's side of a Scheduler.
type scheduling struct {
	by      Scheduler
	entries []Entry // of the ready queue, in its order; what has just come is not noted yet
	room    []Entry // the memory that entries is a part of
	checked int     // so many entries, from the first, have been found to have a point
	strays  int     // entries of waits that were given up, and of timers that were set anew
	seq     uint64  // of the last entry
	now     EntryKey
	counts  [EntryEvent + 1]uint32
	posts   int64      // entries that may be what is expected from outside
	come    []runnable // memory of awaitExpected
}

// firstChooser stands in for the chooser of a loop that has a scheduler.
type firstChooser struct{}

func (firstChooser) Choose(Choice, int) int { return 0 }

// next takes the entry out of the ready queue that the scheduler wants.
func (l *Loop) next() runnable {
	s := l.scheduling
	if s == nil {
		return l.ready.RemoveAt(l.choose(ChooseReady, l.left+1))
	}
	l.left = 0 // a pass is one step
	s.arrived(l, 0)
	if l.inbox.expected.Load() > s.posts {
		l.takePosts()
	}
	if i := s.unchosen(l); i >= 0 {
		return s.take(l, i)
	}
	i := s.by.Next(s.entries)
	if i == -1 {
		return noStep{}
	}
	if i < 0 || i >= len(s.entries) {
		l.scheduling, l.chooser = nil, nil // the loop has to be shut down without it
		panic(
			misuse("Scheduler.Next", "the answer is not the index of an entry; return one, or -1"),
		)
	}
	s.now = s.entries[i].EntryKey
	return s.take(l, i)
}

// noStep is the turn of nobody.
type noStep struct{}

func (noStep) run() {}

// unchosen returns the index of the first entry that is no choice, or -1: the loop's own
// bookkeeping, or one that has lost its point.
func (s *scheduling) unchosen(l *Loop) int {
	if s.strays > 0 {
		s.checked = 0
	}
	for ; s.checked < len(s.entries); s.checked++ {
		i := s.checked
		if s.entries[i].Kind == internalEntry {
			return i
		}
		switch r := l.ready.At(i); {
		case !pointless(r):
			continue
		case s.strays > 0 && mayStray(r):
			s.strays--
		}
		return i
	}
	return -1
}

// take removes entry i. It takes time for the entries before it or those behind it, whichever are
// fewer.
func (s *scheduling) take(l *Loop, i int) runnable {
	if s.entries[i].comes() {
		s.posts--
	}
	if i < s.checked {
		s.checked--
	}
	if i < len(s.entries)/2 {
		copy(s.entries[1:i+1], s.entries[:i])
		s.entries = s.entries[1:]
	} else {
		s.entries = slices.Delete(s.entries, i, i+1)
	}
	return l.ready.RemoveAt(i)
}

// add appends an entry.
func (s *scheduling) add(e Entry) {
	s.seq++
	e.Seq = s.seq
	if n := len(s.entries); n == cap(s.entries) {
		if n >= len(s.room)/2 {
			s.room = make([]Entry, max(16, 2*n))
		}
		s.entries = s.room[:copy(s.room, s.entries)]
	}
	s.entries = append(s.entries, e)
}

// arrived notes the entries that have come into the ready queue since the last call: from the
// outside world if as says of which kind they are, otherwise because of the step that was made.
func (s *scheduling) arrived(l *Loop, as EntryKind) {
	for i := len(s.entries); i < l.ready.Len(); i++ {
		e := Entry{By: s.now}
		if as != 0 {
			e.By = EntryKey{}
		}
		switch r := l.ready.At(i).(type) {
		case *taskCore:
			e.Kind, e.ID = EntryStep, r.id
			if r.worker != nil {
				e.Op = r.worker.wait.op
			}
		case *scopeMore:
			e.Kind, e.ID = EntryDeadline, r.self.task.id
		case *Handle:
			e.Kind = cmp.Or(as, EntryCallback)
		case *Timer:
			e.Kind = EntryTimer
		case *Watch:
			e.Kind, e.By = EntryEvent, EntryKey{}
		case *Source:
			e.Kind, e.By = EntryEvent, EntryKey{}
		case *lostOutcome, *beat: // the garbage collector and the watchdog come when they like
		default:
			if as == EntryPost {
				if e.Kind, e.ID = as, posterOf(r); e.ID != 0 {
					e.Op = "ToThread"
				}
			}
		}
		if e.ID == 0 {
			s.counts[e.Kind]++
			e.ID = s.counts[e.Kind]
		}
		if e.comes() {
			s.posts++
		}
		s.add(e)
	}
}

// poster is something posted that belongs to a task.
type poster interface{ poster() uint32 }

func posterOf(r runnable) uint32 {
	if p, ok := r.(poster); ok {
		return p.poster()
	}
	return 0
}

// byPoster puts what was posted for tasks into their order: threads finish when they like.
func byPoster(posts []runnable) {
	slices.SortStableFunc(posts, func(a, b runnable) int {
		return cmp.Compare(posterOf(a), posterOf(b))
	})
}

func mayStray(r runnable) bool {
	switch r.(type) {
	case *taskCore, *Timer:
		return true
	}
	return false
}

// waker is something posted that may do no more than wake its task.
type waker interface{ onlyWakes() bool }

// wakeAll lets what was posted and only wakes its task do so at once: one choice, not two. It
// returns the rest.
func (s *scheduling) wakeAll(l *Loop, posts []runnable) (rest []runnable) {
	rest = posts[:0]
	for _, r := range posts {
		if w, ok := r.(waker); ok && w.onlyWakes() {
			if l.rec.ring != nil {
				l.recordEntry(r)
			}
			r.run()
			s.arrived(l, EntryPost)
		} else {
			rest = append(rest, r)
		}
	}
	clear(posts[len(rest):])
	return rest
}

// pointless reports whether the turn of r changes nothing that anybody could see.
func pointless(r runnable) bool {
	switch r := r.(type) {
	case *taskCore:
		return r.Done() || r.state == started && r.worker.wait.phase != queued
	case *Handle:
		return r.cancelled
	case *Timer:
		return !r.set || r.entry.armed()
	case *scopeMore:
		return r.stale > 0 || r.left
	case *Source:
		return r.ready == nil
	}
	return false
}

// awaitExpected adds, to posts that were taken, those of other goroutines that are certain to come,
// so that neither when they come nor their order depends on the machine. It gives up on goroutines
// that seem to wait for the loop.
func (s *scheduling) awaitExpected(l *Loop, posts []runnable) []runnable {
	var begun time.Time
	for l.inbox.expected.Load() > s.posts+int64(len(posts)) && !l.ending.closing {
		if begun.IsZero() {
			begun = time.Now()
			s.come = append(s.come[:0], posts...)
			l.inbox.give()
		} else if time.Since(begun) > expectedGrace {
			break
		}
		l.look(expectedGrace)
		s.arrived(l, EntryEvent)
		s.come = append(s.come, l.inbox.take()...)
		l.inbox.give()
		posts = s.come
	}
	return posts
}

// expectedGrace is how long a loop with a scheduler waits for a goroutine that will post.
const expectedGrace = 200 * time.Millisecond

// fireScheduled moves the timers of one instant to the ready queue, for the scheduler to order.
func (l *Loop) fireScheduled(t *timer) {
	s := l.scheduling
	s.arrived(l, 0)
	if e, ok := t.due.(*sleepEnd); ok {
		if l.rec.ring != nil {
			l.recordEntry(e)
		}
		e.run() // one choice, not two
	} else {
		l.ready.Push(t.due)
	}
	s.arrived(l, EntryTimer)
}

// suspends tells the scheduler that the task on w is about to wait.
func (l *Loop) suspends(w *worker) {
	if s := l.scheduling; s != nil && !w.exiting {
		s.by.Await(Await{Task: w.task.id, Op: w.wait.op, wait: &w.wait})
	}
}

// Choice is a kind of decision that a loop makes.
type Choice uint8

const (
	ChooseReady Choice = iota // which of n entries of the ready queue is next
	ChooseTimer               // which of n timers with the same deadline is first
	ChooseEvent               // which of n events of descriptors is handled first
	ChoosePost                // which of n calls from other goroutines is taken first
)

func (c Choice) String() string {
	return [...]string{"ready", "timer", "event", "post"}[c]
}

// Chooser makes the decisions that order a program. A test can use it to try the possible orders
// and to repeat one that fails. A loop without a chooser is FIFO.
type Chooser interface {
	// Choose returns a number from 0 to n-1. A loop without a chooser takes 0. n is at least 2.
	Choose(what Choice, n int) int
}

// WithChooser lets c make every decision of the loop. Default: none, FIFO.
func WithChooser(c Chooser) Option {
	return option(func(l *Loop) { l.chooser, l.scheduling = c, nil })
}

func (l *Loop) choose(what Choice, n int) int {
	if l.chooser == nil || n < 2 {
		return 0
	}
	i := l.chooser.Choose(what, n)
	if i < 0 || i >= n {
		l.chooser = nil // the loop has to be shut down without it
		panic(misuse("Chooser.Choose", "the answer is not between 0 and n-1; correct the chooser"))
	}
	return i
}
