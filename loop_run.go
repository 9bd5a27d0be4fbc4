package aio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"

	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/nocopy"
)

// ErrInterrupted is the error of a Run that a signal has ended, and the cause of its cancellation.
// See [WithInterrupt].
var ErrInterrupted = errors.New("aio: interrupted")

// Run creates a loop, runs main on it as the task "main", and returns main's error. Then it ends
// the remaining tasks, in the phases described at [WithShutdown], and closes the loop. If main
// panicked, Run re-panics. If main called runtime.Goexit, Run does too.
//
// If another task panicked and no task retrieved that panic, Run re-panics with the first one. All
// such panics are reported.
//
// If a deadlock ends main, the error is a [*DeadlockError].
//
// If Stop ends the loop before main returns, the error is [ErrStopped]. If ctx is cancelled, main
// is cancelled; if it was cancelled before, main does not start. The values of ctx are visible in
// main's context. Run blocks its goroutine. It panics if that goroutine is running a loop already.
// Any goroutine. asyncio: run.
func Run(ctx context.Context, main func(ctx context.Context) error, opts ...Option) error {
	mustHave("Run", main != nil)
	_, err := runOnce(ctx, asFunc(main), "Run", plain, opts)
	return err
}

// RunValue is [Run] for a function with a result. asyncio: run.
func RunValue[T any](ctx context.Context, main Func[T], opts ...Option) (T, error) {
	return runOnce(ctx, main, "RunValue", 0, opts)
}

func runOnce[T any](
	ctx context.Context, main Func[T], op string, flags coreFlags, opts []Option,
) (T, error) {
	r := NewRunner(opts...)
	defer r.Close() // after a panic or a Goexit; otherwise it is closed by now
	v, err := runIn(ctx, r, main, op, flags)
	r.Close()
	if p := r.loop.unseen.panic; p != nil {
		panic(p)
	}
	return v, err
}

// Runner keeps one loop for several runs of a main function. Close it after the last. Use it on one
// goroutine. asyncio: Runner.
type Runner struct {
	_    nocopy.Mark
	loop *Loop
	opts []Option
}

// NewRunner returns a Runner with a new loop.
func NewRunner(opts ...Option) *Runner { return &Runner{loop: NewLoop(opts...), opts: opts} }

// Loop returns the loop. It panics if the runner is closed.
func (r *Runner) Loop() *Loop {
	if r.loop.closed.Load() {
		panic(misuse("Runner.Loop", "the runner is closed; make a new one"))
	}
	return r.loop
}

// Run runs main as [Run] does, but neither ends other tasks nor closes the loop afterwards. Other
// tasks continue in the next Run, or Close ends them. If main panics or calls runtime.Goexit, the
// runner is closed. asyncio: Runner.run.
func (r *Runner) Run(ctx context.Context, main func(ctx context.Context) error) error {
	mustHave("Runner.Run", main != nil)
	_, err := runIn(ctx, r, asFunc(main), "Runner.Run", plain)
	return err
}

// Close ends the remaining tasks, in the phases described at [WithShutdown], and closes the loop.
// It panics if the loop is running. A second Close does nothing. asyncio: Runner.close.
func (r *Runner) Close() {
	if r.loop.running.Load() {
		panic(misuse("Runner.Close", "the loop is running; close it after Run has returned"))
	}
	if r.loop.closed.Load() {
		return
	}
	defer r.loop.Close() // even if the user's chooser or clock panics
	r.loop.shutdown()
}

// Reset ends the tasks that are left and closes the loop, as Close does, and gives the runner a new
// one with the same options: time, numbers of tasks and random numbers begin anew. Only the idle
// stacks are kept, which makes it cheaper than a new Runner. A clock given by WithClock goes on.
// It panics if the loop is running.
func (r *Runner) Reset() {
	next := NewLoop(r.opts...)
	if !r.loop.closed.Load() {
		r.loop.keeper = &next.pool
		r.Close()
	}
	r.loop = next
}

func runIn[T any](
	ctx context.Context, r *Runner, main Func[T], op string, flags coreFlags,
) (T, error) {
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
	l.mainTask, l.deadlock.ended = &t.taskCore, nil
	t.flags |= flags | observed // its outcome is returned
	t.schedule()
	if ctx.Err() != nil {
		t.scope.cancel(cancellationOf(ctx))
	} else if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { l.inbox.put(&mainEnded{&t.taskCore, ctx}) })
		defer stop()
	}
	interrupted, release := l.catchInterrupt(&t.taskCore)
	defer release() // even if a callback ends the goroutine
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
	if c := t.scope.cancelled.Load(); c != nil && c.timeout != nil && isCancellation(err) {
		err = c.timeout // the end of the time of the caller's context, also before main starts
	}
	err = l.withDeadlock(err)
	if byUser && (err == nil || isCancellation(err)) {
		err = ErrInterrupted
	} else if byUser {
		err = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return v, err
}

// mainEnded is posted to the loop when the context given to Run has ended.
type mainEnded struct {
	t   *taskCore
	ctx context.Context
}

func (e *mainEnded) run() {
	if !e.t.Done() {
		e.t.scope.cancel(cancellationOf(e.ctx))
	}
}

// catchInterrupt makes the first signal cancel the main task. Both returned functions end that. The
// first reports whether a signal has cancelled the task.
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
			l.inbox.put(&Handle{loop: l, fn: func() {
				if !t.Done() && t.scope.cancelled.Load() == nil {
					came = true
					request := CancelledError{Cause: ErrInterrupted, by: "signal " + sig.String()}
					t.scope.cancel(&cancellation{CancelledError: request})
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

// runUntil runs the loop until c has ended: it stops after the pass in which a waiting task would
// be told.
func (l *Loop) runUntil(c *core) {
	end := &runEnd{core: c}
	if !c.Done() {
		c.tell(&end.node, end)
		defer end.leave()
		l.RunForever()
	}
}

// runEnd stops the loop when its core has ended. If the loop ends earlier, it must not stop the
// next run.
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

// RunUntilComplete runs loop l until fn, as a task, has ended, and returns its result. Other tasks
// stay as they are. It returns [ErrStopped] if Stop ends the loop first; fn then continues in the
// next run. If a deadlock ends fn, the error is a [*DeadlockError]. It panics if the loop is closed
// or running. asyncio: run_until_complete.
func RunUntilComplete[T any](l *Loop, fn Func[T]) (T, error) {
	l.mustBeIdle("RunUntilComplete") // before a task is made
	t := newTask(l, &l.amb, fn, "RunUntilComplete", nil)
	l.mainTask, l.deadlock.ended = &t.taskCore, nil
	t.schedule()
	func() {
		defer func() { l.mainTask, l.mainExited = nil, false }() // even if a callback exits
		l.runUntil(&t.core)
	}()
	if !t.Done() {
		var zero T
		return zero, ErrStopped
	}
	t.observe()
	t.raise()
	return t.value, l.withDeadlock(t.err)
}
