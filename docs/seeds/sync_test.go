package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Error 5, assuming race conditions are impossible: a task that suspends inside a critical section lets others in.
func Example_seedsSyncRaceCondition() {
	balance := 0
	deposit := func(ctx context.Context, amount int) (aio.None, error) {
		was := balance
		if err := aio.Sleep(ctx, time.Second); err != nil { // others run now
			return aio.None{}, err
		}
		balance = was + amount
		return aio.None{}, nil
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, []int{10, 20, 30}, deposit)
		fmt.Println("deposited 60, balance", balance)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// deposited 60, balance 30
}

// Error 5, the remedy: a lock around the critical section.
func Example_seedsSyncLock() {
	var lock aiosync.Lock
	balance := 0
	deposit := func(ctx context.Context, amount int) (aio.None, error) {
		return aio.None{}, lock.With(ctx, func(ctx context.Context) error {
			was := balance
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			balance = was + amount
			return nil
		})
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, []int{10, 20, 30}, deposit)
		fmt.Println("deposited 60, balance", balance)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// deposited 60, balance 60
}

// Error 5, assuming deadlocks are impossible: two locks taken in opposite order, which the loop finds out.
func Example_seedsSyncDeadlock() {
	var first, second aiosync.Lock
	both := func(ctx context.Context, a, b *aiosync.Lock) (aio.None, error) {
		return aio.None{}, a.With(ctx, func(ctx context.Context) error {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return b.With(ctx, func(ctx context.Context) error { return nil })
		})
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx, aio.Bind2(both, &first, &second), aio.Bind2(both, &second, &first))
		return err
	}, aio.WithClock(aio.NewVirtualClock()))

	var deadlock *aio.DeadlockError
	if errors.As(err, &deadlock) {
		for _, task := range deadlock.Cycle {
			fmt.Println(task.Name, "waits in", task.Op)
		}
	}
	// Output:
	// All[0] waits in Lock.Acquire
	// All[1] waits in Lock.Acquire
}
