package aio

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/goid"
)

// worker is what a task needs only while it runs or waits: a stack and a wait. The loop keeps
// workers, which serve one task after another. A task before its start or after its end costs no
// stack.
type worker struct {
	stack *coro.Stack
	loop  *Loop
	task  *taskCore // the one that runs here, nil between two
	g     uintptr   // the goroutine below the stack
	inner *scope    // the innermost open block of the task, or the task's own scope
	wait  wait

	noted *noted // nil: nobody has looked

	// A worker has 256 bytes, four lines of the cache: with more, 100,000 of them take 1.4 times as
	// long to cancel.
	fails   int32 // awaits in a row that failed at once because their context was cancelled
	locked  bool  // the stack was made under runtime.LockOSThread
	forced  bool  // the task will be ended at its await
	exiting bool  // that end has begun: deferred functions run. While the loop closes, awaits fail
}

const _ = uint(256 - unsafe.Sizeof(worker{})) // does not compile if a worker is larger

// maxFails is how many awaits in a row may fail at once. A task that exceeds it is assumed to
// ignore its cancellation.
const maxFails = 10_000

func workerOf(s *coro.Stack) *worker {
	if w, ok := s.Local.(*worker); ok {
		return w
	}
	w := &worker{stack: s, g: goid.Self()}
	w.locked = goid.Locked(w.g)
	w.wait.worker = w
	s.Local = w
	return w
}

// taskFrame is the function at the bottom of every task's stack, and taskEntry is where it begins.
const taskFrame = "github.com/aio-go/aio.(*taskJob).Run"

var taskEntry = reflect.ValueOf((*taskJob).Run).Pointer()

// governors are the scopes that can end a wait or a block made with a context.
type governors struct {
	block   *scope // the task's innermost block; nil if the context was freed from it
	other   *scope // another scope, or nil
	outside bool   // a cancellation that only the standard library sees
	check   bool   // block governs only if ctx has ended too: ctx may be freed further up
}

func (w *worker) governors(ctx context.Context) (g governors) {
	switch c := ctx.(type) {
	case *scope:
		if !c.freed(w) {
			g.block = w.inner
		}
		if !w.reaches(c) {
			g.other = c
		}
		return g
	case *ambient:
		g.block = w.inner
		return g
	}
	if ctx.Done() == nil {
		if _, free := ctx.Value(ownerKey).(*scope); !free {
			g.block = w.inner // made from the ambient context
		}
		return g
	}
	near, _ := ctx.Value(ownerKey).(*scope)
	if near == nil {
		g.block, g.outside = w.inner, true
		return g
	}
	g.outside = ctx.Done() != near.Done()
	switch {
	case !g.outside: // only values were added
		return w.governors(near)
	case near == w.inner:
		g.block, g.check = w.inner, true
	case near.freed(w) || freed(ctx) || near.cancelled.Load() != nil && ctx.Err() == nil:
	default:
		g.block = w.inner
	}
	if g.block != nil && g.block.cancelled.Load() != nil && g.check && ctx.Err() == nil {
		g.block = nil
	}
	return g
}

// reaches reports whether a cancellation of s reaches the innermost block: s is an open block of
// the running task, or its own scope, and no block inside it is freed.
func (w *worker) reaches(s *scope) bool {
	for b := w.inner; b != nil; b = b.enclosing() {
		if b == s {
			return true
		}
		if b.freed(w) {
			return false
		}
	}
	return false
}

// freed reports whether s is a block or context of w's task that was made from a freed context.
func (s *scope) freed(w *worker) bool { return s.more != nil && s.more.free && s.task == w.task }

// freed reports whether there is a context.WithoutCancel between ctx and the scope above it, so
// that a cancellation of the scope does not reach ctx. Package context does not tell, but its
// types, and most others, embed their parent.
func freed(ctx context.Context) bool {
	for ctx != nil {
		v := reflect.Indirect(reflect.ValueOf(ctx))
		switch {
		case v.Kind() != reflect.Struct || v.Type() == scopeType:
			return false
		case v.Type() == freedType:
			return true
		}
		parent := v.FieldByName("Context")
		if !parent.IsValid() || !parent.CanInterface() {
			return false
		}
		ctx, _ = parent.Interface().(context.Context)
	}
	return false
}

var (
	scopeType = reflect.TypeFor[scope]()
	freedType = reflect.TypeOf(context.WithoutCancel(context.Background()))
)

// enclosing returns the block around a block.
func (s *scope) enclosing() *scope {
	if s.more == nil {
		return nil
	}
	return s.more.around
}

// enter opens a block: s becomes the innermost.
func (w *worker) enter(s *scope, kind scopeKind) {
	s.more.kind = kind
	s.more.around = w.inner
	w.inner = s
}

// leave closes the block. Blocks close in the reverse order of opening, except if an iterator is
// suspended inside one.
func (w *worker) leave(s *scope) {
	s.release()
	if n := s.node.Load(); n != nil { // end the waits of goroutines for its Done
		n.cancel(errBlockEnded)
	}
	if w.inner == s {
		w.inner = s.more.around
		return
	}
	for b := w.inner; b != nil; b = b.enclosing() {
		if b.more != nil && b.more.around == s {
			b.more.around = s.more.around
			b.outlives(s)
			return
		}
	}
}

// outlives handles a block b that goes on after its enclosing block s has ended. From now on the
// block around s cancels it, unless s was freed from that.
func (b *scope) outlives(s *scope) {
	for i, outer := range b.more.outers {
		if outer == s {
			s.disown(b)
			b.more.outers[i] = nil
			if b.more.free = s.more.free; !b.more.free {
				s.more.around.adopt(b)
			}
		}
	}
}

// taskJob is a task as the pool sees it.
type taskJob taskCore

// Run is called by the pool on the worker's stack. It runs the task's function, with its awaits,
// and sets the outcome however the function ends. It returns the next entry of the pass if that is
// a new task, so a row of short tasks needs no switch between them.
func (j *taskJob) Run(s *coro.Stack) (next coro.Job) {
	t := (*taskCore)(j)
	w, l := workerOf(s), t.loop
	w.loop, w.task, w.inner, w.fails = l, t, &t.scope, 0
	t.worker, t.state = w, started
	l.setCurrent(w)
	if l.rec.began {
		l.begin(w, t)
	}
	ended := false
	defer func() {
		if ended {
			return
		}
		v := recover()
		if w.noted != nil {
			w.end()
		}
		l.setCurrent(nil)
		if w.threadLocked() {
			w.returnedLocked(t)
		}
		t.worker = nil
		w.unnote()
		if p := &w.wait; p.phase != idle { // a Scheduler has panicked in Await
			p.evict(errNotSuspended)
			p.drop()
		}
		switch {
		case t.Done(): // a method of its error has exited when it was looked at
		case v != nil:
			t.panicked(v)
		case w.exiting:
			t.abandoned()
		default:
			t.exited()
		}
		w.task, w.inner, w.forced, w.exiting = nil, nil, false, false
	}()
	t.self.body(&t.scope)
	if w.noted != nil {
		w.end()
	}
	if t.err != nil { // its methods are going to be called, and must not await: the task has ended
		l.setCurrent(nil)
	}
	if w.threadLocked() {
		l.setCurrent(nil) // the handler of the report must not await either
		w.returnedLocked(t)
	}
	// The goroutine is reused: an await with this task's context must not act for the next task.
	t.worker = nil
	if l.watchdog.notes {
		w.unnote()
	}
	t.returned()
	if w.wait.phase != idle { // a wait that was prepared and given up
		w.wait.drop()
	}
	w.wait.req = nil
	w.task, w.inner = nil, nil // an idle worker must not keep the task from being collected
	ended = true
	return l.fresh()
}

var errNotSuspended = errors.New("aio: the task ended before it was suspended")

// fresh removes the next entry of the pass from the ready queue if it is a task before its first
// step.
func (l *Loop) fresh() coro.Job {
	if l.left > 0 && l.chooser == nil && !l.debug.Load() {
		t, ok := l.ready.At(0).(*taskCore)
		if ok && t.state == created && t.scope.cancelled.Load() == nil {
			l.ready.Pop()
			l.left--
			l.steps++
			return (*taskJob)(t)
		}
	}
	return nil
}

// How many idle stacks a loop keeps: always at most maxIdleStacks, and minIdleStacks if no more are
// used. Each garbage collection ends at most trimmedStacks, half a millisecond of work.
const (
	maxIdleStacks = 16384
	minIdleStacks = 1024
	trimmedStacks = 1024
)

// watchStacks lets the next garbage collection trim the idle stacks. With a chooser or a clock of
// the user's they stay, since the collector must not change the order of events.
func (l *Loop) watchStacks() {
	if l.stacksWatched || l.pool.Idle() <= minIdleStacks {
		return
	}
	if l.chooser != nil || l.clock.isGiven() {
		return
	}
	l.stacksWatched = true
	runtime.AddCleanup(new(*Loop), func(l *Loop) { l.inbox.putQuietly((*stackTrim)(l)) }, l)
}

// stackTrim is a loop's entry in its ready queue after a garbage collection.
type stackTrim Loop

func (s *stackTrim) run() {
	l := (*Loop)(s)
	l.stacksWatched = false
	l.pool.Trim(trimmedStacks)
	l.watchStacks()
}

// exit ends the running task at its await.
func (w *worker) exit() {
	w.forced, w.exiting = false, true
	if w.task.loop.ending.closing {
		w.inner = &w.task.scope
	}
	runtime.Goexit()
}

// unservable reports whether the running task cannot wait any more, because the task and the loop
// are both being ended.
func (w *worker) unservable() bool { return w.exiting && w.task.loop.ending.closing }

// fail returns the error of an await whose context was cancelled before. The first such await
// returns at once. Later ones go through the ready queue, so a task that loops over such errors
// lets others run. After maxFails of them the task is ended.
func (w *worker) fail(c *cancellation) error {
	w.delivered()
	if w.exiting {
		if w.fails++; w.fails > maxFails {
			runtime.Goexit()
		}
		return c.awaitError()
	}
	w.fails++
	if w.fails > 1 {
		if w.fails > maxFails {
			w.task.extra().ignored = c
			w.exit()
		}
		fails := w.fails
		w.wait.begin(nil, "", nil)
		w.wait.grant()
		w.wait.park()
		w.fails = fails
	}
	return c.awaitError()
}

// delivered records that an await of the task has failed with the request to cancel the task.
func (w *worker) delivered() {
	if t := w.task; t.scope.cancelled.Load() != nil {
		t.flags |= cancelSeen
	}
}

// panicked sets the outcome of a task that panicked with v. A panic that came from another task
// stays the same panic, with one more stack.
func (t *taskCore) panicked(v any) {
	t.loop.trouble("a task panicked: " + t.shownName())
	e := &PanicError{Value: v, Stack: debug.Stack()}
	if from, ok := v.(*PanicError); ok {
		*e = *from
		again := "\nre-panicked in task " + t.shownName() + ":\n"
		e.Stack = slices.Concat(from.Stack, []byte(again), debug.Stack())
	}
	t.extra().panic = e
	t.finish(failed, e)
}

// A coroutine that suspends under another thread lock than it was made under ends the process, and
// no handler is called. So the loop checks before each switch, unlocks the thread and makes the
// mistake a panic of the task.

var errThreadLocked = errors.New("aio: the task that waited was locked to its thread")

// threadLocked reports whether the task on w has called runtime.LockOSThread without
// UnlockOSThread.
func (w *worker) threadLocked() bool { return goid.Locked(w.g) != w.locked }

// refuseLock panics on behalf of a task that is about to wait while it is locked to its thread.
func (w *worker) refuseLock() {
	p := &w.wait
	op := p.op
	w.giveThreadBack()
	p.evict(errThreadLocked)
	p.drop()
	panic(misuse(op, "runtime.LockOSThread is in force, "+
		"and a task that waits cannot keep its thread; "+
		"call UnlockOSThread before, or do what needs the thread in ToThread"))
}

// returnedLocked reports a task that has ended while it was locked to its thread.
func (w *worker) returnedLocked(t *taskCore) {
	w.giveThreadBack()
	t.loop.report(t.report("a task ended while runtime.LockOSThread was in force; "+
		"call UnlockOSThread, or do what needs the thread in ToThread", nil))
}

func (w *worker) giveThreadBack() {
	for w.threadLocked() && !w.locked {
		runtime.UnlockOSThread()
	}
}
