package main

import (
	"context"

	"github.com/aio-go/aio"
)

// newLoop makes a loop that nothing runs on.
func newLoop(_ context.Context, s *show) error {
	loop := aio.NewLoop()
	defer loop.Close()
	s.println(loop)
	return nil
}

// untilComplete makes a loop and runs one function on it.
func untilComplete(_ context.Context, s *show) error {
	f := func(ctx context.Context) (int, error) { return 111, aio.Yield(ctx) }

	loop := aio.NewLoop()
	defer loop.Close()
	value, err := aio.RunUntilComplete(loop, f)
	if err != nil {
		return err
	}
	s.println(value)
	return nil
}

// sameLoop asks twice, the second time in another task.
func sameLoop(ctx context.Context, s *show) error {
	loop := aio.RunningLoop(ctx)
	task := aio.CreateTask(ctx, func(ctx context.Context) (*aio.Loop, error) {
		return aio.RunningLoop(ctx), nil
	})
	loop2, err := task.Await(ctx)
	if err != nil {
		return err
	}
	s.println(truth(loop == loop2))
	return nil
}
