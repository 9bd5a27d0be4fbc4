package transport

import (
	"context"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// idle is the protocol of a connection on which nothing happens.
type idle struct{ BaseProtocol }

// The aim is 500 bytes for a connection whose protocol keeps nothing.
func TestAnIdleConnectionIsSmall(t *testing.T) {
	if leaktest.RaceDetector {
		t.Skip("the race detector changes sizes")
	}
	if _, ok := Native().(portableNetwork); ok {
		t.Skip("connections have goroutines here, and buffers for what those read ahead")
	}
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		const n = 200
		s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return idle{} })
		e.ok(err)
		var client [n]Transport
		measure := func() uint64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		fill := func() {
			for i := range client {
				tr, err := Connect(ctx, "tcp", s.Addrs()[0].String(), idle{})
				e.ok(err)
				client[i] = tr
			}
			for s.active < n {
				e.turn(ctx)
			}
			e.settle(ctx)
		}
		fill() // tables grow to their size
		for _, tr := range client {
			tr.Abort()
		}
		for s.active > 0 {
			e.turn(ctx)
		}
		clear(client[:])
		before := measure()
		fill()
		per := int64(measure()-before) / (2 * n)
		t.Logf("%d bytes for a connection", per)
		if per > 500 {
			t.Errorf("an idle connection takes %d bytes, the aim is 500", per)
		}
	})
}

// BenchmarkEcho sends 1 KiB forth and back; both ends are in one loop.
func BenchmarkEcho(b *testing.B) {
	for name, n := range map[string]Network{"native": Native(), "portable": Portable()} {
		b.Run("network="+name, func(b *testing.B) {
			b.ReportAllocs()
			err := aio.Run(WithNetwork(context.Background(), n), func(ctx context.Context) error {
				s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return &echoer{} })
				if err != nil {
					return err
				}
				p := &pinger{left: b.N, msg: make([]byte, 1024), done: aio.NewFuture[aio.None](ctx)}
				b.ResetTimer()
				if _, err := Connect(ctx, "tcp", s.Addrs()[0].String(), p); err != nil {
					return err
				}
				if _, err := p.done.Await(ctx); err != nil {
					return err
				}
				b.StopTimer()
				p.t.Close()
				s.Close()
				return s.WaitClosed(ctx)
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// pinger sends its message again each time it has come back whole.
type pinger struct {
	BaseProtocol
	t         Transport
	msg       []byte
	left, got int
	done      *aio.Future[aio.None]
}

func (p *pinger) ConnectionMade(t Transport) { p.t = t; t.Write(p.msg) }

func (p *pinger) DataReceived(b []byte) {
	if p.got += len(b); p.got < len(p.msg) {
		return
	}
	p.got = 0
	if p.left--; p.left <= 0 {
		p.done.SetResult(aio.None{})
		return
	}
	p.t.Write(p.msg)
}
