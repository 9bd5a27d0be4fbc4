package aio

import (
	"context"
	"runtime/debug"
)

// ToThread calls fn on a goroutine of its own and waits for its result, while the loop goes on: the way to call what blocks, be it a
// library, a system call or a long computation. fn gets a context with the values of ctx, which is cancelled when the wait is; it must not
// await with it (use [Submit] for that). A panic of fn is raised again in the caller. asyncio: to_thread.
//
// Cancellation: ToThread returns at once and fn's context is cancelled. A goroutine cannot be stopped from outside: fn goes on until it
// returns, and if it then fails with something other than its cancellation, that is reported.
func ToThread[T any](ctx context.Context, fn Func[T]) (T, error) {
	w := running(ctx, "ToThread")
	if fn == nil {
		panic(misuse("ToThread", "the function is nil"))
	}
	p := &w.park
	p.begin("ToThread", nil)
	p.govern(ctx)
	j := &threadJob[T]{fn: fn, p: p, gen: p.gen}
	if p.broken == nil {
		j.start(w, ctx)
		p.on = j
	}
	if err := p.wait(); err != nil {
		j.abandon(err)
		var zero T
		return zero, err
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.value, j.err
}

// Blocking is [ToThread] for functions that only return an error.
func Blocking(ctx context.Context, fn func(ctx context.Context) error) error {
	if fn == nil {
		panic(misuse("Blocking", "the function is nil"))
	}
	_, err := ToThread(ctx, Action(fn))
	return err
}

// threadJob is one call of ToThread: the goroutine fills it in and sends it to the loop.
type threadJob[T any] struct {
	scope scope // the context of fn
	fn    Func[T]
	value T
	err   error
	panic *PanicError

	p         *park // the waiting task
	gen       uint32
	abandoned bool // loop only: nobody waits any more
}

func (j *threadJob[T]) start(w *worker, ctx context.Context) {
	j.scope.task = w.task
	if s, ok := ctx.(*scope); ok {
		j.scope.values = s.values
	} else {
		j.scope.values = ctx
	}
	w.task.loop.ExpectPosts(1)
	go j.call()
}

// abandon tells fn that nobody waits for it any more.
func (j *threadJob[T]) abandon(err error) {
	if j.scope.task == nil {
		return // it was not started
	}
	j.abandoned = true
	j.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: err, by: "ToThread"}})
}

func (j *threadJob[T]) call() {
	returned := false
	defer func() {
		if !returned {
			if v := recover(); v != nil {
				j.panic = &PanicError{Value: v, Stack: debug.Stack()}
			} else {
				j.err = &GoexitError{Name: "ToThread"}
			}
		}
		j.scope.task.loop.post(j)
	}()
	j.value, j.err = j.fn(&j.scope)
	returned = true
}

// run is the job's arrival on the loop.
func (j *threadJob[T]) run() {
	l := j.scope.task.loop
	l.ExpectPosts(-1)
	if !j.abandoned {
		if j.p.gen == j.gen && j.p.state == parked && j.p.err == nil {
			j.p.wake()
		}
		return
	}
	err := j.err
	if j.panic != nil {
		err = j.panic
	} else if err == nil || isCancellation(err) || isBareCanceled(err) {
		return
	}
	l.report(Report{Message: "a function abandoned in ToThread failed", Err: err, TaskName: j.scope.task.Name()})
}
