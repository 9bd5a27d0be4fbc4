package transport_test

import (
	"context"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/transport"
)

// witness is a protocol that checks the order of its calls.
//
//	ConnectionMade (DataReceived | Pause Resume)* EOFReceived? ConnectionLost
type witness struct {
	transport.BaseProtocol
	t                       *aiotest.T
	made, ended, lost, held bool
	tr                      transport.Transport
	next                    byte // the byte that has to come
}

func (p *witness) must(ok bool, call string) {
	if !ok {
		p.t.Errorf("%s comes with made=%v ended=%v lost=%v", call, p.made, p.ended, p.lost)
	}
}

func (p *witness) ConnectionMade(t transport.Transport) {
	p.must(!p.made && !p.lost, "ConnectionMade")
	p.made, p.tr = true, t
}

func (p *witness) DataReceived(b []byte) {
	p.must(p.made && !p.ended && !p.lost && len(b) > 0, "DataReceived")
	for _, c := range b {
		if c != p.next {
			p.t.Errorf("byte %d comes, want %d", c, p.next)
			p.next = c
		}
		p.next++
	}
}

func (p *witness) EOFReceived() bool {
	p.must(p.made && !p.ended && !p.lost, "EOFReceived")
	p.ended = true
	return false
}

func (p *witness) PauseWriting() {
	p.must(p.made && !p.lost && !p.held, "PauseWriting")
	p.held = true
}

func (p *witness) ResumeWriting() {
	p.must(p.made && !p.lost && p.held, "ResumeWriting")
	p.held = false
}

func (p *witness) ConnectionLost(error) {
	p.must(p.made && !p.lost, "ConnectionLost")
	p.lost = true
}

func TestAProtocolIsCalledInOrderWhateverGoesWrong(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{
			Resets: 1, HalfOpen: 1, SlowReaders: 1, Partitions: 1, OneWay: 1, Crashes: 1, Lookups: 1,
		})
		w.SetLink(aiotest.Link{Latency: time.Millisecond, Bandwidth: 1 << 20})
		var all []*witness
		w.Host("db").Boot(func(ctx context.Context) error {
			server, err := transport.Listen(ctx, "tcp", ":80", func() transport.Protocol {
				p := &witness{t: t}
				all = append(all, p)
				return p
			})
			if err != nil {
				return err
			}
			defer server.Close()
			return aio.Sleep(ctx, 20*time.Minute)
		})
		ctx = w.Host("app").Context(ctx)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		p := &witness{t: t}
		tr, err := transport.Connect(ctx, "tcp", "db:80", p)
		if err != nil {
			if p.made && !p.lost {
				t.Errorf("connecting fails with %v, and the transport is open", err)
			}
			return nil
		}
		all = append(all, p)
		piece := make([]byte, 50_000)
		sent := 0
		for range 4 {
			for i := range piece {
				piece[i] = byte(sent + i)
			}
			tr.Write(piece)
			sent += len(piece)
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
		tr.Close()
		if err := aio.Sleep(ctx, 10*time.Minute); err != nil {
			return err
		}
		for _, p := range all {
			if p.made != p.lost {
				t.Errorf("after ten minutes of silence made is %v and lost %v", p.made, p.lost)
			}
		}
		return nil
	}, aiotest.Schedules(150), aiotest.DocumentedOrder())
}
