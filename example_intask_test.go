package aio_test

import (
	"context"
	"fmt"
	"io"

	"github.com/aio-go/aio"
)

// numbers is a reader for tasks and for other goroutines.
type numbers struct {
	ctx  context.Context
	from *aio.Queue[string]
}

func (n *numbers) Read(p []byte) (int, error) {
	next := func(context.Context) (string, error) { return n.from.Get(n.ctx) }
	if aio.InTask(n.ctx) {
		s, err := next(n.ctx)
		return copy(p, s), err
	}
	s, err := aio.Submit(context.Background(), aio.RunningLoop(n.ctx), next)
	return copy(p, s), err
}

// A Read method is called by whoever has the reader.
func ExampleInTask() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		q := aio.NewQueue[string](0)
		q.PutNowait("one")
		q.PutNowait("two")
		r := &numbers{ctx, q}
		buf := make([]byte, 3)
		io.ReadFull(r, buf)
		fmt.Println(string(buf))
		return aio.Blocking(ctx, func(context.Context) error {
			_, err := io.ReadFull(r, buf)
			fmt.Println(string(buf), "on another goroutine")
			return err
		})
	})
	// Output:
	// one
	// two on another goroutine
}
