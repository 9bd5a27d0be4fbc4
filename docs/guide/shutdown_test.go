package guide_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/stream"
)

// heartbeat runs until it is cancelled.
func heartbeat(ctx context.Context) error {
	defer fmt.Println("heartbeat: ended")
	for {
		fmt.Println("heartbeat")
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err // do not ignore it: this is how the task learns that it is cancelled
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

// kitchen answers each line.
type kitchen struct{ cooking aiosync.Event }

func (k *kitchen) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		k.cooking.Set()
		if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s is ready\n", line[:len(line)-1])
	}
	w.WriteString("we are closing\n")
	return nil
}

func Example_shutdownServer() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var k kitchen
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", k.serve)
		if err != nil {
			return err
		}
		guest := func(orders string) *aio.Task[string] {
			return aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
				if err != nil {
					return "", err
				}
				defer w.Close()
				w.WriteString(orders)
				said, err := r.ReadAll(ctx)
				return string(said), err
			})
		}
		idle, busy := guest(""), guest("fish\n")
		if err := k.cooking.Wait(ctx); err != nil {
			return err
		}

		err = aio.Timeout(ctx, 5*time.Second, server.Shutdown)
		for _, task := range []*aio.Task[string]{idle, busy} {
			said, err := task.Await(ctx)
			fmt.Printf("%q %v\n", said, err)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// "we are closing\n" <nil>
	// "fish is ready\nwe are closing\n" <nil>
}
