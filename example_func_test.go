package aio_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aio-go/aio"
)

// Every function of this shape is a Func, by whatever name or type it comes.
func ExampleFunc() {
	var answer aio.Func[int] = func(ctx context.Context) (int, error) { return 42, nil }
	aio.Run(context.Background(), func(ctx context.Context) error {
		direct, err := answer(ctx) // awaiting is calling
		if err != nil {
			return err
		}
		asTask, err := aio.CreateTask(ctx, answer).Await(ctx)
		fmt.Println(direct, asTask)
		return err
	})
	// Output: 42 42
}

func repeat(_ context.Context, s string, n int) (string, error) { return strings.Repeat(s, n), nil }

func shout(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }

func join(_ context.Context, a, b, c string) (string, error) { return a + b + c, nil }

func ExampleBind() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		words, err := aio.All(ctx, aio.Bind(shout, "one"), aio.Bind(shout, "two"))
		fmt.Println(words)
		return err
	})
	// Output: [ONE TWO]
}

func ExampleBind2() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.CreateTask(ctx, aio.Bind2(repeat, "na", 8)).Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: nananananananana
}

func ExampleBind3() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.CreateTask(ctx, aio.Bind3(join, "a", "i", "o")).Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: aio
}

// Action makes functions without a result fit where one with a result is wanted.
func ExampleAction() {
	hello := func(ctx context.Context) error { fmt.Println("hello"); return nil }
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx, aio.Action(hello), aio.Action(hello))
		return err
	})
	// Output:
	// hello
	// hello
}

// None is what a task without a result returns.
func ExampleNone() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[aio.None]
		for range 3 {
			tasks = append(tasks, aio.Start(ctx, aio.Yield))
		}
		_, err := aio.Gather(ctx, tasks...)
		fmt.Println(err)
		return nil
	})
	// Output: <nil>
}
