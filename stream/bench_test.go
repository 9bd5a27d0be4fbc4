package stream_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// A request and its reply of the same size; client and server are tasks of one loop.
func BenchmarkEcho(b *testing.B) {
	for _, secured := range []bool{false, true} {
		for _, size := range []int{1 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("tls=%v/size=%d", secured, size), func(b *testing.B) {
				var sopts, copts []transport.Option
				if secured {
					a := tlstest.New(b)
					sopts, copts = append(sopts, transport.TLS(a.Server())),
						append(copts, transport.TLS(a.Client()))
				}
				b.ReportAllocs()
				b.SetBytes(int64(size))
				err := aio.Run(b.Context(), func(ctx context.Context) error {
					handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						p := make([]byte, size)
						for {
							n, err := r.Read(ctx, p)
							if err != nil {
								return nil
							}
							w.Write(p[:n])
							if err := w.Drain(ctx); err != nil {
								return err
							}
						}
					}
					server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, sopts...)
					if err != nil {
						return err
					}
					defer server.Close()
					r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String(), copts...)
					if err != nil {
						return err
					}
					p := make([]byte, size)
					for b.Loop() {
						w.Write(p)
						for got := 0; got < size; {
							n, err := r.Read(ctx, p)
							if err != nil {
								return err
							}
							got += n
						}
					}
					w.Close()
					return w.WaitClosed(ctx)
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
