package aio

import (
	"context"
	"fmt"
	"unsafe"
)

// AnyFuture is any *Task[T] or *Future[T].
type AnyFuture interface {
	Done() bool
	Cancelled() bool
	Cancel(cause error) bool
	Err() error
	AddDoneCallback(fn func()) (remove func() bool)
	String() string
	future() *core
}

// AnyTask is any *Task[T].
type AnyTask interface {
	AnyFuture
	ID() uint32
	Name() string
	SetName(name string)
	Value(key any) any
	asTask() *taskCore
}

// coreOf returns the core of an argument of op, after checking that there is one and that it
// belongs to the loop of w.
func coreOf(w *worker, op string, aw AnyFuture) *core {
	if (*[2]unsafe.Pointer)(unsafe.Pointer(&aw))[1] == nil { // no value, or a nil pointer
		panic(misuse(op, "a task or future is nil; leave it out"))
	}
	c := aw.future()
	switch c.loop {
	case w.task.loop:
		return c
	case nil:
		panic(misuse(op, "the future has no loop; make it with NewFuture"))
	}
	panic(misuse(op, c.String()+" belongs to another loop; send the work to that loop with Submit"))
}

// TaskOrFuture is the argument of Gather and Shield: a *Task[T] or a *Future[T].
type TaskOrFuture[T any] interface {
	AnyFuture
	Await(ctx context.Context) (T, error)
	Result() (T, error)
}

// Future is a result that will be set later. Tasks wait for it with Await. It belongs to one loop.
// Code on other goroutines sets it through CallSoonThreadsafe. The zero value has no loop: it can
// be inspected, but not awaited or set. asyncio: Future.
type Future[T any] struct {
	core
	value T
}

// NewFuture returns a future of the loop of ctx. Only tasks of that loop can await it. Code without
// a task passes [Loop.Context]. asyncio: create_future.
func NewFuture[T any](ctx context.Context) *Future[T] {
	return newFuture[T](loopOf(ctx, "NewFuture"))
}

func newFuture[T any](l *Loop) *Future[T] {
	f := &Future[T]{}
	l.ids++
	f.loop, f.id, f.state, f.self = l, l.ids, started, f
	if l.debug.Load() {
		f.extra().created = callers(2)
	}
	return f
}

// Await waits for the outcome and returns it. If the future has an outcome, Await returns it at
// once, without a switch and even if ctx is cancelled. asyncio: await future.
//
// Cancellation: if the cancelled task is the only one that waits, the future is cancelled too. If
// other tasks wait, only this Await fails.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if f == nil {
		panic(misuse("Future.Await", "the future is nil; make it with NewFuture first"))
	}
	if err := f.await(ctx, "Future.Await"); err != nil {
		var zero T
		return zero, err
	}
	return f.value, f.err
}

// Result returns the outcome without waiting: the value or error that was set, or a
// [*CancelledError] if the future was cancelled. It returns [ErrInvalidState] if there is no
// outcome yet. asyncio: result.
func (f *Future[T]) Result() (T, error) { return f.value, f.Err() }

// SetResult sets the outcome to a value. Waiting tasks resume in the next pass. It returns
// [ErrInvalidState] if the future has an outcome already. asyncio: set_result.
func (f *Future[T]) SetResult(v T) error {
	if err := f.settable("SetResult"); err != nil {
		return err
	}
	f.value = v
	f.settle(succeeded, nil)
	return nil
}

// SetError sets the outcome to an error, as [Future.SetResult] sets a value. It panics if err is
// nil. asyncio: set_exception.
func (f *Future[T]) SetError(err error) error {
	if err == nil {
		panic(misuse("Future.SetError", "the error is nil; use SetResult to set a value"))
	}
	if err := f.settable("SetError"); err != nil {
		return err
	}
	f.settle(failed, err)
	return nil
}

func (f *Future[T]) settable(op string) error {
	switch {
	case f.loop == nil:
		return fmt.Errorf("%w: Future.%s: the future has no loop; make it with NewFuture",
			ErrInvalidState, op)
	case f.Done():
		f.loop.MustBeHere("Future." + op)
		return fmt.Errorf("%w: Future.%s: the outcome of %s is set already", ErrInvalidState, op, f)
	}
	f.loop.mustBeHere("Future." + op)
	return nil
}

// AddDoneCallback makes the loop call fn in the pass after the outcome is set. If it is set
// already, that is the next pass. Callbacks and waiting tasks are served in FIFO order. The
// returned function removes the callback and reports whether it was still to be called. asyncio:
// add_done_callback, remove_done_callback.
func (c *core) AddDoneCallback(fn func()) (remove func() bool) {
	mustHave("AddDoneCallback", fn != nil)
	if c.loop == nil {
		panic(misuse("AddDoneCallback", "the future has no loop; make it with NewFuture"))
	}
	c.loop.MustBeHere("AddDoneCallback")
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

func (f *Future[T]) body(*scope)       {}
func (f *Future[T]) asTask() *taskCore { return nil }

// await suspends the running task until c has an outcome. It returns nil then, or the error of a
// cancellation. It re-panics the panic of a task.
func (c *core) await(ctx context.Context, op string) error {
	if !c.Done() {
		if err := c.awaitEnd(ctx, op); err != nil {
			return err
		}
	}
	if c.flags&observed == 0 {
		c.observe()
	}
	if c.rare != nil {
		c.raise()
	}
	return nil
}

func (c *core) awaitEnd(ctx context.Context, op string) error {
	w := running(ctx, op)
	t := w.task
	if c.loop != t.loop {
		coreOf(w, op, c) // panics, with the reason
	}
	if c == &t.core {
		return fmt.Errorf("%w: %s: a task cannot wait for its own end", ErrInvalidState, op)
	}
	p := &w.wait
	p.begin(ctx, op, c)
	if p.fate == refused && (w.unservable() || !p.passOn(p.req) || c.Done()) {
		return p.refuse()
	}
	c.tell(&p.node, p)
	p.phase, p.since = parked, w.loop.clock.stamp()
	if !w.loop.handOver(w) {
		w.stack.Suspend()
	}
	err := p.resume()
	if err != nil {
		c.waiters.Remove(&p.node)
		c.forsaken() // it may have had its outcome, but this task will not look
		return err
	}
	if p.fate == passedOn {
		w.delivered()
		if c.state == cancelled {
			c.observe()
			return p.req.awaitError()
		}
	}
	return nil
}

// waitText implements waitable.
func (c *core) waitText([]*taskCore) string {
	if t := c.self.asTask(); t != nil {
		return "task " + t.shownName()
	}
	return "a future"
}

// blockers implements waitable.
func (c *core) blockers(to []*taskCore) []*taskCore {
	if t := c.self.asTask(); t != nil {
		to = append(to, t)
	}
	return to
}

// cancelFor implements waitable. Cancelling a task cancels the task or future that it alone waits
// for. The task then waits for the end of that one, if it can.
func (c *core) cancelFor(p *wait, req *cancellation) bool {
	if !c.onlyFor(p) {
		return false
	}
	yields := c.yields(p)
	return c.cancelWith(req.from(p)) && yields
}

// evict implements waitable.
func (c *core) evict(p *wait, _ error) {
	c.waiters.Remove(&p.node)
	c.forsaken()
}

// from returns the request as the task of wait p passes it on.
func (c *cancellation) from(p *wait) *cancellation {
	return c.through(p.op+" in "+p.worker.task.shownName(), 0)
}

// yields reports whether the wait p, after cancelling c, can wait for the end of c. It cannot if c
// is a task that, directly or not, waits for the task of p: both would wait for the other to end.
// If both are to end and c was not asked yet, c can end first.
func (c *core) yields(p *wait) bool {
	t, mine := c.self.asTask(), p.worker.task
	if t == nil || t.scope.cancelled.Load() == nil && mine.scope.cancelled.Load() != nil {
		return true
	}
	return !reaches(t, endsAfter, mine)
}

// endsAfter appends the tasks whose end t waits for even if it is cancelled. Other waits end at
// once then.
func endsAfter(t *taskCore, to []*taskCore) []*taskCore {
	if next := waitsOn(t, to); len(next) > len(to) {
		switch t.worker.wait.on.(type) {
		case *core, *gathering, *TaskGroup:
			return next
		}
	}
	return to
}

// completed implements completer for a task that awaits.
func (p *wait) completed(c *core) {
	c.flags |= awaited
	p.grant()
}
