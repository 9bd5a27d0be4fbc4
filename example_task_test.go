package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleCreateTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			fmt.Println("the task runs")
			return "its result", nil
		})
		fmt.Println("made, and not started yet")
		v, err := task.Await(ctx)
		fmt.Println(v, err)
		return nil
	})
	// Output:
	// made, and not started yet
	// the task runs
	// its result <nil>
}

func ExampleStart() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Second)
		})
		_, err := task.Await(ctx)
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: <nil>
}

func ExampleTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 42, aio.Sleep(ctx, time.Second) })

		_, err := task.Result()
		fmt.Println(task.Done(), errors.Is(err, aio.ErrInvalidState))

		if _, err := task.Await(ctx); err != nil {
			return err
		}
		v, err := task.Result() // as often as one likes, now
		fmt.Println(task.Done(), v, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// false true
	// true 42 <nil>
}

func ExampleTask_Cancel() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		if err := aio.Yield(ctx); err != nil { // let it start
			return err
		}
		fmt.Println("asked:", task.Cancel(errors.New("no longer needed")))
		fmt.Println("ended:", task.Done())

		_, err := task.Await(ctx)
		fmt.Println("ended:", task.Done(), errors.Is(err, aio.ErrCancelled))
		fmt.Println("asked:", task.Cancel(nil)) // too late
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// asked: true
	// ended: false
	// ended: true true
	// asked: false
}

func ExampleTask_AddDoneCallback() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield, aio.Name("short"))
		task.AddDoneCallback(func() { fmt.Println(task.Name(), "has ended") })
		remove := task.AddDoneCallback(func() { fmt.Println("never printed") })
		fmt.Println("taken back:", remove())
		return aio.Sleep(ctx, time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// taken back: true
	// short has ended
}

func ExampleName() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		first := aio.Start(ctx, aio.Yield)
		second := aio.Start(ctx, aio.Yield, aio.Name("crawler"))
		fmt.Println(first.Name(), second.Name())
		second.SetName("crawler of example.org")
		fmt.Println(second.Name())
		return nil
	})
	// Output:
	// Task-2 crawler
	// crawler of example.org
}

// An eager task makes its first step at once. If it does not have to wait, as with an answer that is in a cache, it is done with that.
func ExampleEager() {
	cache := map[string]string{"go": "a language"}
	look := func(ctx context.Context, word string) (string, error) {
		if meaning, ok := cache[word]; ok {
			return meaning, nil
		}
		return "asked for", aio.Sleep(ctx, time.Second)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		hit := aio.CreateTask(ctx, aio.Bind(look, "go"), aio.Eager())
		miss := aio.CreateTask(ctx, aio.Bind(look, "aio"), aio.Eager())
		fmt.Println(hit.Done(), miss.Done())
		_, err := miss.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: true false
}

// Settings of tasks can be handed on.
func ExampleTaskOption() {
	named := func(ctx context.Context, opts ...aio.TaskOption) string {
		return aio.Start(ctx, aio.Yield, append(opts, aio.Eager())...).Name()
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(named(ctx, aio.Name("worker")))
		return nil
	})
	// Output: worker
}

func ExampleCurrentTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(aio.CurrentTask(ctx).Name())
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			fmt.Println(aio.CurrentTask(ctx).Name())
			return nil
		}, aio.Name("child")).Await(ctx)
		return err
	})
	// Output:
	// main
	// child
}

func ExampleAllTasks() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, aio.Yield, aio.Name("one"))
		aio.Start(ctx, aio.Yield, aio.Name("two"))
		for _, task := range aio.AllTasks(ctx) {
			fmt.Println(task.Name())
		}
		return nil
	})
	// Output:
	// main
	// one
	// two
}

// Tasks with results of different types go into one list.
func ExampleAnyTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []aio.AnyTask{
			aio.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, nil }, aio.Name("number")),
			aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "", errors.New("no word") }, aio.Name("word")),
		}
		done, _, err := aio.Wait(ctx, aio.AllCompleted, tasks...)
		for _, task := range done {
			fmt.Println(task.Name(), task.Err())
		}
		return err
	})
	// Output:
	// number <nil>
	// word no word
}

// Tasks and futures are waited for alike.
func ExampleAnyFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		future := aio.NewFuture[int](aio.RunningLoop(ctx))
		task := aio.Start(ctx, func(ctx context.Context) error { return future.SetResult(7) })
		done, pending, err := aio.Wait(ctx, aio.AllCompleted, aio.AnyFuture(future), aio.AnyFuture(task))
		fmt.Println(len(done), len(pending), err)
		return nil
	})
	// Output: 2 0 <nil>
}

// first works for tasks and for futures, and knows the type of the result.
func first[T any, A aio.TaskOrFuture[T]](ctx context.Context, aws []A) (T, error) {
	return aws[0].Await(ctx)
}

func ExampleTaskOrFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		tasks := []*aio.Task[string]{aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "hello", nil })}
		v, err := first(ctx, tasks)
		fmt.Println(v, err)
		return nil
	})
	// Output: hello <nil>
}

func ExampleFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		future := aio.NewFuture[string](loop)
		loop.CallLater(time.Second, func() { future.SetResult("set by a callback") })
		v, err := future.Await(ctx)
		fmt.Println(v, err)
		fmt.Println(errors.Is(future.SetResult("again"), aio.ErrInvalidState))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// set by a callback <nil>
	// true
}

func ExampleNewFuture() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		future := aio.NewFuture[int](aio.RunningLoop(ctx))
		future.SetError(errors.New("no luck"))
		_, err := future.Await(ctx)
		fmt.Println(err)
		return nil
	})
	// Output: no luck
}

// A task factory sees every task before it starts: here it counts.
func ExampleTaskFactory() {
	made := 0
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Map(ctx, []int{1, 2, 3}, func(ctx context.Context, n int) (int, error) { return n, nil })
		return err
	}, aio.WithTaskFactory(func(aio.AnyTask) error { made++; return nil }))
	fmt.Println(made, "tasks, main among them")
	// Output: 4 tasks, main among them
}

func ExampleWithTaskFactory() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Start(ctx, aio.Yield)
		_, err := task.Await(ctx)
		fmt.Println(err)
		return nil
	}, aio.WithTaskFactory(func(t aio.AnyTask) error {
		if t.Name() == "main" {
			return nil
		}
		return errors.New("this loop takes no more tasks")
	}))
	// Output: this loop takes no more tasks
}
