package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// The peer may end its side before, during and after the handshake. Nothing may wait for it then.
// The time-out of a handshake is as long as that of the tests, so one that is waited for fails
// them.

func TestAnUpgradeAfterTheEndOfThePeerFailsAtOnce(t *testing.T) {
	ca := tlstest.New(t)
	hello := helloOf(t, ca)
	onEach(t, func(t *testing.T, n Network) {
		for _, server := range []bool{true, false} {
			for _, early := range [][]byte{nil, hello[:1], hello[:len(hello)-1], hello} {
				if len(early) > 0 && !server {
					continue
				}
				inLoop(t, n, func(ctx context.Context, e *env) {
					client, s := &recorder{name: "client", keep: true}, &recorder{name: "server", keep: true}
					ct, st := pair(ctx, e, client, s)
					ct.WriteEOF()
					s.await(ctx, e, "the end", func() bool { return len(s.log) == 2 })
					cfg := ca.Client()
					if server {
						cfg = ca.Server()
					}
					_, err := StartTLS(ctx, st, cfg, server, ServerName("localhost"), AlreadyReceived(early))
					matches(t, err, ErrHandshakeInterrupted)
					if lost := s.awaitLost(ctx, e); !errors.Is(lost, err) {
						t.Errorf("lost with %v, want %v", lost, err)
					}
					ct.Close()
					client.awaitLost(ctx, e)
				})
			}
		}
	})
}

// helloOf returns the first message of a client.
func helloOf(t *testing.T, ca *tlstest.Authority) (hello []byte) {
	t.Helper()
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		silent := &diary{}
		d.spipe.start(silent)
		d.ccfg = ca.Client()
		task := aio.Start(ctx, d.dial)
		untilTrue(ctx, t, "the hello", func() bool { return len(silent.received) > 0 })
		task.Cancel(nil)
		task.Await(ctx)
		hello = silent.received
	})
	return hello
}

// settled goes on until nothing happens any more, on the loop and beside it.
func settled(ctx context.Context) {
	for n := 0; n < 20; n++ {
		aio.Yield(ctx)
		if s := hubOf(aio.RunningLoop(ctx)).turns.signers; s.Available() < s.Total() {
			n = 0
		}
	}
}

// One side is cut off after each number of bytes of the other's handshake, in order or not, and the
// handshake of this side fails at once; with all of them it succeeds.
func TestAHandshakeThatIsCutOffAnywhereFailsAtOnce(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, reset := range []bool{false, true} {
			for _, ofServer := range []bool{false, true} {
				t.Run(fmt.Sprint(tls.VersionName(version), " reset ", reset, " of the server ", ofServer),
					func(t *testing.T) {
						for cut, done := 0, false; !done; cut += 97 {
							onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
								l := aio.RunningLoop(ctx)
								begin := l.Time()
								d := newDuo(t, l)
								d.ccfg.MaxVersion = version
								mine, other := d.spipe, d.cpipe
								if ofServer {
									mine, other = d.cpipe, d.spipe
								}
								other.stuck = true
								d.serve(l)
								dial := aio.Start(ctx, d.dial)
								for left := cut; ; {
									settled(ctx)
									k := min(left, len(other.out))
									other.unstick(k)
									if left -= k; left == 0 || k == 0 {
										done = left > 0 && d.server.t != nil
										break
									}
								}
								if reset {
									other.Abort()
								} else {
									mine.ended = true
									mine.deliverSoon()
								}
								settled(ctx)
								if !done && !mine.closing {
									t.Errorf("cut off after %d bytes it goes on", cut)
								}
								if took := l.Time().Sub(begin); took != 0 {
									t.Errorf("cut off after %d bytes: %v have passed", cut, took)
								}
								d.serverTLS.Abort()
								other.Abort()
								dial.Await(ctx)
							})
						}
					})
			}
		}
	}
}

// Also where the connection below is a secured one: since TLS 1.3 a close_notify ends one
// direction.
func TestAnUpgradeInsideTLSAfterTheEndOfThePeerFailsAtOnce(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.server.keepOpen = true
		d.connect(ctx, t)
		d.client.t.Close()
		untilTrue(ctx, t, "the end", func() bool { return len(d.server.events) == 2 })
		begin := aio.RunningLoop(ctx).Time()
		_, err := StartTLS(ctx, d.server.t, d.scfg, true)
		matches(t, err, ErrHandshakeInterrupted)
		if took := aio.RunningLoop(ctx).Time().Sub(begin); took != 0 {
			t.Errorf("took %v", took)
		}
		d.bothLost(ctx, t)
	})
}

func TestAnUpgradeThatCannotBeSentIsRefused(t *testing.T) {
	ca := tlstest.New(t)
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		client, s := &recorder{name: "client"}, &recorder{name: "server"}
		ct, st := pair(ctx, e, client, s)
		ct.WriteEOF()
		tlsPanics(t, func() { StartTLS(ctx, ct, ca.Client(), false, ServerName("localhost")) },
			"StartTLS", "WriteEOF")
		client.awaitLost(ctx, e)
		_ = st
	})
}

// A peer that has closed its sending half alone, without a close_notify, waits for an answer.
func TestWhatIsUnsentArrivesAtATLSPeerThatHalfCloses(t *testing.T) {
	const size = 1 << 20
	for _, inPieces := range []bool{false, true} {
		connected(t, func(ctx context.Context, d *duo) {
			d.spipe.stuck = true
			writing := aio.Start(ctx, func(ctx context.Context) error {
				piece := make([]byte, size)
				if inPieces {
					piece = piece[:size/64]
				}
				for sent := 0; sent < size; sent += len(piece) {
					d.server.t.Write(piece)
					for d.spipe.full { // as Drain does
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
				}
				return nil
			})
			aio.Yield(ctx)
			d.cpipe.WriteEOF()
			for range 10 {
				aio.Yield(ctx)
			}
			if d.server.lost || d.server.t.IsClosing() {
				t.Errorf("in pieces %v: it ends with %d bytes unsent", inPieces, d.server.t.WriteBufferSize())
			}
			for !writing.Done() || d.server.t.WriteBufferSize() > 0 {
				d.spipe.unstick(50_000)
				aio.Yield(ctx)
			}
			d.spipe.unstick(-1)
			d.bothLost(ctx, t)
			if len(d.client.received) != size {
				t.Errorf("in pieces %v: %d bytes arrived, want %d", inPieces, len(d.client.received), size)
			}
			matches(t, d.server.err, ErrTruncated)
		})
	}
}

func TestATLSPeerThatHalfClosesAndTakesNothingIsGivenUp(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.spipe.stuck = true
		d.server.t.Write(make([]byte, 1<<20))
		d.cpipe.WriteEOF()
		begin := d.server.t.Loop().Time()
		for !d.server.lost {
			aio.Sleep(ctx, time.Second)
		}
		if took := d.server.t.Loop().Time().Sub(begin); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("took %v", took)
		}
		matches(t, d.server.err, ErrTruncated)
	})
}

func TestCloseAfterATLSPeerHasHalfClosedSendsTheRest(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.spipe.stuck = true
		d.server.t.Write(make([]byte, 1<<20))
		d.cpipe.WriteEOF()
		for range 10 {
			aio.Yield(ctx)
		}
		d.server.t.Close()
		d.spipe.unstick(-1)
		d.bothLost(ctx, t)
		if len(d.client.received) != 1<<20 {
			t.Errorf("%d bytes arrived", len(d.client.received))
		}
		matches(t, d.server.err, ErrTruncated)
	})
}
