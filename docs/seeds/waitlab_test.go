package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
)

// Waiting in asyncio, wait: which of the tasks is done, and how it ended.
func Example_seedsAwaitWait() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		taskF := aio.CreateTask(ctx, slowFunction("f", 2*time.Second, "first"))
		taskG := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "", errors.New("value error") })
		done, _, err := aio.Wait(ctx, aio.AllCompleted, taskF, taskG)
		if err != nil {
			return err
		}
		if slices.Contains(done, taskF) {
			value, err := taskF.Result()
			fmt.Println("The result of f() is", value, err)
		}
		if slices.Contains(done, taskG) {
			fmt.Println("g() failed with", taskG.Err())
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// function f first
	// The result of f() is first <nil>
	// g() failed with value error
}

// How to get all tasks: the main task and those that it started.
func Example_seedsLabAllTasks() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		aio.CurrentTask(ctx).SetName("main")
		fmt.Println("main coroutine started")
		var started []*aio.Task[aio.None]
		for i := range 3 {
			started = append(started, aio.Start(ctx, func(ctx context.Context) error {
				fmt.Println("task", i, "is running")
				return aio.Sleep(ctx, time.Second)
			}, aio.Name(fmt.Sprint("task-", i))))
		}
		if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil { // lets them start
			return err
		}
		for _, task := range aio.AllTasks(ctx) {
			fmt.Println(">", task.Name())
		}
		_, err := aio.Gather(ctx, started...)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// main coroutine started
	// task 0 is running
	// task 1 is running
	// task 2 is running
	// > main
	// > task-0
	// > task-1
	// > task-2
}
