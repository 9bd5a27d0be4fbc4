package main

import (
	"context"
	"net"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// aioServers are aio's servers in the suite net, written as its guide writes
// them.
var aioServers = map[string]netServer{
	"echo_protocol":        aioProtocolServer,
	"echo_stream":          aioStreamServer(echoStream),
	"echo_tls":             aioTLSServer,
	"idle_memory_protocol": aioProtocolServer,
	"idle_memory_stream":   aioStreamServer(echoRequests),
	"sparse":               aioStreamServer(echoStream),
	"connect":              aioStreamServer(echoStream),
	"http_server":          aioHTTPServer(httpHandlers["http_server"]),
	"http_body_post":       aioHTTPServer(httpHandlers["http_body_post"]),
	"http_body_get":        aioHTTPServer(httpHandlers["http_body_get"]),
	"http_client":          aioHTTPClient,

	"websocket":             aioWebServer(aioRoom),
	"idle_memory_websocket": aioWebServer(aioRoom),
	"sse":                   aioWebServer(aioEvents),
}

// echoProtocol sends back what arrives.
type echoProtocol struct {
	transport.BaseProtocol
	t transport.Transport
}

func (e *echoProtocol) ConnectionMade(t transport.Transport) { e.t = t }
func (e *echoProtocol) DataReceived(p []byte)                { e.t.Write(p) }

func aioProtocolServer(ctx context.Context, started func(net.Addr)) error {
	factory := func() transport.Protocol { return new(echoProtocol) }
	return aio.Run(ctx, func(ctx context.Context) error {
		server, err := transport.Listen(ctx, "tcp", "127.0.0.1:0", factory)
		if err != nil {
			return err
		}
		started(server.Addrs()[0])
		return server.ServeForever(ctx)
	})
}

// echoStream sends back what arrives.
func echoStream(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	buf := make([]byte, bufferSize)
	for {
		n, err := r.Read(ctx, buf)
		if err != nil {
			return nil // the peer has closed
		}
		w.Write(buf[:n])
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
}

// echoRequests reads whole requests: there is no buffer while it waits for one.
func echoRequests(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for {
		request, err := r.ReadExactly(ctx, requestSize)
		if err != nil {
			return nil // the peer has closed
		}
		w.Write(request)
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
}

func aioStreamServer(handler stream.Handler, opts ...transport.Option) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		return aio.Run(ctx, func(ctx context.Context) error {
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, opts...)
			if err != nil {
				return err
			}
			started(server.Addrs()[0])
			return server.ServeForever(ctx)
		})
	}
}

func aioTLSServer(ctx context.Context, started func(net.Addr)) error {
	cfg, err := serverTLS()
	if err != nil {
		return err
	}
	return aioStreamServer(echoStream, transport.TLS(cfg))(ctx, started)
}
