package stream_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// A server that answers each line, and a client that talks to it.
func Example() {
	greet := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for name, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "hello, %s", name)
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", greet)
		if err != nil {
			return err
		}
		defer server.Close()

		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		w.WriteString("Ada\nGrace\n")
		w.WriteEOF()
		answers, err := r.ReadAll(ctx)
		fmt.Printf("%s", answers)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello, Ada
	// hello, Grace
}

// A read that runs into a time-out takes nothing: the next one gets the data.
func ExampleReader_ReadExactly() {
	slow := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		w.WriteString("first half, ")
		if _, err := r.ReadLine(ctx); err != nil { // a signal to go on
			return err
		}
		w.WriteString("second half")
		return nil
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", slow)
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()

		err = aio.Timeout(ctx, 10*time.Millisecond, func(ctx context.Context) error {
			_, err := r.ReadExactly(ctx, 23)
			return err
		})
		fmt.Println("timed out:", errors.Is(err, context.DeadlineExceeded))

		w.WriteString("go on\n")
		data, err := r.ReadExactly(ctx, 23)
		fmt.Printf("%s, %v\n", data, err)
		return nil
	})
	// Output:
	// timed out: true
	// first half, second half, <nil>
}
