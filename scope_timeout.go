package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// Timeout calls fn with a context that is cancelled after d, by the loop's clock, and returns what fn returns. The await that fn is in then
// fails with a [*CancelledError]; if that error comes out of fn, Timeout returns a [*TimeoutError] in its place, which matches
// [context.DeadlineExceeded]. Any other outcome of fn wins over the time-out. With d <= 0 the first await that suspends is interrupted.
// fn runs in the calling task. If the task itself was cancelled meanwhile, that is what is reported. asyncio: timeout.
//
// The time-out is noticed at awaits: a function that computes for too long is not interrupted. Awaits in fn with a context from outside
// the block are interrupted as well; cleanup that must not be uses [context.WithoutCancel].
func Timeout(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) error {
	w := running(ctx, "Timeout")
	return timeBlock(w, ctx, "Timeout", callerPC(0), w.task.loop.deadlineIn(d), d, fn)
}

// TimeoutAt is [Timeout] with a point in time of the loop's clock, which is understood as by [Loop.CallAt]. The zero time sets no limit.
// asyncio: timeout_at.
func TimeoutAt(ctx context.Context, at time.Time, fn func(ctx context.Context) error) error {
	return timeBlock(running(ctx, "TimeoutAt"), ctx, "TimeoutAt", callerPC(0), at, 0, fn)
}

func (l *Loop) deadlineIn(d time.Duration) time.Time { return l.Time().Add(d) }

func timeBlock(w *worker, ctx context.Context, op string, pc uintptr, at time.Time, d time.Duration, fn func(ctx context.Context) error) error {
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

// outcome turns the error that leaves a block whose time has run out into a time-out, unless what lies around it was cancelled, too.
func (s *scope) outcome(err error) error {
	m := s.more
	if err == nil || !m.fired || !isCancellation(err) && !isBareCanceled(err) {
		return err
	}
	if !s.overruled() {
		return &TimeoutError{After: m.after, Err: err, op: m.op, pc: m.pc}
	}
	if outer := s.outerRequest(); outer != nil {
		return outer.awaitError() // err tells of this block's own end, which no longer matters
	}
	return err
}

// overruled reports whether the block around a block was cancelled as well: what the inner one makes of its own end does not matter then.
func (s *scope) overruled() bool { return !s.more.free && s.more.around.cancelled.Load() != nil }

// TimeoutBlock is a running [Timeout], for those who want to look at it or move its deadline. Its methods are for the loop only.
// asyncio: the Timeout object of async with timeout().
type TimeoutBlock struct{ s *scope }

// CurrentTimeout returns the innermost Timeout, TimeoutAt or WaitFor around the code that ctx was given to, nil if there is none.
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

// When returns the deadline, the zero time if there is none. asyncio: when.
func (b *TimeoutBlock) When() time.Time { return b.s.more.deadline }

// Expired reports whether the deadline has passed while the block was open: it has interrupted the block, unless something else had done so
// before. asyncio: expired.
func (b *TimeoutBlock) Expired() bool { return b.s.more.expired }

// Reschedule moves the deadline, by the loop's clock; the zero time removes it. It returns [ErrInvalidState] if the block has ended or
// is being interrupted. asyncio: reschedule.
func (b *TimeoutBlock) Reschedule(at time.Time) error {
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

// WaitFor calls fn, in the calling task, and interrupts it after d as [Timeout] does. With d <= 0 fn does not start and the result is a
// [*TimeoutError], except that WaitFor(ctx, 0, task.Await) returns the result of a task that has ended, and cancels one that has not before
// it takes another step. To wait for a task with a limit and leave it running, put a Shield inside. asyncio: wait_for.
func WaitFor[T any](ctx context.Context, d time.Duration, fn Func[T]) (T, error) {
	w := running(ctx, "WaitFor")
	mustHave("WaitFor", fn != nil)
	pc := callerPC(0)
	var v T
	if d <= 0 && !isAwait(fn) {
		return v, &TimeoutError{After: d, op: "WaitFor", pc: pc}
	}
	err := timeBlock(w, ctx, "WaitFor", pc, w.task.loop.deadlineIn(d), d, func(ctx context.Context) (err error) {
		if d <= 0 { // what has not ended by now is cancelled before it takes another step
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

// WithTimeout is [context.WithTimeout] by the loop's clock: awaits with the context fail with a [*TimeoutError] when the time is over.
// Call cancel when the work is done. Unlike [Timeout] it is no block: nothing else in the task is interrupted. In a task only; cancel may
// be called on any goroutine.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	w := running(ctx, "WithTimeout")
	return withDeadline(w, ctx, "WithTimeout", w.task.loop.deadlineIn(d), d)
}

// WithDeadline is [context.WithDeadline] by the loop's clock, and understands the time as [Loop.CallAt] does. See [WithTimeout].
func WithDeadline(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	return withDeadline(running(ctx, "WithDeadline"), ctx, "WithDeadline", at, 0)
}

func withDeadline(w *worker, ctx context.Context, op string, at time.Time, d time.Duration) (context.Context, context.CancelFunc) {
	s := newScope(w, ctx, op, callerPC(1))
	s.more.after = d
	s.setDeadline(at)
	return s, func() { s.cancelFrom(nil) }
}

// WithCancelCause is [context.WithCancelCause] for tasks: cancelling ends the awaits with the context, in order, without a goroutine.
// In a task only; cancel may be called on any goroutine.
func WithCancelCause(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	s := newScope(running(ctx, "WithCancelCause"), ctx, "WithCancelCause", callerPC(0))
	return s, s.cancelFrom
}

// cancelFrom is the cancel function of a context. On another goroutine the work is sent to the loop.
func (s *scope) cancelFrom(cause error) {
	l := s.task.loop
	c := &cancellation{CancelledError: CancelledError{Cause: cause, by: s.more.op, pc: s.more.pc}, given: cause}
	end := func() {
		s.release()
		s.cancel(c)
	}
	if l.onLoop() {
		end()
		return
	}
	s.std().cancel(c.cause()) // whoever looks at the context sees it from now on; those who wait are told on the loop, if it still runs
	l.post(&Handle{loop: l, fn: end})
}
