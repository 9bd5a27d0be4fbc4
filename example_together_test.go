package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleAll() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		square := func(ctx context.Context, n int) (int, error) { return n * n, aio.Sleep(ctx, time.Second) }
		squares, err := aio.All(ctx, aio.Bind(square, 3), aio.Bind(square, 4))
		fmt.Println(squares, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [9 16] <nil>
}

// The first error ends the others; when All returns they have ended.
func ExampleAll_failure() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.All(ctx,
			aio.Action(func(ctx context.Context) error { return errors.New("boom") }),
			aio.Action(func(ctx context.Context) error {
				defer fmt.Println("the other has ended")
				return aio.Sleep(ctx, time.Hour)
			}),
		)
		fmt.Println(err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the other has ended
	// boom
}

func ExampleAll2() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		name, age, err := aio.All2(ctx,
			func(ctx context.Context) (string, error) { return "Ada", aio.Sleep(ctx, time.Second) },
			func(ctx context.Context) (int, error) { return 36, aio.Sleep(ctx, time.Second) },
		)
		fmt.Println(name, age, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: Ada 36 <nil>
}

func ExampleAll3() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		a, b, c, err := aio.All3(ctx,
			func(ctx context.Context) (string, error) { return "one", nil },
			func(ctx context.Context) (int, error) { return 2, nil },
			func(ctx context.Context) (bool, error) { return true, nil },
		)
		fmt.Println(a, b, c, err)
		return nil
	})
	// Output: one 2 true <nil>
}

// The first mirror that answers is good enough.
func ExampleRace() {
	mirror := func(ctx context.Context, name string, delay time.Duration) (string, error) {
		if err := aio.Sleep(ctx, delay); err != nil {
			return "", err
		}
		if name == "broken" {
			return "", errors.New("broken: no such file")
		}
		return "from " + name, nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		v, err := aio.Race(ctx,
			aio.Bind2(mirror, "slow", time.Minute),
			aio.Bind2(mirror, "broken", time.Second),
			aio.Bind2(mirror, "fast", 2*time.Second),
		)
		fmt.Println(v, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: from fast <nil>
}

func ExampleMap() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		lengths, err := aio.Map(ctx, []string{"a", "bb", "ccc"}, func(ctx context.Context, s string) (int, error) {
			return len(s), aio.Sleep(ctx, time.Second)
		})
		fmt.Println(lengths, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: [1 2 3] <nil>
}

// With a limit of 10, a hundred items of a second each take ten seconds.
func ExampleLimit() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		_, err := aio.Map(ctx, make([]int, 100), func(ctx context.Context, _ int) (aio.None, error) {
			return aio.None{}, aio.Sleep(ctx, time.Second)
		}, aio.Limit(10))
		fmt.Println(loop.Time().Sub(began), err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output: 10s <nil>
}

// A function with options of its own hands those of Map on.
func ExampleMapOption() {
	double := func(ctx context.Context, items []int, opts ...aio.MapOption) ([]int, error) {
		return aio.Map(ctx, items, func(ctx context.Context, n int) (int, error) { return 2 * n, nil }, opts...)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		doubles, err := double(ctx, []int{1, 2, 3}, aio.Limit(2))
		fmt.Println(doubles)
		return err
	})
	// Output: [2 4 6]
}
