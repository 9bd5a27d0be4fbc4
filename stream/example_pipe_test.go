package stream_test

import (
	"context"
	"fmt"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// The lines that come out of a pipe. The same way a program reads its standard input, with
// os.Stdin.
func ExampleReadPipe() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		in, err := stream.ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		defer in.Close()
		w.WriteString("red\ngreen\n")
		w.Close()
		for line, err := range in.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%s", line)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// red
	// green
}

// A writer of a pipe waits while the reader does not read.
func ExampleWritePipe() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		out, err := stream.WritePipe(ctx, w)
		if err != nil {
			return err
		}
		out.WriteString("hello")
		if err := out.Drain(ctx); err != nil {
			return err
		}
		out.Close()
		if err := out.WaitClosed(ctx); err != nil {
			return err
		}
		got := make([]byte, 10)
		n, err := r.Read(got)
		fmt.Printf("%s\n", got[:n])
		r.Close()
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello
}
