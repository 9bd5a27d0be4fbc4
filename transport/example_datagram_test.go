package transport_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// shouter answers each datagram.
type shouter struct {
	transport.BaseDatagramProtocol
	t transport.DatagramTransport
}

func (s *shouter) ConnectionMade(t transport.DatagramTransport) { s.t = t }

func (s *shouter) DatagramReceived(p []byte, from netip.AddrPort) {
	s.t.SendTo(fmt.Appendf(nil, "%s!", p), from)
}

// asker hands the first answer to a future.
type asker struct {
	transport.BaseDatagramProtocol
	answer *aio.Future[string]
}

func (a *asker) DatagramReceived(p []byte, _ netip.AddrPort) { a.answer.SetResult(string(p)) }
func (a *asker) ErrorReceived(err error)                     { a.answer.SetError(err) }

func ExampleEndpoint() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := transport.Endpoint(ctx, "udp", "127.0.0.1:0", "", &shouter{})
		if err != nil {
			return err
		}
		defer server.Close()
		a := &asker{answer: aio.NewFuture[string](ctx)}
		client, err := transport.Endpoint(ctx, "udp", "", server.LocalAddr().String(), a)
		if err != nil {
			return err
		}
		defer client.Close()
		client.SendTo([]byte("hello"), netip.AddrPort{}) // it is connected: no address
		answer, err := a.answer.Await(ctx)
		fmt.Println(answer)
		return err
	})
	fmt.Println(err)
	// Output:
	// hello!
	// <nil>
}
