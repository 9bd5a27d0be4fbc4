package aio

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/list"
)

// Submit runs fn as a task of loop l and waits for its end. It lets other goroutines use a loop.
// The task has the values of ctx. A panic of fn is returned as a [*PanicError]. It returns
// [ErrLoopClosed] if the loop is closed, or closes before fn has ended. On loop l itself it would
// wait for ever, so it panics. With the context of a task of another loop it suspends that task, as
// [ToThread] does, so loops can call each other. Any goroutine. asyncio: run_coroutine_threadsafe.
//
// Cancellation: when ctx is cancelled the task is too. Submit returns the error without waiting for
// the task's end.
func Submit(ctx context.Context, l *Loop, fn func(ctx context.Context) error) error {
	mustHave("Submit", fn != nil)
	_, err := submit(ctx, l, Action(fn), "Submit")
	return err
}

// SubmitValue is [Submit] for a function with a result. Any goroutine. asyncio:
// run_coroutine_threadsafe.
func SubmitValue[T any](ctx context.Context, l *Loop, fn Func[T]) (T, error) {
	mustHave("SubmitValue", fn != nil)
	return submit(ctx, l, fn, "SubmitValue")
}

func submit[T any](ctx context.Context, l *Loop, fn Func[T], op string) (T, error) {
	if ctx == nil {
		panic(misuse(op, "the context is nil; use context.Background()"))
	}
	if l == nil {
		panic(misuse(op, "the loop is nil; use RunningLoop(ctx) in one of its tasks"))
	}
	own, _ := ctx.Value(ownerKey).(*scope)
	if l.onLoop() || own != nil && own.task.loop == l && inCoroutine() {
		panic(misuse(op, "called from the loop itself, which would wait for itself; "+
			"await the function, or start it with CreateTask"))
	}
	if own != nil && own.task.loop.currentWorker() != nil {
		return ToThread(ctx, func(ctx context.Context) (T, error) { return submit(ctx, l, fn, op) })
	}
	if insideLoop() {
		panic(misuse(op, "called from a loop without its task's context, so the loop would block; "+
			"pass the task's context"))
	}
	s := &submission[T]{loop: l, ctx: ctx, fn: fn, done: make(chan struct{})}
	var zero T
	if !l.inbox.put(s) {
		return zero, ErrLoopClosed
	}
	select {
	case <-s.done:
		return s.value, s.err
	case <-ctx.Done():
	}
	select {
	case <-s.done: // at the same time
		return s.value, s.err
	default:
	}
	l.inbox.put(&Handle{loop: l, fn: func() {
		if s.task != nil {
			s.task.flags &^= observed // the caller has stopped waiting
			s.task.forsaken()
			s.task.cancelWith(cancellationOf(ctx))
		} else {
			s.withdrawn = true
		}
	}})
	return zero, cancellationOf(ctx).awaitError()
}

// submission is one call of SubmitValue. The loop stores the result and closes done.
type submission[T any] struct {
	loop      *Loop
	ctx       context.Context
	fn        Func[T]
	node      list.Elem[completer]
	task      *Task[T]
	withdrawn bool
	value     T
	err       error
	done      chan struct{}
}

// run is called when the submission arrives on the loop.
func (s *submission[T]) run() {
	if s.withdrawn {
		return
	}
	if s.loop.ending.closing {
		s.err = fmt.Errorf("%w: SubmitValue came too late", ErrLoopClosed)
		close(s.done)
		return
	}
	s.task = newTask(s.loop, context.WithoutCancel(s.ctx), s.fn, "SubmitValue", nil)
	s.task.flags |= observed // by the goroutine, unless it leaves
	s.task.tell(&s.node, s)
	s.task.schedule()
	if s.task.state == failed { // refused by the task factory
		s.loop.report(s.task.report("a task sent with SubmitValue was refused", s.task.err))
	}
}

// completed implements completer. A goroutine waits, so no turn in the ready queue is needed.
func (s *submission[T]) completed(*core) {
	if s.task.flags&observed != 0 { // the goroutine has not left
		s.value, s.err = s.task.Result()
	}
	close(s.done)
}

// CallSoonThreadsafe makes the loop call fn, and wakes the loop if it waits. Calls from one
// goroutine keep their order. On the loop itself it works like CallSoon. Cancel the handle on the
// loop only. It returns [ErrLoopClosed] if the loop is closed. Any goroutine. asyncio:
// call_soon_threadsafe.
func (l *Loop) CallSoonThreadsafe(fn func()) (*Handle, error) {
	mustHave("Loop.CallSoonThreadsafe", fn != nil)
	h := &Handle{loop: l, fn: fn}
	if l.onLoop() {
		if l.closed.Load() {
			return nil, ErrLoopClosed
		}
		if l.debug.Load() {
			h.created = callerPC(0)
		}
		if l.inbox.posted.Load() { // calls that other goroutines sent before come first
			l.takePosts()
		}
		l.ready.Push(h)
		return h, nil
	}
	if !l.inbox.put(h) {
		return nil, ErrLoopClosed
	}
	return h, nil
}

// RunParallel runs n loops, each as [Run] does on its own goroutine, and waits until all have
// ended. fn(ctx, i) is the main function of loop i. With it a program uses more than one core; n =
// runtime.GOMAXPROCS(0) uses all. Tasks stay on their loop. Loops call each other with
// [SubmitValue] and CallSoonThreadsafe. Servers on several loops share a port by the option
// ReusePort of package transport.
//
// The first main that fails cancels the others, with its error as the cause. RunParallel returns
// nil if no main failed, and otherwise the errors joined in the order in which they happened.
// Cancellations that follow from the first failure do not count. A panic also cancels the others
// and is re-panicked when all have ended; the other failures are in its Others. If a main calls
// runtime.Goexit, RunParallel does too, when all have ended.
//
// The options apply to each loop, so a virtual clock, which serves one loop, cannot be among them.
// RunParallel blocks its goroutine. It panics if n is less than 1, or if a loop is running on the
// goroutine. Any goroutine.
//
// Cancellation: when ctx is cancelled, all loops are.
func RunParallel(
	ctx context.Context, n int, fn func(ctx context.Context, i int) error, opts ...Option,
) error {
	const op = "RunParallel"
	switch {
	case n < 1:
		panic(misuse(op, "the number of loops is less than 1; use runtime.GOMAXPROCS(0)"))
	case fn == nil:
		panic(misuse(op, "the function is nil; pass one"))
	case ctx == nil:
		panic(misuse(op, "the context is nil; use context.Background()"))
	case insideLoop():
		panic(misuse(op, "a loop is running on this goroutine and would block; "+insteadOfALoop()))
	}
	p := &parallel{given: ctx}
	ctx, p.cancel = context.WithCancelCause(ctx)
	defer p.cancel(nil)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			returned := false
			defer func() {
				if !returned {
					p.broke(recover())
				}
			}()
			err := Run(ctx, func(ctx context.Context) error { return fn(ctx, i) }, opts...)
			returned = true
			if err != nil {
				p.failed(err)
			}
		})
	}
	all.Wait()
	switch {
	case p.panic != nil && len(p.errs) > 0:
		panic(p.withOthers())
	case p.panic != nil:
		panic(p.panic)
	case p.exited:
		for _, err := range p.errs {
			logReport(Report{
				Message: "a main of RunParallel failed, and another called runtime.Goexit",
				Err:     err,
			})
		}
		runtime.Goexit()
	}
	if len(p.errs) == 1 {
		return p.errs[0]
	}
	return errors.Join(p.errs...)
}

// parallel collects the outcomes of the loops of one RunParallel.
type parallel struct {
	given  context.Context // by the caller
	cancel context.CancelCauseFunc

	mu     sync.Mutex // guards the rest
	errs   []error
	panic  any // the first
	stack  []byte
	exited bool
}

func (p *parallel) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errs) == 0 && p.panic == nil && !p.exited {
		p.cancel(err)
	} else if p.follows(err) {
		return
	}
	p.errs = append(p.errs, err)
}

// follows reports whether err only says that the loop was cancelled together with the others.
func (p *parallel) follows(err error) bool {
	return isCancellation(err) || isBareCanceled(err) ||
		p.given.Err() != nil && errtree.Is(err, context.Cause(p.given))
}

// broke is called for a loop that ended with a panic, or with a Goexit if v is nil.
func (p *parallel) broke(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case v == nil:
		p.exited = true
	case p.panic == nil:
		p.panic, p.stack = v, debug.Stack()
	default:
		err, ok := v.(*PanicError)
		if !ok {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		p.errs = append(p.errs, err)
	}
	p.cancel(context.Canceled)
}

// withOthers returns the first panic with what went wrong beside it.
func (p *parallel) withOthers() *PanicError {
	e := &PanicError{Value: p.panic, Stack: p.stack}
	if first, ok := p.panic.(*PanicError); ok {
		*e = *first
	}
	e.Others = slices.Concat(e.Others, p.errs)
	return e
}

// Bridges to other libraries look at loops through package inspect.
func init() {
	inspect.TaskOf = func(ctx context.Context) any {
		if s, ok := ctx.Value(ownerKey).(*scope); ok {
			return s.task.any()
		}
		return nil
	}
	inspect.EntryOf = func(ctx context.Context) *inspect.Entry {
		if l := ownerOf(ctx); l != nil {
			return &l.entry
		}
		return nil
	}
	inspect.Derive = func(task any, derive func(ctx context.Context) context.Context) {
		s := &task.(AnyTask).asTask().scope
		s.values = derive(s.values)
	}
	inspect.EndContext = func(ctx context.Context) { ctx.(*scope).end() }
	inspect.Outcome = func(task any) error {
		t := task.(AnyTask).asTask()
		if t.rare != nil && t.rare.panic != nil {
			return t.rare.panic
		}
		return t.err
	}
	inspect.Counters = func(loop any) any { return loop.(*Loop).counters() }
}
