package stream

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// Open connects to address and returns the two halves of the connection. network is "tcp", "tcp4",
// "tcp6" or "unix"; address is "host:port" or a path. The options are those of [transport.Connect],
// such as [transport.TLS], and [Limit].
//
// The caller closes the Writer. The errors are those of transport.Connect; after an error nothing
// is left open. asyncio: open_connection and open_unix_connection.
//
// Cancellation: the attempt is given up and its descriptor closed.
func Open(
	ctx context.Context, network, address string, opts ...transport.Option,
) (*Reader, *Writer, error) {
	aio.RunningLoop(ctx) // panics if there is no loop
	limit, opts := takeLimit(opts)
	c := newConnection(limit)
	if network != "unix" {
		c.host, _, _ = net.SplitHostPort(address)
	}
	if _, err := transport.Connect(ctx, network, address, c, opts...); err != nil {
		return nil, nil, err
	}
	return c.handOut()
}

// Adopt returns the two halves of a connection that was made elsewhere. They own conn from then on,
// also after an error: do not use it any more. The options are those of [transport.Adopt], [Limit],
// and [transport.AlreadyReceived] for bytes that were read from conn before. asyncio:
// open_connection(sock=...).
//
// Cancellation: the connection is aborted.
func Adopt(ctx context.Context, conn net.Conn, opts ...transport.Option) (*Reader, *Writer, error) {
	aio.RunningLoop(ctx) // panics if there is no loop
	limit, opts := takeLimit(opts)
	c := newConnection(limit)
	for _, opt := range opts {
		if before, ok := opt.(interface{ Received() []byte }); ok {
			c.reader.FeedData(before.Received())
		}
	}
	if _, err := transport.Adopt(ctx, conn, c, opts...); err != nil {
		return nil, nil, err
	}
	return c.handOut()
}

// Limit is the limit of the readers that [Open] and [Serve] make: the largest number of bytes
// before a separator. At most twice as many bytes are buffered. The default is [DefaultLimit], 64
// KiB. It panics unless n is positive.
func Limit(n int) transport.Option {
	if n <= 0 {
		panic("stream: Limit: the limit is not positive; pass DefaultLimit if in doubt")
	}
	return limitOption{transport.AlreadyReceived(nil), n}
}

// limitOption is an option of this package only. It becomes an option of package transport by
// embedding one that does nothing.
type limitOption struct {
	transport.Option
	limit int
}

// takeLimit separates the options of this package from those of transport.
func takeLimit(opts []transport.Option) (limit int, others []transport.Option) {
	limit = DefaultLimit
	for _, opt := range opts {
		if l, ok := opt.(limitOption); ok {
			limit = l.limit
			continue
		}
		others = append(others, opt)
	}
	return limit, others
}

// upgradeName returns the options of a client's later upgrade to TLS. The name to verify is the
// host that it connected to, unless cfg or opts have a name.
func (c *connection) upgradeName(cfg *tls.Config, opts []transport.Option) []transport.Option {
	if c.served != nil || c.host == "" || cfg == nil || cfg.ServerName != "" {
		return opts
	}
	return append([]transport.Option{transport.ServerName(c.host)}, opts...)
}
