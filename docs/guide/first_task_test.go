package guide_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

func Example_hello() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("hello")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		fmt.Println("world")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// hello
	// world
}

// brew takes three seconds, in which other tasks may run.
func brew(ctx context.Context, what string) (string, error) {
	if err := aio.Sleep(ctx, 3*time.Second); err != nil {
		return "", err
	}
	return "a cup of " + what, nil
}

func Example_task() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()

		tea := aio.CreateTask(ctx, aio.Bind(brew, "tea"), aio.Name("tea"))
		coffee, err := brew(ctx, "coffee") // an ordinary call: this task waits for it
		if err != nil {
			return err
		}
		cup, err := tea.Await(ctx)
		if err != nil {
			return err
		}

		fmt.Println(coffee, "and", cup)
		fmt.Println("after", aio.RunningLoop(ctx).Time().Sub(began))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// a cup of coffee and a cup of tea
	// after 3s
}

func Example_turns() {
	visits := 0 // shared by the tasks without a mutex
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"ann", "bob"} {
				g.Go(func(ctx context.Context) error {
					for range 2 {
						visits++
						fmt.Println(name, visits)
						if err := aio.Yield(ctx); err != nil { // only here other tasks run
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ann 1
	// bob 2
	// ann 3
	// bob 4
}
