package main

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	for _, test := range []struct {
		name, args string
		secure     *tls.Config
	}{
		{"stream", "-form stream", nil},
		{"protocol", "-form protocol", nil},
		{"over TLS", "-form stream -tls", &tls.Config{InsecureSkipVerify: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, addr := start(t, append(strings.Fields(test.args), "-connections", "5000")...)
			target := hostile.Target{
				Network: "tcp",
				Address: addr,
				Secure:  test.secure,
				Request: strings.Repeat("hello", 10_000),
			}
			if test.secure != nil {
				target.Peers = 100 // handshakes take time
			}
			target.Probe = func(t *testing.T) { hostile.Ask(t, target, "is there somebody", "somebody") }
			hostile.Attack(t, target)
			if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
				t.Errorf("exit code %d, %.1000q", code, p.Err)
			}
		})
	}
}

// expectEnd waits for the end of a connection.
func expectEnd(t *testing.T, c net.Conn) {
	t.Helper()
	for buf := make([]byte, 1<<10); ; {
		if _, err := c.Read(buf); err != nil {
			if late, ok := err.(net.Error); ok && late.Timeout() {
				t.Error("the connection goes on")
			}
			return
		}
	}
}

func TestConnectionsHaveBounds(t *testing.T) {
	for _, form := range forms {
		p, addr := start(t, "-form", form, "-connections", "2", "-idle", "1h")
		first, second := connect(t, addr), connect(t, addr)
		for _, c := range []net.Conn{first, second} {
			c.Write([]byte("x"))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		expectEnd(t, connect(t, addr))
		if p.Stop(); !strings.Contains(p.Out.String(), "2 connections, up to 2 at the same time") {
			t.Errorf("%s: %q", form, p.Out)
		}

		p, addr = start(t, "-form", form, "-idle", "50ms")
		silent, busy := connect(t, addr), connect(t, addr)
		expectEnd(t, silent)
		busy.SetDeadline(time.Now().Add(time.Minute))
		expectEnd(t, busy)
		p.Stop()
	}
}
