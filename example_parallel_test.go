package aio_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/aio-go/aio"
)

// Three loops, each on a goroutine of its own: what they share needs care, what belongs to one of them does not.
func ExampleRunParallel() {
	var total atomic.Int64
	err := aio.RunParallel(context.Background(), 3, func(ctx context.Context, i int) error {
		own := 0 // of this loop
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error { own++; return nil })
			}
			return nil
		})
		total.Add(int64(own))
		return err
	})
	fmt.Println(total.Load(), err)
	// Output: 30 <nil>
}
