package transport_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func ExampleMemory() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		ctx = transport.WithNetwork(ctx, transport.Memory())
		server, err := stream.Serve(ctx, "tcp", "oracle.test:7",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				if _, err := r.ReadLine(ctx); err != nil {
					return err
				}
				if err := aio.Sleep(ctx, 7*time.Hour); err != nil {
					return err
				}
				_, err := fmt.Fprintln(w, "42")
				return err
			})
		if err != nil {
			return err
		}
		defer server.Close()

		r, w, err := stream.Open(ctx, "tcp", "oracle.test:7")
		if err != nil {
			return err
		}
		defer w.Close()
		begin := aio.RunningLoop(ctx).Time()
		fmt.Fprintln(w, "What is the answer?")
		line, err := r.ReadLine(ctx)
		fmt.Printf("%s after %v\n", line[:2], aio.RunningLoop(ctx).Time().Sub(begin))
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	fmt.Println(err)
	// Output:
	// 42 after 7h0m0s
	// <nil>
}
