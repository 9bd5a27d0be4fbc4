package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func Example_mistakeNoLoop() {
	greet := func(ctx context.Context) error {
		fmt.Println("hello ...")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		fmt.Println("... world")
		return nil
	}

	func() {
		defer func() {
			message, _, _ := strings.Cut(fmt.Sprint(recover()), ": this") // the remedy follows
			fmt.Println("panic:", message)
		}()
		greet(context.Background()) // wrong: no loop runs
	}()

	if err := aio.Run(context.Background(), greet, aio.WithClock(aio.NewVirtualClock())); err != nil {
		log.Fatal(err)
	}
	// Output:
	// hello ...
	// panic: aio: Sleep: no running event loop
	// hello ...
	// ... world
}

func Example_mistakeNobodyAwaits() {
	save := func(ctx context.Context) error { return errors.New("the disk is full") }

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		_ = save // names the function; a task is made by the next line

		aio.Start(ctx, save, aio.Name("saver")) // nobody awaits it, so nobody gets its error
		return aio.Yield(ctx)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { // default: log/slog
		fmt.Printf("%s: %s: %v\n", r.TaskName, r.Message, r.Err)
	}))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// saver: a task failed and its error was never retrieved: the disk is full
}

func Example_mistakeLowLevel() {
	work := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}

	// With the loop in your own hands you also close it, end its tasks and handle signals.
	loop := aio.NewLoop(aio.WithClock(aio.NewVirtualClock()))
	text, err := aio.RunUntilComplete(loop, work)
	loop.Close()
	fmt.Println(text, err)

	// The same.
	text, err = aio.RunValue(context.Background(), work, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(text, err)
	// Output:
	// the result <nil>
	// the result <nil>
}

func Example_mistakeTooEarly() {
	save := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			fmt.Println("not saved")
			return err
		}
		fmt.Println("saved")
		return nil
	}
	clock := aio.WithClock(aio.NewVirtualClock())

	// Wrong: main ends, and Run cancels the task.
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, save)
		return aio.Yield(ctx)
	}, clock)
	fmt.Println("Run:", err)

	// Right: the block owns the task and waits for it.
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(save)
			return nil
		})
	}, clock)
	fmt.Println("Run:", err)

	// Or: Run gives the tasks that are left a minute to finish.
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, save)
		return aio.Yield(ctx)
	}, clock, aio.WithShutdown(time.Minute, time.Second))
	fmt.Println("Run:", err)
	// Output:
	// not saved
	// Run: <nil>
	// saved
	// Run: <nil>
	// saved
	// Run: <nil>
}

func Example_mistakeRace() {
	balance := 0
	deposit := func(ctx context.Context, amount int) (aio.None, error) {
		was := balance
		if err := aio.Sleep(ctx, time.Second); err != nil { // other tasks run here
			return aio.None{}, err
		}
		balance = was + amount // overwrites what they did
		return aio.None{}, nil
	}
	var lock aiosync.Lock
	locked := func(ctx context.Context, amount int) (aio.None, error) {
		return aio.None{}, lock.With(ctx, func(ctx context.Context) error {
			_, err := deposit(ctx, amount)
			return err
		})
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		if _, err := aio.Map(ctx, []int{10, 20, 30}, deposit); err != nil {
			return err
		}
		fmt.Println("without a lock:", balance)

		balance = 0
		if _, err := aio.Map(ctx, []int{10, 20, 30}, locked); err != nil {
			return err
		}
		fmt.Println("with a lock:", balance)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// without a lock: 30
	// with a lock: 60
}

func Example_mistakeDeadlock() {
	var kitchen, cellar aiosync.Lock
	inOrder := func(first, second *aiosync.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return first.With(ctx, func(ctx context.Context) error {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return second.With(ctx, func(ctx context.Context) error { return nil })
			})
		}
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(inOrder(&kitchen, &cellar), aio.Name("cook"))
			g.Go(inOrder(&cellar, &kitchen), aio.Name("waiter"))
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))

	if deadlock, ok := errors.AsType[*aio.DeadlockError](err); ok {
		for _, task := range deadlock.Cycle {
			fmt.Println(task.Name, "waits in", task.Op)
		}
	}
	// Output:
	// cook waits in Lock.Acquire
	// waiter waits in Lock.Acquire
}

func Example_mistakeSwallowed() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			for turn := range 3 {
				err := aio.Sleep(ctx, time.Hour) // wrong: the error is only looked at
				fmt.Println("turn", turn, "cancelled:", errors.Is(err, aio.ErrCancelled))
			}
			return nil
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		_, err := task.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// turn 0 cancelled: true
	// turn 1 cancelled: true
	// turn 2 cancelled: true
}
