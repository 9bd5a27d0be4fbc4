package aio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// ErrInterrupted is the error of a Run that a signal has ended, and the cause with which its tasks were cancelled. See [WithInterrupt].
var ErrInterrupted = errors.New("aio: interrupted")

// Run makes a loop, runs main on it as the task "main", and returns what main returns. Before it returns it ends what main left behind, in
// the phases described at [WithShutdown], and closes the loop. If main panicked, the panic is raised again here; if it was ended by
// runtime.Goexit, Run ends the goroutine in the same way.
//
// A panic of another task that nobody has seen by then is raised here, too; the first, if there are several, and all are reported.
//
// If Stop ends the loop before main returns, the error is [ErrStopped]. When ctx is cancelled main is cancelled, and it does not start if ctx
// has ended before; the values of ctx are visible in main's context. Run blocks its goroutine and panics when that one is running a loop
// already. asyncio: run.
func Run(ctx context.Context, main func(ctx context.Context) error, opts ...Option) error {
	mustHave("Run", main != nil)
	_, err := runOnce(ctx, asFunc(main), "Run", plain, opts)
	return err
}

// RunValue is [Run] for a function with a result.
func RunValue[T any](ctx context.Context, main Func[T], opts ...Option) (T, error) {
	return runOnce(ctx, main, "RunValue", 0, opts)
}

func runOnce[T any](ctx context.Context, main Func[T], op string, flags coreFlags, opts []Option) (T, error) {
	r := NewRunner(opts...)
	defer r.Close() // after a panic or a Goexit; otherwise it is closed by now
	v, err := runIn(ctx, r, main, op, flags)
	r.Close()
	if p := r.loop.unseenPanic; p != nil {
		panic(p)
	}
	return v, err
}

// Runner keeps one loop for several runs of a main function. Close it after the last. It is for one goroutine. asyncio: Runner.
type Runner struct {
	_    nocopy.Mark
	loop *Loop
}

// NewRunner makes a Runner and its loop.
func NewRunner(opts ...Option) *Runner { return &Runner{loop: NewLoop(opts...)} }

// Loop returns the loop. It panics if the runner is closed.
func (r *Runner) Loop() *Loop {
	if r.loop.closed.Load() {
		panic(misuse("Runner.Loop", "the runner is closed"))
	}
	return r.loop
}

// Run runs main as [Run] does, but neither ends other tasks nor closes the loop afterwards: they go on with the next Run, or are ended by
// Close.
func (r *Runner) Run(ctx context.Context, main func(ctx context.Context) error) error {
	mustHave("Runner.Run", main != nil)
	_, err := runIn(ctx, r, asFunc(main), "Runner.Run", plain)
	return err
}

// Close ends the tasks that are left, in the phases described at [WithShutdown], and closes the loop. It panics if the loop is running.
// A second Close does nothing.
func (r *Runner) Close() {
	if r.loop.running.Load() {
		panic(misuse("Runner.Close", "the loop is running; close it after Run has returned"))
	}
	if r.loop.closed.Load() {
		return
	}
	defer r.loop.Close() // also if a chooser or clock of the user's own panics
	r.loop.shutdown()
}

func runIn[T any](ctx context.Context, r *Runner, main Func[T], op string, flags coreFlags) (T, error) {
	l := r.loop
	if l.closed.Load() {
		panic(misuse(op, "the runner is closed; make a new one"))
	}
	mustHave(op, main != nil)
	if ctx == nil {
		panic(misuse(op, "the context is nil; use context.Background()"))
	}
	l.mustBeIdle(op) // before a task is made
	base := context.WithoutCancel(ctx)
	l.setBase(base)
	t := newTask(l, base, main, op, []TaskOption{Name("main")})
	l.mainTask = &t.taskCore
	t.flags |= flags | observed // its outcome is returned
	t.schedule()
	if ctx.Err() != nil {
		t.scope.cancel(cancellationOf(ctx))
	} else {
		stop := context.AfterFunc(ctx, func() { l.post(&mainEnded{&t.taskCore, ctx}) })
		defer stop()
	}
	interrupted, release := l.catchInterrupt(&t.taskCore)
	defer release() // also when a callback ends the goroutine
	l.runUntil(&t.core)
	byUser := interrupted()
	l.mainTask = nil
	if l.mainExited || t.rare != nil && t.rare.panic != nil {
		r.Close()
	}
	if l.mainExited {
		runtime.Goexit()
	}
	t.raise()
	v, err := t.value, t.err
	if !t.Done() { // Stop has ended the loop
		t.flags &^= observed
		err = ErrStopped
	}
	if d, ok := errtree.As[*DeadlockError](err); ok {
		err = d
	}
	if byUser && (err == nil || isCancellation(err)) {
		err = ErrInterrupted
	} else if byUser {
		err = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return v, err
}

// mainEnded arrives on the loop when the context given to Run has ended.
type mainEnded struct {
	t   *taskCore
	ctx context.Context
}

func (e *mainEnded) run() {
	if !e.t.Done() {
		e.t.scope.cancel(cancellationOf(e.ctx))
	}
}

// catchInterrupt makes the first signal cancel the main task. Both functions it returns end that; the first reports whether a signal did.
func (l *Loop) catchInterrupt(t *taskCore) (interrupted func() bool, release func()) {
	if len(l.interrupt) == 0 {
		return func() bool { return false }, func() {}
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, l.interrupt...)
	done, ended := make(chan struct{}), make(chan struct{})
	came := false
	go func() {
		defer close(ended)
		select {
		case sig := <-c:
			signal.Stop(c) // a second one is for the system
			l.post(&Handle{loop: l, fn: func() {
				if !t.Done() && t.scope.cancelled.Load() == nil {
					came = true
					t.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: ErrInterrupted, by: "signal " + sig.String()}})
				}
			}})
		case <-done:
		}
	}()
	release = sync.OnceFunc(func() {
		signal.Stop(c)
		close(done)
		<-ended
	})
	return func() bool {
		release()
		return came
	}, release
}

// runUntil runs the loop until c has ended. The loop ends with the pass that would tell a waiting task.
func (l *Loop) runUntil(c *core) {
	end := &runEnd{core: c}
	if !c.Done() {
		c.tell(&end.node, end)
		defer end.leave()
		l.RunForever()
	}
}

// runEnd stops the loop when what it runs for has ended. If the loop ends before, for another reason, it must not stop the next run.
type runEnd struct {
	core *core
	node list.Elem[completer]
	over bool // this run has ended
}

func (e *runEnd) completed(c *core) {
	c.flags |= attended
	c.loop.ready.Push(e)
}

func (e *runEnd) run() {
	if !e.over {
		e.core.loop.stopping = true
	}
}

func (e *runEnd) leave() {
	e.core.waiters.Remove(&e.node)
	e.over = true
}

// RunUntilComplete runs loop l until fn has ended, as a task, and returns its result; other tasks stay as they are. It returns
// [ErrStopped] if Stop ends the loop before; the task is then left pending and goes on with the next run.
// asyncio: run_until_complete.
func RunUntilComplete[T any](l *Loop, fn Func[T]) (T, error) {
	l.mustBeIdle("RunUntilComplete") // before a task is made
	t := newTask(l, &l.amb, fn, "RunUntilComplete", nil)
	t.schedule()
	l.runUntil(&t.core)
	if !t.Done() {
		var zero T
		return zero, ErrStopped
	}
	t.observe()
	t.raise()
	return t.Result()
}
