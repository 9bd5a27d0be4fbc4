package transport_test

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// echo sends back the bytes it receives.
type echo struct {
	transport.BaseProtocol
	t transport.Transport
}

func (e *echo) ConnectionMade(t transport.Transport) { e.t = t }
func (e *echo) DataReceived(p []byte)                { e.t.Write(p) }

// caller says hello and ends the connection with the answer.
type caller struct {
	transport.BaseProtocol
	t    transport.Transport
	lost *aio.Future[aio.None]
}

func (c *caller) ConnectionMade(t transport.Transport) {
	c.t = t
	t.Write([]byte("hello"))
}

func (c *caller) DataReceived(p []byte) {
	fmt.Printf("received %q\n", p)
	c.t.Close()
}

func (c *caller) ConnectionLost(err error) {
	fmt.Println("connection lost:", err)
	c.lost.SetResult(aio.None{})
}

func Example() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
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
		if _, err := c.lost.Await(ctx); err != nil {
			return err
		}
		server.Close()
		return server.WaitClosed(ctx)
	})
	fmt.Println(err)
	// Output:
	// received "hello"
	// connection lost: <nil>
	// <nil>
}
