package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func TestPortableStreamsWorkUnderAVirtualClock(t *testing.T) {
	for range 20 {
		err := aio.Run(transport.WithNetwork(t.Context(), transport.Portable()),
			func(ctx context.Context) error {
				server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						for {
							line, err := r.ReadLine(ctx)
							if err != nil {
								return nil
							}
							if err := aio.Sleep(ctx, time.Hour); err != nil {
								return err
							}
							if _, err := fmt.Fprintf(w, "%s!\n", strings.TrimSuffix(string(line), "\n")); err != nil {
								return err
							}
						}
					})
				if err != nil {
					return err
				}
				defer server.Close()
				begin := aio.RunningLoop(ctx).Time()
				r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
				if err != nil {
					return err
				}
				defer w.Close()
				for range 3 {
					if _, err := w.Write([]byte("hello\n")); err != nil {
						return err
					}
					line, err := r.ReadLine(ctx)
					if err != nil || string(line) != "hello!\n" {
						return errors.Join(err, fmt.Errorf("got %q", line))
					}
				}
				if d := aio.RunningLoop(ctx).Time().Sub(begin); d != 3*time.Hour {
					t.Errorf("three answers took %v", d)
				}
				return nil
			}, aio.WithClock(aio.NewVirtualClock()))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAdoptedPipesWorkUnderAVirtualClock(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		here, there := net.Pipe()
		r, w, err := stream.Adopt(ctx, here)
		if err != nil {
			return err
		}
		defer w.Close()
		go func() {
			defer there.Close()
			buf := make([]byte, 6)
			_, _ = there.Read(buf)
			time.Sleep(30 * time.Millisecond) // of real time: the peer is outside of the loop
			_, _ = there.Write(buf)
		}()
		if _, err := w.Write([]byte("hello\n")); err != nil {
			return err
		}
		line, err := r.ReadLine(ctx)
		if string(line) != "hello\n" {
			t.Errorf("got %q", line)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
}
