package aio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
)

// ErrInterrupted is the error of a Run that a signal has ended, and the cause with which its tasks were cancelled. See [WithInterrupt].
var ErrInterrupted = errors.New("aio: interrupted")

// Run makes a loop, runs main on it as the task "main", and returns what main returns. Before it returns it ends what main left behind, in
// the phases described at [WithShutdown], and closes the loop. If main panicked, the panic is raised again here; if it was ended by
// runtime.Goexit, Run ends the goroutine in the same way.
//
// If main ends the loop with Stop before it returns, the error is [ErrStopped]. When ctx is cancelled main is cancelled; its values are
// visible in main's context. Run blocks its goroutine and panics when that one is running a loop already. asyncio: run.
func Run(ctx context.Context, main func(ctx context.Context) error, opts ...Option) error {
	if main == nil {
		panic(misuse("Run", "the function is nil"))
	}
	r := NewRunner(opts...)
	defer r.Close()
	_, err := runIn(ctx, r, asFunc(main), "Run", plain)
	return err
}

// RunValue is [Run] for a function with a result.
func RunValue[T any](ctx context.Context, main Func[T], opts ...Option) (T, error) {
	r := NewRunner(opts...)
	defer r.Close()
	return runIn(ctx, r, main, "RunValue", 0)
}

// Runner keeps one loop for several runs of a main function. Close it after the last. It is for one goroutine. asyncio: Runner.
type Runner struct {
	loop *Loop
}

// NewRunner makes a Runner and its loop.
func NewRunner(opts ...Option) *Runner { return &Runner{loop: NewLoop(opts...)} }

// Loop returns the loop. It panics if the runner is closed.
func (r *Runner) Loop() *Loop {
	if r.loop.closed {
		panic(misuse("Runner.Loop", "the runner is closed"))
	}
	return r.loop
}

// Run runs main as [Run] does, but neither ends other tasks nor closes the loop afterwards: they go on with the next Run, or are ended by
// Close.
func (r *Runner) Run(ctx context.Context, main func(ctx context.Context) error) error {
	if main == nil {
		panic(misuse("Runner.Run", "the function is nil"))
	}
	_, err := runIn(ctx, r, asFunc(main), "Runner.Run", plain)
	return err
}

// RunIn is [Runner.Run] for a function with a result.
func RunIn[T any](ctx context.Context, r *Runner, main Func[T]) (T, error) {
	return runIn(ctx, r, main, "RunIn", 0)
}

// Close ends the tasks that are left, in the phases described at [WithShutdown], and closes the loop. A second Close does nothing.
func (r *Runner) Close() error {
	if r.loop.closed {
		return nil
	}
	r.loop.shutdown()
	return r.loop.Close()
}

func runIn[T any](ctx context.Context, r *Runner, main Func[T], op string, flags coreFlags) (T, error) {
	l := r.loop
	if l.closed {
		panic(misuse(op, "the runner is closed; make a new one"))
	}
	if main == nil {
		panic(misuse(op, "the function is nil"))
	}
	if ctx == nil {
		panic(misuse(op, "the context is nil; use context.Background()"))
	}
	l.start(op) // checks that nothing runs before a task is made
	l.finishRun()
	l.base = context.WithoutCancel(ctx)
	t := newTask(l, l.base, main, op, []TaskOption{Name("main")})
	l.mainTask = &t.taskCore
	t.flags |= flags | observed // its outcome is returned
	t.schedule()
	stop := context.AfterFunc(ctx, func() { l.post(&mainEnded{&t.taskCore, ctx}) })
	defer stop()
	interrupted := l.catchInterrupt(&t.taskCore)
	l.runUntil(&t.core)
	byUser := interrupted()
	l.mainTask = nil
	if l.mainExited || t.rare.panic != nil {
		r.Close()
	}
	if l.mainExited {
		runtime.Goexit()
	}
	t.raise()
	v, err := t.value, t.err
	if !t.Done() {
		err = ErrStopped
	}
	if d, ok := errors.AsType[*DeadlockError](err); ok {
		err = d
	}
	if byUser && (err == nil || isCancellation(err)) {
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

// catchInterrupt makes the first signal cancel the main task. The function it returns ends that, and reports whether a signal did.
func (l *Loop) catchInterrupt(t *taskCore) (interrupted func() bool) {
	if len(l.interrupt) == 0 {
		return func() bool { return false }
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
	return func() bool {
		signal.Stop(c)
		close(done)
		<-ended
		return came
	}
}

// runUntil runs the loop until c has ended. The loop ends with the pass that would tell a waiting task.
func (l *Loop) runUntil(c *core) {
	end := &runEnd{loop: l}
	end.node.owner = end
	if !c.Done() {
		c.join(&end.node)
		l.RunForever()
		c.leave(&end.node)
	}
}

type runEnd struct {
	loop *Loop
	node node
}

func (e *runEnd) completed(*core) { e.loop.ready.Push(e) }
func (e *runEnd) run()            { e.loop.stopping = true }

// RunUntilComplete runs loop l until fn has ended, as a task, and returns its result; other tasks stay as they are. It returns
// [ErrStopped] if Stop ends the loop before; the task is then left pending and goes on with the next run.
// asyncio: run_until_complete.
func RunUntilComplete[T any](l *Loop, fn Func[T]) (T, error) {
	if l.closed || l.running.Load() {
		l.start("RunUntilComplete") // panics, with the reason
	}
	t := newTask(l, &l.amb, fn, "RunUntilComplete", nil)
	t.schedule()
	return RunUntilDone(l, t)
}

// RunUntilDone is [RunUntilComplete] for a task or future that was started before. It must belong to l.
func RunUntilDone[T any, A TaskOrFuture[T]](l *Loop, aw A) (T, error) {
	c := aw.future()
	if c.loop != l {
		panic(misuse("RunUntilDone", c.String()+" belongs to another loop"))
	}
	if !c.Done() {
		l.runUntil(c)
	}
	if !c.Done() {
		var zero T
		return zero, ErrStopped
	}
	c.observe()
	c.raise()
	return aw.Result()
}

// insideLoop reports whether the caller runs, directly or not, on a loop.
func insideLoop() bool {
	pcs := make([]uintptr, 128)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if f.Function == "github.com/aio-go/aio.(*Loop).run" || f.Function == "github.com/aio-go/aio.(*worker).exec" {
			return true
		}
		if !more {
			return false
		}
	}
}
