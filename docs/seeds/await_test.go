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

// Waiting in asyncio, wait_for: making two of them and awaiting one after the other is not concurrent; a wait with a limit is a
// function here, and is a task only when it is made one.
func Example_seedsAwaitWaitForInTurn() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		limited := func(name string, what string) aio.Func[string] {
			return func(ctx context.Context) (string, error) {
				return aio.WaitFor(ctx, 5*time.Second, slowFunction(name, 2*time.Second, what))
			}
		}
		elapsed := stopwatch(ctx)
		cf, cg := limited("f", "first"), limited("g", "second") // nothing runs yet
		for _, c := range []aio.Func[string]{cf, cg} {
			if _, err := c(ctx); err != nil {
				return err
			}
		}
		fmt.Println("in turn:", elapsed())

		elapsed = stopwatch(ctx)
		if _, err := aio.All(ctx, cf, cg); err != nil {
			return err
		}
		fmt.Println("as tasks:", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// function g second
	// in turn: 4s
	// function f first
	// function g second
	// as tasks: 2s
}

// Waiting in asyncio, async_timeout: one limit for two awaits, one after the other.
func Example_seedsAwaitTimeoutAroundTwo() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		err := aio.Timeout(ctx, 5*time.Second, func(ctx context.Context) error {
			if _, err := slowFunction("f", 3*time.Second, "first")(ctx); err != nil {
				return err
			}
			_, err := slowFunction("g", 3*time.Second, "second")(ctx)
			return err
		})
		fmt.Println("too late:", errors.Is(err, context.DeadlineExceeded), "after", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// too late: true after 5s
}

// The rules of async IO: a coroutine function may await, return a value, do both or neither.
func Example_seedsAwaitRules() {
	noop := func(ctx context.Context) error { return nil }
	z := func(ctx context.Context, x int) (int, error) { return x + 1, aio.Sleep(ctx, time.Second) }
	f := func(ctx context.Context, x int) (int, error) {
		y, err := z(ctx, x) // waits here and comes back when z is ready
		return y, err
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		if err := noop(ctx); err != nil {
			return err
		}
		y, err := f(ctx, 1)
		fmt.Println(y, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 2 <nil>
}
