package main

import (
	"context"
	"net"
	"strconv"

	"github.com/valyala/fasthttp"
)

// fasthttpServers are servers and a client on fasthttp: HTTP/1.1 alone, with types of its own, and
// a body that is read before its handler is called.
var fasthttpServers = map[string]netServer{
	"http_server": fasthttpServer(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(plainText)
		ctx.SetBodyString(greeting)
	}),
	"http_body_post": fasthttpServer(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(plainText)
		ctx.SetBodyString(strconv.Itoa(len(ctx.PostBody())))
	}),
	"http_body_get": fasthttpServer(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/octet-stream")
		ctx.Response.SetBodyRaw(download)
	}),
	"http_client": fasthttpClient,
}

func fasthttpServer(handler fasthttp.RequestHandler) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &fasthttp.Server{Handler: handler, Name: "fasthttp"}
		stop := context.AfterFunc(ctx, func() { server.Shutdown() })
		defer stop()
		started(ln.Addr())
		err = server.Serve(ln)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}
