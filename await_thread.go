package aio

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"
)

// ToThread calls fn on a goroutine of its own and waits for its result, while the loop goes on: the way to call what blocks, be it a
// library, a system call or a long computation. fn gets a context with the values of ctx, which is cancelled when the wait is; it must not
// await with it (use [Submit] for that). A panic of fn is raised again in the caller. asyncio: to_thread.
//
// Goroutines are cheap but what they call may not be: a [Limiter] given as an option, or to the loop by [WithThreadLimiter], bounds how many
// calls are under way. Each has one of its tokens until fn has returned, also if nobody waits for it any more.
//
// Cancellation: ToThread returns at once and fn's context is cancelled; if it waits for a token, fn is not called. A goroutine cannot be stopped
// from outside: fn goes on until it returns. An error that it returns after its context has ended is taken to follow from that, whatever it
// is, and dropped with the value. What is reported is a panic, and an error that fn had returned before its context ended.
func ToThread[T any](ctx context.Context, fn Func[T], opts ...ThreadOption) (T, error) {
	mustHave("ToThread", fn != nil)
	return toThread(ctx, "ToThread", fn, reflect.ValueOf(fn).Pointer(), opts)
}

func toThread[T any](ctx context.Context, op string, fn Func[T], pc uintptr, opts []ThreadOption) (T, error) {
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
	if err := p.park(); err != nil {
		j.abandon(err)
		var zero T
		return zero, err
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.value, j.err
}

// ThreadOption is a setting of [ToThread] and [Blocking]; see [LimitedBy].
type ThreadOption interface{ threadOption(s *threadSettings) }

type threadSettings struct{ limiter ThreadLimiter }

// LimitedBy makes a call of [ToThread] take a token of l, in place of the loop's own limiter. The
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

// A ThreadLimiter bounds how many functions of [ToThread] run at a time. [*Limiter] is one. Its
// methods are called on the loop.
type ThreadLimiter interface {
	// AcquireFor waits until a call may begin, and returns the error of a cancellation. The borrower
	// is a value of the call's own.
	AcquireFor(ctx context.Context, borrower any) error
	// ReleaseFor says that the call has returned.
	ReleaseFor(borrower any)
}

// WithThreadLimiter makes at most n functions of [ToThread] run at a time. The others wait, in FIFO
// order. It panics if n is less than one. Default: no limit.
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

// Blocking is [ToThread] for functions that only return an error.
func Blocking(ctx context.Context, fn func(ctx context.Context) error, opts ...ThreadOption) error {
	mustHave("Blocking", fn != nil)
	_, err := toThread(ctx, "Blocking", Action(fn), reflect.ValueOf(fn).Pointer(), opts)
	return err
}

// threadJob is one call of ToThread: the goroutine fills it in and sends it to the loop.
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
	obeyed    bool          // its context had ended when fn returned: whatever its error is, it follows from that
	abandoned bool          // loop only: nobody waits any more
}

func (j *threadJob[T]) start(w *worker, ctx context.Context) {
	j.scope.task = w.task
	if s, ok := ctx.(*scope); ok {
		j.scope.values = s.values
	} else {
		j.scope.values = ctx
	}
	if at, ok := ctx.Deadline(); ok && w.task.loop.clock == nil { // on a goroutine a deadline of virtual time has long passed
		j.scope.setLimit(at)
	}
	w.task.loop.ExpectPosts(1)
	j.out.enter(w.task)
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
	j.obeyed = j.scope.cancelled.Load() != nil
	returned = true
}

// run is the job's arrival on the loop.
func (j *threadJob[T]) run() {
	l := j.scope.task.loop
	l.ExpectPosts(-1)
	j.out.leave()
	j.release()
	if !j.abandoned {
		j.w.Unpark()
		return
	}
	err := j.err
	if j.panic != nil {
		err = j.panic
		if l.unseenPanic == nil {
			l.unseenPanic = j.panic
		}
	} else if j.err == nil || j.obeyed {
		return
	}
	l.report(j.scope.task.report("a function abandoned in ToThread failed", err))
}

// waitText implements waitable.
func (j *threadJob[T]) waitText() string { return "a function on a goroutine of its own" }

// evict implements waitable.
func (j *threadJob[T]) evict(_ *wait, err error) { j.abandon(err) }

// release gives the limiter's token back.
func (j *threadJob[T]) release() {
	if j.limiter != nil {
		j.limiter.ReleaseFor(j)
	}
}

// threadCall is the place of a function that is under way in the loop's ring of them, in the order in which they began.
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

// awaitCalls gives functions that are still under way, and know by now that they should stop, the grace period to do so. It is real time,
// whatever the loop's clock shows: they are not on the loop.
func (l *Loop) awaitCalls() {
	end := time.Now().Add(l.deadline.grace)
	for l.calls.next != nil && l.calls.next != &l.calls {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		if !l.posted.Load() {
			l.look(left)
		}
		l.takePosts()
		l.runRest()
	}
}

// reportCalls names the functions that go on though the loop is closed.
func (l *Loop) reportCalls() {
	for ring := &l.calls; ring.next != nil && ring.next != ring; {
		c := ring.next
		c.leave()
		l.report(c.task.report("a function called by ToThread goes on though the loop is closed: "+funcSite(c.pc), nil))
	}
}
