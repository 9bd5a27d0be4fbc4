package aio_test

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

func ExampleLoopFor() {
	defer func() { fmt.Println(recover().(string)[:40]) }()
	ring := func(ctx context.Context) *aio.Loop { return aio.LoopFor(ctx, "phone.Ring") }
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(ring(ctx) == aio.RunningLoop(ctx))
		return nil
	})
	ring(context.Background())
	// Output:
	// true
	// aio: phone.Ring: no running event loop:
}
