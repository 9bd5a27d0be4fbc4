package aiter

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// ExitStack leaves any number of scopes in the reverse order in which they were entered, for when their number is only known as the program
// runs. The zero value is empty and ready. It is itself a [Manager]:
//
//	err := aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, stack *aiter.ExitStack) error {
//		for _, address := range addresses {
//			conn, err := aiter.Enter(ctx, stack, dial(address))
//			...
//		}
//		...
//	})
//
// Each exit gets the error as those before it have left it. A panic or runtime.Goexit in one does not keep the others from running. Its methods
// are for the loop only. Python: contextlib.AsyncExitStack.
type ExitStack struct {
	_     nocopy.Mark
	exits []func(ctx context.Context, err error) error
}

// Enter enters m and puts its Exit on the stack. If entering fails nothing is put there. Python: enter_async_context.
//
// Cancellation: ctx is handed to the Enter of m.
func Enter[T any](ctx context.Context, s *ExitStack, m Manager[T]) (T, error) {
	mustBe(s != nil && m != nil, "Enter", "the stack or the manager is nil")
	v, err := m.Enter(ctx)
	if err == nil {
		s.Push(m.Exit)
	}
	return v, err
}

// Push puts a function on the stack that is called like the Exit of a [Manager]. Python: push_async_exit.
func (s *ExitStack) Push(exit func(ctx context.Context, err error) error) {
	mustBe(exit != nil, "ExitStack.Push", "the function is nil")
	s.exits = append(s.exits, exit)
}

// Defer puts a function on the stack that does not want to know how the body ended. Python: push_async_callback.
func (s *ExitStack) Defer(fn func(ctx context.Context) error) {
	mustBe(fn != nil, "ExitStack.Defer", "the function is nil")
	s.Push(func(ctx context.Context, _ error) error { return fn(ctx) })
}

// PopAll takes everything off the stack and returns it as another one: what was to be left at the end of this block goes on. Python: pop_all.
func (s *ExitStack) PopAll() *ExitStack {
	rest := &ExitStack{exits: s.exits}
	s.exits = nil
	return rest
}

// Enter implements [Manager]: it does nothing and returns the stack.
func (s *ExitStack) Enter(context.Context) (*ExitStack, error) { return s, nil }

// Exit implements [Manager]: it leaves everything on the stack. Those who use a stack without With call Close.
//
// Cancellation: ctx is handed to the exits.
func (s *ExitStack) Exit(ctx context.Context, err error) error {
	switch now := s.unwind(ctx, err); {
	case now == err:
		return nil
	case now == nil:
		return ErrSuppress
	default:
		return &replacement{now}
	}
}

// unwind returns what becomes of err.
func (s *ExitStack) unwind(ctx context.Context, err error) error {
	var broken *aio.PanicError
	for len(s.exits) > 0 {
		last := len(s.exits) - 1
		exit := s.exits[last]
		s.exits[last] = nil
		s.exits = s.exits[:last]
		p, now := s.call(ctx, exit, err)
		switch {
		case p == nil && broken == nil:
			err = now
		case p == nil:
			besideAll(broken, now)
		case broken == nil:
			broken = p
			beside(broken, err)
			err = p
		default:
			broken.Others = append(broken.Others, p)
		}
	}
	if broken != nil {
		panic(broken)
	}
	return err
}

// call calls one exit. If that ends the goroutine, the rest of the stack is left before.
func (s *ExitStack) call(ctx context.Context, exit func(ctx context.Context, err error) error, err error) (p *aio.PanicError, now error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			p = panicOf(v)
			return
		}
		if left := s.unwind(ctx, &aio.GoexitError{}); left != nil {
			if _, own := left.(*aio.GoexitError); !own {
				reportLeaving(aio.RunningLoop(ctx), left)
			}
		}
	}()
	now = outcome(err, exit(ctx, err))
	returned = true
	return nil, now
}

// Close leaves everything on the stack after a good end, as With does, and returns the errors, joined. Python: aclose.
//
// Cancellation: as for [With], with its usual limit.
func (s *ExitStack) Close(ctx context.Context) error {
	return left(ctx, ctx.Err() != nil, outcome(nil, leave(ctx, defaultExitLimit, s.Exit, nil)))
}
