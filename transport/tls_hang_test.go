package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// crypto/tls holds a mutex in each direction while it waits for the connection below, and one
// during the handshake. On a loop a second caller would stop the goroutine that has to release
// them. The tests here bring about each of these situations; if one of them stopped the loop, the
// test would not end.

func TestTasksThatWriteToAFullConnectionDoNotHangTheLoop(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.cpipe.stuck = true
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 3 {
				g.Go(func(context.Context) error {
					d.client.t.Write(make([]byte, 1<<20))
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		d.client.check(t, "made pause")
		d.client.t.TLSConnectionState()
		d.server.t.Write([]byte("the other direction works")) // and is read while the first one is full
		untilTrue(ctx, t, "the data", func() bool { return len(d.client.received) > 0 })
		d.cpipe.unstick(-1)
		untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == 3<<20 })
	})
}

func TestEveryCallDuringTheHandshakeReturns(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.serve(aio.RunningLoop(ctx))
		d.cpipe.start(&diary{})
		aio.Sleep(ctx, time.Second) // the handshake waits for the client's hello
		s := d.serverTLS
		s.Write([]byte("dropped"))
		s.PauseReading()
		s.ResumeReading()
		s.IsReading()
		s.IsClosing()
		s.CanWriteEOF()
		s.SetWriteBufferLimits(10, 5)
		s.WriteBufferLimits()
		s.WriteBufferSize()
		s.SetProtocol(d.server)
		s.Protocol()
		s.LocalAddr()
		s.RemoteAddr()
		s.TLSConnectionState()
		s.Loop()
		s.Close()
		s.Abort()
		aio.Sleep(ctx, time.Second)
		d.server.check(t, "")
	})
}

// A TLS 1.3 peer may ask for new keys at any time; crypto/tls answers inside Read, which needs the
// mutex of the sending half.
func TestAKeyUpdateWhileWritersWaitDoesNotHangTheLoop(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		var keys bytes.Buffer
		d.ccfg.KeyLogWriter = &keys
		d.connect(ctx, t)
		state, _ := d.client.t.TLSConnectionState()
		if state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
			t.Skipf("the test forges a record for AES-128-GCM, the peers agreed on %s",
				tls.CipherSuiteName(state.CipherSuite))
		}
		d.spipe.stuck = true
		d.server.t.Write(make([]byte, 1<<20)) // with the old key
		d.server.check(t, "made pause")

		d.cpipe.Write(tlstest.NewForger(t, keys.String()).KeyUpdate(true))
		for range 10 {
			aio.Yield(ctx)
		}
		d.server.t.Write([]byte("with the new key"))
		d.spipe.unstick(-1)
		untilTrue(ctx, t, "the data", func() bool {
			return len(d.client.received) == 1<<20+len("with the new key")
		})
		if !bytes.HasSuffix(d.client.received, []byte("with the new key")) {
			t.Error("the data changed")
		}
		d.server.t.Abort()
	})
}
