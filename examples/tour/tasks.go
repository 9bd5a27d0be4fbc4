package main

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
)

// runCoroutine awaits a coroutine, which awaits another. It has nothing to say.
func runCoroutine(ctx context.Context, _ *show) error {
	customCoro := func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }

	return customCoro(ctx)
}

func currentTask(ctx context.Context, s *show) error {
	s.println("main coroutine started")
	s.println(aio.CurrentTask(ctx))
	return nil
}

// allTasks lists ten tasks and the one that lists them, in the order in which they were made.
func allTasks(ctx context.Context, s *show) error {
	s.println("main coroutine started")
	var started []*aio.Task[aio.None]
	for i := range 10 {
		started = append(started, aio.Start(ctx, func(ctx context.Context) error {
			s.println("task", i, "is running")
			return aio.Sleep(ctx, time.Second)
		}))
	}
	if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil { // they start meanwhile
		return err
	}
	for _, task := range aio.AllTasks(ctx) {
		s.printf("> %s, %v\n", task.Name(), task)
	}
	for _, task := range started {
		if _, err := task.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// shield cancels a task that waits for another behind a shield; the other goes on.
func shield(ctx context.Context, s *show) error {
	simpleTask := func(ctx context.Context, number int) (int, error) {
		return number, aio.Sleep(ctx, time.Second)
	}

	task := aio.CreateTask(ctx, aio.Bind(simpleTask, 1))
	shielded := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
		return aio.Shield(ctx,
			task)
	}, aio.Name("shielded"))
	canceller := aio.Start(ctx, func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		s.println("cancelled:", truth(shielded.Cancel(nil)))
		return nil
	})

	result, err := shielded.Await(ctx)
	switch {
	case errors.Is(err, aio.ErrCancelled):
		s.println("shielded was cancelled")
	case err != nil:
		return err
	default:
		s.println(">got:", result)
	}
	if err := aio.Sleep(ctx, time.Second); err != nil {
		return err
	}
	s.println("shielded:", shielded)
	s.println("task:", task)
	_, err = canceller.Await(ctx)
	return err
}

// stopTask cancels a task that sleeps.
func stopTask(ctx context.Context, s *show) error {
	taskCoroutine := func(ctx context.Context) error {
		s.println("executing the task")
		return aio.Sleep(ctx, time.Second)
	}

	s.println("main coroutine started")
	task := aio.Start(ctx, taskCoroutine)
	if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	s.println("was canceled:", truth(task.Cancel(nil)))
	if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	s.println("canceled:", truth(task.Cancelled()))
	s.println("main coroutine done")
	return nil
}

// manyTasks starts tasks and lets them be. They end with the program at the latest, so it waits a
// while.
func manyTasks(ctx context.Context, s *show) error {
	for i := range 3 {
		aio.Start(ctx, func(ctx context.Context) error {
			s.println("task", i)
			return nil
		})
	}
	return aio.Sleep(ctx, time.Second)
}
