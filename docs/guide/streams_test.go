package guide_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// upper is the handler of a connection. It runs as a task of its own.
func upper(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "you said %q\n", line)
		if err := w.Drain(ctx); err != nil { // wait if the peer reads too slowly
			return err
		}
	}
	return nil // the peer has ended; the connection is closed
}

func Example_stream() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", upper)
		if err != nil {
			return err
		}
		defer server.Close()

		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()

		w.WriteString("hello\nworld\n")
		w.WriteEOF() // we send no more, but still read
		for {
			answer, err := r.ReadLine(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			fmt.Printf("%s", answer)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// you said "hello\n"
	// you said "world\n"
}

func Example_streamTimeout() {
	silent := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		_, err := r.ReadAll(ctx) // never answers
		return err
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", silent)
		if err != nil {
			return err
		}
		defer server.Close()

		// One limit for the whole exchange: connect, send, read the answer.
		err = aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
			r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
			if err != nil {
				return err
			}
			defer w.Close()
			w.WriteString("anybody there?\n")
			_, err = r.ReadLine(ctx)
			return err
		})
		fmt.Println("no answer in time:", errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// no answer in time: true
}
