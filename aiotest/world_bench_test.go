package aiotest_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/transport"
)

// ball sends back what it gets, until it was sent often enough.
type ball struct {
	transport.BaseProtocol
	t    transport.Transport
	left int
	over *aio.Future[aio.None]
}

func (b *ball) ConnectionMade(t transport.Transport) { b.t = t }

func (b *ball) DataReceived(p []byte) {
	if b.over != nil {
		if b.left--; b.left == 0 {
			b.t.Close()
			b.over.SetResult(aio.None{})
			return
		}
	}
	b.t.Write(p)
}

// BenchmarkMessages measures messages of 16 bytes between two hosts, one operation each.
func BenchmarkMessages(b *testing.B) {
	for _, l := range []struct {
		name string
		link aiotest.Link
	}{{"perfect", aiotest.Link{}}, {"1ms", aiotest.Link{Latency: time.Millisecond}}} {
		b.Run(l.name, func(b *testing.B) {
			b.ReportAllocs()
			aiotest.Run(b, func(ctx context.Context, t *aiotest.T) error {
				w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
				w.SetLink(l.link)
				s, err := transport.Listen(w.Host("there").Context(ctx), "tcp", ":80",
					func() transport.Protocol { return &ball{} })
				if err != nil {
					return err
				}
				defer s.Close()
				p := &ball{left: b.N/2 + 1, over: aio.NewFuture[aio.None](ctx)}
				c, err := transport.Connect(w.Host("here").Context(ctx), "tcp", "there:80", p)
				if err != nil {
					return err
				}
				b.ResetTimer()
				c.Write(make([]byte, 16))
				_, err = p.over.Await(ctx)
				b.StopTimer()
				return err
			}, aiotest.MaxSteps(math.MaxInt))
		})
	}
}
