package seeds_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// How to Use Callback With a Task: it is called with the task when that is done; here it is a closure that knows it.
func Example_seedsCallbackDone() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		task.AddDoneCallback(func() { fmt.Println(task) })
		if err := aio.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		fmt.Println("main done")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithDebug(false))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// <Task Task-2 finished result=the result>
	// main done
}

// How to Use Callback With a Task: as many as one likes, called in the order in which they were added.
func Example_seedsCallbackSeveral() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		for i := range 3 {
			task.AddDoneCallback(func() { fmt.Println("callback", i, "of", task.Name()) })
		}
		return aio.Sleep(ctx, 2*time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// callback 0 of Task-2
	// callback 1 of Task-2
	// callback 2 of Task-2
}

// How to Use Callback With a Task: a callback is removed by the function that adding it returned.
func Example_seedsCallbackRemove() {
	coroutine := func(ctx context.Context) (string, error) {
		return "the result", aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.CreateTask(ctx, coroutine)
		remove := task.AddDoneCallback(func() { fmt.Println("not called") })
		task.AddDoneCallback(func() { fmt.Println("called") })
		fmt.Println("removed:", remove())
		return aio.Sleep(ctx, 2*time.Second)
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// removed: true
	// called
}
