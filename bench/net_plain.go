package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
)

// plainServers are servers in plain Go: package net and a goroutine for each
// connection.
var plainServers = map[string]netServer{
	"echo_protocol":        plainServer(echoConn),
	"echo_stream":          plainServer(echoConn),
	"echo_tls":             plainTLSServer,
	"idle_memory_protocol": plainServer(echoConnRequests),
	"idle_memory_stream":   plainServer(echoConnRequests),
	"sparse":               plainServer(echoConn),
	"connect":              plainServer(echoConn),
	"http_server":          plainHTTPServer(httpHandlers["http_server"]),
	"http_body_post":       plainHTTPServer(httpHandlers["http_body_post"]),
	"http_body_get":        plainHTTPServer(httpHandlers["http_body_get"]),
	"http_client":          plainHTTPClient,

	"websocket":             plainHTTPServer(gorillaRoom()),
	"idle_memory_websocket": plainHTTPServer(gorillaRoom()),
	"sse":                   plainHTTPServer(plainEvents()),
}

// echoConn sends back what arrives.
func echoConn(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, bufferSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

// echoConnRequests reads whole requests, into the smallest buffer that will do.
func echoConnRequests(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, requestSize)
	for {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return
		}
		if _, err := conn.Write(buf); err != nil {
			return
		}
	}
}

func plainServer(handler func(net.Conn)) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		return acceptPlain(ctx, started, handler)
	}
}

func plainTLSServer(ctx context.Context, started func(net.Addr)) error {
	cfg, err := serverTLS()
	if err != nil {
		return err
	}
	return acceptPlain(ctx, started, func(conn net.Conn) { echoConn(tls.Server(conn, cfg)) })
}

// acceptPlain runs handler in a goroutine for each connection.
func acceptPlain(ctx context.Context, started func(net.Addr), handler func(net.Conn)) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	started(ln.Addr())
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		go handler(conn)
	}
}
