package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// Timeout calls fn, in the calling task, with a context that is cancelled after d by the loop's
// clock. The await that fn is in then fails with a [*CancelledError]. If fn returns that error,
// Timeout returns a [*TimeoutError], which matches [context.DeadlineExceeded]. Any other result of
// fn is returned as it is. With d <= 0 the first await that suspends is interrupted. asyncio:
// timeout.
//
// A time-out takes effect at awaits; a long computation is not interrupted. Awaits in fn with a
// context from outside the block are interrupted as well. Cleanup that must not be uses
// [context.WithoutCancel].
//
// Cancellation: if the task is cancelled as well, fn's awaits fail and Timeout returns the
// cancellation, not a time-out.
func Timeout(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) error {
	w := running(ctx, "Timeout")
	return timeBlock(w, ctx, "Timeout", callerPC(0), w.task.loop.deadlineIn(d), d, fn)
}

// TimeoutAt is [Timeout] with a time of the loop's clock, as for [Loop.CallAt]. The zero time sets
// no limit. asyncio: timeout_at.
func TimeoutAt(ctx context.Context, at time.Time, fn func(ctx context.Context) error) error {
	return timeBlock(running(ctx, "TimeoutAt"), ctx, "TimeoutAt", callerPC(0), at, 0, fn)
}

func (l *Loop) deadlineIn(d time.Duration) time.Time { return l.Time().Add(d) }

func timeBlock(
	w *worker,
	ctx context.Context,
	op string,
	pc uintptr,
	at time.Time,
	d time.Duration,
	fn func(ctx context.Context) error,
) error {
	mustHave(op, fn != nil)
	s := newScope(w, ctx, op, pc)
	s.more.after = d
	w.enter(s, timeoutScope)
	defer w.leave(s)
	if !at.IsZero() {
		s.setDeadline(at)
	}
	return s.outcome(fn(s))
}

// outcome turns the error of a block whose time is over into a time-out, unless the code around it
// was cancelled too.
func (s *scope) outcome(err error) error {
	m := s.more
	if err == nil || !m.fired || !isCancellation(err) && !isBareCanceled(err) {
		return err
	}
	if !s.overruled() {
		return &TimeoutError{After: m.after, Err: err, op: m.op, pc: m.pc, cut: m.cut}
	}
	if outer := s.outerRequest(); outer != nil {
		return outer.awaitError() // err tells of this block's own end, which no longer matters
	}
	return err
}

// overruled reports whether the block around s was cancelled too. Then s must not turn its own end
// into an error of its own.
func (s *scope) overruled() bool { return !s.more.free && s.more.around.cancelled.Load() != nil }

// TimeoutBlock is a running [Timeout], to inspect it or move its deadline. asyncio: Timeout.
type TimeoutBlock struct{ s *scope }

// CurrentTimeout returns the innermost Timeout, TimeoutAt or WaitFor around the code that ctx was
// given to, or nil.
func CurrentTimeout(ctx context.Context) *TimeoutBlock {
	loopOf(ctx, "CurrentTimeout")
	s, _ := ctx.Value(ownerKey).(*scope)
	for s != nil && s.more != nil {
		switch s.more.kind {
		case timeoutScope:
			return &TimeoutBlock{s}
		case contextScope:
			s = s.more.outers[0]
		default:
			s = s.more.around
		}
	}
	return nil
}

// When returns the deadline, or the zero time if there is none. asyncio: when.
func (b *TimeoutBlock) When() time.Time { return b.s.more.deadline }

// Expired reports whether the deadline has passed while the block was open. It is true even if the
// block was being interrupted for another reason. asyncio: expired.
func (b *TimeoutBlock) Expired() bool { return b.s.more.expired }

// Reschedule moves the deadline, by the loop's clock. The zero time removes it. It returns
// [ErrInvalidState] if the block has ended or is being interrupted. asyncio: reschedule.
func (b *TimeoutBlock) Reschedule(at time.Time) error {
	b.s.task.loop.MustBeHere("TimeoutBlock.Reschedule")
	if state := b.state(); state != "active" {
		return fmt.Errorf("%w: TimeoutBlock.Reschedule: the block is %s", ErrInvalidState, state)
	}
	b.s.more.after = 0 // the time it was given at first is no longer what it took
	b.s.setDeadline(at)
	return nil
}

func (b *TimeoutBlock) state() string {
	switch m := b.s.more; {
	case m.left && m.expired:
		return "expired"
	case m.left:
		return "finished"
	case m.expired:
		return "expiring"
	}
	return "active"
}

// String shows the state and the deadline.
func (b *TimeoutBlock) String() string {
	m := b.s.more
	if m.deadline.IsZero() {
		return "<" + m.op + " " + b.state() + " without deadline>"
	}
	return "<" + m.op + " " + b.state() + " when=" + m.deadline.Format(time.RFC3339Nano) + ">"
}

// WaitFor calls fn, in the calling task, and interrupts it after d, as [Timeout] does. With d <= 0
// it returns a [*TimeoutError] without calling fn. There is one exception: WaitFor(ctx, 0,
// task.Await) returns the result of a task that has ended, and cancels one that has not, before its
// next step. To leave the task running put a [Shield] inside. asyncio: wait_for.
//
// Cancellation: as for [Timeout].
func WaitFor[T any](ctx context.Context, d time.Duration, fn Func[T]) (T, error) {
	w := running(ctx, "WaitFor")
	mustHave("WaitFor", fn != nil)
	pc := callerPC(0)
	var v T
	if d <= 0 && !isAwait(fn) {
		return v, &TimeoutError{After: d, op: "WaitFor", pc: pc}
	}
	at := w.task.loop.deadlineIn(d)
	err := timeBlock(w, ctx, "WaitFor", pc, at, d, func(ctx context.Context) (err error) {
		if d <= 0 { // a task that has not ended is cancelled before its next step
			ctx.(*scope).more.expireNow()
		}
		v, err = fn(ctx)
		return err
	})
	return v, err
}

// isAwait reports whether fn is the Await method of a task or future.
func isAwait[T any](fn Func[T]) bool {
	name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
	return strings.HasPrefix(name, "github.com/aio-go/aio.(*") && strings.Contains(name, "Await-fm")
}

// WithTimeout is [context.WithTimeout] by the loop's clock: awaits with the returned context fail
// with a [*TimeoutError] when the time is over. Call cancel when the work is done, on any
// goroutine. Unlike [Timeout] it is no block: other awaits of the task are not interrupted. It
// panics outside a task.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	w := running(ctx, "WithTimeout")
	return withDeadline(w, ctx, "WithTimeout", w.task.loop.deadlineIn(d), d)
}

// WithDeadline is [context.WithDeadline] by the loop's clock, with a time as for [Loop.CallAt]. See
// [WithTimeout].
func WithDeadline(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	return withDeadline(running(ctx, "WithDeadline"), ctx, "WithDeadline", at, 0)
}

func withDeadline(
	w *worker, ctx context.Context, op string, at time.Time, d time.Duration,
) (context.Context, context.CancelFunc) {
	s := newScope(w, ctx, op, callerPC(1))
	s.more.after = d
	s.setDeadline(at)
	return s, func() { s.cancelFrom(nil) }
}

// WithCancelCause is [context.WithCancelCause] for tasks. Its cancel function ends the awaits with
// the context in order, without another goroutine. Call cancel on any goroutine. WithCancelCause
// panics outside a task.
func WithCancelCause(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	s := newScope(running(ctx, "WithCancelCause"), ctx, "WithCancelCause", callerPC(0))
	return s, s.cancelFrom
}

// cancelFrom is the cancel function of a context. On another goroutine it posts the work to the
// loop.
func (s *scope) cancelFrom(cause error) {
	l := s.task.loop
	c := &cancellation{
		CancelledError: CancelledError{Cause: cause, by: s.more.op, pc: s.more.pc},
		given:          cause,
	}
	if l.onLoop() {
		s.release()
		s.cancel(c)
		return
	}
	// The context shows its end from now on. The waits end on the loop, if it still runs.
	s.std().cancel(c.cause())
	l.inbox.put(&Handle{loop: l, fn: func() {
		s.release()
		s.cancel(c)
	}})
}
