package main

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
)

// function makes a coroutine function with a name: it sleeps, says so, and returns what it was
// given.
func (s *show) function(name string, delay time.Duration, what string) aio.Func[string] {
	return func(ctx context.Context) (string, error) {
		return what, s.sayAfter(ctx, delay, "function "+name+" "+what)
	}
}

// oneByOne: g starts when f has ended.
func oneByOne(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	resultF, err := s.function("f", 2*time.Second, "prva")(ctx)
	if err != nil {
		return err
	}
	resultG, err := s.function("g", 2*time.Second, "druga")(ctx)
	if err != nil {
		return err
	}
	s.println("finished at", s.time())
	s.println(resultF, resultG)
	return nil
}

// madeBefore has both functions at hand before it calls the first, which changes nothing.
func madeBefore(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	f := s.function("f", 2*time.Second, "prva")
	g := s.function("g", 2*time.Second, "druga")
	resultF, err := f(ctx)
	if err != nil {
		return err
	}
	resultG, err := g(ctx)
	if err != nil {
		return err
	}
	s.println("finished at", s.time())
	s.println(resultF, resultG)
	return nil
}

// tasks: both are made before the first is awaited, and run while their maker sleeps.
func tasks(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	taskF := aio.CreateTask(ctx, s.function("f", 2*time.Second, "prva"))
	taskG := aio.CreateTask(ctx, s.function("g", 2*time.Second, "druga"))
	if err := aio.Sleep(ctx, time.Second); err != nil {
		return err
	}
	resultF, err := taskF.Await(ctx)
	if err != nil {
		return err
	}
	resultG, err := taskG.Await(ctx)
	if err != nil {
		return err
	}
	s.println("finished at", s.time())
	s.println(resultF, resultG)
	return nil
}

func results(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	result, err := aio.All(ctx,
		s.function("f", 2*time.Second, "prva"),
		s.function("g", 2*time.Second, "druga"),
	)
	if err != nil {
		return err
	}
	s.println("finished at", s.time())
	s.println(result)
	return nil
}

// settled waits for all, whatever they end with.
func settled(ctx context.Context, s *show) error {
	h := func(ctx context.Context) (string, error) {
		if err := aio.Sleep(ctx, 2*time.Second); err != nil {
			return "", err
		}
		return "", errors.New("ValueError")
	}

	s.println("started at", s.time())
	outcomes, err := aio.GatherSettled(ctx,
		aio.CreateTask(ctx, s.function("f", 2*time.Second, "prva")),
		aio.CreateTask(ctx, s.function("g", 2*time.Second, "druga")),
		aio.CreateTask(ctx, h),
	)
	if err != nil {
		return err
	}
	s.println("finished at", s.time())
	var list []any
	for _, o := range outcomes {
		if o.Err != nil {
			list = append(list, o.Err)
		} else {
			list = append(list, o.Value)
		}
	}
	s.println(list)
	return nil
}

// tooLong: the time-out cancels the gather, and so both functions; neither says anything.
func tooLong(ctx context.Context, s *show) error {
	s.println("started at", s.time())
	result, err := aio.WaitFor(ctx, 1500*time.Millisecond,
		func(ctx context.Context) ([]string, error) {
			return aio.All(ctx,
				s.function("f", 2*time.Second, "prva"),
				s.function("g", 2*time.Second, "druga"),
			)
		})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		s.println("oops took longer than 1.5s!")
	case err != nil:
		return err
	default:
		s.println(result)
	}
	s.println("finished at", s.time())
	return nil
}

// gather makes ten coroutines and runs them together.
func gather(ctx context.Context, s *show) error {
	taskCoro := func(ctx context.Context, value int) (aio.None, error) {
		s.printf(">task %d executing\n", value)
		return aio.None{}, aio.Sleep(ctx, time.Second)
	}

	s.println("main starting")
	var coros []aio.Func[aio.None]
	for i := range 10 {
		coros = append(coros, aio.Bind(taskCoro, i))
	}
	if _, err := aio.All(ctx, coros...); err != nil {
		return err
	}
	s.println("main done")
	return nil
}

// wait starts ten tasks that take up to a second each.
func wait(ctx context.Context, s *show) error {
	taskCoro := func(ctx context.Context, arg int) (aio.None, error) {
		value := s.random()
		if err := aio.Sleep(ctx, inSeconds(value)); err != nil {
			return aio.None{}, err
		}
		s.printf(">task %d done with %v\n", arg, value)
		return aio.None{}, nil
	}

	var tasks []*aio.Task[aio.None]
	for i := range 10 {
		tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(taskCoro, i)))
	}
	if _, _, err := aio.Wait(ctx, aio.AllCompleted, tasks...); err != nil {
		return err
	}
	s.println("All done")
	return nil
}

// waitFor gives a coroutine a fifth of a second, which is not enough.
func waitFor(ctx context.Context, s *show) error {
	taskCoro := func(ctx context.Context) (aio.None, error) {
		value := 1 + s.random()
		s.println(">task got", value)
		if err := aio.Sleep(ctx, inSeconds(value)); err != nil {
			return aio.None{}, err
		}
		s.println(">task done")
		return aio.None{}, nil
	}

	_, err := aio.WaitFor(ctx, 200*time.Millisecond, taskCoro)
	if errors.Is(err, context.DeadlineExceeded) {
		s.println("Gave up waiting, task canceled")
		return nil
	}
	return err
}
