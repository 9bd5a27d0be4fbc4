package main

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	p := webmoji.Start(t, "-addr", "127.0.0.1:0")
	url, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	target := hostile.Target{
		Network: "tcp",
		Address: strings.TrimPrefix(url, "http://"),
		Request: "GET /search?q=letter HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	target.Peers = 200 // each costs a search
	target.Probe = func(t *testing.T) {
		hostile.Ask(t, target,
			"GET /search?q=registered HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "REGISTERED SIGN")
	}
	hostile.Attack(t, target)
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, %.1000q", code, p.Err)
	}
}

func TestOneWhoDoesNotReadIsCutOff(t *testing.T) {
	p := webmoji.Start(t, "-addr", "127.0.0.1:0", "-connections", "1", "-idle", "50ms")
	url, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	addr := strings.TrimPrefix(url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	io.WriteString(conn, "GET /search?q=letter HTTP/1.1\r\nHost: x\r\n\r\n")
	// There is room for one only, so the next one is served when that one is gone.
	hostile.Ask(t, hostile.Target{
		Network: "tcp",
		Address: addr,
	}, "GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 OK")
}
