package stream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// A server that sends a part of a file.
func ExampleWriter_Sendfile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "poem.txt")
	os.WriteFile(path, []byte("Tyger Tyger, burning bright,\nIn the forests of the night;\n"), 0o600)

	serve := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		w.WriteString("the second line: ")
		n, err := w.Sendfile(ctx, f, transport.FileFrom(29))
		fmt.Fprintf(w, "(%d bytes)\n", n)
		return err
	}
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", serve)
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		answer, err := r.ReadAll(ctx)
		fmt.Printf("%s", answer)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// the second line: In the forests of the night;
	// (29 bytes)
}
