package aio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"unsafe"

	"github.com/aio-go/aio/internal/inspect"
)

// taskCore is a task without its result type.
//
// The life of a task: CreateTask makes it (created) and pushes it to the ready queue. At its turn
// the loop gives it a worker, whose stack runs the function (Run: started). An await parks the
// worker and returns to the loop. A wake-up pushes the task to the ready queue again, and its next
// turn resumes the worker (Loop.run, stage). When the function returns, finish sets the outcome and
// informs the waiting tasks.
type taskCore struct {
	core
	scope  scope   // the context of the function
	worker *worker // the stack it runs on; nil before it starts and after its end
	born   int64   // when it was made, by the loop's clock
	index  int32   // the place in the loop's registry
	parent uint32  // the task that made it; 0: a callback or code outside the loop
}

// Task is a coroutine that the loop runs, and its result. asyncio: Task.
type Task[T any] struct {
	taskCore
	value T
	fn    Func[T]
}

// TaskOption is a setting for a new task.
type TaskOption interface{ taskOption(t *taskCore) }

// Name gives a task a name. Default: Task-1, Task-2 and so on.
func Name(name string) TaskOption { return taskName(name) }

type taskName string

func (n taskName) taskOption(t *taskCore) { t.scope.setName(string(n)) }

// CreateTask starts fn as a task of the loop of ctx. It runs from the next pass on, in the order of
// creation, even if its creator ends. Its context has the values of ctx but not its cancellation.
// For a task that ends with a block use [Group]. An error that nothing retrieves is reported, see
// [WithPromptReports]. A panic is reported at once if nothing waits for the task. CreateTask panics
// if ctx has no loop or the loop is closed. On other goroutines use [Submit]. asyncio: create_task.
func CreateTask[T any](ctx context.Context, fn Func[T], opts ...TaskOption) *Task[T] {
	t := newTask(loopOf(ctx, "CreateTask"), ctx, fn, "CreateTask", opts)
	t.schedule()
	return t
}

// Start is [CreateTask] for functions that return only an error. asyncio: create_task.
func Start(
	ctx context.Context, fn func(ctx context.Context) error, opts ...TaskOption,
) *Task[None] {
	t := newTask(loopOf(ctx, "Start"), ctx, asFunc(fn), "Start", opts)
	t.flags |= plain
	t.schedule()
	return t
}

// asFunc stores a function without a result as a Func. The task is marked plain and converts it
// back to call it. This saves the closure of Action.
func asFunc(fn func(ctx context.Context) error) Func[None] {
	return *(*Func[None])(unsafe.Pointer(&fn))
}

func newTask[T any](
	l *Loop, ctx context.Context, fn Func[T], op string, opts []TaskOption,
) *Task[T] {
	mustHave(op, fn != nil)
	l.check(op)
	t := &Task[T]{fn: fn}
	l.ids++
	t.loop, t.self, t.id, t.flags = l, t, l.ids, isTask
	t.born = l.clock.stamp()
	if w := l.current; w != nil {
		t.parent = w.task.id
	}
	t.scope.task = &t.taskCore
	if s, ok := ctx.(*scope); ok {
		t.scope.values = s.values
	} else if a, ok := ctx.(*ambient); ok {
		t.scope.values = *a.loop.base.Load()
	} else {
		t.scope.values = ctx
	}
	if len(opts) > 0 {
		mustHaveOptions(op, opts)
	}
	for _, o := range opts {
		o.taskOption(&t.taskCore)
	}
	if l.debug.Load() {
		t.extra().created = callers(2)
	}
	if l.rec.ring != nil {
		l.recordMade(&t.taskCore, codeOf(fn))
	}
	return t
}

// schedule registers the task and pushes it to the ready queue.
func (t *taskCore) schedule() {
	l := t.loop
	if l.closed.Load() {
		panic(misuse("CreateTask", "the loop is closed; make a new one"))
	}
	if l.factory != nil && !t.admitted() {
		return
	}
	l.tasks.add(t)
	if t.flags&eagerStart != 0 && l.onLoop() {
		l.startNow(t)
		return
	}
	l.ready.Push(t)
}

// run is the task's turn in the ready queue where speed does not matter.
func (t *taskCore) run() {
	l := t.loop
	if s := l.stage(t); s != nil {
		s.Resume()
		l.setCurrent(nil)
		l.pool.Bury()
	}
}

// body runs the function and stores its result.
func (t *Task[T]) body(ctx *scope) {
	if t.flags&plain != 0 {
		t.err = (*(*func(context.Context) error)(unsafe.Pointer(&t.fn)))(ctx)
		return
	}
	if t.value, t.err = t.fn(ctx); t.err == nil {
		t.fn = nil // let go of what it refers to; after a failure it still names the task
	}
}

// returned sets the outcome of a task whose function has returned. A request that the function has
// not noticed wins over a value but not over an error, so no error is lost.
func (t *taskCore) returned() {
	req, err := t.scope.cancelled.Load(), t.err
	if req == contextEnded {
		req = nil
	}
	switch {
	case isCancellation(err):
		t.finish(cancelled, err)
	case req != nil && (isBareCanceled(err) || err == nil && t.flags&cancelSeen == 0):
		// The function has checked ctx.Err, or has not noticed the request.
		t.finish(cancelled, &req.CancelledError)
	case err != nil:
		t.finish(failed, err)
	default:
		t.finish(succeeded, nil)
	}
}

// exited sets the outcome of a task that called runtime.Goexit.
func (t *taskCore) exited() {
	if t == t.loop.mainTask {
		t.loop.mainExited = true
	}
	t.finish(failed, &GoexitError{Name: t.Name()})
}

// abandoned sets the outcome of a task that was ended at an await because it did not end by itself.
func (t *taskCore) abandoned() {
	c := t.scope.cancelled.Load()
	err := &CancelledError{Cause: ErrLoopClosed, by: "the loop"}
	what := "a task ignored its cancellation and was ended at an await"
	if t.rare != nil && t.rare.ignored != nil {
		c = t.rare.ignored
		what = fmt.Sprintf(
			"a task ignored the errors of %d awaits in a row and was ended", maxFails)
	}
	if c != nil {
		*err = c.CancelledError
	}
	if d := t.loop.deadlock.ended; d != nil && t == t.loop.mainTask {
		err.Cause = d
		what = "the main task waited, after its cancellation, for something that cannot come, " +
			"and was ended at an await"
	}
	t.flags |= observed
	t.finish(cancelled, err)
	if t.loop.ending.closing {
		what = "a task had not ended when the loop was closed, and was ended at an await"
	}
	report := t.report(what, err)
	g := parseStack(string(debug.Stack())) // the frames of the await are still there
	if frames := g.user(); len(frames) > 0 {
		report.Attrs = []slog.Attr{slog.String("stack", joinFrames(frames))}
	}
	t.loop.report(report)
}

// finishUnstarted sets the outcome of a task that was refused before it was registered.
func (t *taskCore) finishUnstarted(c *cancellation) {
	t.scope.cancelled.Store(c)
	t.settle(cancelled, &c.CancelledError)
}

func (t *taskCore) finish(state coreState, err error) {
	l := t.loop
	l.tasks.remove(t)
	if state == cancelled {
		l.tasks.cancelled++
	}
	if l.rec.ring != nil {
		l.recordEnd(t, state)
	}
	if e := &l.ending; e.left > 0 && t.id <= e.last {
		if e.left--; e.left == 0 {
			l.stopping = true
		}
	}
	t.settle(state, err)
}

// Await waits until the task has ended and returns its result. If it has ended, Await returns at
// once, without a switch and even if ctx is cancelled. If the task panicked, Await re-panics. If it
// called runtime.Goexit, Await returns a [*GoexitError]. asyncio: await task.
//
// Cancellation: if no other task awaits this one, it is cancelled too, and Await returns when it
// has ended. Otherwise Await returns the error at once. To avoid the former use [Shield].
func (t *Task[T]) Await(ctx context.Context) (T, error) {
	if t == nil {
		panic(misuse("Task.Await", "the task is nil; make it with CreateTask, Start or GoValue"))
	}
	if err := t.await(ctx, "Task.Await"); err != nil {
		var zero T
		return zero, err
	}
	if t.err != nil {
		var zero T
		return zero, t.err
	}
	return t.value, nil
}

// Result returns the outcome without waiting, or [ErrInvalidState] if there is none yet. A panic is
// returned as a [*PanicError]. asyncio: result.
func (t *Task[T]) Result() (T, error) {
	if err := t.Err(); err != nil {
		var zero T
		return zero, err
	}
	return t.value, nil
}

func (t *taskCore) asTask() *taskCore { return t }

// ID returns the task's number, as [TaskInfo] has it. A loop counts its tasks and futures from 1.
// Any goroutine.
func (t *taskCore) ID() uint32 { return t.id }

// Name returns the task's name. Any goroutine. asyncio: get_name.
func (t *taskCore) Name() string {
	if name := t.scope.name(); name != "" {
		return name
	}
	return defaultName(t.id)
}

// SetName changes the task's name. asyncio: set_name.
func (t *taskCore) SetName(name string) {
	t.scope.setName(name)
	if l := t.loop; (l.rec.beside.Load() != nil || inspect.Watched()) && l.onLoop() {
		l.renamed(t)
	}
}

// registry holds the unfinished tasks of a loop, in the order of creation.
type registry struct {
	slots     []*taskCore // nil where a task has ended
	live      int
	made      uint64 // tasks that were ever added
	cancelled uint64 // of those, the ones whose outcome is a cancellation
}

func (r *registry) add(t *taskCore) {
	t.index = int32(len(r.slots))
	r.slots = append(r.slots, t)
	r.live++
	r.made++
}

func (r *registry) remove(t *taskCore) {
	r.slots[t.index] = nil
	r.live--
	n := len(r.slots)
	for n > 0 && r.slots[n-1] == nil {
		n--
	}
	r.slots = r.slots[:n]
	if n > 64 && r.live < n/2 {
		live := r.slots[:0]
		for _, x := range r.slots {
			if x != nil {
				x.index = int32(len(live))
				live = append(live, x)
			}
		}
		clear(r.slots[len(live):])
		r.slots = live
	}
}

// first returns the oldest unfinished task, or nil.
func (r *registry) first() *taskCore {
	for _, t := range r.slots {
		if t != nil {
			return t
		}
	}
	return nil
}

// all returns the unfinished tasks in the order of creation.
func (r *registry) all() []*taskCore {
	out := make([]*taskCore, 0, r.live)
	for _, t := range r.slots {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

// Value returns the value that the task's context has for key, nil if there is none. A tool can
// find the tasks of a request, or of a simulated host, by it. asyncio: Task.get_context.
func (t *taskCore) Value(key any) any { return t.scope.Value(key) }

func (t *taskCore) any() AnyTask { return t.self.(AnyTask) }

// TaskFactory is called with every new task of a loop before it is scheduled. It may name the task,
// add callbacks or keep it. If it returns an error or panics, the task does not run and has that
// outcome.
type TaskFactory func(t AnyTask) error

// SetTaskFactory sets the function that is called with every new task; nil removes it. asyncio:
// set_task_factory.
func (l *Loop) SetTaskFactory(f TaskFactory) { l.factory = f }

// TaskFactory returns the task factory, or nil. asyncio: get_task_factory.
func (l *Loop) TaskFactory() TaskFactory { return l.factory }

// WithTaskFactory sets the loop's task factory. Default: none.
func WithTaskFactory(f TaskFactory) Option { return option(func(l *Loop) { l.factory = f }) }

// admitted calls the factory with a new task. If it refuses or does not return, that is the task's
// outcome, because another task may already wait for one.
func (t *taskCore) admitted() bool {
	var err error
	returned := false
	defer func() {
		if !returned { // runtime.Goexit goes on
			t.settle(failed, &GoexitError{Name: t.Name()})
		}
	}()
	func() {
		defer func() {
			if v := recover(); v != nil {
				p := &PanicError{Value: v, Stack: debug.Stack()}
				t.extra().panic = p
				err = p
			}
		}()
		err = t.loop.factory(t.any())
	}()
	returned = true
	if err != nil {
		t.settle(failed, err)
	}
	return err == nil
}

// Eager makes a task take its first step at once, inside CreateTask, Start or Go, until its first
// await that suspends. Then it goes on like any other task. It saves a pass if the work often needs
// no wait. It changes the order: the first step comes before the creator's next statement. asyncio:
// eager_task_factory.
func Eager() TaskOption { return eagerOption{} }

type eagerOption struct{}

func (eagerOption) taskOption(t *taskCore) { t.flags |= eagerStart }

// startNow runs the first step of a task from inside a step of another task or a callback.
func (l *Loop) startNow(t *taskCore) {
	current, hosted, left, now := l.current, l.hosted, l.left, l.rec.now
	l.hosted, l.left = true, 0 // the new task makes no steps of others: it is not their turn
	if s := l.stage(t); s != nil {
		s.Resume()
	}
	l.hosted, l.left, l.rec.now = hosted, left, now
	l.setCurrent(current)
	if l.rec.ring != nil && current != nil {
		l.recordBack(current)
	}
}
