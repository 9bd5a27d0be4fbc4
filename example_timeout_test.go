package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleSleep() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := aio.Sleep(ctx, 90*time.Minute)
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1h30m0s <nil>
}

// A long computation lets others have their turn.
func ExampleYield() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println("another task")
			return nil
		})
		sum := 0
		for i := range 1000 {
			sum += i
			if i%500 == 499 {
				fmt.Println("so far:", sum)
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	// Output:
	// so far: 124750
	// another task
	// so far: 499500
}

func ExampleTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour)
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true
}

func ExampleTimeoutAt() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		closing := aio.RunningLoop(ctx).Time().Add(time.Hour)
		served := 0
		err := aio.TimeoutAt(ctx, closing, func(ctx context.Context) error {
			for {
				if err := aio.Sleep(ctx, 25*time.Minute); err != nil {
					return err
				}
				served++
			}
		})
		fmt.Println(served, errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 true
}

func ExampleWaitFor() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.WaitFor(ctx, time.Second, aio.Bind2(after, 500*time.Millisecond, "in time"))
		fmt.Println(v, err)
		_, err = aio.WaitFor(ctx, time.Second, aio.Bind2(after, time.Hour, "late"))
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// in time <nil>
	// true
}

// Whoever makes progress gets more time.
func ExampleCurrentTimeout() {
	receive := func(ctx context.Context, chunks int) error {
		for range chunks {
			if err := aio.Sleep(ctx, 8*time.Second); err != nil {
				return err
			}
			if limit := aio.CurrentTimeout(ctx); limit != nil {
				limit.Reschedule(aio.RunningLoop(ctx).Time().Add(10 * time.Second))
			}
		}
		return nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 10*time.Second, func(ctx context.Context) error { return receive(ctx, 5) })
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: <nil>
}

func ExampleTimeoutBlock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
			block := aio.CurrentTimeout(ctx)
			left := block.When().Sub(aio.RunningLoop(ctx).Time())
			fmt.Println(left, "left, expired:", block.Expired())
			return block.Reschedule(time.Time{}) // no limit any more
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 1m0s left, expired: false
}

// For libraries that take a context: it follows the loop's clock.
func ExampleWithTimeout() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		short, cancel := aio.WithTimeout(ctx, time.Second)
		defer cancel()
		fmt.Println(errors.Is(aio.Sleep(short, time.Hour), context.DeadlineExceeded))
		fmt.Println(aio.Sleep(ctx, time.Hour)) // nothing else is concerned
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// true
	// <nil>
}

func ExampleWithDeadline() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		noon := aio.RunningLoop(ctx).Time().Add(12 * time.Hour)
		morning, cancel := aio.WithDeadline(ctx, noon)
		defer cancel()
		at, ok := morning.Deadline()
		fmt.Println(at.Format(time.TimeOnly), ok)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 12:00:00 true
}

func ExampleWithCancelCause() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		work, cancel := aio.WithCancelCause(ctx)
		betterIdea := errors.New("a better idea")
		aio.RunningLoop(ctx).CallLater(time.Second, func() { cancel(betterIdea) })

		err := aio.Sleep(work, time.Hour)
		fmt.Println(errors.Is(err, context.Canceled), errors.Is(err, betterIdea))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true true
}
