package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// forged runs body with an established duo and a forger of the client's records.
func forged(t *testing.T, body func(ctx context.Context, d *duo, f *tlstest.Forger)) {
	t.Helper()
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		var keys bytes.Buffer
		d.ccfg.KeyLogWriter = &keys
		d.connect(ctx, t)
		if state, _ := d.client.t.TLSConnectionState(); state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
			t.Skipf("the test forges records of AES-128-GCM, the peers agreed on %s",
				tls.CipherSuiteName(state.CipherSuite))
		}
		d.cpipe.SetProtocol(&diary{}) // an honest client would not stand all those answers
		aio.Yield(ctx)                // the delivery that the end of the handshake has queued
		body(ctx, d, tlstest.NewForger(t, keys.String()))
		d.server.t.Abort()
		d.cpipe.Abort()
	})
}

// quietAfter yields until nothing changes any more.
func quietAfter(ctx context.Context, value func() int) {
	for last, same := value(), 0; same < 20; {
		aio.Yield(ctx)
		if now := value(); now != last {
			last, same = now, 0
		} else {
			same++
		}
	}
}

// The peer asks for answers without end and reads none.
func TestAKeyUpdateFloodIsHeldBack(t *testing.T) {
	forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
		const rounds = 1000 // 16,000 answers, 430 KB of them
		d.spipe.stuck = true
		d.cpipe.Write(f.Flood(rounds, true))
		quietAfter(ctx, func() int { return len(d.spipe.out) })
		if n, high := len(d.spipe.out), defaultHigh; n > high+maxOwed {
			t.Errorf("%d bytes of answers are kept", n)
		}
		if !d.spipe.paused || len(d.server.received) == rounds {
			t.Errorf("the peer is not held back, %d of %d rounds were taken", len(d.server.received), rounds)
		}
		t.Logf("%d bytes kept after %d of %d rounds", len(d.spipe.out), len(d.server.received), rounds)

		d.spipe.unstick(-1) // now it reads
		untilTrue(ctx, t, "the rest", func() bool { return len(d.server.received) == rounds })
		d.cpipe.Write(f.Record(23, 'y'))
		untilTrue(ctx, t, "data after the flood", func() bool {
			return len(d.server.received) == rounds+1
		})
		if d.server.lost || d.spipe.paused {
			t.Error("the connection does not go on")
		}
	})
}

// A full buffer of the application's own does not keep data from being read: both sides may be
// writing.
func TestReadingGoesOnWhileTheWriteBufferIsFull(t *testing.T) {
	forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
		d.spipe.stuck = true
		d.server.t.Write(make([]byte, 1<<20))
		d.server.check(t, "made pause")
		d.cpipe.Write(f.KeyUpdate(true)) // nor does an honest number of requests
		for range 1000 {
			d.cpipe.Write(f.Record(23, 'x'))
		}
		untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == 1000 })
	})
}

// If the limit of the buffer is so high that it is never full, there is an error in place of
// unbounded memory.
func TestAKeyUpdateFloodUnderAHighLimitEndsTheConnection(t *testing.T) {
	forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
		d.server.t.SetWriteBufferLimits(1<<30, 1<<20)
		d.spipe.stuck = true
		d.cpipe.Write(f.Flood(1000, true))
		most := 0
		untilTrue(ctx, t, "the end", func() bool {
			most = max(most, len(d.spipe.out))
			return d.server.lost
		})
		if d.server.err != errUnread || most > worstOwed+1000 {
			t.Errorf("lost with %v, %d bytes were kept", d.server.err, most)
		}
	})
}

// One pass of the loop decrypts a bounded number of records, whatever is in them.
func TestOneDeliveryDoesABoundedPartOfTheWork(t *testing.T) {
	for name, c := range map[string]struct {
		send func(f *tlstest.Forger) []byte
		most int // bytes of data in a pass
		want int
	}{
		"key updates with answers": {func(f *tlstest.Forger) []byte {
			return f.Flood(100, true)
		}, 1, 100},
		"key updates without answers": {func(f *tlstest.Forger) []byte {
			return f.Flood(100, false)
		}, maxReads, 100},
		"tiny records": {func(f *tlstest.Forger) (all []byte) {
			for range 1000 {
				all = append(all, f.Record(23, 'x')...)
			}
			return all
		}, maxReads, 1000},
		"empty records": {func(f *tlstest.Forger) (all []byte) {
			for range 100 {
				for range 16 {
					all = append(all, f.Record(23)...)
				}
				all = append(all, f.Record(23, 'x')...)
			}
			return all
		}, maxReads, 100},
	} {
		t.Run(name, func(t *testing.T) {
			forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
				d.cpipe.Write(c.send(f))
				most := 0
				for last := 0; len(d.server.received) < c.want && !d.server.lost; {
					aio.Yield(ctx)
					most = max(most, len(d.server.received)-last)
					last = len(d.server.received)
				}
				if most > c.most || d.server.lost {
					t.Errorf("%d bytes in one pass, want at most %d; lost: %v", most, c.most, d.server.err)
				}
				aio.Yield(ctx)
				if !d.spipe.IsReading() {
					t.Error("the connection is not read any more")
				}
			})
		})
	}
}

// Bytes that came before the loss of a connection are delivered, although that takes several
// passes.
func TestWhatArrivedBeforeALossIsDeliveredInSeveralPasses(t *testing.T) {
	for _, eof := range []bool{false, true} {
		forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
			var all []byte
			for range 10 * maxReads {
				all = append(all, f.Record(23, 'x')...)
			}
			d.cpipe.Write(all)
			for len(d.server.received) == 0 {
				aio.Yield(ctx)
			}
			if eof {
				d.cpipe.WriteEOF()
			} else {
				d.cpipe.Abort()
			}
			d.spipe.lose(nil)
			untilTrue(ctx, t, "the loss", func() bool { return d.server.lost })
			if n := len(d.server.received); n != 10*maxReads {
				t.Errorf("%d of %d bytes were delivered", n, 10*maxReads)
			}
		})
	}
}

// PauseReading, ResumeReading, Close and Abort in the middle of postponed work keep their promises.
func TestPostponedWorkHeedsTheApplication(t *testing.T) {
	for name, act := range map[string]func(Transport){
		"pause": Transport.PauseReading,
		"close": Transport.Close,
		"abort": Transport.Abort,
	} {
		t.Run(name, func(t *testing.T) {
			forged(t, func(ctx context.Context, d *duo, f *tlstest.Forger) {
				var all []byte
				for range 10 * maxReads {
					all = append(all, f.Record(23, 'x')...)
				}
				d.server.onData = func([]byte) {
					if len(d.server.received) == maxReads+5 {
						act(d.server.t)
					}
				}
				d.cpipe.Write(all)
				untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == maxReads+5 })
				for range 50 {
					aio.Yield(ctx)
				}
				if n := len(d.server.received); n != maxReads+5 {
					t.Errorf("%d bytes were delivered after all", n)
				}
				if name == "pause" {
					if d.server.t.IsReading() {
						t.Error("it reads")
					}
					d.server.t.ResumeReading()
					untilTrue(ctx, t, "the rest", func() bool { return len(d.server.received) == 10*maxReads })
					return
				}
				d.cpipe.Close()
				untilTrue(ctx, t, "the loss", func() bool { return d.server.lost })
			})
		})
	}
}
