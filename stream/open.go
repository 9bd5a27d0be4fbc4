package stream

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// Open connects to address and returns the two halves of the connection. network is "tcp", "tcp4",
// "tcp6" or "unix"; address is "host:port" or a path. The options are those of [transport.Connect], such
// as [transport.TLS], and [Limit].
//
// The caller closes the Writer. The errors are those of transport.Connect; after one nothing is left
// open.
//
// It suspends the task. Cancellation: the attempt is given up and its descriptor closed.
//
// It stands for asyncio.open_connection and asyncio.open_unix_connection.
func Open(ctx context.Context, network, address string, opts ...transport.Option) (*Reader, *Writer, error) {
	aio.RunningLoop(ctx) // panics if there is none
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

// Adopt returns the two halves of a connection that was made elsewhere. conn belongs to them from then on,
// also after an error: do not use it any more. The options are those of [transport.Adopt], and [Limit].
//
// It suspends the task. Cancellation: the connection is aborted.
//
// It stands for asyncio.open_connection with a socket.
func Adopt(ctx context.Context, conn net.Conn, opts ...transport.Option) (*Reader, *Writer, error) {
	aio.RunningLoop(ctx) // panics if there is none
	limit, opts := takeLimit(opts)
	c := newConnection(limit)
	if _, err := transport.Adopt(ctx, conn, c, opts...); err != nil {
		return nil, nil, err
	}
	return c.handOut()
}

// Limit is the limit of the readers that [Open] and [Serve] make: the largest number of bytes before a
// separator, half the number of bytes that may be buffered. The default is [DefaultLimit], 64 KiB. It
// panics unless n is positive.
func Limit(n int) transport.Option {
	if n <= 0 {
		panic("stream: Limit: the limit is not positive; pass DefaultLimit if in doubt")
	}
	return limitOption{transport.AlreadyReceived(nil), n}
}

// limitOption is an option without meaning to package transport. It takes its place among that
// package's options by embedding one that does nothing.
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

// upgradeName returns the options of a client's later upgrade to TLS: the host it connected to is the
// name to verify unless cfg or opts have one.
func (c *connection) upgradeName(cfg *tls.Config, opts []transport.Option) []transport.Option {
	if c.served != nil || c.host == "" || cfg == nil || cfg.ServerName != "" {
		return opts
	}
	return append([]transport.Option{transport.ServerName(c.host)}, opts...)
}
