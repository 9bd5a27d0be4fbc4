package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
)

// fakeDatagram is a DatagramConn controlled by the test.
type fakeDatagram struct {
	loop   *aio.Loop
	ready  func(aio.Interest)
	remote net.Addr
	in     []any // string: a datagram to be read; error: what the next read returns
	room   int   // datagrams that are taken before it would block; -1: without end
	out    []string
	outErr error // of the next send
	reads  int
	closed bool
}

var fakeSender = netip.MustParseAddrPort("127.0.0.1:7")

func (c *fakeDatagram) Start(ready func(aio.Interest)) error { c.ready = ready; return nil }

func (c *fakeDatagram) TryReadFrom(p []byte) (int, netip.AddrPort, error) {
	c.reads++
	if len(c.in) == 0 {
		return 0, netip.AddrPort{}, ErrWouldBlock
	}
	item := c.in[0]
	c.in = c.in[1:]
	if err, ok := item.(error); ok {
		return 0, netip.AddrPort{}, err
	}
	return copy(p, item.(string)), fakeSender, nil
}

func (c *fakeDatagram) TryWriteTo(p []byte, to netip.AddrPort) error {
	if err := c.outErr; err != nil {
		c.outErr = nil
		return err
	}
	if c.room == 0 {
		return ErrWouldBlock
	}
	c.room--
	s := string(p)
	if to.IsValid() {
		s += " to " + to.String()
	}
	c.out = append(c.out, s)
	return nil
}

func (c *fakeDatagram) Close() error { c.closed = true; return nil }
func (c *fakeDatagram) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
}
func (c *fakeDatagram) RemoteAddr() net.Addr { return c.remote }

// withFakeDatagram runs fn with a transport over a fakeDatagram; ConnectionMade has been called.
func withFakeDatagram(
	t *testing.T,
	connected bool,
	box *postbox,
	fn func(ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport),
) {
	t.Helper()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := &fakeDatagram{loop: e.loop, room: -1}
		if connected {
			c.remote = net.UDPAddrFromAddrPort(fakeSender)
		}
		tr := newDatagramTransport(hubOf(e.loop), c, box, func() {})
		e.turn(ctx)
		fn(ctx, e, c, tr)
		tr.Abort()
		e.settle(ctx)
		if !c.closed {
			t.Error("the socket was not closed")
		}
	})
}

var someone, other = netip.MustParseAddrPort("127.0.0.1:8"), netip.MustParseAddrPort("127.0.0.1:9")

// Conformance: UD-015, UD-016.
func TestDatagramsWaitInOrderForTheSocket(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, false, box, func(
		ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport,
	) {
		c.room = 1
		p := []byte("one")
		tr.SendTo(p, someone)
		copy(p, "two")
		tr.SendTo(p, other)
		copy(p, "thr")
		tr.SendTo(p, someone)
		copy(p, "xxx")
		if want := 2 * (3 + datagramOverhead); tr.WriteBufferSize() != want {
			t.Errorf("%d bytes are queued, want %d", tr.WriteBufferSize(), want)
		}
		if s := tr.String(); !strings.Contains(s, "open") || !strings.Contains(s, "buffered=22") {
			t.Errorf("it calls itself %s", s)
		}
		c.room = 1
		c.ready(aio.Writable)
		c.room = 5
		c.ready(aio.Writable)
		want := []string{"one to 127.0.0.1:8", "two to 127.0.0.1:9", "thr to 127.0.0.1:8"}
		if !slices.Equal(c.out, want) || tr.WriteBufferSize() != 0 {
			t.Errorf("sent %q, want %q", c.out, want)
		}
	})
}

func TestManyDatagramsAreSentAndReceivedInSeveralTurns(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, true, box,
		func(ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport) {
			for range 3 * maxDatagrams {
				c.in = append(c.in, "x")
			}
			c.ready(aio.Readable)
			if len(box.mail) != maxDatagrams {
				t.Errorf("%d datagrams in the first turn, want %d", len(box.mail), maxDatagrams)
			}
			e.settle(ctx)
			if len(box.mail) != 3*maxDatagrams {
				t.Errorf("%d datagrams, want %d", len(box.mail), 3*maxDatagrams)
			}
			c.room = 0
			for range 3 * maxDatagrams {
				tr.SendTo([]byte("y"), netip.AddrPort{})
			}
			c.room = -1
			c.ready(aio.Writable)
			if len(c.out) != maxDatagrams {
				t.Errorf("%d datagrams in the first turn, want %d", len(c.out), maxDatagrams)
			}
			e.settle(ctx)
			if len(c.out) != 3*maxDatagrams {
				t.Errorf("%d datagrams, want %d", len(c.out), 3*maxDatagrams)
			}
		})
}

func TestDatagramFlowControl(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, true, box,
		func(ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport) {
			if high, low := tr.WriteBufferLimits(); high != defaultHigh || low != defaultLow {
				t.Errorf("limits %d, %d", high, low)
			}
			e.ok(tr.SetWriteBufferLimits(40, 20))
			c.room = 0
			send := func(n int) {
				for range n {
					tr.SendTo([]byte("ab"), netip.AddrPort{})
				}
			}
			send(4)
			box.expect(e, "made")
			send(1)
			box.expect(e, "made", "pause")
			send(1) // 60 bytes
			c.room = 3
			c.ready(aio.Writable)
			box.expect(e, "made", "pause")
			c.room = 1
			c.ready(aio.Writable)
			box.expect(e, "made", "pause", "resume")
			e.ok(tr.SetWriteBufferLimits(10, 0))
			box.expect(e, "made", "pause", "resume", "pause")
			tr.Close()
			if box.lost || !tr.IsClosing() {
				t.Error("it did not wait for its queue")
			}
		})
}

// Conformance: UD-021.
func TestAClosingEndpointSendsItsQueueAndNothingElse(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, true, box, func(
		ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport,
	) {
		c.room = 0
		tr.SendTo([]byte("one"), netip.AddrPort{})
		tr.SendTo([]byte("two"), netip.AddrPort{})
		tr.Close()
		tr.SendTo([]byte("late"), netip.AddrPort{})
		c.in = []any{"not wanted any more"}
		c.ready(aio.Readable)
		c.room = 1
		c.ready(aio.Writable)
		e.settle(ctx)
		box.expect(e, "made")
		c.room = 1
		c.ready(aio.Writable)
		box.expect(e, "made")
		e.settle(ctx)
		box.expect(e, "made", "lost")
		if want := []string{"one", "two"}; !slices.Equal(c.out, want) || box.err != nil ||
			len(box.mail) != 0 {
			t.Errorf("sent %q, want %q; lost with %v; received %q", c.out, want, box.err, box.mail)
		}
		tr.SendTo([]byte("later"), netip.AddrPort{})
	})
}

// Conformance: UD-014.
func TestAnErrorOfTheSystemOnReceiveLeavesTheEndpointOpen(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, true, box, func(
		ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport,
	) {
		c.in = []any{syscall.EHOSTUNREACH, "after"}
		c.ready(aio.Readable)
		if !slices.Equal(box.errs, []error{syscall.EHOSTUNREACH}) ||
			!slices.Equal(box.mail, []string{"after from 127.0.0.1:7"}) {
			t.Errorf("errors %v, mail %q", box.errs, box.mail)
		}
		mistake := errors.New("a mistake")
		c.in = []any{mistake, "never"}
		c.ready(aio.Readable)
		e.settle(ctx)
		if err := e.expectReport("receiving failed"); err != mistake || box.err != mistake {
			t.Errorf("reported %v, lost with %v", err, box.err)
		}
		box.expect(e, "made", "error", "lost")
	})
}

// Conformance: UD-019, UD-020.
func TestErrorsOnSend(t *testing.T) {
	box := &postbox{}
	withFakeDatagram(t, true, box,
		func(ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport) {
			c.outErr = syscall.ECONNREFUSED
			tr.SendTo([]byte("one"), netip.AddrPort{})
			box.expect(e, "made", "error")
			c.room = 0
			tr.SendTo([]byte("two"), netip.AddrPort{})
			tr.SendTo([]byte("three"), netip.AddrPort{})
			c.room, c.outErr = 1, syscall.ECONNREFUSED
			c.ready(aio.Writable)
			box.expect(e, "made", "error", "error")
			if !slices.Equal(c.out, []string{"three"}) || tr.IsClosing() {
				t.Errorf("sent %q", c.out)
			}
			mistake := errors.New("a mistake")
			c.outErr = mistake
			tr.SendTo([]byte("four"), netip.AddrPort{})
			e.expectReport("sending failed")
			e.settle(ctx)
			if box.err != mistake {
				t.Errorf("lost with %v", box.err)
			}
			for i := range 2 * patientSends {
				tr.SendTo([]byte("into the void"), netip.AddrPort{})
				if reported := len(e.reports) > 0; reported != (i+1 >= patientSends) {
					t.Errorf("after %d datagrams: %v", i+1, e.reports)
				}
			}
			e.expectReport("5 datagrams were sent after the endpoint had failed")
		})
	free := &postbox{}
	withFakeDatagram(t, false, free,
		func(ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport) {
			c.outErr = syscall.ECONNREFUSED
			tr.SendTo([]byte("one"), someone)
			free.expect(e, "made")
			c.outErr = syscall.ENETUNREACH
			tr.SendTo([]byte("one"), someone)
			free.expect(e, "made", "error")
		})
}

func TestAPanicOfADatagramProtocolEndsItsEndpoint(t *testing.T) {
	for _, method := range []string{"ConnectionMade", "DatagramReceived", "ErrorReceived"} {
		box := &postbox{}
		boom := func() { panic("boom") }
		if method == "ConnectionMade" {
			box.onMade = boom
		}
		withFakeDatagram(t, true, box, func(
			ctx context.Context, e *env, c *fakeDatagram, tr *datagramTransport,
		) {
			switch method {
			case "DatagramReceived":
				box.onMail = boom
				c.in = []any{"x", "y"}
				c.ready(aio.Readable)
			case "ErrorReceived":
				tr.SetProtocol(panicky{box})
				c.outErr = syscall.ENETUNREACH
				tr.SendTo(nil, netip.AddrPort{})
			}
			e.settle(ctx)
			var p *aio.PanicError
			if err := e.expectReport("the protocol's " + method + " panicked"); !errors.As(err, &p) ||
				box.err != err {
				t.Errorf("%s: reported %v, lost with %v", method, err, box.err)
			}
		})
	}
}

type panicky struct{ *postbox }

func (panicky) ErrorReceived(error) { panic("boom") }
