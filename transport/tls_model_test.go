package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// strict is a protocol that complains when the order of its calls is wrong.
type strict struct {
	diary
	test   *testing.T
	name   string
	paused bool // by this protocol, of reading
	ended  bool // EOFReceived was called
	closed bool // this side called Close or Abort
}

func (s *strict) complain(what string) { s.test.Errorf("%s: %s after %q", s.name, what, s.events) }

func (s *strict) ConnectionMade(t Transport) {
	if len(s.events) > 0 {
		s.complain("ConnectionMade")
	}
	s.diary.ConnectionMade(t)
}

func (s *strict) DataReceived(p []byte) {
	if s.t == nil || s.lost || s.ended || s.paused || s.closed || len(p) == 0 {
		s.complain(fmt.Sprintf("DataReceived of %d bytes (paused %v, closed %v)",
			len(p), s.paused, s.closed))
	}
	s.diary.DataReceived(p)
}

func (s *strict) EOFReceived() bool {
	if s.t == nil || s.lost || s.ended || s.paused || s.closed {
		s.complain("EOFReceived")
	}
	s.ended = true
	return s.diary.EOFReceived()
}

func (s *strict) ConnectionLost(err error) {
	if s.t == nil || s.lost {
		s.complain("ConnectionLost")
	}
	s.diary.ConnectionLost(err)
}

// Two protocols do random things to a connection whose network is random, too. The calls always
// come in order. The received bytes are a prefix of the sent ones, and all of them if both sides
// end in order. The end always comes.
func TestRandomUseKeepsTheRules(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) { randomUse(ctx, t, seed) })
		})
	}
}

func randomUse(ctx context.Context, t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	l := aio.RunningLoop(ctx)
	d := newDuo(t, l)
	d.cpipe.chunk, d.spipe.chunk = rng.IntN(3)*rng.IntN(5000), rng.IntN(3)*rng.IntN(5000)
	if rng.IntN(3) == 0 {
		d.ccfg.MaxVersion = tls.VersionTLS12
	}
	client, server := &strict{test: t, name: "client"}, &strict{test: t, name: "server"}
	d.sopts.tlsConfig, d.copts.tlsConfig = d.scfg, d.ccfg
	wrapServerTLS(l, d.spipe.start, server, &d.sopts)
	if _, err := wrapClientTLS(ctx, d.cpipe.start, client, &d.copts); err != nil {
		t.Fatal(err)
	}
	untilTrue(ctx, t, "the server", func() bool { return server.t != nil })

	ends := []struct {
		me, peer *strict
		raw      *pipe
		sent     []byte
	}{{client, server, d.cpipe, nil}, {server, client, d.spipe, nil}}
	aborted := false
	for step := 0; !client.lost || !server.lost; step++ {
		e := &ends[rng.IntN(2)]
		dice := rng.IntN(100)
		switch {
		case step > 300: // enough: let everything flow and close
			for i := range ends {
				e := &ends[i]
				e.raw.unstick(-1)
				if e.me.paused && !e.me.lost {
					e.me.paused = false
					e.me.t.ResumeReading()
				}
			}
			if step > 400 && !client.closed {
				client.closed = true
				client.t.Close()
			}
			if step > 1000 {
				if err := aio.Sleep(ctx, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			if step > 1010 {
				t.Fatalf("the connection never ends: client %q, server %q", client.events, server.events)
			}
		case dice < 40:
			p := make([]byte, 1+rng.IntN(1<<rng.IntN(17)))
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			if !e.me.closed && !e.me.t.IsClosing() {
				e.sent = append(e.sent, p...)
			}
			e.me.t.Write(p)
		case dice < 50:
			e.me.paused = true
			e.me.t.PauseReading()
		case dice < 65:
			e.me.paused = false
			e.me.t.ResumeReading()
		case dice < 75:
			e.raw.stuck = true
		case dice < 90:
			e.raw.unstick(rng.IntN(100_000) - 20_000)
		case dice == 90 && seed%3 == 1 && !e.me.closed:
			e.me.closed = true
			e.me.t.Close()
		case dice == 91 && seed%3 == 2:
			aborted = true
			e.me.closed = true
			e.me.t.Abort()
		}
		if rng.IntN(2) == 0 {
			aio.Yield(ctx)
		}
	}
	for _, e := range ends {
		if !bytes.HasPrefix(e.sent, e.peer.received) {
			t.Errorf("what the %s received was never sent", e.peer.name)
		}
		if !aborted && !e.peer.closed && len(e.peer.received) < len(e.sent) {
			t.Errorf("the %s received %d bytes of %d and lost the connection with %v",
				e.peer.name, len(e.peer.received), len(e.sent), e.peer.err)
		}
		var late *ShutdownTimeoutError
		if !aborted && e.me.err != nil && !errors.As(e.me.err, &late) {
			t.Errorf("the %s lost the connection with %v", e.me.name, e.me.err)
		}
	}
}
