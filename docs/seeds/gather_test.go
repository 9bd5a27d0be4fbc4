package seeds_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// What is Asyncio gather(): awaitables run at the same time, and their results come in the order of the arguments.
func Example_seedsGatherTasks() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value * 10, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		first := aio.CreateTask(ctx, aio.Bind(coroutine, 1))
		second := aio.CreateTask(ctx, aio.Bind(coroutine, 2))
		results, err := aio.Gather(ctx, first, second)
		if err != nil {
			return err
		}
		fmt.Println(results)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [10 20]
}

// How to use Asyncio gather(): coroutines are made tasks on the way; what takes functions here is All.
func Example_seedsGatherCoroutines() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value * 10, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		results, err := aio.All(ctx, aio.Bind(coroutine, 1), aio.Bind(coroutine, 2))
		if err != nil {
			return err
		}
		fmt.Println(results)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [10 20]
}

// How to use Asyncio gather(): a list of awaitables is unpacked into the arguments.
func Example_seedsGatherUnpackedList() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value * 10, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var tasks []*aio.Task[int]
		for value := range 3 {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(coroutine, value)))
		}
		results, err := aio.Gather(ctx, tasks...)
		if err != nil {
			return err
		}
		fmt.Println(results)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [0 10 20]
}

// How to use Asyncio gather(): the group is started, goes on while main sleeps, and is awaited afterwards.
func Example_seedsGatherAwaitedLater() {
	coroutine := func(ctx context.Context, value int) (int, error) {
		return value * 10, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		group := aio.CreateTask(ctx, func(ctx context.Context) ([]int, error) {
			return aio.All(ctx, aio.Bind(coroutine, 1), aio.Bind(coroutine, 2))
		})
		if err := aio.Sleep(ctx, 10*time.Second); err != nil {
			return err
		}
		fmt.Println("done meanwhile:", group.Done())
		results, err := group.Await(ctx)
		if err != nil {
			return err
		}
		fmt.Println(results)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// done meanwhile: true
	// [10 20]
}

// How to use Asyncio gather(): coroutines without a value give a list of empty ones.
func Example_seedsGatherNone() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		first := aio.Start(ctx, aio.Yield)
		second := aio.Start(ctx, aio.Yield)
		results, err := aio.Gather(ctx, first, second)
		if err != nil {
			return err
		}
		fmt.Println(results)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [{} {}]
}
