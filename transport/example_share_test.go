package transport_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// Two loops serve one listener, on every system.
func ExampleShare() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	shares := transport.Share(ln, 2)
	for _, share := range shares {
		defer share.Close() // also of a loop that does not come to it
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() {
		ended <- aio.RunParallel(ctx, len(shares), func(ctx context.Context, i int) error {
			server, err := transport.AdoptListener(ctx, shares[i], func() transport.Protocol {
				return &echo{}
			})
			if err != nil {
				return err
			}
			return server.ServeForever(ctx)
		})
	}()

	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	io.WriteString(c, "hello")
	answer := make([]byte, 5)
	io.ReadFull(c, answer)
	fmt.Printf("%s\n", answer)
	c.Close()
	stop()
	<-ended
	// Output: hello
}
