package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// Readers read together; the writer that comes after them writes alone, and the reader after it sees what was written.
func ExampleRWLock() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		var lock aio.RWLock
		page := "first edition"
		read := func(ctx context.Context) error {
			return lock.WithRead(ctx, func(ctx context.Context) error {
				fmt.Println("reading the", page)
				return aio.Sleep(ctx, time.Second)
			})
		}
		write := func(ctx context.Context) error {
			return lock.With(ctx, func(ctx context.Context) error {
				page = "second edition"
				return aio.Sleep(ctx, time.Second)
			})
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(read)
			g.Go(read)
			g.Go(write)
			g.Go(read)
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// reading the first edition
	// reading the first edition
	// reading the second edition
}
