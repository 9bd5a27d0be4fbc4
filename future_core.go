package aio

import (
	"fmt"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// core is the part that futures and tasks share: an outcome that is set once, and the waiting
// tasks.
//
//	state      set by                                             next
//	created    CreateTask                                         started, or cancelled at once
//	started    the loop (first step); futures begin here          one of the three below
//	succeeded  the task returned a value; SetResult               final
//	failed     the task returned an error or panicked; SetError   final
//	cancelled  the task returned its cancellation; Future.Cancel  final
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
	observed             // the outcome was seen, or surely will be: no report
	awaited              // a waiter will see the outcome or call forsaken
	attended             // a waiter may look at the outcome, and calls forsaken: no report before
	dismissed            // only a panic is worth a report
	cancelSeen           // an await of the task has failed with the request to cancel it
	plain                // the function of the task returns only an error
	eagerStart           // the first step is made at creation
)

// coreRare holds the fields that few cores need.
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

// completer is told when a core that it waits for has ended. It must not run user code. It may push
// itself to the ready queue.
type completer interface{ completed(c *core) }

// tell makes c inform owner when it has an outcome. e is the owner's place in the list.
func (c *core) tell(e *list.Elem[completer], owner completer) {
	e.Value = owner
	c.waiters.Push(e)
}

// settle makes the outcome final and informs the completers in FIFO order.
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

// forsaken is called when a waiter of c goes on without looking at its outcome.
func (c *core) forsaken() {
	if c.state >= failed && c.flags&observed == 0 {
		c.notice(true)
	}
}

// typed is the value around a core, which has the result type.
type typed interface {
	AnyFuture
	body(ctx *scope)   // runs the function of a task
	asTask() *taskCore // nil for a future
	resultText() string
}

func (c *core) future() *core { return c }

// Done reports whether there is an outcome: a value, an error or a cancellation. asyncio: done.
func (c *core) Done() bool { return c.state >= succeeded }

// Cancelled reports whether the outcome is a cancellation. asyncio: cancelled.
func (c *core) Cancelled() bool { return c.state == cancelled }

// Err returns the error of the outcome: nil for a value, a [*CancelledError] after a cancellation,
// a [*PanicError] after a panic. It returns [ErrInvalidState] while there is no outcome. The error
// then counts as seen and is not reported. asyncio: exception.
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

type doneCallback struct {
	Handle
	place list.Elem[completer]
}

func (d *doneCallback) completed(*core) { d.loop.ready.Push(&d.Handle) }

// onlyFor reports whether owner is the only one that waits for c; callbacks do not count.
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

// raise re-panics in the running task if the outcome is a panic.
func (c *core) raise() {
	if c.rare != nil && c.rare.panic != nil {
		panic(c.rare.panic)
	}
}

// requested reports whether the task was asked to cancel.
func (c *core) requested() bool {
	t := c.self.asTask()
	return t != nil && t.scope.cancelled.Load() != nil
}
