package transport

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aio-go/aio"
)

// noise returns n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

func TestRecordsArriveWholeHoweverTheyAreCutUp(t *testing.T) {
	data := noise(100_000)
	for _, chunk := range []int{0, 1, 3, 1000, 16<<10 + 7} {
		connected(t, func(ctx context.Context, d *duo) {
			d.spipe.chunk = chunk
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 1+len(rest)/3)
				d.client.t.Write(rest[:n])
				rest = rest[n:]
			}
			untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == len(data) })
			if !bytes.Equal(d.server.received, data) {
				t.Errorf("in pieces of %d bytes the data changed", chunk)
			}
		})
	}
}

func TestABatchOfRecordsIsAnsweredWithOneSend(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.server.onData = func(p []byte) { d.server.t.Write(p) }
		for range 10 {
			d.client.t.Write([]byte("request "))
		}
		if d.cpipe.sends < 10 {
			t.Errorf("outside of a batch each Write is sent at once: %d sends", d.cpipe.sends)
		}
		before := d.spipe.sends
		untilTrue(ctx, t, "the replies", func() bool { return len(d.client.received) == 80 })
		if n := d.spipe.sends - before; n != 1 {
			t.Errorf("the ten replies took %d sends, want 1", n)
		}
	})
}

func TestALargeWriteDoesNotCollectInFrontOfTheRawTransport(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.server.onData = func([]byte) {
			d.server.onData = nil
			for range 64 {
				d.server.t.Write(make([]byte, 8<<10))
			}
			if n := d.serverTLS.(*tlsTransport).bio.pending(); n >= flushSize {
				t.Errorf("%d bytes of records wait in the middle of a batch", n)
			}
		}
		d.client.t.Write([]byte("go"))
		untilTrue(ctx, t, "the data", func() bool { return len(d.client.received) == 512<<10 })
	})
}

func TestFlowControlPassesThroughTheLayer(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.cpipe.stuck = true
		if err := d.client.t.SetWriteBufferLimits(10_000, 1000); err != nil {
			t.Fatal(err)
		}
		if high, low := d.client.t.WriteBufferLimits(); high != 10_000 || low != 1000 {
			t.Errorf("limits %d, %d", high, low)
		}
		d.client.t.Write(make([]byte, 9000))
		d.client.check(t, "made")
		d.client.t.Write(make([]byte, 9000))
		d.client.check(t, "made pause")
		if n := d.client.t.WriteBufferSize(); n < 18_000 || n > 19_000 {
			t.Errorf("%d bytes buffered, want 18000 and the frames of the records", n)
		}
		d.cpipe.unstick(10_000)
		d.client.check(t, "made pause")
		d.cpipe.unstick(-1)
		d.client.check(t, "made pause resume")
		untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == 18_000 })
	})
}

// Conformance: TL-015.
func TestTheProtocolOfASecuredTransportCanBeReplaced(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		next := &diary{}
		d.server.t.SetProtocol(next)
		if d.server.t.Protocol() != next {
			t.Error("the new protocol is not in use")
		}
		tlsPanics(t, func() { d.server.t.SetProtocol(nil) }, "SetProtocol", "nil")
		d.client.t.Write([]byte("x"))
		d.client.t.Close()
		untilTrue(ctx, t, "the end", func() bool { return next.lost })
		d.server.check(t, "made")
		next.check(t, "data eof lost")
	})
}

func TestPausedReadingDeliversNothingAndHoldsThePeerBack(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		s := d.server.t
		d.server.onData = func([]byte) { s.PauseReading() } // after each record
		d.client.t.Write([]byte("one"))
		d.client.t.Write([]byte("two"))
		d.client.t.Write([]byte("three"))
		for i, want := range []string{"one", "onetwo", "onetwothree"} {
			for range 10 {
				aio.Yield(ctx)
			}
			if got := string(d.server.received); got != want {
				t.Fatalf("received %q, want %q", got, want)
			}
			if s.IsReading() || !d.spipe.paused {
				t.Error("reading goes on")
			}
			s.PauseReading() // again, without effect
			if i < 2 {
				s.ResumeReading()
				s.ResumeReading()
				if !s.IsReading() || len(d.server.received) != len(want) {
					t.Error("resumed reading delivers through the loop, not inside the call")
				}
			}
		}
	})
}

func TestWhatIsLeftOfALargeBatchIsKeptWhileReadingIsPaused(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.spipe.paused = true // the batch is delivered in one piece
		data := noise(300_000)
		d.client.t.Write(data)
		d.server.onData = func([]byte) { d.server.t.PauseReading() }
		d.spipe.ResumeReading()
		for len(d.server.received) < len(data) {
			before := len(d.server.received)
			d.server.t.ResumeReading()
			for range 3 {
				aio.Yield(ctx)
			}
			if n := len(d.server.received) - before; n == 0 || n > maxPlain {
				t.Fatalf("%d bytes were delivered between two pauses", n)
			}
		}
		if !bytes.Equal(d.server.received, data) {
			t.Error("the data changed")
		}
	})
}

// Conformance: TR-007.
func TestAProtocolMayPauseReadingInConnectionMade(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		lazy := &lazyProtocol{}
		d.sopts.tlsConfig = d.scfg
		s := wrapServerTLS(l, d.spipe.start, lazy, &d.sopts)
		if err := d.dial(ctx); err != nil {
			t.Fatal(err)
		}
		d.client.t.Write([]byte("hello"))
		for range 20 {
			aio.Yield(ctx)
		}
		lazy.check(t, "made")
		s.ResumeReading()
		untilTrue(ctx, t, "the data", func() bool { return string(lazy.received) == "hello" })
	})
}

type lazyProtocol struct{ diary }

func (p *lazyProtocol) ConnectionMade(t Transport) {
	p.diary.ConnectionMade(t)
	t.PauseReading()
}

// collector is a protocol with a buffer of its own.
type collector struct {
	diary
	buf  []byte
	each func(n int)
}

func (c *collector) GetBuffer(hint int) []byte { return c.buf }

func (c *collector) BufferUpdated(n int) {
	c.received = append(c.received, c.buf[:n]...)
	if c.each != nil {
		c.each(n)
	}
}

// Conformance: BP-004.
func TestABufferedProtocolGetsItsDataInPiecesOfItsOwnSize(t *testing.T) {
	for _, size := range []int{1, 2, 4, 100} {
		connected(t, func(ctx context.Context, d *duo) {
			c := &collector{buf: make([]byte, size)}
			d.server.t.SetProtocol(c)
			d.client.t.Write([]byte("12345678"))
			untilTrue(ctx, t, "the data", func() bool { return string(c.received) == "12345678" })
			c.buf = nil
			d.client.t.Write([]byte("9"))
			untilTrue(ctx, t, "the end", func() bool { return c.lost })
			if c.err == nil || !strings.Contains(c.err.Error(), "empty buffer") {
				t.Errorf("lost with %v, want an error about the buffer", c.err)
			}
		})
	}
}

// Conformance: TL-018.
func TestAReplacedProtocolGetsTheRestOfARecord(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		plain := &diary{}
		c := &collector{buf: make([]byte, 3)}
		c.each = func(int) { d.server.t.SetProtocol(plain) }
		d.server.t.SetProtocol(c)
		d.client.t.Write([]byte("abcdef"))
		untilTrue(ctx, t, "the data", func() bool { return len(plain.received) == 3 })
		if string(c.received) != "abc" || string(plain.received) != "def" {
			t.Errorf("received %q and %q", c.received, plain.received)
		}
	})
}

func TestABufferedProtocolThatPausesKeepsTheRestForLater(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		c := &collector{buf: make([]byte, 3)}
		c.each = func(int) { d.server.t.PauseReading() }
		d.server.t.SetProtocol(c)
		d.client.t.Write([]byte("abcdef"))
		d.client.t.Write([]byte("gh"))
		for _, want := range []string{"abc", "abcdef", "abcdefgh"} {
			for range 10 {
				aio.Yield(ctx)
			}
			if string(c.received) != want {
				t.Errorf("received %q, want %q", c.received, want)
			}
			d.server.t.ResumeReading()
		}
	})
}

// Conformance: TR-010.
func TestAPanicOfASecuredProtocolEndsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, reports *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.connect(ctx, t)
		d.server.onData = func([]byte) {
			if len(d.server.received) > 1 {
				panic("cannot read this")
			}
			// the next record is decrypted by ResumeReading, not in the raw transport's call
			d.server.t.PauseReading()
		}
		d.client.t.Write([]byte("x"))
		d.client.t.Write([]byte("y"))
		for range 10 {
			aio.Yield(ctx)
		}
		d.server.t.ResumeReading()
		d.bothLost(ctx, t)
		var p *aio.PanicError
		if !errors.As(d.server.err, &p) || p.Value != "cannot read this" {
			t.Errorf("lost with %v, want the panic", d.server.err)
		}
		matches(t, d.client.err, ErrTruncated)
		for _, r := range *reports {
			if r.Err != nil && !strings.Contains(r.Err.Error(), "cannot read this") {
				t.Errorf("reported %v", r.Err)
			}
		}
		if len(*reports) == 0 {
			t.Error("the panic was not reported")
		}
		*reports = nil
	})
}

func TestASecuredTransportDescribesItself(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		s := d.server.t.(*tlsTransport)
		if got := s.String(); !strings.Contains(got, "TLS") || !strings.Contains(got, "open") {
			t.Errorf("String: %s", got)
		}
		d.client.t.Close()
		if got := d.clientTLS.(*tlsTransport).String(); !strings.Contains(got, "closing") {
			t.Errorf("String: %s", got)
		}
		if s.CanWriteEOF() {
			t.Error("TLS cannot end one direction")
		}
		tlsPanics(t, s.WriteEOF, "WriteEOF", "CanWriteEOF")
	})
}

// A receiver that takes a piece at a time and then asks for the next must not make the layer collect
// all that the peer sends meanwhile.
func TestAReceiverThatPausesAfterEachPieceHasLittleInFrontOfIt(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		const size, pieces = 16 << 20, 64 << 10
		d.spipe.chunk = pieces
		layer, most := d.serverTLS.(*tlsTransport), 0
		d.server.onData = func([]byte) {
			d.server.t.PauseReading()
			aio.RunningLoop(ctx).CallSoon(func() {
				most = max(most, len(layer.bio.in))
				d.server.t.ResumeReading()
			})
		}
		d.client.t.Write(make([]byte, size))
		untilTrue(ctx, t, "the data", func() bool { return len(d.server.received) == size })
		if most > 2*pieces {
			t.Errorf("%d KiB waited to be decrypted", most>>10)
		}
	})
}
