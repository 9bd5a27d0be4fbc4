package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// Define an Asynchronous Iterator, Step an Asynchronous Iterator: each step simulates work; io.EOF ends it.
func Example_seedsIteratorStep() {
	counter := 0
	next := func(ctx context.Context) (int, error) {
		if counter >= 10 {
			return 0, io.EOF
		}
		counter++
		return counter, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			result, err := next(ctx)
			if errors.Is(err, io.EOF) {
				fmt.Println("no further items")
				break
			}
			if err != nil {
				return err
			}
			fmt.Println(result)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1
	// 2
	// 3
	// 4
	// 5
	// 6
	// 7
	// 8
	// 9
	// 10
	// no further items
}
