package aiter

import (
	"context"
	"iter"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/coro"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
)

// Generator is a function that yields values one by one and can get values and errors in return. It
// runs in the task that makes the step, so its awaits are that task's. A cancellation of the task,
// or of a block around the step, reaches the current await of the body, and the body may catch it.
// Most programs need only [Generate] and for range. Its methods are for the loop only. Python: an
// async generator object.
//
//	state      meaning                                  left by
//	created    the body has not begun                   Next; Throw, Close: ended at once
//	suspended  the body waits in its yield              Next, Send, Throw, Close
//	running    a step is under way, perhaps awaiting    the body yields or ends
//	ended      for good                                 -
//
// A generator that has begun holds a stack until it ends. Close it with a deferred call or with
// [Closing]; a loop that shuts down closes the others.
type Generator[In, Out any] struct {
	_        nocopy.Mark
	ctx      context.Context
	co       *coro.Coroutine[In, Out, aio.None]
	turn     aiosync.Lock // held during a step
	stepper  aio.AnyTask
	closing  bool // the step is that of a Close
	told     bool // the body knows that it is being closed
	ignored  bool // the body yielded again
	returned bool // the body has returned, it did not panic or exit
	seen     bool // its end has been returned
	left     *leftover
}

// NewGenerator makes a generator; the body begins with the first Next. The body gets ctx and a
// yield function. yield passes a value out and returns the input of the next step: the value of
// Send, the zero value for Next, the error of Throw, or [ErrClosed]. After ErrClosed the body must
// return. The step that ends the body returns its error; nil, ErrClosed and [ErrStopIteration] are
// a good end.
func NewGenerator[In, Out any](
	ctx context.Context, body func(ctx context.Context, yield func(Out) (In, error)) error,
) *Generator[In, Out] {
	mustBe(body != nil, "NewGenerator", "the function is nil; pass one")
	g := &Generator[In, Out]{ctx: ctx}
	g.co = coro.New(func(yield coro.Yield[In, Out], _ In) (aio.None, error) {
		err := body(ctx, func(v Out) (In, error) {
			g.ignored = g.told
			in, err := yield(v)
			g.told = err == ErrClosed
			return in, err
		})
		g.returned = true
		return aio.None{}, err
	})
	return g
}

// Next runs the body up to its next yield and returns the value. At the end it returns the error of
// the body once, and [ErrStopIteration] from then on. A panic of the body is re-panicked here. It
// panics if a step is under way in another task. Next is an [aio.Func]: aio.WaitFor(ctx,
// time.Second, g.Next) works. Python: anext, __anext__.
//
// Cancellation: the current await of the body fails; the body decides what follows.
func (g *Generator[In, Out]) Next(ctx context.Context) (Out, error) {
	return g.step(ctx, "Generator.Next", g.co.Resume)
}

// Send is Next with a value for the body: its yield returns the value. It panics if the body has
// not begun, since no yield waits for the value. Python: asend.
//
// Cancellation: as for Next.
func (g *Generator[In, Out]) Send(ctx context.Context, v In) (Out, error) {
	mustBe(g.co.Status() != coro.Created, "Generator.Send",
		"the generator has not begun, so nothing waits for a value; call Next first")
	return g.step(ctx, "Generator.Send", func() (Out, bool) { return g.co.Send(v) })
}

// Throw is Next with an error for the body: its yield returns the error. If the body has not begun,
// it never does, and the generator ends with the error. It panics if the error is nil. Python:
// athrow.
//
// Cancellation: as for Next.
func (g *Generator[In, Out]) Throw(ctx context.Context, err error) (Out, error) {
	mustBe(err != nil, "Generator.Throw", "the error is nil; use Next")
	if g.co.Status() == coro.Created {
		g.returned = true // since it never begins
	}
	return g.step(ctx, "Generator.Throw", func() (Out, bool) { return g.co.Throw(err) })
}

// Close ends the generator: the body's yield returns [ErrClosed]. Close returns when the body has,
// with its error unless that is ErrClosed. A body that yields once more is ended there, and Close
// returns [ErrIgnoredClose]. A body that has not begun never does. On a generator that has ended it
// does nothing. If another task closes it already, Close waits for that. It panics if another kind
// of step is under way in another task: cancel that task first. Python: aclose.
//
// Cancellation: awaits in the cleanup of a cancelled task fail, unless they use
// [context.WithoutCancel].
func (g *Generator[In, Out]) Close(ctx context.Context) error { return g.close(ctx, false) }

// closeAtEnd is Close for a loop that shuts down: the cleanup of another generator may be in a step
// of this one.
func (g *Generator[In, Out]) closeAtEnd(ctx context.Context) error { return g.close(ctx, true) }

func (g *Generator[In, Out]) close(ctx context.Context, patient bool) error {
	for g.turn.Locked() && (g.closing || patient) && g.stepper != aio.CurrentTask(ctx) {
		if err := g.turn.Acquire(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		g.turn.Release()
	}
	switch g.co.Status() {
	case coro.Finished:
		return nil
	case coro.Created:
		g.seen = true
		return g.co.Close()
	}
	_, err := g.step(ctx, "Generator.Close", func() (v Out, ok bool) {
		g.closing = true
		defer func() { g.closing = false }()
		_ = g.co.Close() // the body's result says more
		return v, false
	})
	switch {
	case g.ignored:
		return ErrIgnoredClose
	case errtree.Is(err, ErrStopIteration):
		return nil
	}
	return err
}

// All is the sequence of the remaining items. If the loop ends early, the generator stays where it
// is, and another range goes on from there; close it when done. Python: async for over a generator
// object.
//
// Cancellation: as for Next.
func (g *Generator[In, Out]) All(ctx context.Context) iter.Seq2[Out, error] {
	return FromFunc(ctx, g.Next)
}

// step makes one step in the running task.
func (g *Generator[In, Out]) step(
	ctx context.Context, op string, resume func() (Out, bool),
) (v Out, err error) {
	mustBe(!g.turn.Locked(), op, "a step is under way, of another task or of the body itself; "+
		"one at a time can be made")
	if g.co.Status() == coro.Created && g.left == nil {
		aio.Running(ctx, op) // only a task of the loop may register
		g.left = register(aio.RunningLoop(ctx), g.closeAtEnd, g.co.Close)
	}
	// never waits, but panics unless this is a task of the loop
	if err := g.turn.Acquire(ctx); err != nil {
		return v, err
	}
	g.stepper = aio.CurrentTask(ctx)
	defer func() {
		g.stepper = nil
		g.turn.Release()
	}()
	ok := false
	if ctx == g.ctx {
		v, ok = resume()
	} else {
		// The body's awaits use their own context; a block makes the context of this step count as
		// well.
		_ = aio.TimeoutAt(ctx, time.Time{}, func(context.Context) error {
			v, ok = resume()
			return nil
		})
	}
	if !ok {
		err = g.ended()
	}
	return v, err
}

// ended is called after a step that may have been the last, and returns the error of the step.
func (g *Generator[In, Out]) ended() error {
	if g.co.Status() != coro.Finished {
		return nil
	}
	if g.left != nil {
		g.left.forget()
		g.left = nil
	}
	if g.seen {
		return ErrStopIteration
	}
	g.seen = true
	_, err := g.co.Result()
	p, panicked := err.(*aio.PanicError)
	switch {
	case g.returned:
	case panicked:
		panic(p)
	case !g.ignored:
		runtime.Goexit() // so did the body
	}
	if err == nil || err == ErrClosed {
		return ErrStopIteration
	}
	return err
}
