package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
)

var errReset = &net.OpError{
	Op:  "read",
	Net: "tcp",
	Err: os.NewSyscallError("read", syscall.ECONNRESET),
}

// Conformance: TR-005.
func TestConnectionMadeComesBeforeReading(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		c.in = []any{"early"}
		p := &recorder{name: "p"}
		p.onMade = func() {
			if c.started {
				t.Error("reading had started")
			}
		}
		made := false
		tr := newTransport(hubOf(e.loop), c, p, nil, func() { made = true; p.expect(e, "made") })
		if len(p.log) != 0 {
			t.Fatal("ConnectionMade was called by the constructor")
		}
		p.awaitData(ctx, e, "early")
		if !made {
			t.Fatal("the one who waits was not told")
		}
		tr.Abort()
		p.awaitLost(ctx, e)
	})
}

// Conformance: TR-003.
func TestBufferLimits(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		expect := func(high, low int) {
			t.Helper()
			if h, l := tr.WriteBufferLimits(); h != high || l != low {
				t.Errorf("limits are %d, %d; want %d, %d", h, l, high, low)
			}
		}
		expect(64<<10, 16<<10)
		e.ok(tr.SetWriteBufferLimits(1024, 128))
		expect(1024, 128)
		for _, bad := range [][2]int{{128, 129}, {128, -2}, {-2, 0}, {-2, -2}} {
			if tr.SetWriteBufferLimits(bad[0], bad[1]) == nil {
				t.Errorf("limits %v were accepted", bad)
			}
			expect(1024, 128)
		}
		e.ok(tr.SetWriteBufferLimits(1000, DefaultLimit))
		expect(1000, 250)
		e.ok(tr.SetWriteBufferLimits(DefaultLimit, 1000))
		expect(4000, 1000)
		e.ok(tr.SetWriteBufferLimits(0, 0))
		expect(0, 0)
		e.ok(tr.SetWriteBufferLimits(DefaultLimit, DefaultLimit))
		expect(64<<10, 16<<10)
	})
}

// Conformance: TR-008.
func TestReceivedBytesReachTheProtocol(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.receive("hello ", "world")
		p.awaitData(ctx, e, "hello ")
		c.report(aio.Readable)
		p.awaitData(ctx, e, "hello world")
	})
}

// Conformance: TR-006.
func TestPausedReadingDeliversNothing(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.PauseReading()
		tr.PauseReading()
		if tr.IsReading() {
			t.Fatal("it is reading")
		}
		c.receive("data")
		e.settle(ctx)
		if c.reads != 0 || len(p.data) != 0 {
			t.Fatalf("read %d times, received %q", c.reads, p.data)
		}
		tr.ResumeReading()
		tr.ResumeReading()
		if !tr.IsReading() {
			t.Fatal("it is not reading")
		}
		if len(p.data) != 0 {
			t.Fatal("data was delivered inside ResumeReading")
		}
		p.awaitData(ctx, e, "data")
		tr.Close()
		tr.ResumeReading()
		if tr.IsReading() {
			t.Fatal("it is reading after Close")
		}
		p.awaitLost(ctx, e)
		tr.ResumeReading()
		tr.PauseReading()
		if tr.IsReading() {
			t.Fatal("it is reading after the end")
		}
	})
}

func TestPauseInsideDataReceivedHoldsTheRest(t *testing.T) {
	p := &recorder{}
	p.onData = func([]byte) { p.t.PauseReading() }
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		full := strings.Repeat("x", readBufferSize)
		c.receive(full, "tail", errEOF)
		e.settle(ctx)
		if len(p.data) != len(full) {
			t.Fatalf("received %d bytes, want %d", len(p.data), len(full))
		}
		tr.ResumeReading()
		e.settle(ctx)
		if got := string(p.data[len(full):]); got != "tail" {
			t.Fatalf("then received %q", got)
		}
		p.expect(e, "made")
		c.report(aio.Readable | aio.HangUp)
		tr.ResumeReading()
		e.ok(p.awaitLost(ctx, e))
		p.expect(e, "made", "eof", "lost")
	})
}

// Conformance: TR-007.
func TestReadingPausedInConnectionMadeStaysPaused(t *testing.T) {
	p := &recorder{}
	p.onMade = func() { p.t.PauseReading() }
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.receive("data")
		e.settle(ctx)
		if len(p.data) != 0 || tr.IsReading() {
			t.Fatalf("received %q", p.data)
		}
		tr.ResumeReading()
		p.awaitData(ctx, e, "data")
	})
}

// Conformance: TR-009.
func TestEndOfFile(t *testing.T) {
	t.Run("closes the transport", func(t *testing.T) {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.receive("bye", errEOF)
			c.report(aio.Readable)
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "eof", "lost")
			if string(p.data) != "bye" {
				t.Errorf("received %q", p.data)
			}
		})
	})
	t.Run("leaves it open for writing if asked to", func(t *testing.T) {
		p := &recorder{keep: true}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.receive(errEOF)
			e.settle(ctx)
			c.report(aio.Readable | aio.HangUp) // comes again with the peer's hang-up
			e.settle(ctx)
			p.expect(e, "made", "eof")
			if tr.IsClosing() {
				t.Fatal("it is closing")
			}
			tr.Write([]byte("still here"))
			c.expectOut(e, "still here")
			tr.Close()
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "eof", "lost")
		})
	})
}

// A report of hang-up that comes with the last bytes must not be forgotten after a short read.
func TestAHangUpSeenWithDataIsFollowedToTheEnd(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.in = []any{"last words", errEOF}
		c.report(aio.Readable | aio.HangUp)
		e.ok(p.awaitLost(ctx, e))
		if string(p.data) != "last words" {
			t.Errorf("received %q", p.data)
		}
	})
}

func TestAShortReadIsNotFollowedByAnother(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.receive("data")
		p.awaitData(ctx, e, "data")
		if c.reads != 1 {
			t.Errorf("%d reads, want 1", c.reads)
		}
	})
}

func TestABusyConnectionLetsOthersRun(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		chunk := strings.Repeat("x", readBufferSize)
		const turns = 3
		for range turns * maxReadBytes / readBufferSize {
			c.in = append(c.in, chunk)
		}
		c.report(aio.Readable)
		for i := 1; i <= turns; i++ {
			e.turn(ctx)
			if len(p.data) != i*maxReadBytes {
				t.Fatalf("after %d turns %d bytes were read", i, len(p.data))
			}
		}
	})
}

// Conformance: TR-010, BP-003.
func TestAPanicOfTheProtocolIsFatal(t *testing.T) {
	boom := errors.New("boom")
	tests := map[string]func(p *recorder) Protocol{
		"ConnectionMade": func(p *recorder) Protocol { p.onMade = func() { panic(boom) }; return p },
		"DataReceived": func(p *recorder) Protocol {
			p.onData = func([]byte) { panic(boom) }
			return p
		},
		"EOFReceived": func(p *recorder) Protocol { p.onEOF = func() { panic(boom) }; return p },
		"GetBuffer": func(p *recorder) Protocol {
			return &buffered{recorder: p, get: func(int) []byte { panic(boom) }}
		},
		"BufferUpdated": func(p *recorder) Protocol {
			p.onData = func([]byte) { panic(boom) }
			return &buffered{recorder: p, size: 10}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			p := &recorder{}
			withFake(t, prepare(p), func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
				if c.started {
					c.receive("data", errEOF)
					c.report(aio.Readable | aio.HangUp)
				}
				err := p.awaitLost(ctx, e)
				text := "the protocol's " + name + " panicked"
				var pe *aio.PanicError
				if !errors.As(err, &pe) || pe.Value != boom {
					t.Errorf("ConnectionLost(%v), want the panic", err)
				}
				if got := e.expectReport(text); got != err {
					t.Errorf("reported %v, want %v", got, err)
				}
			})
		})
	}
}

// Conformance: TR-011.
func TestASpuriousReportDoesNothing(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.report(aio.Readable | aio.Writable)
		e.settle(ctx)
		p.expect(e, "made")
		if c.reads != 1 || tr.IsClosing() {
			t.Errorf("%d reads, closing: %v", c.reads, tr.IsClosing())
		}
	})
}

// Conformance: TR-012, TR-026.
func TestAReadErrorEndsTheConnection(t *testing.T) {
	t.Run("silently if it is the system's", func(t *testing.T) {
		for _, cause := range []error{errReset, syscall.ETIMEDOUT, net.ErrClosed} {
			p := &recorder{}
			withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
				c.receive(cause)
				if err := p.awaitLost(ctx, e); err != cause {
					t.Errorf("ConnectionLost(%v), want %v", err, cause)
				}
			})
		}
	})
	t.Run("with a report if it is the program's", func(t *testing.T) {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			mistake := errors.New("mistake")
			c.receive(mistake)
			if err := p.awaitLost(ctx, e); err != mistake {
				t.Errorf("ConnectionLost(%v), want %v", err, mistake)
			}
			if err := e.expectReport("reading failed"); err != mistake {
				t.Errorf("reported %v", err)
			}
		})
	})
}

// Conformance: TR-013.
func TestWritingIsImmediate(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Write([]byte("data"))
		c.expectOut(e, "data")
		if tr.WriteBufferSize() != 0 {
			t.Errorf("%d bytes are buffered", tr.WriteBufferSize())
		}
	})
}

// Conformance: TR-014.
func TestWritingBehindABufferKeepsTheOrder(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Write(nil)
		tr.Write([]byte{})
		if c.writes != 0 {
			t.Fatal("nothing was written, yet the connection was asked")
		}
		c.room = 0
		tr.Write([]byte("one "))
		asked := c.writes
		tr.Write([]byte("two "))
		tr.Write(nil)
		if c.writes != asked {
			t.Error("a write behind the buffer was tried at once")
		}
		if n := tr.WriteBufferSize(); n != 8 {
			t.Errorf("%d bytes are buffered, want 8", n)
		}
		c.drain(6)
		e.settle(ctx)
		c.expectOut(e, "one tw")
		tr.Write([]byte("three"))
		c.drain(100)
		e.settle(ctx)
		c.expectOut(e, "one two three")
		if n := tr.WriteBufferSize(); n != 0 {
			t.Errorf("%d bytes are buffered, want none", n)
		}
	})
}

// Conformance: TR-015.
func TestWhatDoesNotFitIsCopiedAndSentLater(t *testing.T) {
	for name, c0 := range map[string]fakeConn{
		"partial":     {room: 3},
		"would block": {room: 0},
		"zero":        {room: 0, zero: true},
	} {
		t.Run(name, func(t *testing.T) {
			withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
				c.room, c.zero = c0.room, c0.zero
				data := []byte("some data")
				tr.Write(data)
				if string(data) != "some data" {
					t.Error("the caller's bytes were changed")
				}
				copy(data, "XXXXXXXXX") // the caller may use its bytes again
				for len(c.out) < len(data) {
					c.drain(2)
					e.turn(ctx)
				}
				c.expectOut(e, "some data")
			})
		})
	}
}

func TestALongWriteLetsOthersRun(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.chunk = maxWriteBytes / 4
		tr.Write(make([]byte, 3*maxWriteBytes))
		tr.Close()
		for i := 1; i <= 3; i++ {
			if len(c.out) != i*maxWriteBytes {
				t.Fatalf("after %d turns %d bytes were sent", i, len(c.out))
			}
			e.turn(ctx)
		}
		p.expect(e, "made", "pause", "resume", "lost")
	})
}

func TestALongBufferIsSentWhole(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 0
		var want []byte
		rnd := rand.New(rand.NewPCG(1, 2))
		for len(want) < 1<<20 || tr.WriteBufferSize() > 0 {
			if len(want) < 1<<20 {
				chunk := make([]byte, rnd.IntN(5000))
				for i := range chunk {
					chunk[i] = byte(rnd.Uint32())
				}
				want = append(want, chunk...)
				tr.Write(chunk)
			}
			c.drain(rnd.IntN(6000))
			e.turn(ctx)
			if got := len(c.out) + tr.WriteBufferSize(); got != len(want) {
				t.Fatalf("sent and buffered %d bytes of %d", got, len(want))
			}
		}
		if !bytes.Equal(c.out, want) {
			t.Fatal("the bytes sent are not those written")
		}
	})
}

// Conformance: TR-002.
func TestWriteLinesSendsTheChunksInOrder(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		WriteLines(tr, []byte("one "), nil, []byte("two "), []byte("three"))
		c.expectOut(e, "one two three")
		if c.writes != 1 {
			t.Errorf("%d writes, want 1", c.writes)
		}
		WriteLines(tr)
		WriteLines(tr, nil, nil)
		if c.writes != 1 {
			t.Errorf("nothing was written, yet the connection was asked")
		}
	})
}

// Conformance: TR-018.
func TestWritingToAClosingTransportIsDropped(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Close()
		tr.Write([]byte("late"))
		e.ok(p.awaitLost(ctx, e))
		tr.Write([]byte("later"))
		c.expectOut(e, "")
	})
}

// Conformance: TR-021.
func TestAFailedWriteEndsTheConnection(t *testing.T) {
	broken := &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	t.Run("at once", func(t *testing.T) {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.outErr = broken
			tr.Write([]byte("data"))
			if !tr.IsClosing() {
				t.Error("it is not closing")
			}
			p.expect(e, "made") // through the loop
			if err := p.awaitLost(ctx, e); err != broken {
				t.Errorf("ConnectionLost(%v), want %v", err, broken)
			}
		})
	})
	t.Run("in the flush", func(t *testing.T) {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.room = 0
			tr.Write([]byte("data"))
			mistake := errors.New("mistake")
			c.outErr = mistake
			c.report(aio.Writable)
			if err := p.awaitLost(ctx, e); err != mistake {
				t.Errorf("ConnectionLost(%v), want %v", err, mistake)
			}
			e.expectReport("writing failed")
			if tr.WriteBufferSize() != 0 {
				t.Error("the buffer was kept")
			}
		})
	})
	t.Run("after Close", func(t *testing.T) {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.room = 0
			tr.Write([]byte("data"))
			tr.Close()
			c.outErr = broken
			c.report(aio.Writable)
			if err := p.awaitLost(ctx, e); err != broken {
				t.Errorf("ConnectionLost(%v), want %v", err, broken)
			}
		})
	})
}

// Conformance: TR-022.
func TestWriteEOF(t *testing.T) {
	t.Run("shuts at once and once when nothing is buffered", func(t *testing.T) {
		withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			if !tr.CanWriteEOF() {
				t.Error("it cannot")
			}
			tr.WriteEOF()
			c.expectCalls(e, "start", "closewrite")
			tr.WriteEOF()
			c.expectCalls(e, "start", "closewrite")
			if !tr.IsReading() || tr.IsClosing() {
				t.Error("receiving has ended")
			}
		})
	})
	t.Run("waits for the buffer", func(t *testing.T) {
		withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.room = 0
			tr.Write([]byte("data"))
			tr.WriteEOF()
			c.drain(2)
			e.settle(ctx)
			c.expectCalls(e, "start")
			c.drain(2)
			e.settle(ctx)
			c.expectCalls(e, "start", "closewrite")
			c.expectOut(e, "data")
		})
	})
	t.Run("forbids writing", func(t *testing.T) {
		withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			tr.WriteEOF()
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, "Transport.Write") {
					t.Errorf("panic %q", v)
				}
			}()
			tr.Write([]byte("data"))
		})
	})
	t.Run("a peer that is gone already is found by the next read", func(t *testing.T) {
		if !isNotConnected(&net.OpError{
			Op:  "set",
			Err: os.NewSyscallError("shutdown", syscall.ENOTCONN),
		}) {
			t.Error("not recognised")
		}
	})
}

// Conformance: TR-023.
func TestWriteEOFAfterClose(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Close()
		tr.WriteEOF()
		e.ok(p.awaitLost(ctx, e))
		tr.WriteEOF()
		c.expectCalls(e, "start", "close")
	})
}

// Conformance: TR-024.
func TestClosingTwiceLosesTheConnectionOnce(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Close()
		tr.Close()
		if !tr.IsClosing() || tr.IsReading() {
			t.Error("it is not closing, or reading")
		}
		p.expect(e, "made") // later, through the loop
		e.ok(p.awaitLost(ctx, e))
		tr.Close()
		tr.Abort()
		e.settle(ctx)
		p.expect(e, "made", "lost")
		c.expectCalls(e, "start", "close")
	})
}

func TestCloseSendsWhatIsBuffered(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 0
		tr.Write([]byte("data"))
		tr.Close()
		c.receive("ignored") // reading has ended
		c.drain(2)
		e.settle(ctx)
		p.expect(e, "made")
		c.drain(2)
		e.ok(p.awaitLost(ctx, e))
		c.expectOut(e, "data")
		if c.reads != 0 {
			t.Errorf("%d reads after Close", c.reads)
		}
	})
}

// Conformance: TR-025.
func TestAbortDropsTheBuffer(t *testing.T) {
	for _, first := range []string{"", "Close"} {
		p := &recorder{}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.room = 0
			tr.Write([]byte("data"))
			if first == "Close" {
				tr.Close()
			}
			tr.Abort()
			tr.Abort()
			if tr.WriteBufferSize() != 0 || !tr.IsClosing() {
				t.Error("the buffer was kept, or it is not closing")
			}
			p.expect(e, "made")
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "lost")
			c.expectOut(e, "")
		})
	}
}

// Conformance: TR-027.
func TestAfterConnectionLostEverythingIsReleased(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		p.onLost = func() {
			if c.closed {
				t.Error("the connection was closed before ConnectionLost")
			}
			if tr.Protocol() != p {
				t.Error("the protocol is not there in ConnectionLost")
			}
		}
		tr.Close()
		p.awaitLost(ctx, e)
		if !c.closed || tr.Protocol() != nil {
			t.Errorf("closed: %v, protocol: %v", c.closed, tr.Protocol())
		}
		if tr.hub.first != nil {
			t.Error("the loop still knows the transport")
		}
		tr.SetProtocol(p)
		if tr.LocalAddr() == nil || tr.RemoteAddr() == nil || tr.Loop() != e.loop {
			t.Error("the addresses or the loop are gone")
		}
	})
}

func TestAPanicInConnectionLostIsReportedAndReleases(t *testing.T) {
	p := &recorder{}
	p.onLost = func() { panic("boom") }
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Close()
		p.awaitLost(ctx, e)
		e.settle(ctx)
		e.expectReport("ConnectionLost")
		if !c.closed {
			t.Error("the connection was not closed")
		}
	})
}

// Conformance: TR-028.
func TestAClosingTransportReadsNoMore(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.PauseReading()
		c.receive("data")
		e.settle(ctx)
		c.room = 0
		tr.Write([]byte("x"))
		tr.ResumeReading() // queued
		tr.Close()
		c.report(aio.Readable)
		e.settle(ctx)
		if c.reads != 0 {
			t.Errorf("%d reads", c.reads)
		}
	})
}

// Conformance: TR-029.
func TestTheProtocolCanBeReplacedByOneOfAnotherKind(t *testing.T) {
	chunks := &recorder{name: "chunks"}
	into := &buffered{recorder: &recorder{name: "into"}, size: 4}
	withFake(t, chunks, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.receive("one")
		chunks.awaitData(ctx, e, "one")
		tr.SetProtocol(into)
		if tr.Protocol() != Protocol(into) {
			t.Error("Protocol returns another")
		}
		c.receive("two")
		into.awaitData(ctx, e, "two")
		tr.SetProtocol(chunks)
		c.receive("three")
		chunks.awaitData(ctx, e, "onethree")
		into.expect(e) // its ConnectionMade was not called
		if into.gets != 1 || into.updates != 1 {
			t.Errorf("%d GetBuffer, %d BufferUpdated", into.gets, into.updates)
		}
	})
}

func TestAProtocolReplacedInsideDataReceivedGetsTheNextBytes(t *testing.T) {
	second := &buffered{recorder: &recorder{}, size: 100}
	first := &recorder{}
	first.onData = func([]byte) { first.t.SetProtocol(second) }
	withFake(t, first, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.in = []any{"one", "two"}
		c.report(aio.Readable | aio.HangUp)
		second.awaitData(ctx, e, "two")
		first.awaitData(ctx, e, "one")
	})
}

func TestANilProtocolIsMisuse(t *testing.T) {
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		defer func() {
			if v, _ := recover().(string); !strings.Contains(v, "SetProtocol") {
				t.Errorf("panic %q", v)
			}
		}()
		tr.SetProtocol(nil)
	})
}

// Conformance: TR-030.
func TestATransportPrintsAfterItsLoopWasClosed(t *testing.T) {
	var tr *selectorTransport
	p := &recorder{}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		tr = newTransport(hubOf(e.loop), newFake(e), p, nil, nil)
		e.turn(ctx)
		if s := tr.String(); !strings.Contains(s, "open") || !strings.Contains(s, "127.0.0.1:2") {
			t.Errorf("String: %s", s)
		}
	})
	if s := tr.String(); !strings.Contains(s, "closed") {
		t.Errorf("String: %s", s)
	}
	if p.err != aio.ErrLoopClosed || !p.lost {
		t.Errorf("ConnectionLost(%v), want ErrLoopClosed", p.err)
	}
}

func TestATransportThatWasNeverAnnouncedEndsInSilence(t *testing.T) {
	p := &recorder{}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		newTransport(hubOf(e.loop), c, p, nil, nil).Abort()
		e.settle(ctx)
		c.expectCalls(e, "close")
	})
	if len(p.log) != 0 {
		t.Errorf("the protocol heard %q", p.log)
	}
}

func TestFlowControlFollowsTheLimits(t *testing.T) {
	p := &recorder{}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		e.ok(tr.SetWriteBufferLimits(8, 4))
		c.room = 0
		tr.Write([]byte("12345678"))
		p.expect(e, "made")
		tr.Write([]byte("9"))
		p.expect(e, "made", "pause")
		tr.Write([]byte("0"))
		p.expect(e, "made", "pause")
		c.drain(5)
		e.settle(ctx)
		p.expect(e, "made", "pause")
		c.drain(1)
		e.settle(ctx)
		p.expect(e, "made", "pause", "resume")
		e.ok(tr.SetWriteBufferLimits(3, 0)) // applies at once
		p.expect(e, "made", "pause", "resume", "pause")
		c.drain(4)
		e.settle(ctx)
		p.expect(e, "made", "pause", "resume", "pause", "resume")
		c.expectOut(e, "1234567890")
	})
}

func TestWritingInsideResumeWritingKeepsTheOrder(t *testing.T) {
	p := &recorder{}
	p.onResume = func() {
		if len(p.log) < 5 {
			p.t.Write([]byte("more."))
		}
	}
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		e.ok(tr.SetWriteBufferLimits(0, 0))
		c.room = 0
		tr.Write([]byte("first."))
		for range 12 {
			c.drain(1)
			e.turn(ctx)
		}
		e.settle(ctx)
		c.expectOut(e, "first.more.")
		p.expect(e, "made", "pause", "resume", "pause", "resume")
	})
}

func TestAPanicInFlowControlIsOnlyReported(t *testing.T) {
	p := &recorder{}
	p.onPause = func() { panic("boom") }
	withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		e.ok(tr.SetWriteBufferLimits(0, 0))
		c.room = 0
		tr.Write([]byte("data"))
		e.expectReport("PauseWriting")
		if tr.IsClosing() {
			t.Error("it is closing")
		}
		c.drain(4)
		e.settle(ctx)
		c.expectOut(e, "data")
	})
}

// buffered is a recorder that receives into a buffer of its own.
type buffered struct {
	*recorder
	size          int
	get           func(hint int) []byte
	buf           []byte
	gets, updates int
	sizes         []int
}

func (b *buffered) GetBuffer(hint int) []byte {
	b.gets++
	if b.get != nil {
		return b.get(hint)
	}
	b.buf = make([]byte, b.size)
	return b.buf
}

func (b *buffered) BufferUpdated(n int) {
	b.updates++
	b.sizes = append(b.sizes, n)
	b.recorder.DataReceived(b.buf[:n])
}

func (b *buffered) DataReceived([]byte) { panic("DataReceived of a buffered protocol") }

// Conformance: BP-004.
func TestABufferedProtocolGetsPiecesOfItsSize(t *testing.T) {
	for _, size := range []int{1, 2, 4, 100} {
		p := &buffered{recorder: &recorder{}, size: size}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			data := strings.Repeat("0123456789", 7)
			c.receive(data)
			p.awaitData(ctx, e, data)
			for i, n := range p.sizes[:len(p.sizes)-1] {
				if n != size {
					t.Errorf("piece %d has %d bytes, want %d", i, n, size)
				}
			}
		})
	}
	t.Run("an empty buffer is an error", func(t *testing.T) {
		p := &buffered{recorder: &recorder{}}
		withFake(t, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			c.receive("data")
			if err := p.awaitLost(ctx, e); err == nil || !strings.Contains(err.Error(), "GetBuffer") {
				t.Errorf("ConnectionLost(%v)", err)
			}
			e.expectReport("GetBuffer")
		})
	})
}

// Conformance: BP-005.
func TestTheBaseProtocolDoesNothing(t *testing.T) {
	var p interface {
		Protocol
		FlowControl
	} = BaseProtocol{}
	p.ConnectionMade(nil)
	p.DataReceived([]byte("x"))
	if p.EOFReceived() {
		t.Error("EOFReceived keeps the transport open")
	}
	p.PauseWriting()
	p.ResumeWriting()
	p.ConnectionLost(io.ErrUnexpectedEOF)
}

func TestReadingAndWritingDoNotAllocate(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		p := &echoer{}
		tr := newTransport(hubOf(e.loop), c, p, nil, nil)
		e.turn(ctx)
		queue := []any{strings.Repeat("x", 1000)}
		c.out = make([]byte, 0, 1<<20)
		got := testing.AllocsPerRun(100, func() {
			c.in, c.out = queue, c.out[:0]
			c.ready(aio.Readable | aio.Writable)
			// Behind a full socket: the buffer is one of the loop's.
			c.room = 10
			c.in = queue
			c.ready(aio.Readable)
			c.room = -1
			c.ready(aio.Writable)
		})
		if got != 0 {
			t.Errorf("%v allocations for a request, want none", got)
		}
		if len(c.out) != 2000 {
			t.Errorf("%d bytes were echoed", len(c.out))
		}
		tr.Abort()
		e.settle(ctx)
	})
}

// echoer sends back the bytes it receives.
type echoer struct {
	BaseProtocol
	t Transport
}

func (p *echoer) ConnectionMade(t Transport) { p.t = t }
func (p *echoer) DataReceived(b []byte)      { p.t.Write(b) }
