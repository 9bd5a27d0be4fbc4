package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// The sizes of the bodies of HTTP, and what the short answers are.
const (
	uploadSize   = 20_000
	downloadSize = 200_000
	greeting     = "Hello, World!\n"
	plainText    = "text/plain; charset=utf-8"
)

// download is the body of the work http_body_get.
var download = patterned(downloadSize)

// patterned is a body in which no two pieces are alike.
func patterned(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i*7 + i>>8)
	}
	return p
}

// httpHandlers are what aio and net/http serve: the same handlers.
var httpHandlers = map[string]http.HandlerFunc{
	"http_server":    greet,
	"http_body_post": countBody,
	"http_body_get":  sendBody,
}

func greet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", plainText)
	io.WriteString(w, greeting)
}

// countBody copies the body away and answers with its length.
func countBody(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", plainText)
	fmt.Fprint(w, n)
}

func sendBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(downloadSize))
	w.Write(download)
}

func aioHTTPServer(handler http.Handler) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		return aio.Run(ctx, func(ctx context.Context) error {
			server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", handler)
			if err != nil {
				return err
			}
			started(server.Addr())
			return server.ServeForever(ctx)
		})
	}
}

func plainHTTPServer(handler http.Handler) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler}
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		started(ln.Addr())
		err = server.Serve(ln)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}
