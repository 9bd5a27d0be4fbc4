package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"
)

// ToThread calls fn on its own goroutine and waits for the result while the loop runs other tasks.
// Use it for blocking calls: a library, a system call or a long computation. fn gets a context with
// the values of ctx, which is cancelled when the wait is. fn must not await with it; use [Submit]
// for that. A panic of fn is re-panicked in the calling task. asyncio: to_thread.
//
// A [ThreadLimiter] limits how many calls run at the same time. Pass one with [LimitedBy], or set
// one for the loop with [WithThreadLimiter]. A call keeps its token until fn has returned, even if
// no task waits for it any more.
//
// Cancellation: ToThread returns the error at once and cancels the context of fn. If it still waits
// for a token, fn is not called. A goroutine cannot be stopped from outside, so fn runs until it
// returns. Its value is then dropped, and so is its error if fn returned after its context was
// cancelled. A panic is reported, and so is an error that fn returned before that. With [Joined]
// ToThread waits for fn, and drops nothing but that error.
func ToThread[T any](ctx context.Context, fn Func[T], opts ...ThreadOption) (T, error) {
	mustHave("ToThread", fn != nil)
	return toThread(ctx, "ToThread", fn, reflect.ValueOf(fn).Pointer(), opts)
}

func toThread[T any](
	ctx context.Context, op string, fn Func[T], pc uintptr, opts []ThreadOption,
) (T, error) {
	w := running(ctx, op)
	j := &threadJob[T]{fn: fn}
	j.out.pc = pc
	s := threadSettings{limiter: w.task.loop.threads}
	if len(opts) > 0 {
		mustHaveOptions("ToThread", opts)
	}
	for _, o := range opts {
		o.threadOption(&s)
	}
	if s.limiter != nil {
		if err := s.limiter.AcquireFor(ctx, j); err != nil {
			var zero T
			return zero, err
		}
		j.limiter = s.limiter
	}
	p := &w.wait
	p.begin(ctx, op, j)
	j.w = p.waiter()
	if p.fate == open {
		j.start(w, ctx)
	} else {
		j.release()
	}
	err := p.park()
	if err != nil {
		if !s.joined || j.scope.task == nil {
			j.abandon(err)
			var zero T
			return zero, err
		}
		j.join(p, op, err)
	}
	if j.panic != nil {
		panic(j.panic)
	}
	if err != nil && j.err != nil && j.obeyed {
		var zero T
		return zero, err
	}
	return j.value, j.err
}

// ThreadOption is a setting of [ToThread] and [Blocking]; see [LimitedBy].
type ThreadOption interface{ threadOption(s *threadSettings) }

type threadSettings struct {
	limiter ThreadLimiter
	joined  bool
}

// LimitedBy makes a call of [ToThread] take a token from l instead of the loop's own limiter. The
// call keeps the token until its function has returned, even if no task waits for it any more. With
// nil the call is not limited.
func LimitedBy(l ThreadLimiter) ThreadOption {
	if v := reflect.ValueOf(l); v.Kind() == reflect.Pointer && v.IsNil() {
		l = nil
	}
	return limitedBy{l}
}

type limitedBy struct{ ThreadLimiter }

func (o limitedBy) threadOption(s *threadSettings) { s.limiter = o.ThreadLimiter }

// Joined makes a cancelled call of [ToThread] wait until its function has returned. The function's
// context ends at once, and the function has to heed it. If it returns a value all the same,
// ToThread returns that value without an error, and the next await fails: so an item that was
// taken, or a payment that was made, is not lost. If it returns an error because its context ended,
// ToThread returns the cancellation. Use it where the function uses variables of the caller, a
// connection that goes on, or takes something that nobody else can take. asyncio: shield around
// to_thread, and the wait that has to follow.
//
// Cancellation: the wait ends early only if the loop is closed. The function is then abandoned.
func Joined() ThreadOption { return joined{} }

type joined struct{}

func (joined) threadOption(s *threadSettings) { s.joined = true }

// A ThreadLimiter limits how many functions of [ToThread] run at the same time.
// [*github.com/aio-go/aio/aiosync.Limiter] is one. Its methods are called on the loop.
type ThreadLimiter interface {
	// AcquireFor waits until a call may begin, and returns the error of a cancellation. Each call
	// has a different borrower.
	AcquireFor(ctx context.Context, borrower any) error
	// ReleaseFor is called when the function has returned.
	ReleaseFor(borrower any)
}

// WithThreadLimiter lets at most n functions of [ToThread] run at the same time. The others wait in
// FIFO order. It panics if n is less than 1. Default: no limit.
func WithThreadLimiter(n int) Option {
	if n < 1 {
		panic(misuse("WithThreadLimiter", fmt.Sprintf("the limit is %d; use 1 or more", n)))
	}
	return option(func(l *Loop) { l.threads = &threadTokens{free: n} })
}

// threadTokens is the limiter of WithThreadLimiter.
type threadTokens struct {
	free int // tokens that no call has
	line Line
}

// AcquireFor implements ThreadLimiter.
func (s *threadTokens) AcquireFor(ctx context.Context, _ any) error {
	if s.free > 0 && !s.line.Taken() {
		s.free--
		return nil
	}
	w := NewWaiter(ctx, "ToThread", s)
	err := s.line.Wait(w)
	if err != nil && w.Woken() {
		s.ReleaseFor(nil)
	}
	return err
}

// ReleaseFor implements ThreadLimiter.
func (s *threadTokens) ReleaseFor(any) {
	if s.line.Call("ToThread").Zero() {
		s.free++
	}
}

func (s *threadTokens) String() string { return "a thread of the loop's limiter" }

// Blocking is [ToThread] for functions that return only an error.
func Blocking(ctx context.Context, fn func(ctx context.Context) error, opts ...ThreadOption) error {
	mustHave("Blocking", fn != nil)
	_, err := toThread(ctx, "Blocking", Action(fn), reflect.ValueOf(fn).Pointer(), opts)
	return err
}

// threadJob is one call of ToThread. The goroutine stores the result in it and posts it to the
// loop.
type threadJob[T any] struct {
	plainWait
	scope scope // the context of fn
	fn    Func[T]
	value T
	err   error
	panic *PanicError

	out       threadCall
	limiter   ThreadLimiter // whose token it has
	w         Waiter        // the waiting task
	obeyed    bool          // fn returned after its context had ended: its error is dropped
	abandoned bool          // loop only: the task has stopped waiting
	arrived   bool          // loop only: fn has returned
}

// String is for the limiter, which shows to whom its tokens are lent.
func (j *threadJob[T]) String() string { return "a function of ToThread" }

func (j *threadJob[T]) start(w *worker, ctx context.Context) {
	j.scope.task = w.task
	if s, ok := ctx.(*scope); ok {
		j.scope.values = s.values
	} else {
		j.scope.values = ctx
	}
	// A deadline of virtual time means nothing on a goroutine: there it has long passed.
	if at, ok := ctx.Deadline(); ok && !w.task.loop.clock.isGiven() {
		j.scope.setLimit(at)
	}
	w.task.loop.ExpectPosts(1)
	j.out.enter(w.task)
	go j.call()
}

// abandon tells fn that no task waits for it any more.
func (j *threadJob[T]) abandon(err error) {
	if j.scope.task == nil {
		return // it was not started
	}
	j.abandoned = true
	j.tell(err)
	if j.arrived { // fn has returned, but the task was cancelled before its turn
		j.reportFailure()
	}
}

// tell ends the context of fn.
func (j *threadJob[T]) tell(err error) {
	j.scope.cancel(&cancellation{CancelledError: CancelledError{Cause: err, by: "ToThread"}})
}

// join tells fn that its task is cancelled, and waits for its return.
func (j *threadJob[T]) join(p *wait, op string, err error) {
	if j.arrived {
		return
	}
	j.tell(err)
	p.begin(nil, op, j)
	j.w = p.waiter()
	p.park()
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
		j.scope.task.loop.inbox.put(j)
	}()
	j.value, j.err = j.fn(&j.scope)
	j.obeyed = j.scope.cancelled.Load() != nil
	returned = true
}

// poster implements poster.
func (j *threadJob[T]) poster() uint32 { return j.scope.task.id }

// run is called when the job arrives on the loop.
func (j *threadJob[T]) run() {
	l := j.scope.task.loop
	l.ExpectPosts(-1)
	j.arrived = true
	j.out.leave()
	j.release()
	if j.abandoned {
		j.reportFailure()
	} else {
		j.w.Unpark()
	}
}

// reportFailure reports how fn has ended if it failed and no task waits for it any more.
func (j *threadJob[T]) reportFailure() {
	l := j.scope.task.loop
	err := j.err
	if j.panic != nil {
		err = j.panic
		l.unseen.keep(j.panic)
	} else if j.err == nil || j.obeyed {
		return
	}
	l.report(j.scope.task.report("a function abandoned in ToThread failed", err))
}

// onlyWakes implements waker.
func (j *threadJob[T]) onlyWakes() bool { return j.limiter == nil && !j.abandoned }

// waitText implements waitable.
func (j *threadJob[T]) waitText([]*taskCore) string {
	return "a function on a goroutine of its own"
}

// evict implements waitable.
func (j *threadJob[T]) evict(_ *wait, err error) { j.abandon(err) }

// release returns the limiter's token.
func (j *threadJob[T]) release() {
	if j.limiter != nil {
		j.limiter.ReleaseFor(j)
	}
}

// threadCall is the place of a running function in the loop's ring of them, in the order in which
// they began.
type threadCall struct {
	next, prev *threadCall
	task       *taskCore
	pc         uintptr // of the function
}

func (c *threadCall) enter(t *taskCore) {
	c.task = t
	ring := &t.loop.calls
	if ring.next == nil {
		ring.next, ring.prev = ring, ring
	}
	c.prev, c.next = ring.prev, ring
	ring.prev.next, ring.prev = c, c
}

func (c *threadCall) leave() {
	c.prev.next, c.next.prev = c.next, c.prev
	c.next, c.prev = nil, nil
}

// awaitCalls gives running functions, whose contexts are cancelled by now, the grace period to
// return. It is real time whatever the loop's clock is, because they run on other goroutines.
func (l *Loop) awaitCalls() {
	end := time.Now().Add(l.ending.limits.grace)
	for l.calls.next != nil && l.calls.next != &l.calls {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		if !l.inbox.posted.Load() {
			l.look(left)
		}
		l.takePosts()
		l.runRest()
	}
}

// reportCalls reports the functions that still run when the loop is closed.
func (l *Loop) reportCalls() {
	for ring := &l.calls; ring.next != nil && ring.next != ring; {
		c := ring.next
		c.leave()
		message := "a function called by ToThread still runs after the loop was closed: "
		l.report(c.task.report(message+funcSite(c.pc), nil))
	}
}
