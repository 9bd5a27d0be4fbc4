package aio

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// core is what futures and tasks share: an outcome that is set once, and the line of those who want to know.
//
//	state      who sets it                                        then
//	created    CreateTask                                         started, or cancelled if it is cancelled before its first step
//	started    the loop (first step); futures are born so         one of the three below
//	succeeded  the task returned a value; SetResult               final
//	failed     the task returned an error or panicked; SetError   final
//	cancelled  the task gave in to a cancellation; Future.Cancel  final
//
// A core belongs to its loop.
type core struct {
	_       nocopy.Mark
	loop    *Loop
	self    typed                // the *Task[T] or *Future[T] around it
	waiters list.List[completer] // told about the outcome, in the order in which they came
	rare    *coreRare
	err     error // of a failed or cancelled core
	id      uint32
	state   coreState
	flags   coreFlags
}

type coreState uint8

const (
	created coreState = iota
	started
	succeeded
	failed
	cancelled
)

func (s coreState) String() string {
	return [...]string{"pending", "pending", "finished", "failed", "cancelled"}[s]
}

type coreFlags uint8

const (
	isTask     coreFlags = 1 << iota
	observed             // somebody saw the outcome, or is sure to: no report
	awaited              // somebody who waits will see it, or call forsaken
	attended             // somebody who waits for the end may look at it, and calls forsaken: no report before
	dismissed            // nobody wants to see it, except a panic
	cancelSeen           // an await of the task has failed with the request to cancel it
	plain                // the function of the task returns only an error
	eagerStart           // the first step is made at creation
)

// coreRare is what few cores need.
type coreRare struct {
	panic   *PanicError
	lost    *lostOutcome
	ignored *cancellation // the one that a task ignored until it was ended
	created []uintptr     // in debug mode: the stack of the creator
}

func (c *core) extra() *coreRare {
	if c.rare == nil {
		c.rare = &coreRare{}
	}
	return c.rare
}

// completer is told when a core that it waits for has ended. It must not run user code; it may put
// itself into the ready queue.
type completer interface{ completed(c *core) }

// tell makes owner, whose place e is, be told when c has an outcome.
func (c *core) tell(e *list.Elem[completer], owner completer) {
	e.Value = owner
	c.waiters.Push(e)
}

// settle makes the outcome final and tells those in line.
func (c *core) settle(state coreState, err error) {
	c.state, c.err = state, err
	for e := c.waiters.First(); e != nil; e = c.waiters.First() {
		c.waiters.Remove(e)
		e.Value.completed(c)
	}
	if state >= failed && c.flags&(observed|awaited) == 0 {
		c.notice(c.flags&attended == 0)
	}
}

// forsaken is called by whoever waited for c and goes on without having looked at its outcome.
func (c *core) forsaken() {
	if c.state >= failed && c.flags&observed == 0 {
		c.notice(true)
	}
}

// typed is a core's way back to the value that has its result type.
type typed interface {
	AnyFuture
	body(ctx *scope)   // runs the function of a task
	asTask() *taskCore // nil for a future
	resultText() string
}

func (c *core) future() *core { return c }

// Done reports whether there is an outcome: a value, an error or a cancellation. Loop only.
func (c *core) Done() bool { return c.state >= succeeded }

// Cancelled reports whether the outcome is a cancellation. Loop only.
func (c *core) Cancelled() bool { return c.state == cancelled }

// Err returns the error of the outcome: nil for a value, a [*CancelledError] after a cancellation, a [*PanicError] after a panic, and
// [ErrInvalidState] while there is no outcome. Whoever asks has seen the error: it is not reported any more. Loop only. asyncio: exception.
func (c *core) Err() error {
	if !c.Done() {
		return fmt.Errorf("%w: %s is not done; await it first", ErrInvalidState, c.String())
	}
	c.observe()
	if c.rare != nil && c.rare.panic != nil {
		return c.rare.panic
	}
	return c.err
}

// AddDoneCallback has fn called by the loop, in the pass after the one in which the outcome is set; if it is set already, in the next
// pass. Callbacks and waiting tasks get their turn in the order in which they came. The function it returns takes the callback back, and
// reports whether there was one to take back. Loop only. asyncio: add_done_callback, remove_done_callback.
func (c *core) AddDoneCallback(fn func()) (remove func() bool) {
	mustHave("AddDoneCallback", fn != nil)
	if c.loop == nil {
		panic(misuse("AddDoneCallback", "the future has no loop; make it with NewFuture"))
	}
	d := &doneCallback{Handle: Handle{loop: c.loop, fn: fn}}
	if c.Done() {
		c.loop.ready.Push(&d.Handle)
		return func() bool { return false }
	}
	c.tell(&d.place, d)
	return func() bool {
		if !d.place.Linked() {
			return false
		}
		c.waiters.Remove(&d.place)
		return true
	}
}

type doneCallback struct {
	Handle
	place list.Elem[completer]
}

func (d *doneCallback) completed(*core) { d.loop.ready.Push(&d.Handle) }

// onlyFor reports whether nobody but owner waits for c.
func (c *core) onlyFor(owner completer) bool {
	for e := c.waiters.First(); e != nil; e = c.waiters.Next(e) {
		if _, callback := e.Value.(*doneCallback); e.Value != owner && !callback {
			return false
		}
	}
	return true
}

// observe notes that the outcome was seen.
func (c *core) observe() {
	if c.flags&observed != 0 {
		return
	}
	c.flags |= observed
	if c.rare != nil && c.rare.lost != nil {
		c.rare.lost.found()
	}
}

// raise panics in the running task if the outcome is a panic.
func (c *core) raise() {
	if c.rare != nil && c.rare.panic != nil {
		panic(c.rare.panic)
	}
}

// lostOutcome stands for an error that nobody has seen yet. It does not refer to its core: when the core is collected, or the loop is
// closed, the error is reported.
type lostOutcome struct {
	loop   *Loop
	what   string // for the report
	values context.Context
	name   string
	site   string
	err    error
	told   bool        // it was reported
	turned bool        // its prompt report has had its first turn
	done   atomic.Bool // it was seen, or nobody can see it any more

	panic *PanicError // for Run to raise
}

// notice begins to watch over an error that nobody has seen. If it is forlorn, because nobody waits for it, and it is worth a prompt
// report, it gets a turn in the ready queue for that.
func (c *core) notice(forlorn bool) {
	panicked := c.rare != nil && c.rare.panic != nil
	switch {
	case c.state == cancelled && (c.flags&isTask == 0 || c.requested()):
		return // somebody asked for this outcome
	case c.flags&dismissed != 0 && !panicked:
		return
	case c.state == cancelled && isDeadlock(c.err):
		return // Run returns it, or it was reported
	}
	if c.rare == nil || c.rare.lost == nil {
		c.watchOver(panicked)
	}
	if lost := c.rare.lost; forlorn && !lost.told && !lost.turned && c.flags&isTask != 0 && (panicked || c.loop.prompt) {
		c.loop.ready.Push((*promptReport)(lost))
	}
}

// watchOver makes the note of an outcome that nobody has seen.
func (c *core) watchOver(panicked bool) {
	err := c.err
	lost := &lostOutcome{loop: c.loop, err: err, name: defaultName(c.id), site: c.site()}
	if t := c.self.asTask(); t != nil {
		lost.name = t.shownName()
		lost.values = t.scope.values // not the scope: it must not keep the task
	}
	switch {
	case c.flags&isTask == 0:
		lost.what = "a future failed, and nobody looked at its error"
	case c.state == cancelled:
		lost.what = "a task ended as cancelled, which nobody had asked for"
	case panicked:
		lost.what = "a task panicked, and nobody awaited it"
		lost.panic = c.rare.panic
	default:
		lost.what = "a task failed, and nobody looked at its error"
	}
	c.extra().lost = lost
	c.loop.lost = append(c.loop.lost, lost)
	if len(c.loop.lost) > 2*c.loop.lostLive+64 {
		c.loop.sweepLost()
	}
	runtime.AddCleanup(c.rare, func(lost *lostOutcome) { lost.loop.postQuietly(lost) }, lost)
}

func (l *lostOutcome) found() { l.done.Store(true) }

// run is its turn in the ready queue when nobody can see it any more.
func (l *lostOutcome) run() {
	if l.done.Swap(true) {
		return
	}
	if l.loop.unseenPanic == nil {
		l.loop.unseenPanic = l.panic
	}
	l.tell()
}

// promptReport is the turn in the ready queue of an outcome that nobody waited for. It takes a second one, so that the done callbacks, and
// tasks that are about to look, come first whatever the chooser does. It may be seen still later: a panic is raised again then.
type promptReport lostOutcome

func (r *promptReport) run() {
	l := (*lostOutcome)(r)
	switch {
	case l.done.Load():
	case !l.turned:
		l.turned = true
		l.loop.ready.Push(r)
	default:
		l.tell()
	}
}

// tell reports the outcome, once.
func (l *lostOutcome) tell() {
	if l.told {
		return
	}
	l.told = true
	r := Report{Message: l.what, Err: l.err, TaskName: l.name, Site: l.site}
	if l.values != nil {
		r.Context = context.WithoutCancel(l.values)
	}
	l.loop.report(r)
}

// noteUnseen keeps the panic of c, if it is one, for Run to raise.
func (l *Loop) noteUnseen(c *core) {
	if l.unseenPanic == nil && c.rare != nil {
		l.unseenPanic = c.rare.panic
	}
}

// sweepLost forgets the outcomes that were seen or reported.
func (l *Loop) sweepLost() {
	live := l.lost[:0]
	for _, x := range l.lost {
		if !x.done.Load() {
			live = append(live, x)
		}
	}
	clear(l.lost[len(live):])
	l.lost, l.lostLive = live, len(live)
}

// requested reports whether the task was asked to cancel.
func (c *core) requested() bool {
	t := c.self.asTask()
	return t != nil && t.scope.cancelled.Load() != nil
}
