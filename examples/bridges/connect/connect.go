// Package connect joins connect-go and tasks. A server needs no bridge: handlers of connect-go are
// handlers of net/http, and under aiohttp.Serve each call is a task of the loop. With [Protocols]
// the same port serves Connect, gRPC and gRPC-Web. Clients have [Call] and [Receive].
package connect

import (
	"context"
	"iter"
	"net/http"

	"connectrpc.com/connect"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// Protocols is an option of aiohttp.Serve. It adds HTTP/2 without TLS, which gRPC needs where there
// is no TLS. With TLS a server offers HTTP/2 by itself.
func Protocols(s *http.Server) {
	if s.Protocols == nil {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
		s.Protocols.SetHTTP2(true)
	}
	s.Protocols.SetUnencryptedHTTP2(true)
}

// Call makes a unary call: Call(ctx, client.Get, connect.NewRequest(m)). Errors are those of
// connect-go; connect.CodeOf tells them apart.
//
// Cancellation: the server is told, and Call returns at once. An answer that has come is returned.
func Call[Req, Res any](
	ctx context.Context,
	method func(ctx context.Context, in *connect.Request[Req]) (*connect.Response[Res], error),
	in *connect.Request[Req],
) (*connect.Response[Res], error) {
	return aio.ToThread(ctx, func(ctx context.Context) (*connect.Response[Res], error) {
		return method(ctx, in)
	}, aio.Joined())
}

// Receive is the sequence of the messages of a stream from a server: Receive(ctx, client.List,
// request). A slow loop body slows the server.
//
// Cancellation: of the call; the server is told.
func Receive[Req, Res any](
	ctx context.Context,
	method func(ctx context.Context, in *connect.Request[Req]) (
		*connect.ServerStreamForClient[Res], error),
	in *connect.Request[Req],
) iter.Seq2[*Res, error] {
	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(*Res) bool) error {
		ctx, cancel := context.WithCancel(ctx) // Close would read the rest
		defer cancel()
		stream, err := method(ctx, in)
		if err != nil {
			return err
		}
		for stream.Receive() {
			m := stream.Msg()
			if !yield(m) {
				cancel()
				break
			}
		}
		err = stream.Err()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		_ = stream.Close()
		return err
	})
}
