package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	p := tcpmoji.Start(t, "-addr", "127.0.0.1:0", "-connections", "5000")
	addr, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	// thousands of characters have that in their names
	target := hostile.Target{Network: "tcp", Address: addr, Request: "letter\n"}
	target.Probe = func(t *testing.T) { hostile.Ask(t, target, "registered\n", " 1 found\r\n") }
	hostile.Attack(t, target)
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, %.1000q", code, p.Err)
	}
}

func TestVisitorsHaveBounds(t *testing.T) {
	p := tcpmoji.Start(t, "-addr", "127.0.0.1:0", "-connections", "1", "-idle", "1h")
	addr, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	first := visit(t, addr)
	first.send("registered\n")
	if line, err := first.r.ReadString('\n'); err != nil || !strings.Contains(line, "REGISTERED") {
		t.Fatalf("%q, %v", line, err)
	}
	if text, err := visit(t, addr).r.ReadString('\n'); text != "" || err == nil {
		t.Errorf("a second one got %q", text)
	}
	p.Stop()
	p = tcpmoji.Start(t, "-addr", "127.0.0.1:0", "-idle", "50ms")
	addr, _, _ = strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	if text, err := visit(t, addr).r.ReadString('\n'); text != prompt && text != "" || err == nil {
		t.Errorf("a silent one got %q, %v", text, err)
	}
	p.Out.Await(t, "has gone, 0 here")
}
