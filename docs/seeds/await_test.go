package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// stopwatch returns a function that says how much of the loop's time went by since.
func stopwatch(ctx context.Context) func() time.Duration {
	loop := aio.RunningLoop(ctx)
	began := loop.Time()
	return func() time.Duration { return loop.Time().Sub(began) }
}

// sayAfter prints after a delay.
func sayAfter(ctx context.Context, delay time.Duration, what string) error {
	if err := aio.Sleep(ctx, delay); err != nil {
		return err
	}
	fmt.Println(what)
	return nil
}

// slowFunction is a function with a name that sleeps, tells so, and returns what it was given.
func slowFunction(name string, delay time.Duration, what string) aio.Func[string] {
	return func(ctx context.Context) (string, error) {
		return what, sayAfter(ctx, delay, "function "+name+" "+what)
	}
}

// The asyncio package and async/await: three counts at the same time.
func Example_seedsAwaitCount() {
	count := func(ctx context.Context) error {
		fmt.Println("One")
		return sayAfter(ctx, time.Second, "Two")
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		if _, err := aio.All(ctx, aio.Action(count), aio.Action(count), aio.Action(count)); err != nil {
			return err
		}
		fmt.Println("executed in", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// One
	// One
	// One
	// Two
	// Two
	// Two
	// executed in 1s
}

// Run a coroutine: one call after the other takes three seconds.
func Example_seedsAwaitSayAfter() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		fmt.Println("started at", elapsed())
		if err := sayAfter(ctx, time.Second, "hello"); err != nil {
			return err
		}
		if err := sayAfter(ctx, 2*time.Second, "world"); err != nil {
			return err
		}
		fmt.Println("finished at", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// started at 0s
	// hello
	// world
	// finished at 3s
}

// Run a coroutine: as tasks the two take two seconds.
func Example_seedsAwaitSayAfterTasks() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task1 := aio.Start(ctx, func(ctx context.Context) error { return sayAfter(ctx, time.Second, "hello") })
		task2 := aio.Start(ctx, func(ctx context.Context) error { return sayAfter(ctx, 2*time.Second, "world") })

		elapsed := stopwatch(ctx)
		fmt.Println("started at", elapsed())
		if _, err := task1.Await(ctx); err != nil {
			return err
		}
		if _, err := task2.Await(ctx); err != nil {
			return err
		}
		fmt.Println("finished at", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// started at 0s
	// hello
	// world
	// finished at 2s
}

// Awaitables: a nested coroutine, awaited directly and as a task.
func Example_seedsAwaitNested() {
	nested := func(ctx context.Context) (int, error) { return 42, nil }

	aio.Run(context.Background(), func(ctx context.Context) error {
		value, err := nested(ctx)
		if err != nil {
			return err
		}
		fmt.Println(value)

		task := aio.CreateTask(ctx, nested)
		value, err = task.Await(ctx)
		if err != nil {
			return err
		}
		fmt.Println(value)
		return nil
	})
	// Output:
	// 42
	// 42
}

// Waiting in asyncio: awaiting calls one by one does not run them concurrently.
func Example_seedsAwaitOneByOne() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		f, g := slowFunction("f", 2*time.Second, "first"), slowFunction("g", 2*time.Second, "second")
		resultF, err := f(ctx)
		if err != nil {
			return err
		}
		resultG, err := g(ctx)
		if err != nil {
			return err
		}
		fmt.Println("finished at", elapsed())
		fmt.Println(resultF, resultG)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// function g second
	// finished at 4s
	// first second
}

// Waiting in asyncio, tasks: they are scheduled on their own.
func Example_seedsAwaitTasks() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		taskF := aio.CreateTask(ctx, slowFunction("f", 2*time.Second, "first"))
		taskG := aio.CreateTask(ctx, slowFunction("g", 2*time.Second, "second"))
		resultF, err := taskF.Await(ctx)
		if err != nil {
			return err
		}
		resultG, err := taskG.Await(ctx)
		if err != nil {
			return err
		}
		fmt.Println("finished at", elapsed())
		fmt.Println(resultF, resultG)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// function g second
	// finished at 2s
	// first second
}

// Waiting in asyncio, gather: results in the order of the arguments.
func Example_seedsAwaitGather() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		results, err := aio.All(ctx, slowFunction("f", 2*time.Second, "first"), slowFunction("g", 2*time.Second, "second"))
		if err != nil {
			return err
		}
		fmt.Println("finished at", elapsed())
		fmt.Println(results)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// function g second
	// finished at 2s
	// [first second]
}

// Waiting in asyncio, gather with errors returned as results.
func Example_seedsAwaitGatherErrors() {
	h := func(ctx context.Context) (string, error) {
		if err := aio.Sleep(ctx, 2*time.Second); err != nil {
			return "", err
		}
		return "", errors.New("value error")
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		outcomes, err := aio.GatherSettled(ctx,
			aio.CreateTask(ctx, slowFunction("f", 2*time.Second, "first")),
			aio.CreateTask(ctx, slowFunction("g", 2*time.Second, "second")),
			aio.CreateTask(ctx, h),
		)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			fmt.Printf("%q %v\n", o.Value, o.Err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// function g second
	// "first" <nil>
	// "second" <nil>
	// "" value error
}

// Waiting in asyncio, wait_for around a gather: the time-out cancels both functions.
func Example_seedsAwaitGatherTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		results, err := aio.WaitFor(ctx, 1500*time.Millisecond, func(ctx context.Context) ([]string, error) {
			return aio.All(ctx, slowFunction("f", 2*time.Second, "first"), slowFunction("g", 2*time.Second, "second"))
		})
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			fmt.Println("oops took longer than 1.5s!")
		case err != nil:
			return err
		default:
			fmt.Println(results)
		}
		fmt.Println("finished at", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// oops took longer than 1.5s!
	// finished at 1.5s
}

// Waiting in asyncio, as_completed: each task as it finishes, under one limit.
func Example_seedsAwaitAsCompleted() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		taskF := aio.CreateTask(ctx, slowFunction("f", 2*time.Second, "first"))
		taskG := aio.CreateTask(ctx, slowFunction("g", time.Second, "second"))
		return aio.Timeout(ctx, 5*time.Second, func(ctx context.Context) error {
			for task, err := range aio.AsCompleted(ctx, taskF, taskG) {
				if err != nil {
					return err
				}
				if _, err := task.Result(); err != nil {
					fmt.Println("ouch")
					continue
				}
				fmt.Println("one task down!")
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function g second
	// one task down!
	// function f first
	// one task down!
}
