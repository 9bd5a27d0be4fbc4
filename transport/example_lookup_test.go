package transport_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// phoneBook is a network of two names.
type phoneBook struct{ transport.Network }

func (phoneBook) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.0.2.7")}, nil
}

func (phoneBook) LookupAddr(ctx context.Context, ip netip.Addr) ([]string, error) {
	return []string{"seven.example."}, nil
}

func ExampleResolve() {
	ctx := transport.WithNetwork(context.Background(), phoneBook{transport.Portable()})
	aio.Run(ctx, func(ctx context.Context) error {
		all, err := transport.Resolve(ctx, "tcp", "seven.example:80")
		fmt.Println(all, err)
		four, err := transport.Resolve(ctx, "tcp4", "seven.example:80")
		fmt.Println(four, err)
		return nil
	})
	// Output:
	// [[2001:db8::7]:80 192.0.2.7:80] <nil>
	// [192.0.2.7:80] <nil>
}

func ExampleLookupAddr() {
	ctx := transport.WithNetwork(context.Background(), phoneBook{transport.Portable()})
	aio.Run(ctx, func(ctx context.Context) error {
		fmt.Println(transport.LookupAddr(ctx, netip.MustParseAddr("192.0.2.7")))
		return nil
	})
	// Output:
	// [seven.example.] <nil>
}

func ExampleServer_Statistics() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := transport.Listen(ctx, "tcp", "127.0.0.1:0", func() transport.Protocol {
			return &echo{}
		})
		if err != nil {
			return err
		}
		c := &caller{lost: aio.NewFuture[aio.None](ctx)}
		if _, err := transport.Connect(ctx, "tcp", server.Addrs()[0].String(), c); err != nil {
			return err
		}
		c.lost.Await(ctx)
		server.Close()
		server.WaitClosed(ctx)
		fmt.Printf("%+v\n", server.Statistics())
		return nil
	})
	// Output:
	// received "hello"
	// connection lost: <nil>
	// {Accepted:1 Active:0 Failures:0 HandshakesFailed:0 Resting:false}
}

// reader prints the bytes it receives.
type reader struct {
	transport.BaseProtocol
	text string
	lost *aio.Future[string]
}

func (r *reader) DataReceived(p []byte) { r.text += string(p) }
func (r *reader) ConnectionLost(error)  { r.lost.SetResult(r.text) }

func ExampleSendfile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "numbers")
	os.WriteFile(path, []byte("0123456789"), 0o600)

	aio.Run(context.Background(), func(ctx context.Context) error {
		r := &reader{lost: aio.NewFuture[string](ctx)}
		server, err := transport.Listen(ctx, "tcp", "127.0.0.1:0", func() transport.Protocol { return r })
		if err != nil {
			return err
		}
		defer server.Close()
		t, err := transport.Connect(ctx, "tcp", server.Addrs()[0].String(), transport.BaseProtocol{})
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		t.Write([]byte("digits: "))
		n, err := transport.Sendfile(ctx, t, f)
		fmt.Println(n, err)
		n, err = transport.Sendfile(ctx, t, f, transport.FileRange(2, 3))
		fmt.Println(n, err)
		t.Close()
		text, err := r.lost.Await(ctx)
		fmt.Println(text)
		return err
	})
	// Output:
	// 10 <nil>
	// 3 <nil>
	// digits: 0123456789234
}
