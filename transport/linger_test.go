package transport

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
)

// withUnsent runs fn with a transport that was closed with n bytes left to send, under a virtual
// clock.
func withUnsent(
	t *testing.T,
	n int,
	patience time.Duration,
	fn func(ctx context.Context, e *env, c *fakeConn, p *recorder),
) {
	t.Helper()
	p := &recorder{}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		c.room = 0
		tr := newTransport(hubOf(e.loop), c, p, nil, nil)
		tr.linger.patience = patience
		e.turn(ctx)
		tr.Write(make([]byte, n))
		tr.Close()
		fn(ctx, e, c, p)
		tr.Abort()
		e.settle(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAPeerThatTakesNothingAfterCloseIsGivenUp(t *testing.T) {
	withUnsent(t, 100_000, 30*time.Second,
		func(ctx context.Context, e *env, c *fakeConn, p *recorder) {
			begin := e.loop.Time()
			err := p.awaitLost(ctx, e)
			var late *ShutdownTimeoutError
			if !errors.As(err, &late) || late.After != 30*time.Second {
				t.Errorf("lost with %v, want the time-out", err)
			}
			matches(t, err, context.DeadlineExceeded, os.ErrDeadlineExceeded)
			if took := e.loop.Time().Sub(begin); took != 30*time.Second {
				t.Errorf("took %v, want 30s", took)
			}
			if !c.closed {
				t.Error("the connection is open")
			}
		})
}

func TestASlowPeerGetsEverythingAfterClose(t *testing.T) {
	withUnsent(t, 100_000, 10*time.Second,
		func(ctx context.Context, e *env, c *fakeConn, p *recorder) {
			for range 4 { // 2.5 KiB a second
				e.ok(aio.Sleep(ctx, 9900*time.Millisecond))
				c.drain(25_000)
			}
			if err := p.awaitLost(ctx, e); err != nil || len(c.out) != 100_000 {
				t.Errorf("%d bytes were sent, lost with %v", len(c.out), err)
			}
		})
}

// A byte now and then would keep 100,000 bytes, and the descriptor, for weeks.
func TestAPeerThatTakesAByteNowAndThenIsGivenUp(t *testing.T) {
	withUnsent(t, 100_000, 10*time.Second,
		func(ctx context.Context, e *env, c *fakeConn, p *recorder) {
			begin := e.loop.Time()
			for !p.lost {
				c.drain(1)
				e.ok(aio.Sleep(ctx, time.Second))
			}
			var late *ShutdownTimeoutError
			if took := e.loop.Time().Sub(begin); !errors.As(p.err, &late) || took > 12*time.Second {
				t.Errorf("lost with %v after %v", p.err, took)
			}
		})
}

func TestATransportThatIsAbortedOrDoneLeavesNoTimer(t *testing.T) {
	for _, abort := range []bool{false, true} {
		withUnsent(t, 1000, time.Hour, func(ctx context.Context, e *env, c *fakeConn, p *recorder) {
			begin := e.loop.Time()
			if abort {
				p.t.Abort()
			} else {
				c.drain(1000)
			}
			e.ok(p.awaitLost(ctx, e))
			if tr := p.t.(*selectorTransport); tr.linger.timer != nil {
				t.Error("the timer is set")
			}
			if took := e.loop.Time().Sub(begin); took != 0 {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestAPipeMayBeFlushedForAnyTime(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c, p := newFake(e), &recorder{}
		c.room = 0
		tr := newTransport(hubOf(e.loop), fakePipe{c, sends}, p, nil, nil)
		e.turn(ctx)
		tr.Write([]byte("for a pager"))
		tr.Close()
		e.ok(aio.Sleep(ctx, guard-time.Second))
		c.drain(100)
		e.ok(p.awaitLost(ctx, e))
		c.expectOut(e, "for a pager")
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestThePaceOfAPeerDecidesWhetherItIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		unsent, left int
		d            time.Duration
		want         bool
	}{
		{100, 100, time.Second, false},
		{0, 0, time.Second, false},
		{100, 0, time.Hour, true},
		{10_000, 9_000, time.Second, false},
		{10_000, 8_976, time.Second, true},
		{10_000, 9_990, 5 * time.Millisecond, true},
		{10_000, 9_999, 1<<63 - 1, false},
		{100, 200, time.Nanosecond, false},
	} {
		if got := progress(c.unsent, c.left, c.d); got != c.want {
			t.Errorf("from %d to %d in %v: %v", c.unsent, c.left, c.d, got)
		}
	}
}

// Every transport that an option reaches has its time.
func TestTheShutdownTimeoutReachesEveryTransport(t *testing.T) {
	looptest.NeedUDP(t)
	const d = 7 * time.Second
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory, ShutdownTimeout(d))
			e.ok(err)
			p := &recorder{}
			for _, opts := range [][]Option{nil, {ShutdownTimeout(d)}} {
				tr, err := Connect(ctx, "tcp", s.Addrs()[0].String(), p, opts...)
				e.ok(err)
				want := defaultShutdownTimeout
				if opts != nil {
					want = d
				}
				if got := tr.(*selectorTransport).linger.patience; got != want {
					t.Errorf("%v, want %v", got, want)
				}
				tr.Abort()
			}
			c.await(ctx, e, 2)
			for _, r := range c.made {
				if got := r.t.(*selectorTransport).linger.patience; got != d {
					t.Errorf("of the server: %v, want %v", got, d)
				}
				r.t.Abort()
			}
			s.Close()
			e.ok(s.WaitClosed(ctx))
			u, err := Endpoint(ctx, "udp4", "127.0.0.1:0", "", BaseDatagramProtocol{}, ShutdownTimeout(d))
			e.ok(err)
			if got := u.(*datagramTransport).linger.patience; got != d {
				t.Errorf("of the endpoint: %v, want %v", got, d)
			}
			u.Abort()
		})
	})
}

// withLastWords runs fn with a transport whose write has failed while reading is paused: it cannot
// see how the connection ends.
func withLastWords(
	t *testing.T,
	fn func(ctx context.Context, e *env, c *fakeConn, p *recorder, tr *selectorTransport),
) {
	t.Helper()
	p := &recorder{}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		tr := newTransport(hubOf(e.loop), c, p, nil, nil)
		tr.linger.patience = 10 * time.Second
		e.turn(ctx)
		tr.PauseReading()
		c.outErr = syscall.EPIPE
		tr.Write([]byte("x"))
		fn(ctx, e, c, p, tr)
		tr.Abort()
		e.settle(ctx)
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAProtocolThatDoesNotTakeTheLastWordsStillSeesTheEnd(t *testing.T) {
	withLastWords(t, func(
		ctx context.Context, e *env, c *fakeConn, p *recorder, tr *selectorTransport,
	) {
		begin := e.loop.Time()
		if err := p.awaitLost(ctx, e); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("lost with %v, want the error of the write", err)
		}
		if took := e.loop.Time().Sub(begin); took != 10*time.Second || !c.closed {
			t.Errorf("after %v closed is %v, want 10s", took, c.closed)
		}
	})
}

func TestAProtocolThatTakesTheLastWordsInTimeGetsThemAll(t *testing.T) {
	withLastWords(t, func(
		ctx context.Context, e *env, c *fakeConn, p *recorder, tr *selectorTransport,
	) {
		portion := strings.Repeat("x", 11_000) // for 10 s at 1 KiB a second
		for range 5 {
			e.ok(aio.Sleep(ctx, 9*time.Second))
			c.in = append(c.in, portion)
			p.onData = func([]byte) { tr.PauseReading() }
			tr.ResumeReading()
			e.turn(ctx)
		}
		if p.lost || len(p.data) != 5*len(portion) {
			t.Fatalf("lost is %v after %d bytes", p.lost, len(p.data))
		}
		c.in = append(c.in, errEOF)
		tr.ResumeReading()
		if err := p.awaitLost(ctx, e); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("lost with %v, want the error of the write", err)
		}
	})
}
