package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// threeSteps is an asynchronous iterator: an object with a method that awaits the next item.
type threeSteps struct{ counter int }

func (s *threeSteps) Next(ctx context.Context) (int, error) {
	if s.counter >= 3 {
		return 0, aiter.ErrStopIteration
	}
	s.counter++
	return s.counter, aio.Sleep(ctx, time.Second) // simulates work
}

// numbers is an asynchronous generator.
func numbers(ctx context.Context, n int) iter.Seq2[int, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(int) bool) error {
		for i := range n {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if !yield(i) {
				break
			}
		}
		return nil
	})
}

// Define, create and step an asynchronous iterator: anext is calling Next; the end is an error.
func Example_seedsIteratorStep() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		it := new(threeSteps)
		for {
			result, err := it.Next(ctx)
			if errors.Is(err, aiter.ErrStopIteration) {
				fmt.Println("no further items")
				return nil
			}
			if err != nil {
				return err
			}
			fmt.Println(result)
		}
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1
	// 2
	// 3
	// no further items
}

// Step an asynchronous iterator: the awaitable of one step, made first and awaited then.
func Example_seedsIteratorAwaitable() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var awaitable aio.Func[int] = new(threeSteps).Next
		result, err := awaitable(ctx)
		fmt.Println(result, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1 <nil>
}

// Traverse an asynchronous iterator: the loop, and the list comprehension.
func Example_seedsIteratorTraverse() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for result, err := range aiter.FromFunc(ctx, new(threeSteps).Next) {
			if err != nil {
				return err
			}
			fmt.Println(result)
		}
		results, err := aiter.Collect(aiter.FromFunc(ctx, new(threeSteps).Next))
		fmt.Println(results, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 1
	// 2
	// 3
	// [1 2 3] <nil>
}

// Generators: an ordinary one, stepped and traversed, is an iterator of Go.
func Example_seedsGeneratorOrdinary() {
	generator := func(yield func(int) bool) {
		for i := range 3 {
			if !yield(i) {
				return
			}
		}
	}

	next, stop := iter.Pull(generator)
	defer stop()
	result, ok := next()
	fmt.Println(result, ok)
	for item := range generator {
		fmt.Println(item)
	}
	// Output:
	// 0 true
	// 0
	// 1
	// 2
}

// Step an asynchronous generator: by hand, and closed when done.
func Example_seedsGeneratorStep() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		gen := aiter.Pull(ctx, numbers(ctx, 10))
		defer gen.Close(ctx)
		for range 2 {
			result, err := gen.Next(ctx)
			fmt.Println(result, err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 0 <nil>
	// 1 <nil>
}

// Traverse an asynchronous generator: leaving the loop early ends it.
func Example_seedsGeneratorTraverse() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		for result, err := range numbers(ctx, 10) {
			if err != nil {
				return err
			}
			if fmt.Println(result); result == 2 {
				break
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// 0
	// 1
	// 2
}

// Asynchronous comprehensions: a list with a condition, first written as a loop.
func Example_seedsComprehensionCondition() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var result []int
		for i, err := range numbers(ctx, 10) {
			if err != nil {
				return err
			}
			if i%2 == 1 {
				result = append(result, i)
			}
		}
		fmt.Println(result)

		odd := func(_ context.Context, i int) (bool, error) { return i%2 == 1, nil }
		result, err := aiter.Collect(aiter.Filter(ctx, numbers(ctx, 10), odd))
		fmt.Println(result, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// [1 3 5 7 9]
	// [1 3 5 7 9] <nil>
}

// Asynchronous comprehensions: a set and a map.
func Example_seedsComprehensionSetAndMap() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		half := func(_ context.Context, i int) (int, error) { return i / 2, nil }
		set, err := aiter.CollectSet(aiter.Map(ctx, numbers(ctx, 6), half))
		if err != nil {
			return err
		}
		squares, err := aiter.CollectMap(numbers(ctx, 4), func(i int) (int, int) { return i, i * i })
		fmt.Println(set, squares, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// map[0:{} 1:{} 2:{}] map[0:0 1:1 2:4 3:9] <nil>
}

// Await comprehensions: one after the other, and the same with All, at the same time.
func Example_seedsComprehensionAwait() {
	square := func(ctx context.Context, n int) (int, error) { return n * n, aio.Sleep(ctx, time.Second) }
	funcs := []aio.Func[int]{aio.Bind(square, 1), aio.Bind(square, 2), aio.Bind(square, 3)}

	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		call := func(ctx context.Context, fn aio.Func[int]) (int, error) { return fn(ctx) }
		results, err := aiter.Collect(aiter.Map(ctx, aiter.FromSlice(funcs), call))
		if err != nil {
			return err
		}
		fmt.Println(results, "after", elapsed())

		elapsed = stopwatch(ctx)
		results, err = aio.All(ctx, funcs...)
		fmt.Println(results, "after", elapsed())
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// [1 4 9] after 3s
	// [1 4 9] after 1s
}
