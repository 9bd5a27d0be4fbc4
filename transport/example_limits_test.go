package transport_test

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

func ExampleUnclosed() {
	before := transport.Unclosed()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := transport.Endpoint(ctx, "udp4", "127.0.0.1:0", "", transport.BaseDatagramProtocol{})
		return err // and the endpoint is left to the loop
	})
	fmt.Println(transport.Unclosed().Endpoints-before.Endpoints, err)
	// Output: 1 <nil>
}
