package aiter

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// Manager is a scope that is entered and left; both may await. See [With]. Python: an asynchronous
// context manager.
type Manager[T any] interface {
	// Enter begins the scope and returns the value for the body. After an error the scope was not
	// entered and is not left. Python: __aenter__.
	Enter(ctx context.Context) (T, error)

	// Exit ends the scope, once for each Enter. err is the end of the body: nil, its error, an
	// [*aio.PanicError] or an [*aio.GoexitError]. Exit returns its own error; With joins it to err,
	// unless it contains err already. To swallow err, which is rarely wise, it returns
	// [ErrSuppress]; returning nil does not swallow it. Python: __aexit__.
	//
	// ctx is not cancelled when the body's was. See [ExitLimit].
	Exit(ctx context.Context, err error) error
}

// Scope is a [Manager] made of two functions. A nil Begin returns the zero value, a nil End does
// nothing.
type Scope[T any] struct {
	Begin func(ctx context.Context) (T, error)
	End   func(ctx context.Context, err error) error
}

// Enter implements [Manager].
func (s Scope[T]) Enter(ctx context.Context) (v T, err error) {
	if s.Begin == nil {
		return v, nil
	}
	return s.Begin(ctx)
}

// Exit implements [Manager].
func (s Scope[T]) Exit(ctx context.Context, err error) error {
	if s.End == nil {
		return nil
	}
	return s.End(ctx, err)
}

// Closing is a [Manager] for a value with a Close that awaits, such as an [Iterator] or
// [Generator]: the body gets the value, and at the end it is closed. Python: contextlib.aclosing.
func Closing[T interface {
	Close(ctx context.Context) error
}](thing T) Manager[T] {
	return Scope[T]{
		Begin: func(context.Context) (T, error) { return thing, nil },
		End:   func(ctx context.Context, _ error) error { return thing.Close(ctx) },
	}
}

// ExitLimit is how long leaving a cancelled scope may take, by the loop's clock. It is an option of
// [With]. Default: 10 seconds; 0 or less: no limit. The time counts from the moment when the scope
// begins to be left, or from the cancellation if that comes later. Then Exit is cancelled. A scope
// that is not cancelled has no limit.
type ExitLimit time.Duration

// WithOption is a setting of [With]: an [ExitLimit].
type WithOption interface{ withOption(l *ExitLimit) }

func (d ExitLimit) withOption(l *ExitLimit) { *l = d }

const defaultExitLimit = ExitLimit(10 * time.Second)

// With enters m, calls body with its value, and leaves m in any case: when body returns, panics,
// calls runtime.Goexit, or is cancelled. The error of body comes first in the result; that of
// leaving is joined to it. A panic is re-panicked after leaving, as an [*aio.PanicError]. Python:
// async with.
//
// Cancellation: entering and body get it. Leaving gets a context without it, for the time of
// [ExitLimit]. If it comes during leaving and nothing failed, the result is the cancellation.
func With[T any](
	ctx context.Context,
	m Manager[T],
	body func(ctx context.Context, v T) error,
	opts ...WithOption,
) error {
	mustBe(m != nil && body != nil, "With", "the manager or the function is nil; pass both")
	limit := defaultExitLimit
	for _, o := range opts {
		o.withOption(&limit)
	}
	v, err := m.Enter(ctx)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned {
			leaveBroken(ctx, limit, m.Exit, recover())
		}
	}()
	err = body(ctx, v)
	returned = true
	return left(ctx, ctx.Err() != nil, outcome(err, leaveFailed(ctx, limit, m.Exit, err)))
}

// leaveFailed is leave for a body that has returned. A panic of exit takes the error of the body
// along.
func leaveFailed(
	ctx context.Context, limit ExitLimit,
	exit func(ctx context.Context, err error) error, err error,
) error {
	returned := false
	defer func() {
		if returned || err == nil {
			return
		}
		if v := recover(); v != nil {
			p := panicOf(v)
			beside(p, err)
			panic(p)
		}
		if !isCancellation(err) {
			reportLeaving(aio.RunningLoop(ctx), err)
		}
	}()
	exited := leave(ctx, limit, exit, err)
	returned = true
	return exited
}

// besideAll is beside for what an exit has made of the panic: errors joined to it.
func besideAll(p *aio.PanicError, err error) {
	several, _ := errtree.Unwrap(err)
	if several == nil {
		several = []error{err}
	}
	for _, err := range several {
		beside(p, err)
	}
}

// beside adds what else went wrong to a panic, unless the panic has it already.
func beside(p *aio.PanicError, err error) {
	if err == nil || err == error(p) || isCancellation(err) {
		return
	}
	for _, other := range p.Others {
		if errtree.Is(other, err) {
			return
		}
	}
	p.Others = append(p.Others, err)
}

// left returns the error of a scope. A cancellation during leaving has stopped nothing, but must
// not be lost.
func left(ctx context.Context, before bool, err error) error {
	if err == nil && !before && ctx.Err() != nil {
		return aio.Yield(ctx)
	}
	return err
}

// outcome is the error of a scope, made of the errors of body and Exit.
func outcome(err, exit error) error {
	if r, ok := exit.(*replacement); ok {
		return r.error
	}
	switch {
	case exit == nil:
		return err
	case exit == ErrSuppress:
		return nil
	case err == nil:
		return exit
	}
	if errtree.Is(exit, err) {
		return exit
	}
	return errors.Join(err, exit)
}

// replacement is the error of a stack that has replaced the body's error.
type replacement struct{ error }

func (r *replacement) Unwrap() error { return r.error }

// leaveBroken leaves a scope whose body has panicked with v, or has exited if v is nil. Then it
// re-panics or exits.
func leaveBroken(
	ctx context.Context, limit ExitLimit, exit func(ctx context.Context, err error) error, v any,
) {
	if v == nil {
		err := leave(ctx, limit, exit, &aio.GoexitError{})
		if err != nil && err != ErrSuppress {
			reportLeaving(aio.RunningLoop(ctx), err)
		}
		return
	}
	p := panicOf(v)
	func() {
		defer func() {
			if second := recover(); second != nil {
				p.Others = append(p.Others, panicOf(second))
			}
		}()
		if err := leave(ctx, limit, exit, p); err != nil && err != ErrSuppress && err != error(p) {
			p.Others = append(p.Others, err)
		}
	}()
	panic(p)
}

func reportLeaving(l *aio.Loop, err error) {
	l.CallExceptionHandler(aio.Report{
		Message: "a scope failed, of which a part was ended by runtime.Goexit",
		Err:     err,
	})
}

// panicOf makes an error of a recovered value. A *PanicError from elsewhere is copied: it may be
// the outcome of a task.
func panicOf(v any) *aio.PanicError {
	if p, ok := v.(*aio.PanicError); ok {
		copied := *p
		copied.Others = append([]error(nil), p.Others...)
		return &copied
	}
	return &aio.PanicError{Value: v, Stack: debug.Stack()}
}

// leave calls exit with a context without the cancellation of ctx, which ends when the limit has
// passed after that.
func leave(
	ctx context.Context,
	limit ExitLimit,
	exit func(ctx context.Context, err error) error,
	err error,
) error {
	return aio.TimeoutAt(context.WithoutCancel(ctx), time.Time{}, func(free context.Context) error {
		if limit > 0 {
			defer watch(ctx, free, time.Duration(limit))()
		}
		return exit(free, err)
	})
}

// watch sets a deadline for the innermost block, whose context is free, once ctx is cancelled. The
// returned function ends that. Usually an exit is over before the loop starts the watching task.
func watch(ctx, free context.Context, limit time.Duration) (stop func()) {
	loop, block := aio.RunningLoop(ctx), aio.CurrentTimeout(free)
	expire := func() { _ = block.Reschedule(loop.Time().Add(limit)) }
	if ctx.Err() != nil {
		expire()
		return func() {}
	}
	var watcher *aio.Task[aio.None]
	soon := loop.CallSoon(func() {
		watcher = aio.Start(loop.Context(), func(own context.Context) error {
			_ = aio.NewWaiter(ctx, "aiter.With", nil).Park()
			if own.Err() == nil {
				expire()
			}
			return nil
		}, aio.Name("aiter.With: watching for a cancellation"))
	})
	return func() {
		if soon.Cancel(); watcher != nil {
			watcher.Cancel(errLeft)
			_, _ = watcher.Await(free)
		}
	}
}
