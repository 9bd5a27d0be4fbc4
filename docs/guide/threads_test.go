package guide_test

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/aio-go/aio"
)

// legacySum stands for a library that blocks.
func legacySum(numbers ...int) int {
	time.Sleep(time.Millisecond) // blocks, as such a library does
	sum := 0
	for _, n := range numbers {
		sum += n
	}
	return sum
}

func Example_toThread() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		sum, err := aio.ToThread(ctx, func(ctx context.Context) (int, error) {
			return legacySum(1, 2, 3), nil // on a goroutine of its own; the loop goes on
		})
		fmt.Println(sum, err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 6 <nil>
}

func Example_submit() {
	requests := 0 // belongs to the loop

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		// Blocking stands for a part of the program that has goroutines of its own.
		return aio.Blocking(ctx, func(ctx context.Context) error {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					err := aio.Submit(ctx, loop, func(ctx context.Context) error {
						requests++ // on the loop: no mutex
						return aio.Yield(ctx)
					})
					if err != nil {
						log.Print(err)
					}
				})
			}
			wg.Wait()
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(requests, "requests")
	// Output:
	// 3 requests
}

func Example_channels() {
	numbers := make(chan int)
	go func() { // an ordinary producer
		defer close(numbers)
		for i := range 3 {
			numbers <- i * 10
		}
	}()

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			n, ok, err := aio.Recv(ctx, numbers)
			if err != nil {
				return err
			}
			if !ok {
				return nil
			}
			fmt.Println(n)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0
	// 10
	// 20
}

func Example_fromOutside() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		answer := aio.NewFuture[string](loop.Context())

		time.AfterFunc(time.Millisecond, func() { // a callback on some goroutine
			loop.CallSoonThreadsafe(func() { answer.SetResult("42") })
		})

		text, err := answer.Await(ctx)
		fmt.Println(text, err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 42 <nil>
}
