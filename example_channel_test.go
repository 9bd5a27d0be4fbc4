package aio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

func ExampleRecv() {
	words := make(chan string)
	go func() {
		words <- "hello"
		close(words)
	}()
	aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			word, ok, err := aio.Recv(ctx, words)
			if err != nil {
				return err
			}
			fmt.Printf("%q %v\n", word, ok)
			if !ok {
				return nil
			}
		}
	})
	// Output:
	// "hello" true
	// "" false
}

func ExampleSend() {
	numbers, sum := make(chan int), make(chan int)
	go func() {
		total := 0
		for n := range numbers {
			total += n
		}
		sum <- total
	}()
	aio.Run(context.Background(), func(ctx context.Context) error {
		for n := range 5 {
			if err := aio.Send(ctx, numbers, n); err != nil {
				return err
			}
		}
		close(numbers)
		total, _, err := aio.Recv(ctx, sum)
		fmt.Println(total)
		return err
	})
	// Output: 10
}

func ExampleSelect() {
	letters, quit := make(chan string, 1), make(chan struct{})
	letters <- "dear sir"
	aio.Run(context.Background(), func(ctx context.Context) error {
		for {
			i, err := aio.Select(ctx,
				aio.OnRecv(letters, func(text string, ok bool) {
					fmt.Println("a letter:", text)
					close(quit)
				}),
				aio.OnRecv(quit, nil),
			)
			if err != nil {
				return err
			}
			if i == 1 {
				fmt.Println("quit")
				return nil
			}
		}
	})
	// Output:
	// a letter: dear sir
	// quit
}

func ExampleOnRecv() {
	closed := make(chan int)
	close(closed)
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Select(ctx, aio.OnRecv(closed, func(n int, ok bool) { fmt.Println(n, ok) }))
		return err
	})
	// Output: 0 false
}

func ExampleOnSend() {
	room := make(chan string, 1)
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.Select(ctx, aio.OnSend(room, "hello", func() { fmt.Println("sent") }))
		return err
	})
	fmt.Println(<-room)
	// Output:
	// sent
	// hello
}

// Cases can be collected, and a time-out put around them all.
func ExampleChannelCase() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var cases []aio.ChannelCase
		for range 3 {
			cases = append(cases, aio.OnRecv(make(chan int), nil)) // nobody sends
		}
		err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
			_, err := aio.Select(ctx, cases...)
			return err
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	// Output: true
}
