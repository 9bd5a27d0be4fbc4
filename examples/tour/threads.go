package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

// toThread starts a blocking call as a task, and has time for something else.
func toThread(ctx context.Context, s *show) error {
	blockingTask := func(context.Context) error {
		s.println("Task starting")
		s.blockBeside(2 * time.Second)
		s.println("Task done")
		return nil
	}

	s.println("Main running the blocking task")
	task := aio.Start(ctx, func(ctx context.Context) error {
		return aio.Blocking(ctx, blockingTask)
	})
	s.println("Main doing other things")
	if err := aio.Yield(ctx); err != nil { // the task starts
		return err
	}
	_, err := task.Await(ctx)
	return err
}

// blockingIO lets a second of a blocking call and a second of sleep go by at the same time.
func blockingIO(ctx context.Context, s *show) error {
	blocking := func(context.Context) error {
		s.println("start blocking_io at", s.time())
		s.blockBeside(time.Second) // or reading a file
		s.println("blocking_io complete at", s.time())
		return nil
	}

	s.println("started main at", s.time())
	_, err := aio.All(ctx,
		aio.Action(func(ctx context.Context) error { return aio.Blocking(ctx, blocking) }),
		aio.Action(func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }),
	)
	if err != nil {
		return err
	}
	s.println("finished main at", s.time())
	return nil
}
