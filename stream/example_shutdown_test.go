package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// An idle client does not hold up the end of a server, a request that is under way is answered.
func ExampleServer() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				for line, err := range r.Lines(ctx) {
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s is cooked\n", line[:len(line)-1])
				}
				w.WriteString("we are closing\n")
				return nil
			},
			transport.MaxConnections(1000), transport.IdleTimeout(10*time.Minute),
			transport.TotalTimeout(24*time.Hour))
		if err != nil {
			return err
		}
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		w.WriteString("fish\n")
		line, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s", line)

		if err := aio.Timeout(ctx, 5*time.Second, server.Shutdown); err != nil {
			return err
		}
		rest, err := r.ReadAll(ctx)
		fmt.Printf("%s", rest)
		return err
	})
	fmt.Println(err)
	// Output:
	// fish is cooked
	// we are closing
	// <nil>
}

func ExampleNetConn() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadAll(ctx)
				return err
			})
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		conn := stream.NetConn(ctx, r, w)
		reading := aio.Start(ctx, func(context.Context) error {
			_, err := conn.Read(make([]byte, 100))
			fmt.Println("closed:", errors.Is(err, net.ErrClosed))
			return nil
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		conn.Close() // ends the read
		_, err = reading.Await(ctx)
		return err
	})
	fmt.Println(err)
	// Output:
	// closed: true
	// <nil>
}
