package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// A goroutine that listens outside of the loop is declared, so that a virtual clock does not take the wait for it for a deadlock.
func ExampleLoop_MayPost() {
	lines := make(chan string) // from outside, at any time
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		inbox := aio.NewQueue[string](0)
		l.MayPost(1)
		go func() {
			defer l.MayPost(-1)
			for line := range lines {
				_, _ = l.CallSoonThreadsafe(func() { inbox.PutNowait(line) })
			}
		}()
		go func() { // somebody
			time.Sleep(10 * time.Millisecond)
			lines <- "hello"
			close(lines)
		}()
		line, err := inbox.Get(ctx)
		fmt.Println(line)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// hello
	// <nil>
}
