package aiter

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// ExitStack leaves any number of scopes in the reverse order of entering. It is for a number that
// is known only when the program runs. The zero value is empty and ready. It is itself a [Manager]:
//
//	body := func(ctx context.Context, stack *aiter.ExitStack) error {
//		for _, address := range addresses {
//			conn, err := aiter.Enter(ctx, stack, dial(address))
//			...
//		}
//		...
//	}
//	err := aiter.With(ctx, &aiter.ExitStack{}, body)
//
// Each exit gets the error that the exits before it have returned. After a panic or runtime.Goexit
// in one, the others still run. Its methods are for the loop only. Python:
// contextlib.AsyncExitStack.
type ExitStack struct {
	_     nocopy.Mark
	exits []func(ctx context.Context, err error) error
}

// Enter enters m and pushes its Exit on the stack. If entering fails nothing is pushed. Python:
// enter_async_context.
//
// Cancellation: Enter of m gets ctx.
func Enter[T any](ctx context.Context, s *ExitStack, m Manager[T]) (T, error) {
	mustBe(s != nil && m != nil, "Enter", "the stack or the manager is nil; pass both")
	v, err := m.Enter(ctx)
	if err == nil {
		s.Push(m.Exit)
	}
	return v, err
}

// Push pushes a function that is called like the Exit of a [Manager]. Python: push_async_exit.
func (s *ExitStack) Push(exit func(ctx context.Context, err error) error) {
	mustBe(exit != nil, "ExitStack.Push", "the function is nil; pass one")
	s.exits = append(s.exits, exit)
}

// Defer pushes a function that does not get the error of the body. Python: push_async_callback.
func (s *ExitStack) Defer(fn func(ctx context.Context) error) {
	mustBe(fn != nil, "ExitStack.Defer", "the function is nil; pass one")
	s.Push(func(ctx context.Context, _ error) error { return fn(ctx) })
}

// PopAll moves all functions to a new stack and returns it: the scopes outlive this block. Python:
// pop_all.
func (s *ExitStack) PopAll() *ExitStack {
	rest := &ExitStack{exits: s.exits}
	s.exits = nil
	return rest
}

// Enter implements [Manager]: it does nothing and returns the stack.
func (s *ExitStack) Enter(context.Context) (*ExitStack, error) { return s, nil }

// Exit implements [Manager]: it leaves all scopes on the stack. Without With, call Close instead.
//
// Cancellation: the exits get ctx.
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

// unwind calls the exits and returns the final error.
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

// call calls one exit. If the exit ends the goroutine, the rest of the stack is left first.
func (s *ExitStack) call(
	ctx context.Context, exit func(ctx context.Context, err error) error, err error,
) (p *aio.PanicError, now error) {
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

// Close leaves all scopes on the stack after a good end, as With does, and returns the errors,
// joined. Python: aclose.
//
// Cancellation: as for [With], with its default limit.
func (s *ExitStack) Close(ctx context.Context) error {
	return left(ctx, ctx.Err() != nil, outcome(nil, leave(ctx, defaultExitLimit, s.Exit, nil)))
}
