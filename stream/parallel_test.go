package stream_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func TestLoopsShareAPort(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems may give all connections to one of the sockets")
	}
	for name, n := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	} {
		t.Run(name, func(t *testing.T) { shareAPort(t, n) })
	}
}

func shareAPort(t *testing.T, n transport.Network) {
	const loops, clients = 3, 300
	addresses, serving, over := make(chan string, 1), make(chan string, loops), make(chan struct{})
	served := make([]int, loops) // each by its loop
	ended := make(chan error, 1)
	addresses <- "127.0.0.1:0" // from loop to loop: the first finds a free port
	go func() {
		ended <- aio.RunParallel(transport.WithNetwork(context.Background(), n), loops,
			func(ctx context.Context, i int) error {
				at, _, err := aio.Recv(ctx, addresses)
				if err != nil {
					return err
				}
				server, err := stream.Serve(ctx, "tcp", at,
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						served[i]++
						_, err := w.WriteString("hello")
						return err
					}, transport.ReusePort(true))
				if err != nil {
					serving <- err.Error()
					return err
				}
				at = server.Addrs()[0].String()
				addresses <- at
				serving <- at
				if _, _, err := aio.Recv(ctx, over); err != nil {
					return err
				}
				server.Close()
				return server.WaitClosed(ctx)
			})
	}()
	at := <-serving
	for range loops - 1 {
		if got := <-serving; got != at {
			t.Fatalf("servers on %q and %q: %v", at, got, <-ended)
		}
	}
	for range clients {
		c, err := net.Dial("tcp", at)
		ok(t, err)
		if answer, err := io.ReadAll(c); err != nil || string(answer) != "hello" {
			t.Errorf("the answer is %q, %v", answer, err)
		}
		c.Close()
	}
	close(over)
	ok(t, <-ended)
	sum := 0
	for i, n := range served {
		if sum += n; n == 0 {
			t.Errorf("loop %d served nobody", i)
		}
	}
	if sum != clients {
		t.Errorf("%d connections were served of %d", sum, clients)
	}
}
