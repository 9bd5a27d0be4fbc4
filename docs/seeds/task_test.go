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

// How to Get the Current Task: the main coroutine is a task, too.
func Example_seedsTaskCurrent() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("main coroutine started")
		task := aio.CurrentTask(ctx)
		fmt.Printf("task %s, done: %t\n", task.Name(), task.Done())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// main coroutine started
	// task main, done: false
}

// How to Get All Tasks: many tasks are started, listed and awaited; the list is in the order of creation.
func Example_seedsTaskAll() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println("main coroutine started")
		var started []*aio.Task[aio.None]
		for value := range 10 {
			started = append(started, aio.Start(ctx, func(ctx context.Context) error {
				fmt.Println("task", value, "is running")
				return aio.Sleep(ctx, time.Second)
			}))
		}
		if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil { // time to start
			return err
		}
		for _, task := range aio.AllTasks(ctx) {
			fmt.Println(">", task.Name())
		}
		for _, task := range started {
			if _, err := task.Await(ctx); err != nil {
				return err
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// main coroutine started
	// task 0 is running
	// task 1 is running
	// task 2 is running
	// task 3 is running
	// task 4 is running
	// task 5 is running
	// task 6 is running
	// task 7 is running
	// task 8 is running
	// task 9 is running
	// > main
	// > Task-2
	// > Task-3
	// > Task-4
	// > Task-5
	// > Task-6
	// > Task-7
	// > Task-8
	// > Task-9
	// > Task-10
	// > Task-11
}
