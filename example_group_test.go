package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleGroup() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(3-i)*time.Second); err != nil {
						return err
					}
					fmt.Println("task", i, "has ended")
					return nil
				})
			}
			return nil
		})
		fmt.Println("the group has ended:", err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// task 2 has ended
	// task 1 has ended
	// task 0 has ended
	// the group has ended: <nil>
}

// Several failures come back joined, in the order in which they happened.
func ExampleGroup_errors() {
	errFirst, errSecond := errors.New("first"), errors.New("second")
	aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				aio.Sleep(ctx, time.Hour) // interrupted when the other fails
				return errSecond
			})
			g.Go(func(ctx context.Context) error { return errFirst })
			return nil
		})
		fmt.Println(err)
		fmt.Println(errors.Is(err, errFirst), errors.Is(err, errSecond))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// first
	// second
	// true true
}

func ExampleTaskGroup_Cancel() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		found := -1
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					if err := aio.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					if i == 2 {
						found = i
						g.Cancel(errors.New("found it"))
					}
					return nil
				})
			}
			return nil
		})
		fmt.Println(found, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 2 <nil>
}

func ExampleTaskGroup_Go() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				fmt.Println("child")
				g.Go(func(ctx context.Context) error { // children may have children
					fmt.Println("grandchild")
					return nil
				})
				return nil
			})
			return nil
		})
	})
	// Output:
	// child
	// grandchild
}

// A function that gets a group can start what outlives it, and yet nothing gets lost.
func ExampleTaskGroup() {
	listen := func(g *aio.TaskGroup, port int) {
		g.Go(func(ctx context.Context) error {
			fmt.Println("listening on", port)
			return aio.Sleep(ctx, time.Second)
		})
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			listen(g, 80)
			listen(g, 443)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// listening on 80
	// listening on 443
}

func ExampleSpawn() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var word *aio.Task[string]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			word = aio.Spawn(g, func(ctx context.Context) (string, error) { return "hello", aio.Sleep(ctx, time.Second) })
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(word.Result())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: hello <nil>
}

func ExampleStartReady() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			port, err := aio.StartReady(ctx, g, func(ctx context.Context, ready func(port int)) error {
				ready(8080)
				return aio.Sleep(ctx, time.Hour)
			})
			fmt.Println(port, err)
			g.Cancel(nil)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 8080 <nil>
}
