package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// How to Get Task Result: the value of a task that has ended, with a check whether it has.
func Example_seedsTaskResult() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if !task.Done() {
			if _, err := task.Await(ctx); err != nil {
				return err
			}
		}
		value, err := task.Result()
		fmt.Println(value, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the result <nil>
}

// How to Get Task Result: the task failed and there is no result.
func Example_seedsTaskResultFailed() {
	coroutine := func(ctx context.Context) (string, error) {
		return "", errors.New("something bad happened")
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if _, err := task.Result(); err != nil {
			fmt.Println("task failed:", err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task failed: something bad happened
}

// How to Get Task Result: the task was cancelled, which its error tells.
func Example_seedsTaskResultCancelled() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		task.Cancel(nil)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if _, err := task.Result(); errors.Is(err, aio.ErrCancelled) {
			fmt.Println("task was cancelled")
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task was cancelled
}

// How to Get Task Result: a check for the cancellation comes first.
func Example_seedsTaskResultUnlessCancelled() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		finished := aio.CreateTask(ctx, coroutine, aio.Name("finished"))
		cancelled := aio.CreateTask(ctx, coroutine, aio.Name("cancelled"))
		cancelled.Cancel(nil)
		if _, err := finished.Await(ctx); err != nil {
			return err
		}
		for _, task := range []*aio.Task[string]{finished, cancelled} {
			if task.Cancelled() {
				fmt.Println(task.Name(), "has no result")
				continue
			}
			value, err := task.Result()
			fmt.Println(task.Name(), value, err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// finished the result <nil>
	// cancelled has no result
}

// How to Get Task Result: the task is not yet done.
func Example_seedsTaskResultTooEarly() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if _, err := task.Result(); errors.Is(err, aio.ErrInvalidState) {
			fmt.Println("task is not yet done")
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task is not yet done
}

// How to Get Task Exception: the error of a task, nil if it has none.
func Example_seedsTaskException() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		failed := aio.Start(ctx, func(context.Context) error { return errors.New("something bad happened") })
		finished := aio.Start(ctx, func(context.Context) error { return nil })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		fmt.Println(failed.Err())
		fmt.Println(finished.Err())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// something bad happened
	// <nil>
}

// How to Get Task Exception: the task was cancelled; checked before, and told from its error.
func Example_seedsTaskExceptionCancelled() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		task.Cancel(nil)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if task.Cancelled() {
			fmt.Println("task was cancelled")
		}
		fmt.Println(errors.Is(task.Err(), aio.ErrCancelled))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task was cancelled
	// true
}

// How to Get Task Exception: the task is not yet done, so it is awaited first.
func Example_seedsTaskExceptionTooEarly() {
	coroutine := func(ctx context.Context) (string, error) {
		return "", errors.New("something bad happened")
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		if errors.Is(task.Err(), aio.ErrInvalidState) {
			fmt.Println("task is not yet done")
			if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
				return err
			}
		}
		fmt.Println(task.Err())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task is not yet done
	// something bad happened
}
