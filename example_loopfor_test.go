package aio_test

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// A package that builds on aio names its own function in the panic of a caller who has no loop.
func ExampleLoopFor() {
	dial := func(ctx context.Context, address string) string {
		loop := aio.LoopFor(ctx, "wire.Dial")
		return fmt.Sprint("dialling ", address, " on a loop that runs: ", loop.IsRunning())
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		fmt.Println(dial(ctx, "[::1]:80"))
		return nil
	})
	defer func() { fmt.Println(recover()) }()
	dial(context.Background(), "[::1]:80")
	// Output:
	// dialling [::1]:80 on a loop that runs: true
	// aio: wire.Dial: no running event loop: this context does not come from a task; start with aio.Run and pass on the context that your function gets
}
