package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"

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
	aio.LoopFor(ctx, "stream.Open")
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
	aio.LoopFor(ctx, "stream.Adopt")
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
	if c.serve != nil || c.host == "" || cfg == nil || cfg.ServerName != "" {
		return opts
	}
	return append([]transport.Option{transport.ServerName(c.host)}, opts...)
}

// Server is a listening server; see [transport.Server] for what it can do.
type Server = transport.Server

// Handler serves one connection. Its Reader and Writer are open; the Writer is closed when it returns.
type Handler = func(ctx context.Context, r *Reader, w *Writer) error

// Serve accepts connections on address and starts a task for each, named after the peer, that runs
// handler. It returns when the server accepts. network and address are those of [transport.Listen], the
// options its options and [Limit].
//
// When handler returns the Writer is closed: what it wrote still goes out. An error or panic of handler
// is reported to the loop's exception handler, a cancellation is not.
//
// It suspends the task only to look up a name. Cancellation: nothing is left open.
//
// It stands for asyncio.start_server and asyncio.start_unix_server. It panics if handler is nil.
func Serve(ctx context.Context, network, address string, handler Handler, opts ...transport.Option) (*Server, error) {
	factory, opts := factory(ctx, "Serve", handler, opts)
	return transport.Listen(ctx, network, address, factory, opts...)
}

// AdoptListener is [Serve] on a listener that was made elsewhere. ln belongs to the server from then on,
// also after an error: do not use it any more. It does not suspend.
//
// It stands for asyncio.start_server with a socket.
func AdoptListener(ctx context.Context, ln net.Listener, handler Handler, opts ...transport.Option) (*Server, error) {
	factory, opts := factory(ctx, "AdoptListener", handler, opts)
	return transport.AdoptListener(ctx, ln, factory, opts...)
}

// factory returns what makes the protocols of a server, and the options that concern transport.
func factory(ctx context.Context, op string, handler Handler, opts []transport.Option) (func() transport.Protocol, []transport.Option) {
	if handler == nil {
		panic("stream: " + op + ": the handler is nil; pass a function that serves one connection")
	}
	aio.LoopFor(ctx, "stream."+op)
	limit, opts := takeLimit(opts)
	return func() transport.Protocol {
		c := newConnection(limit)
		c.serve = func() { c.start(ctx, handler) }
		return c
	}, opts
}

// peerLeft reports whether err only says that the other side has gone.
func peerLeft(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, transport.ErrTruncated)
}

// start runs handler in a task.
func (c *connection) start(ctx context.Context, handler Handler) {
	name := "stream handler"
	if addr := c.transport.RemoteAddr(); addr != nil && strings.Trim(addr.String(), "@") != "" {
		name += " for " + addr.String()
	}
	task := aio.Start(ctx, func(ctx context.Context) error {
		return handler(ctx, &c.reader, &c.writer)
	}, aio.Name(name))
	task.AddDoneCallback(func() {
		if !task.Cancelled() {
			if err := task.Err(); err != nil {
				c.transport.Loop().CallExceptionHandler(aio.Report{
					Message:  "stream: a connection handler failed",
					Err:      err,
					TaskName: task.Name(),
					Warning:  peerLeft(err), // every day's business of a server
				})
			}
		}
		c.writer.Close()
	})
}
