package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

// hello: nothing happens until the coroutine is given to a loop.
func hello(ctx context.Context, s *show) error {
	routine := func(ctx context.Context) error {
		s.println("Hello ...")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		s.println("World!")
		return nil
	}
	return s.onLoop(ctx, routine)
}

// countSync counts three times; each count blocks everything for a second.
func countSync(_ context.Context, s *show) error {
	count := func() {
		s.println("One")
		s.block(time.Second)
		s.println("Two")
	}

	began := s.now()
	for range 3 {
		count()
	}
	s.printf("countsync executed in %.2f seconds.\n", s.now().Sub(began).Seconds())
	return nil
}

// countAsync counts three times at the same time.
func countAsync(ctx context.Context, s *show) error {
	count := aio.Action(func(ctx context.Context) error {
		s.println("One")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		s.println("Two")
		return nil
	})

	began := s.now()
	if _, err := aio.All(ctx, count, count, count); err != nil {
		return err
	}
	s.printf("countasync executed in %.2f seconds.\n", s.now().Sub(began).Seconds())
	return nil
}

// counts is for comparing the two.
func counts(ctx context.Context, s *show) error {
	if err := countSync(ctx, s); err != nil {
		return err
	}
	return s.onLoop(ctx, func(ctx context.Context) error { return countAsync(ctx, s) })
}

// sayAfter is for the two programs below.
func (s *show) sayAfter(ctx context.Context, delay time.Duration, what string) error {
	if err := aio.Sleep(ctx, delay); err != nil {
		return err
	}
	s.println(what)
	return nil
}

func sayAfterInTurn(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	if err := s.sayAfter(ctx, 1*time.Second, "hello"); err != nil {
		return err
	}
	if err := s.sayAfter(ctx, 2*time.Second, "world"); err != nil {
		return err
	}
	s.println("finished at", s.time())
	return nil
}

func sayAfterAsTasks(ctx context.Context, s *show) error {
	task1 := aio.Start(ctx, func(ctx context.Context) error {
		return s.sayAfter(ctx, 1*time.Second, "hello")
	})
	task2 := aio.Start(ctx, func(ctx context.Context) error {
		return s.sayAfter(ctx, 2*time.Second, "world")
	})

	s.println("started at", s.time())
	for _, task := range []*aio.Task[aio.None]{task1, task2} {
		if _, err := task.Await(ctx); err != nil {
			return err
		}
	}
	s.println("finished at", s.time())
	return nil
}

// nested prints the function, and then what it returns.
func nested(ctx context.Context, s *show) error {
	answer := func(ctx context.Context) (int, error) { return 42, nil }

	s.printf("%T\n", answer) // not called, so nothing happens
	value, err := answer(ctx)
	if err != nil {
		return err
	}
	s.println(value)
	return nil
}

func nestedTask(ctx context.Context, s *show) error {
	answer := func(ctx context.Context) (int, error) { return 42, nil }

	task := aio.CreateTask(ctx, answer)
	value, err := task.Await(ctx)
	if err != nil {
		return err
	}
	s.println(value)
	return nil
}
