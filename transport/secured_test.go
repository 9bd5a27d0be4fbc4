package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

func TestASecuredConnectionOverRealSockets(t *testing.T) {
	ca := tlstest.New(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			c.setup = func(r *recorder) { r.echo = true }
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory, TLS(ca.Server()))
			e.ok(err)
			p := &recorder{name: "client"}
			tr, err := Connect(ctx, "tcp", s.Addrs()[0].String(), p, TLS(ca.Client()),
				ServerName("localhost"))
			e.ok(err)
			p.expect(e, "made")
			if state, ok := tr.TLSConnectionState(); !ok || !state.HandshakeComplete ||
				state.Version != tls.VersionTLS13 {
				t.Errorf("the state is %+v, %v", state, ok)
			}
			big := strings.Repeat("0123456789abcdef", 1<<14)
			tr.Write([]byte(big))
			p.awaitData(ctx, e, big)
			s.Close()
			s.CloseClients()
			e.ok(p.awaitLost(ctx, e))
			e.ok(s.WaitClosed(ctx))
			if !c.made[0].lost {
				t.Error("the wait ended before the server's protocol was told")
			}
		})
	})
}

func TestAHandshakeThatFailsLeavesNothingOpen(t *testing.T) {
	ca, other := tlstest.New(t), tlstest.New(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory, TLS(ca.Server()))
			e.ok(err)
			p := &recorder{name: "client"}
			_, err = Connect(ctx, "tcp", s.Addrs()[0].String(), p, TLS(other.Client()),
				ServerName("localhost"))
			var bad *tls.CertificateVerificationError
			if !errors.As(err, &bad) {
				t.Errorf("got %v, want a certificate error", err)
			}
			p.expect(e)
			s.Close()
			e.ok(s.WaitClosed(ctx)) // the server's side has gone, too
			if len(c.made) != 0 {
				t.Error("the server's protocol heard of it")
			}
		})
	})
}

func TestClientsThatNeverShakeHandsCanBeAborted(t *testing.T) {
	ca := tlstest.New(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory, TLS(ca.Server()))
			e.ok(err)
			p := connect(ctx, e, s)
			for s.active == 0 {
				e.turn(ctx)
			}
			s.Close()
			s.AbortClients()
			e.ok(s.WaitClosed(ctx))
			p.awaitLost(ctx, e)
			e.settle(ctx)
			if left := len(aio.AllTasks(ctx)); left != 1 {
				t.Errorf("%d tasks are left", left)
			}
		})
	})
}
