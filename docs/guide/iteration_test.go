package guide_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// temperatures asks a sensor every second. The deferred call runs however the loop is left.
func temperatures(ctx context.Context, room string) iter.Seq2[string, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(string) bool) error {
		defer fmt.Println("the sensor in the", room, "is off")
		for t := 20; ; t++ {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if !yield(fmt.Sprintf("%s %d°", room, t)) {
				return nil
			}
		}
	})
}

func Example_iteration() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for t, err := range temperatures(ctx, "kitchen") {
			if err != nil {
				return err
			}
			fmt.Println(t)
			if t == "kitchen 22°" {
				break
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// kitchen 20°
	// kitchen 21°
	// kitchen 22°
	// the sensor in the kitchen is off
}

func Example_iterationCombinators() {
	type page struct {
		number int
		links  []string
	}
	fetch := func(ctx context.Context, number int) (page, error) { // stands for a request
		links := []string{fmt.Sprintf("/%d/a", number), fmt.Sprintf("/%d/b", number)}
		return page{number, links}, aio.Sleep(ctx, time.Second)
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()

		numbers := aiter.FromSlice([]int{1, 2, 3, 4, 5, 6})
		pages := aiter.MapConcurrent(ctx, numbers, 3, fetch) // three at a time, in order
		links := aiter.FlatMap(ctx, pages, func(_ context.Context, p page) iter.Seq2[string, error] {
			return aiter.FromSlice(p.links)
		})

		for batch, err := range aiter.Batch(aiter.Take(links, 7), 3) {
			if err != nil {
				return err
			}
			fmt.Println(batch)
		}
		fmt.Println("after", loop.Time().Sub(began))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [/1/a /1/b /2/a]
	// [/2/b /3/a /3/b]
	// [/4/a]
	// after 2s
}

func Example_iterationErrors() {
	unreliable := func(ctx context.Context) iter.Seq2[int, error] {
		return aiter.Generate(ctx, func(_ context.Context, yield func(int) bool) error {
			_ = yield(1) && yield(2)
			return errors.New("the connection is gone")
		})
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for v := range unreliable(ctx) { // compiles, but is wrong
			fmt.Println("got", v)
		}

		sum, err := aiter.Fold(unreliable(ctx), 0, func(sum, v int) int { return sum + v })
		fmt.Println(sum, err)

		for v := range aiter.Values(unreliable(ctx), &err) { // the error is kept for later
			fmt.Println("got", v)
		}
		fmt.Println(err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// got 1
	// got 2
	// got 0
	// 3 the connection is gone
	// got 1
	// got 2
	// the connection is gone
}

func Example_iterationByHand() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		it := aiter.Pull(ctx, temperatures(ctx, "hall"))
		defer it.Close(ctx)

		first, err := it.Next(ctx)
		if err != nil {
			return err
		}
		fmt.Println(first)

		// Next is a function that awaits, so it can have a time limit or become a task.
		_, err = aio.WaitFor(ctx, 100*time.Millisecond, it.Next)
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		_, err = it.Next(ctx)
		fmt.Println(err == aiter.ErrStopIteration)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// hall 20°
	// the sensor in the hall is off
	// true
	// true
}

// account stands for a resource that takes time to open and to close.
type account struct{ name string }

func (a account) Enter(ctx context.Context) (account, error) {
	fmt.Println("opening", a.name)
	return a, aio.Sleep(ctx, time.Second)
}

func (a account) Exit(ctx context.Context, err error) error {
	fmt.Println("closing", a.name, "because it was cancelled:", errors.Is(err, aio.ErrCancelled))
	return aio.Sleep(ctx, time.Second) // works even if the body was cancelled
}

func Example_iterationWith() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := aio.Timeout(ctx, 5*time.Second, func(ctx context.Context) error {
			return aiter.With(ctx, &aiter.ExitStack{}, func(ctx context.Context, stack *aiter.ExitStack) error {
				for _, name := range []string{"savings", "current"} {
					if _, err := aiter.Enter(ctx, stack, account{name}); err != nil {
						return err
					}
				}
				return aio.Sleep(ctx, time.Hour)
			})
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// opening savings
	// opening current
	// closing current because it was cancelled: true
	// closing savings because it was cancelled: true
	// true
}
