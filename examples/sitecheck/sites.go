package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/certs"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// localSite is a small site of our own: it gives every visitor the same answer, after a delay.
type localSite struct {
	path   string
	status string // "200 OK"
	delay  time.Duration
	secure bool // HTTPS
}

// tenSites are the default sites. The slowest takes 0.8 seconds, all together 5.6.
var tenSites = []localSite{
	{"/search", "200 OK", 400 * time.Millisecond, true},
	{"/video", "200 OK", 640 * time.Millisecond, true},
	{"/friends", "302 Found", 560 * time.Millisecond, true},
	{"/news", "200 OK", 480 * time.Millisecond, false},
	{"/photos", "200 OK", 800 * time.Millisecond, true},
	{"/maps", "200 OK", 320 * time.Millisecond, false},
	{"/encyclopedia", "301 Moved Permanently", 720 * time.Millisecond, true},
	{"/mail", "302 Found", 560 * time.Millisecond, false},
	{"/shop", "503 Service Unavailable", 480 * time.Millisecond, false},
	{"/chat", "404 Not Found", 640 * time.Millisecond, false},
}

// localSites are sites that are being served, by the loop that also checks them.
type localSites struct {
	urls    []string
	roots   *x509.CertPool // trusts their certificate
	servers []*stream.Server
}

// startLocalSites starts a server for each site, on a free port. They are closed with the loop at
// the latest.
func startLocalSites(ctx context.Context, sites []localSite) (*localSites, error) {
	certificate, roots, err := certs.SelfMade()
	if err != nil {
		return nil, err
	}
	all := &localSites{roots: roots}
	bounds := limits.Limits{Connections: 1000, Idle: time.Minute}
	for _, site := range sites {
		scheme, opts := "http", []transport.Option(nil)
		if site.secure {
			scheme = "https"
			opts = append(opts,
				transport.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}))
		}
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", bounds.Handler(site.answer), opts...)
		if err != nil {
			all.close()
			return nil, err
		}
		all.servers = append(all.servers, server)
		all.urls = append(all.urls, fmt.Sprintf("%s://%s%s", scheme, server.Addrs()[0], site.path))
	}
	return all, nil
}

func (all *localSites) close() {
	for _, server := range all.servers {
		server.Close()
	}
}

// answer serves one visitor.
func (site localSite) answer(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	if !readRequest(ctx, r) {
		return nil // gone before asking
	}
	if err := aio.Sleep(ctx, site.delay); err != nil {
		return err
	}
	fmt.Fprintf(w, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", site.status)
	return nil
}

// readRequest reads a request up to the empty line, and reports whether it came to that.
func readRequest(ctx context.Context, r *stream.Reader) bool {
	lines := 0
	for line, err := range r.Lines(ctx) {
		if lines++; lines > mostFields {
			return false
		}
		if err != nil {
			return false
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return true
		}
	}
	return false
}
