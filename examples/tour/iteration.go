package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// counter is an asynchronous iterator: something with a Next that awaits.
type counter struct{ value int }

// Next makes a step, which takes a second.
func (c *counter) Next(ctx context.Context) (int, error) {
	if c.value >= 10 {
		return 0, aiter.ErrStopIteration
	}
	c.value++
	return c.value, aio.Sleep(ctx, time.Second)
}

func iterator(ctx context.Context, s *show) error {
	for item, err := range aiter.FromFunc(ctx, new(counter).Next) {
		if err != nil {
			return err
		}
		s.println(item)
	}
	return nil
}

func generator(ctx context.Context, s *show) error {
	asyncGenerator := aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
		for i := range 10 {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if !yield(i) {
				return nil
			}
		}
		return nil
	})

	for item, err := range asyncGenerator {
		if err != nil {
			return err
		}
		s.println(item)
	}
	return nil
}

// contextManager takes half a second to enter and half a second to leave.
type contextManager struct{ *show }

func (m contextManager) Enter(ctx context.Context) (contextManager, error) {
	m.println(">entering the context manager")
	return m, aio.Sleep(ctx, 500*time.Millisecond)
}

func (m contextManager) Exit(ctx context.Context, _ error) error {
	m.println(">exiting the context manager")
	return aio.Sleep(ctx, 500*time.Millisecond)
}

func manager(ctx context.Context, s *show) error {
	return aiter.With(ctx, contextManager{s}, func(context.Context, contextManager) error {
		s.println("within the manager")
		return nil
	})
}
