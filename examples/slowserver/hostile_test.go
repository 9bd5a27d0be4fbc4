package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	p := program.Start(t, "0", "-delay", "0-1ms", "-quiet", "-connections", "5000")
	url, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ", ")
	addr := strings.Trim(strings.TrimPrefix(url, "http://"), "/")
	target := hostile.Target{
		Network: "tcp",
		Address: addr,
		Request: "GET /de/de.gif HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	target.Probe = func(t *testing.T) {
		hostile.Ask(t, target,
			"GET /fr/metadata.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "France")
	}
	hostile.Attack(t, target)
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, %.1000q", code, p.Err)
	}
}

func TestVisitorsHaveBounds(t *testing.T) {
	p := program.Start(t, "0", "-delay", "0", "-connections", "1", "-idle", "50ms")
	url, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ", ")
	conn, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HT")
	text, err := io.ReadAll(conn) // until the server has had enough
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
		t.Errorf("one who does not end its request got %q, %v", text, err)
	}
	p.Stop()
}
