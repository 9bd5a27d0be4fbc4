package stream_test

import (
	"context"
	"fmt"
	"io"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// Messages of any bytes, with their length in front.
func ExampleReader_ReadFrame() {
	echo := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for {
			message, err := r.ReadFrame(ctx, stream.Prefix32)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				fmt.Println("server:", err)
				return nil
			}
			w.WriteFrame(stream.Prefix32, message)
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", echo, stream.Limit(1000))
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		w.WriteFrame(stream.Prefix32, []byte("two\nlines"))
		answer, err := r.ReadFrame(ctx, stream.Prefix32)
		fmt.Printf("%q %v\n", answer, err)

		w.WriteFrame(stream.Prefix32, make([]byte, 1001))
		_, err = r.ReadFrame(ctx, stream.Prefix32)
		fmt.Println("client:", err)
		return nil
	})
	// Output:
	// "two\nlines" <nil>
	// server: stream: a frame of 1001 bytes, the limit is 1000
	// client: EOF
}
