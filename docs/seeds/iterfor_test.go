package seeds_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aio-go/aio"
)

// Example of an asynchronous iterator with an async for loop: an ordinary iterator that awaits in between.
func Example_seedsIterFor() {
	counter := func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range 10 {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					yield(0, err)
					return
				}
				if !yield(i+1, nil) {
					return
				}
			}
		}
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		for item, err := range counter(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(item)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
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
}

// Asynchronous comprehensions: the items of an asynchronous iterator in a list.
func Example_seedsIterComprehension() {
	letters := func(ctx context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for _, letter := range []string{"a", "b", "c"} {
				if !yield(letter, aio.Sleep(ctx, time.Second)) {
					return
				}
			}
		}
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		var result []string
		for letter, err := range letters(ctx) {
			if err != nil {
				return err
			}
			result = append(result, letter)
		}
		fmt.Println(result)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// [a b c]
}

// Await comprehensions: one after the other, and the same with All, at the same time.
func Example_seedsIterAwaitComprehension() {
	square := func(ctx context.Context, n int) (int, error) { return n * n, aio.Sleep(ctx, time.Second) }
	awaitables := []aio.Func[int]{aio.Bind(square, 1), aio.Bind(square, 2), aio.Bind(square, 3)}

	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		var results []int
		for _, fn := range awaitables {
			result, err := fn(ctx)
			if err != nil {
				return err
			}
			results = append(results, result)
		}
		fmt.Println(results, "after", loop.Time().Sub(began))

		began = loop.Time()
		results, err := aio.All(ctx, awaitables...)
		fmt.Println(results, "after", loop.Time().Sub(began))
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// [1 4 9] after 3s
	// [1 4 9] after 1s
}
