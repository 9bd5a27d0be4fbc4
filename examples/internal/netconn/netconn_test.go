package netconn

import (
	"context"
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// pipe makes two ends of a connection on a loop of their own.
func pipe(network transport.Network, kind, address func() string) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		type ends struct{ a, b net.Conn }
		made, over, ended := make(chan ends, 1), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- aio.Run(context.Background(), func(ctx context.Context) error {
				ctx = transport.WithNetwork(ctx, network)
				loop := aio.RunningLoop(ctx)
				accepted := aio.NewFuture[net.Conn](loop.Context())
				server, err := stream.Serve(ctx, kind(), address(),
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						accepted.SetResult(stream.NetConn(ctx, r, w))
						w.WaitClosed(ctx)
						return nil
					})
				if err != nil {
					return err
				}
				defer server.Close()
				r, w, err := stream.Open(ctx, kind(), server.Addrs()[0].String())
				if err != nil {
					return err
				}
				defer w.Abort()
				b, err := accepted.Await(ctx)
				if err != nil {
					return err
				}
				made <- ends{stream.NetConn(ctx, r, w), b}
				_, _, err = aio.Recv(ctx, over)
				return err
			})
		}()
		select {
		case e := <-made:
			return e.a, e.b, func() { close(over); <-ended }, nil
		case err := <-ended:
			return nil, nil, nil, err
		}
	}
}

func TestANetConnIsWhatNetConnDocuments(t *testing.T) {
	for name, network := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	} {
		t.Run(name, func(t *testing.T) {
			constant := func(s string) func() string { return func() string { return s } }
			t.Run("tcp", func(t *testing.T) {
				nettest.TestConn(t, pipe(network, constant("tcp"), constant("127.0.0.1:0")))
			})
			t.Run("unix", func(t *testing.T) {
				nettest.TestConn(t, pipe(network, constant("unix"), func() string {
					return t.TempDir() + "/s"
				}))
			})
		})
	}
}
