//go:build unix

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// A server on every core: each loop listens on the same address, and the system spreads the
// connections.
func ExampleServe_parallel() {
	hello := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		name, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "hello, %s", name)
		return err
	}
	serve := func(ctx context.Context, address string) error {
		return aio.RunParallel(ctx, runtime.GOMAXPROCS(0), func(ctx context.Context, i int) error {
			server, err := stream.Serve(ctx, "tcp", address, hello, transport.ReusePort(true))
			if err != nil {
				return err
			}
			return server.ServeForever(ctx)
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := serve(ctx, "127.0.0.1:0") // with port 0 each would get a port of its own
	fmt.Println("time is over:", errors.Is(err, context.DeadlineExceeded))
	// Output: time is over: true
}
