package main

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/coro"
)

// coroutineType prints the type of a coroutine that is never run. Nobody warns: it is a function
// that was not called.
func coroutineType(_ context.Context, s *show) error {
	customCoro := func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

	s.printf("%T\n", customCoro)
	return nil
}

// functions: what a coroutine function is has no type of its own. A coroutine that is driven by
// hand is an object.
func functions(_ context.Context, s *show) error {
	f := func(ctx context.Context) (int, error) { return 123, nil }

	s.printf("%T\n", f)
	_, isCoroutineFunction := any(f).(aio.Func[int])
	s.println(truth(isCoroutineFunction))

	c := coro.New(func(coro.Yield[aio.None, aio.None], aio.None) (int, error) { return 123, nil })
	s.printf("%T\n", c)
	_, isCoroutine := any(c).(interface{ Status() coro.Status })
	s.println(truth(isCoroutine))
	return c.Close() // it was never started
}

// send drives a coroutine to its end.
func send(_ context.Context, s *show) error {
	c := coro.New(func(coro.Yield[aio.None, aio.None], aio.None) (int, error) { return 123, nil })

	if _, more := c.Send(aio.None{}); !more { // it has ended
		answer, err := c.Result()
		if err != nil {
			return err
		}
		s.println("The answer was:", answer)
	}
	return nil
}

// await calls a coroutine function, which is to await it.
func await(ctx context.Context, s *show) error {
	f := func(ctx context.Context) (int, error) { return 123, aio.Sleep(ctx, time.Second) }

	result, err := f(ctx)
	if err != nil {
		return err
	}
	s.println(result)
	return nil
}

// throw ends a coroutine with an error, which it notices where it waits.
func throw(_ context.Context, s *show) error {
	c := coro.New(func(yield coro.Yield[aio.None, aio.None], _ aio.None) (int, error) {
		for {
			if _, err := yield(aio.None{}); errors.Is(err, aio.ErrCancelled) {
				s.println("I was cancelled!")
				return 0, nil
			} else if err != nil {
				return 0, err
			}
		}
	})
	defer c.Close()

	c.Send(aio.None{})
	c.Send(aio.None{})
	if _, more := c.Throw(aio.ErrCancelled); !more {
		s.println("StopIteration")
	}
	return nil
}

// nope is for educational purposes only: a coroutine that goes on after it was told to end. A task
// cannot do that for long, since all its awaits fail; a coroutine can be closed.
func nope(_ context.Context, s *show) error {
	c := coro.New(func(yield coro.Yield[aio.None, aio.None], _ aio.None) (int, error) {
		for {
			if _, err := yield(aio.None{}); errors.Is(err, aio.ErrCancelled) {
				s.println("Nope!")
			} else if err != nil {
				return 0, err
			}
		}
	})
	defer c.Close()

	c.Send(aio.None{})
	c.Throw(aio.ErrCancelled)
	if _, more := c.Send(aio.None{}); !more {
		return errors.New("it has ended after all")
	}
	return nil
}
