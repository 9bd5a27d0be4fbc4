package aio

import (
	"context"
	"fmt"

	"github.com/aio-go/aio/internal/list"
)

// Submit runs fn as a task of loop l and waits for its result: the way for other goroutines to use a loop. The task has the values of ctx;
// when ctx ends the task is cancelled and Submit returns the reason without waiting for the task's end. It returns [ErrLoopClosed] if the
// loop is closed, or is before fn has ended. A panic of fn is returned as a [*PanicError]. Called from loop l itself it would wait for
// ever; it panics. Called with the context of a task of another loop it suspends that task, by means of [ToThread], so that loops can ask
// each other. asyncio: run_coroutine_threadsafe(...).result().
func Submit[T any](ctx context.Context, l *Loop, fn Func[T]) (T, error) {
	mustHave("Submit", fn != nil)
	if ctx == nil {
		panic(misuse("Submit", "the context is nil; use context.Background()"))
	}
	if l == nil {
		panic(misuse("Submit", "the loop is nil; use the one of RunningLoop(ctx)"))
	}
	own, _ := ctx.Value(ownerKey).(*scope)
	if l.onLoop() || own != nil && own.task.loop == l && inCoroutine() {
		panic(misuse("Submit", "called from the loop itself, which would wait for itself; await the function, or start it with CreateTask"))
	}
	if own != nil && own.task.loop.currentWorker() != nil {
		return ToThread(ctx, func(ctx context.Context) (T, error) { return Submit(ctx, l, fn) })
	}
	if insideLoop() {
		panic(misuse("Submit", "called from a loop, with a context that is not its task's, so that the loop would stand still; pass the task's context"))
	}
	s := &submission[T]{loop: l, ctx: ctx, fn: fn, done: make(chan struct{})}
	var zero T
	if !l.post(s) {
		return zero, ErrLoopClosed
	}
	select {
	case <-s.done:
		return s.value, s.err
	case <-ctx.Done():
	}
	l.post(&Handle{loop: l, fn: func() {
		if s.task != nil {
			s.task.flags &^= observed // nobody looks at the outcome any more
			s.task.forsaken()
			s.task.cancelWith(cancellationOf(ctx))
		} else {
			s.withdrawn = true
		}
	}})
	return zero, cancellationOf(ctx).awaitError()
}

// submission is one call of Submit. The loop fills it in and closes done.
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

// run is the submission's arrival on the loop.
func (s *submission[T]) run() {
	if s.withdrawn {
		return
	}
	if s.loop.closing {
		s.err = fmt.Errorf("%w: Submit came too late", ErrLoopClosed)
		close(s.done)
		return
	}
	s.task = newTask(s.loop, context.WithoutCancel(s.ctx), s.fn, "Submit", nil)
	s.task.flags |= observed // by the goroutine, unless it leaves
	s.task.tell(&s.node, s)
	s.task.schedule()
	if s.task.state == failed { // refused by the task factory
		s.loop.report(s.task.report("a task sent with Submit was refused", s.task.err))
	}
}

// completed implements completer. What waits is a goroutine, which needs no turn in the ready queue.
func (s *submission[T]) completed(*core) {
	if s.task.flags&observed != 0 { // the goroutine has not left
		s.value, s.err = s.task.Result()
	}
	close(s.done)
}
