package seeds_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aio-go/aio"
)

// How To Start and Get An Event Loop: the loop that is running, found by the context.
func Example_seedsLoopRunning() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		fmt.Printf("running=%t closed=%t\n", loop.IsRunning(), loop.IsClosed())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// running=true closed=false
}
