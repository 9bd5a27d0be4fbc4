package seeds_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// How to Define a Coroutine, How to Run a Coroutine From Python: awaiting a coroutine is calling it.
func Example_seedsCoroutineRun() {
	custom := func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		if err := custom(ctx); err != nil {
			return err
		}
		fmt.Println("back after", aio.RunningLoop(ctx).Time().Sub(began))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// back after 1s
}

// How to Create a Coroutine: the type of one that is not run; here it is a function that is not called, and nothing warns.
func Example_seedsCoroutineType() {
	custom := func(ctx context.Context) error {
		return aio.Sleep(ctx, time.Second)
	}
	fmt.Printf("%T\n", custom)
	// Output:
	// func(context.Context) error
}

// How To Start and Get An Event Loop: a loop made by hand, and its state.
func Example_seedsLoopNew() {
	loop := aio.NewLoop(aio.WithDebug(false))
	defer loop.Close()
	fmt.Printf("running=%t closed=%t debug=%t\n", loop.IsRunning(), loop.IsClosed(), loop.Debug())
	// Output:
	// running=false closed=false debug=false
}

// How To Start and Get An Event Loop: the loop that is running, found by the context.
func Example_seedsLoopRunning() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		fmt.Printf("running=%t closed=%t\n", loop.IsRunning(), loop.IsClosed())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// running=true closed=false
}
