package aio

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// RunParallel runs n loops, each as [Run] does and on a goroutine of its own, with fn(ctx, i) as the main function of loop i, and waits
// until all have ended. It is how a program uses more than one core: runtime.GOMAXPROCS(0) loops keep them all busy. Tasks stay on their
// loop, and what belongs to a loop is for that loop only; loops reach each other through [Submit] and CallSoonThreadsafe. Servers of
// several loops share a port by the option ReusePort of package transport.
//
// The first main that fails cancels the others, with its error as the cause. The result is nil if none failed, the error if one did,
// and with several an error that joins them in the order in which they happened; the cancellations of the others do not count. A panic
// cancels the others, too, and is raised again here when all have ended; runtime.Goexit of a main ends the calling goroutine then.
//
// opts apply to each loop; a virtual clock, which is for one loop, does not belong there. When ctx is cancelled all are. RunParallel blocks
// its goroutine. It panics if n is less than 1, and on a goroutine that is running a loop.
func RunParallel(ctx context.Context, n int, fn func(ctx context.Context, i int) error, opts ...Option) error {
	const op = "RunParallel"
	switch {
	case n < 1:
		panic(misuse(op, "the number of loops is less than 1; runtime.GOMAXPROCS(0) is one a core"))
	case fn == nil:
		panic(misuse(op, "the function is nil"))
	case ctx == nil:
		panic(misuse(op, "the context is nil; use context.Background()"))
	case insideLoop():
		panic(misuse(op, "a loop is running on this goroutine, which would not go on; call it on a goroutine of its own"))
	}
	p := &parallel{given: ctx}
	ctx, p.cancel = context.WithCancelCause(ctx)
	defer p.cancel(nil)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			returned := false
			defer func() {
				if !returned {
					p.broke(recover())
				}
			}()
			err := Run(ctx, func(ctx context.Context) error { return fn(ctx, i) }, opts...)
			returned = true
			if err != nil {
				p.failed(err)
			}
		})
	}
	all.Wait()
	switch {
	case p.panic != nil:
		panic(p.panic)
	case p.exited:
		runtime.Goexit()
	}
	if len(p.errs) == 1 {
		return p.errs[0]
	}
	return errors.Join(p.errs...)
}

// parallel collects how the loops of one RunParallel have ended.
type parallel struct {
	given  context.Context // by the caller
	cancel context.CancelCauseFunc

	mu     sync.Mutex // guards the rest
	errs   []error
	panic  any // the first
	exited bool
}

func (p *parallel) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errs) == 0 && p.panic == nil && !p.exited {
		p.cancel(err)
	} else if p.follows(err) {
		return
	}
	p.errs = append(p.errs, err)
}

// follows reports whether err says no more than that a loop was ended together with the others.
func (p *parallel) follows(err error) bool {
	return isCancellation(err) || isBareCanceled(err) || p.given.Err() != nil && includes(err, context.Cause(p.given))
}

// broke is called for a loop that ended in a panic, or in a Goexit if v is nil.
func (p *parallel) broke(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v == nil {
		p.exited = true
	} else if p.panic == nil {
		p.panic = v
	}
	p.cancel(context.Canceled)
}
