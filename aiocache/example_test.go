package aiocache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
)

func virtual(main func(ctx context.Context) error) {
	if err := aio.Run(context.Background(), main, aio.WithClock(aio.NewVirtualClock())); err != nil {
		log.Fatal(err)
	}
}

// square stands for a request that takes its time.
func square(ctx context.Context, n int) (int, error) {
	fmt.Println("asked for", n)
	return n * n, aio.Sleep(ctx, time.Second)
}

func ExampleNew() {
	virtual(func(ctx context.Context) error {
		squares := aiocache.New(square, aiocache.MaxSize(1000), aiocache.TTL(time.Minute))
		results, err := aio.Map(ctx, []int{3, 4, 3, 3}, squares.Get) // at the same time
		fmt.Println(results)
		return err
	})
	// Output:
	// asked for 3
	// asked for 4
	// [9 16 9 9]
}

func ExampleCache() {
	virtual(func(ctx context.Context) error {
		squares := aiocache.New(square)
		for range 2 {
			v, err := squares.Get(ctx, 5)
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
		squares.Invalidate(5)
		_, err := squares.Get(ctx, 5)
		fmt.Println(squares)
		return err
	})
	// Output:
	// asked for 5
	// 25
	// 25
	// asked for 5
	// <Cache 1, 0 under way, 1 hits, 2 misses>
}

func ExampleTTL() {
	virtual(func(ctx context.Context) error {
		squares := aiocache.New(square, aiocache.TTL(time.Minute))
		for range 3 {
			if _, err := squares.Get(ctx, 6); err != nil {
				return err
			}
			if err := aio.Sleep(ctx, 40*time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	// Output:
	// asked for 6
	// asked for 6
}

func ExampleMaxSize() {
	virtual(func(ctx context.Context) error {
		squares := aiocache.New(square, aiocache.MaxSize(2))
		for _, n := range []int{1, 2, 3, 1} { // 3 takes the place of 1, and 1 that of 2
			if _, err := squares.Get(ctx, n); err != nil {
				return err
			}
		}
		fmt.Println(squares.Statistics().Evicted, "made room")
		return nil
	})
	// Output:
	// asked for 1
	// asked for 2
	// asked for 3
	// asked for 1
	// 2 made room
}

func ExampleKeepErrors() {
	virtual(func(ctx context.Context) error {
		users := aiocache.New(func(_ context.Context, name string) (int, error) {
			fmt.Println("looking for", name)
			return 0, errors.New("no such user")
		}, aiocache.KeepErrors(time.Second))
		for range 2 {
			_, err := users.Get(ctx, "nobody")
			fmt.Println(err)
		}
		return nil
	})
	// Output:
	// looking for nobody
	// no such user
	// no such user
}

func ExampleOption() {
	small := []aiocache.Option{aiocache.MaxSize(10), aiocache.TTL(time.Second)}
	fmt.Println(aiocache.New(square, small...))
	// Output: <Cache 0 of 10, 0 under way, 0 hits, 0 misses>
}
