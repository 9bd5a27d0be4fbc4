package guide_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
)

// heartbeat runs until it is cancelled.
func heartbeat(ctx context.Context) error {
	defer fmt.Println("heartbeat: ended")
	for {
		fmt.Println("heartbeat")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err // do not ignore it: it is how a task learns of its end
		}
	}
}

func Example_leftover() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.Start(ctx, heartbeat)
		if err := aio.Sleep(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
		fmt.Println("main: ended")
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println("Run:", err)
	// Output:
	// heartbeat
	// heartbeat
	// main: ended
	// heartbeat: ended
	// Run: <nil>
}

func Example_drain() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).OnShutdown(func() { fmt.Println("no new orders") })
		for n := range 2 {
			aio.Start(ctx, func(ctx context.Context) error {
				took := time.Duration(1+n*9) * time.Second
				if err := aio.Sleep(ctx, took); err != nil {
					fmt.Println("order", n, "is given up")
					return err
				}
				fmt.Println("order", n, "is done")
				return nil
			})
		}
		return aio.Yield(ctx)
	},
		aio.WithClock(aio.NewVirtualClock()),
		aio.WithShutdown(5*time.Second, time.Second), // five seconds to finish, then one to clean up
	)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// no new orders
	// order 0 is done
	// order 1 is given up
}
