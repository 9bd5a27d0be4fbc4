package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
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

// A visitor may have sent thousands of lines before the first is answered.
func TestAVisitorWhoHasSentThousandsOfLinesLetsOthersHaveTheirTurn(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		bounds := limits.Default()
		f := &finder{index: charindex.Range('A', 'Z'), log: io.Discard, limits: &bounds}
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", f.serve, stream.Limit(longestQuery))
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Abort()
		const lines = 300
		w.WriteString(strings.Repeat("\n", lines))
		turns := 0
		other := aio.Start(ctx, func(ctx context.Context) error {
			for ; ; turns++ {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
		})
		defer other.Cancel(nil)
		for answered := 0; answered < lines; {
			line, err := r.ReadLine(ctx)
			if err != nil {
				return err
			}
			if strings.Contains(string(line), "0 found") {
				answered++
			}
		}
		if turns < lines {
			t.Errorf("another task had %d turns while %d lines were answered", turns, lines)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
