package seeds_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// Create Task With High-Level API, What is an Asyncio Task: a task is made of a coroutine, then awaited.
func Example_seedsTaskCreate() {
	coroutine := func(ctx context.Context) (string, error) {
		fmt.Println("task is running")
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		value, err := task.Await(ctx)
		if err != nil {
			return err
		}
		fmt.Println(value)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task is running
	// the result
}

// Create Task With Low-Level API: a task is made on a given loop, by the context of that loop.
func Example_seedsTaskCreateLowLevel() {
	coroutine := func(ctx context.Context) (string, error) {
		fmt.Println("task is running")
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		task := aio.CreateTask(loop.Context(), coroutine)
		value, err := task.Await(ctx)
		if err != nil {
			return err
		}
		fmt.Println(value)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// task is running
	// the result
}

// When Does a Task Run?: not before its creator waits for something.
func Example_seedsTaskRunsLater() {
	coroutine := func(ctx context.Context) (string, error) {
		fmt.Println("task is running")
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		fmt.Println("the task is made")
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		fmt.Println("the task is done")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the task is made
	// task is running
	// the task is done
}

// Check if a Task is Done: scheduled and running tasks are not.
func Example_seedsTaskDone() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		fmt.Println("scheduled:", task.Done())
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		fmt.Println("running:", task.Done())
		if _, err := task.Await(ctx); err != nil {
			return err
		}
		fmt.Println("ended:", task.Done())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// scheduled: false
	// running: false
	// ended: true
}

// Check if a Task is Canceled: only after a cancellation has gone through.
func Example_seedsTaskCancelled() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		task.Cancel(nil)
		fmt.Println("asked:", task.Cancelled())
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		fmt.Println("ended:", task.Cancelled())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// asked: false
	// ended: true
}

// How to Set the Task Name: given at the creation, and set later.
func Example_seedsTaskName() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine, aio.Name("MyTask"))
		fmt.Println(task.Name())
		task.SetName("MyOtherTask")
		fmt.Println(task.Name())
		_, err := task.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// MyTask
	// MyOtherTask
}
