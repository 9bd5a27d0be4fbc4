package seeds_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// answering starts a server on this machine that answers each connection with what handler writes, and returns its address.
func answering(ctx context.Context, handler stream.Handler) (server *stream.Server, address string, err error) {
	server, err = stream.Serve(ctx, "tcp", "127.0.0.1:0", handler)
	if err != nil {
		return nil, "", err
	}
	return server, server.Addrs()[0].String(), nil
}

// says is a handler that writes text once it has read a line.
func says(text string) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if _, err := r.ReadLine(ctx); err != nil {
			return err
		}
		w.WriteString(text)
		return w.Drain(ctx)
	}
}

// asking runs fn with a connection to a server that says text when it was sent a line.
func asking(text string, fn func(ctx context.Context, reader *stream.Reader, writer *stream.Writer) error) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, address, err := answering(ctx, says(text))
		if err != nil {
			return err
		}
		defer server.Close()
		reader, writer, err := stream.Open(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer writer.Close()
		return fn(ctx, reader, writer)
	})
	if err != nil {
		log.Fatal(err)
	}
}

// How to Start a Server, How to Open a Connection: each connection is a task that runs the handler.
func Example_seedsStreamServe() {
	handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		w.WriteString(strings.ToUpper(string(line)))
		return w.Drain(ctx)
	}

	aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler)
		if err != nil {
			return err
		}
		defer server.Close()

		reader, writer, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer writer.Close()
		writer.WriteString("hello\n")
		line, err := reader.ReadLine(ctx)
		fmt.Printf("%q %v\n", line, err)
		return nil
	})
	// Output:
	// "HELLO\n" <nil>
}

// How to Write Data with the StreamWriter: bytes, or several lines at once; neither waits, draining does.
func Example_seedsStreamWrite() {
	asking("fine\n", func(ctx context.Context, reader *stream.Reader, writer *stream.Writer) error {
		writer.Write([]byte("how are "))
		writer.WriteLines([]byte("you\n"), []byte("today\n"))
		if err := writer.Drain(ctx); err != nil {
			return err
		}
		line, err := reader.ReadLine(ctx)
		fmt.Printf("%q %v\n", line, err)
		return nil
	})
	// Output:
	// "fine\n" <nil>
}

// How to Read Data with the StreamReader: everything until the end; some bytes; a line; so many bytes; up to a separator.
func Example_seedsStreamRead() {
	asking("first line\n12345key=value;the rest", func(ctx context.Context, reader *stream.Reader, writer *stream.Writer) error {
		writer.WriteString("go\n")
		line, err := reader.ReadLine(ctx)
		fmt.Printf("%q %v\n", line, err)
		five, err := reader.ReadExactly(ctx, 5)
		fmt.Printf("%q %v\n", five, err)
		key, err := reader.ReadUntil(ctx, []byte("="))
		fmt.Printf("%q %v\n", key, err)
		some := make([]byte, 3) // three at most
		n, err := reader.Read(ctx, some)
		fmt.Printf("%d bytes at most: %t %v\n", len(some), n > 0, err)
		rest, err := reader.ReadAll(ctx)
		fmt.Printf("%q %v\n", string(some[:n])+string(rest), err)
		fmt.Println("at the end:", reader.AtEOF())
		return nil
	})
	// Output:
	// "first line\n" <nil>
	// "12345" <nil>
	// "key=" <nil>
	// 3 bytes at most: true <nil>
	// "value;the rest" <nil>
	// at the end: true
}

// How to Read Data with the StreamReader: too few bytes before the end are an error that has them.
func Example_seedsStreamIncomplete() {
	asking("short", func(ctx context.Context, reader *stream.Reader, writer *stream.Writer) error {
		writer.WriteString("go\n")
		_, err := reader.ReadExactly(ctx, 100)
		var incomplete *stream.IncompleteReadError
		if errors.As(err, &incomplete) {
			fmt.Printf("only %q; at its end: %t\n", incomplete.Partial, errors.Is(err, io.ErrUnexpectedEOF))
		}
		return nil
	})
	// Output:
	// only "short"; at its end: true
}

// How to Close Connection: Close does not wait, WaitClosed does, IsClosing tells.
func Example_seedsStreamClose() {
	asking("", func(ctx context.Context, reader *stream.Reader, writer *stream.Writer) error {
		fmt.Println("closing:", writer.IsClosing())
		writer.Close()
		fmt.Println("closing:", writer.IsClosing())
		fmt.Println("closed:", writer.WaitClosed(ctx))
		return nil
	})
	// Output:
	// closing: false
	// closing: true
	// closed: <nil>
}
