package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersTakeLittleAndLeaveNothing(t *testing.T) {
	p, addr := start(t, "-connections", "5000")
	target := hostile.Target{
		Network: "tcp",
		Address: addr,
		Request: "/join kitchen\n/nick " + strings.Repeat("x", 20) + "\nhello, hello\n/who\n/help\n",
	}
	target.Peers = 50 // everybody who comes is announced to all
	target.Probe = func(t *testing.T) {
		hostile.Ask(t, target, "/nick probe\n/join elsewhere\n/quit\n", "* Bye.\r\n")
	}
	hostile.Attack(t, target)
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, %.1000q", code, p.Err)
	}
}

func TestMembersHaveBounds(t *testing.T) {
	p, addr := start(t, "-connections", "1", "-idle", "1h")
	anna := come(t, "tcp", addr)
	anna.hears("* Welcome, guest1. You are alone in lobby." + helpHint)
	if line, err := come(t, "tcp", addr).r.ReadString('\n'); line != "" || err == nil {
		t.Errorf("a second one heard %q", line)
	}
	p.Stop()
	p, addr = start(t, "-idle", "50ms")
	come(t, "tcp", addr)
	p.Out.Await(t, "guest1 has said nothing for too long, 0 here")
}

// Also while the rest of what it has sent waits for its turn, which here would take a quarter of an
// hour.
func TestAMemberWhoseConnectionIsLostIsGone(t *testing.T) {
	p, addr := start(t, "-rate", "1")
	anna := come(t, "tcp", addr)
	anna.says(strings.Repeat("/who\n", 50) + strings.Repeat("\n", 900))
	anna.hears("* Welcome, guest1. You are alone in lobby." + helpHint)
	for range burst {
		anna.hears("* lobby: guest1")
	}
	anna.conn.(*net.TCPConn).SetLinger(0) // a reset
	anna.conn.Close()
	p.Out.Await(t, "guest1 has gone, 0 here")
}

// The system keeps megabytes for a member that has gone: at ten lines a second they would take
// days.
func TestAMemberWhoFloodsIsNotHeardForEver(t *testing.T) {
	impatient := clitest.Program(func(ctx context.Context, args []string, std cli.Streams) int {
		s, err := parseFlags(args)
		if err != nil {
			return std.Usage("chat", usage, err)
		}
		s.flood = 100 * time.Millisecond
		return std.Serve(ctx, "chat", func(ctx context.Context) error { return serve(ctx, s, std) })
	})
	p := impatient.Start(t, "-addr", "127.0.0.1:0", "-rate", "100")
	addr := strings.TrimSuffix(p.Out.Await(t, "Serving on "), ".")
	anna, bert := come(t, "tcp", addr), come(t, "tcp", addr)
	bert.hears("* Welcome, guest2. You are in lobby, with 1 other." + helpHint)
	anna.says(strings.Repeat("hello\n", 1000))
	anna.conn.Close()
	p.Out.Await(t, "guest1 has sent too much for too long, 1 here")
	bert.says("/who")
	for line := ""; !strings.HasPrefix(line, "* lobby: "); { // what anna has said comes before
		var err error
		if line, err = bert.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}
