package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/looptest"
)

// newSocketFor makes a socket that is closed with the test's loop.
func newSocketFor(ctx context.Context, e *env, network string) *Socket {
	e.t.Helper()
	s, err := NewSocket(ctx, network)
	e.ok(err)
	return s
}

// listeningSocket returns one on a free port, or a path.
func listeningSocket(ctx context.Context, e *env, network string) (s *Socket, address string) {
	e.t.Helper()
	s = newSocketFor(ctx, e, network)
	address = "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(e.t.TempDir(), "s")
	}
	e.ok(s.Bind(address))
	e.ok(s.Listen(10))
	return s, s.LocalAddr().String()
}

// socketPair returns two ends of a stream.
func socketPair(ctx context.Context, e *env) (a, b *Socket) {
	e.t.Helper()
	l, address := listeningSocket(ctx, e, "tcp4")
	a = newSocketFor(ctx, e, "tcp4")
	e.ok(a.Connect(ctx, address))
	b, err := l.Accept(ctx)
	e.ok(err)
	e.ok(l.Close())
	return a, b
}

// waitsIn lets the loop run until n tasks wait on s.
func (s *Socket) waitsIn(ctx context.Context, e *env, n int) {
	e.t.Helper()
	for len(s.waiting) != n {
		e.turn(ctx)
	}
}

// Conformance: SK-001, SK-009.
func TestSocketsConnectSendAndReceive(t *testing.T) {
	for _, network := range []string{"tcp4", "unix"} {
		t.Run(network, func(t *testing.T) {
			inLoop(t, nil, func(ctx context.Context, e *env) {
				l, address := listeningSocket(ctx, e, network)
				serving := aio.Start(ctx, func(ctx context.Context) error {
					c, err := l.Accept(ctx)
					if err != nil {
						return err
					}
					defer c.Close()
					if c.calls.isBlocking() {
						t.Error("what was accepted would block")
					}
					buf := make([]byte, 100)
					n, err := c.Recv(ctx, buf)
					if err != nil {
						return err
					}
					_, err = c.SendAll(ctx, bytes.ToUpper(buf[:n]))
					return err
				})
				s := newSocketFor(ctx, e, network)
				e.ok(s.Connect(ctx, address))
				if got := s.RemoteAddr().String(); got != address {
					t.Errorf("the peer is %s, want %s", got, address)
				}
				n, err := s.SendAll(ctx, []byte("hello"))
				if e.ok(err); n != 5 {
					t.Errorf("sent %d bytes", n)
				}
				buf := make([]byte, 100)
				n, err = s.Recv(ctx, buf)
				if e.ok(err); string(buf[:n]) != "HELLO" {
					t.Errorf("received %q", buf[:n])
				}
				if n, err = s.Recv(ctx, buf); n != 0 || err != io.EOF {
					t.Errorf("at the end: %d, %v", n, err)
				}
				_, err = serving.Await(ctx)
				e.ok(err)
				e.ok(s.Close())
				e.ok(s.Close())
				e.ok(l.Close())
			})
		})
	}
}

// Conformance: SK-002.
func TestAReceiveThatWasCancelledTakesNothing(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		buf := make([]byte, 10)
		first := aio.Start(ctx, func(ctx context.Context) error {
			_, err := a.Recv(ctx, make([]byte, 10))
			return err
		})
		a.waitsIn(ctx, e, 1)
		first.Cancel(nil)
		_, err := b.SendAll(ctx, []byte("data"))
		e.ok(err)
		if _, err := first.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the first: %v", err)
		}
		n, err := a.Recv(ctx, buf)
		if e.ok(err); string(buf[:n]) != "data" {
			t.Errorf("received %q", buf[:n])
		}
	})
}

// Conformance: SK-003.
func TestASendThatWasCancelledIsNotContinued(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		data := pattern(8 << 20)
		sent := 0
		first := aio.Start(ctx, func(ctx context.Context) (err error) {
			sent, err = a.SendAll(ctx, data)
			return err
		})
		a.waitsIn(ctx, e, 1)
		first.Cancel(nil)
		if _, err := first.Await(ctx); !errors.Is(err, aio.ErrCancelled) || sent <= 0 ||
			sent >= len(data) {
			t.Errorf("the first sent %d: %v", sent, err)
		}
		second := aio.Start(ctx, func(ctx context.Context) error {
			_, err := a.SendAll(ctx, []byte("new"))
			a.Close()
			return err
		})
		got := receiveAll(ctx, e, b)
		_, err := second.Await(ctx)
		e.ok(err)
		if !bytes.Equal(got, append(data[:sent:sent], "new"...)) {
			t.Errorf("received %d bytes, want %d and 3, or other ones", len(got), sent)
		}
	})
}

func receiveAll(ctx context.Context, e *env, s *Socket) (all []byte) {
	e.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := s.Recv(ctx, buf)
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return all
		}
		e.ok(err)
	}
}

// Conformance: SK-004.
func TestAConnectThatWasCancelledCanBeMadeAgain(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		l, address := listeningSocket(ctx, e, "tcp4")
		s := newSocketFor(ctx, e, "tcp4")
		first := aio.Start(ctx, func(ctx context.Context) error { return s.Connect(ctx, address) })
		s.waitsIn(ctx, e, 1)
		first.Cancel(nil)
		if _, err := first.Await(ctx); !errors.Is(err, aio.ErrCancelled) || s.watch != nil {
			t.Errorf("the first: %v; watched: %v", err, s.watch != nil)
		}
		e.ok(s.Connect(ctx, address))
		_, err := s.SendAll(ctx, []byte("x"))
		e.ok(err)
		c, err := l.Accept(ctx)
		e.ok(err)
		n, err := c.Recv(ctx, make([]byte, 1))
		if e.ok(err); n != 1 {
			t.Errorf("received %d bytes", n)
		}
		if err := s.Connect(ctx, "127.0.0.1:1"); !errors.Is(err, syscall.EISCONN) {
			t.Errorf("to somebody else: %v", err)
		}
	})
}

// Conformance: SK-005.
func TestMuchDataArrivesWholeAndInOrder(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		data := pattern(1 << 20)
		sending := aio.Start(ctx, func(ctx context.Context) error {
			defer a.Close()
			n, err := a.SendAll(ctx, data)
			if n != len(data) {
				t.Errorf("sent %d bytes", n)
			}
			return err
		})
		got := receiveAll(ctx, e, b)
		_, err := sending.Await(ctx)
		if e.ok(err); !bytes.Equal(got, data) {
			t.Errorf("received %d bytes of %d, or other ones", len(got), len(data))
		}
	})
}

// Conformance: SK-006.
func TestDatagramsCarryTheirSender(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := newSocketFor(ctx, e, "udp4"), newSocketFor(ctx, e, "udp4")
		e.ok(a.Bind("127.0.0.1:0"))
		e.ok(b.Bind("127.0.0.1:0"))
		address := func(s *Socket) netip.AddrPort {
			return netip.MustParseAddrPort(s.LocalAddr().String())
		}
		receiving := aio.Start(ctx, func(ctx context.Context) error {
			buf := make([]byte, 100)
			n, from, err := b.RecvFrom(ctx, buf)
			if string(buf[:n]) != "question" || from != address(a) {
				t.Errorf("received %q from %v", buf[:n], from)
			}
			if err != nil {
				return err
			}
			return b.SendTo(ctx, []byte("a long answer"), from)
		})
		e.ok(a.SendTo(ctx, []byte("question"), address(b)))
		small := make([]byte, 6)
		n, from, err := a.RecvFrom(ctx, small)
		if e.ok(err); string(small[:n]) != "a long" || from != address(b) {
			t.Errorf("received %q from %v", small[:n], from)
		}
		_, err = receiving.Await(ctx)
		e.ok(err)
		// Connected, and empty: no end of a stream.
		e.ok(a.Connect(ctx, b.LocalAddr().String()))
		_, err = a.SendAll(ctx, nil)
		e.ok(err)
		if n, err := b.Recv(ctx, small); n != 0 || err != nil {
			t.Errorf("an empty datagram: %d, %v", n, err)
		}
	})
}

// fullSocket has no room for datagrams at first.
type fullSocket struct {
	socketCalls
	full  int
	tries int
}

func (s *fullSocket) sendTo(p []byte, to netip.AddrPort) error {
	if s.tries++; s.tries <= s.full {
		return ErrWouldBlock
	}
	return s.socketCalls.sendTo(p, to)
}

// Conformance: SK-007.
func TestADatagramThatHasNoRoomIsSentWhenThereIs(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := newSocketFor(ctx, e, "udp4"), newSocketFor(ctx, e, "udp4")
		e.ok(b.Bind("127.0.0.1:0"))
		full := &fullSocket{socketCalls: a.calls, full: 2}
		a.calls = full
		e.ok(a.SendTo(ctx, []byte("late"), netip.MustParseAddrPort(b.LocalAddr().String())))
		buf := make([]byte, 10)
		n, err := b.Recv(ctx, buf)
		if e.ok(err); string(buf[:n]) != "late" || full.tries != 3 || a.watch != nil {
			t.Errorf("received %q after %d tries", buf[:n], full.tries)
		}
	})
}

// Conformance: SK-008.
func TestAPortNobodyListensOnRefuses(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		s := newSocketFor(ctx, e, "tcp4")
		address := looptest.FreeAddress(t)
		err := s.Connect(ctx, address)
		var op *net.OpError
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) || op.Addr.String() != address {
			t.Errorf("err %v", err)
		}
		unix := newSocketFor(ctx, e, "unix")
		if err := unix.Connect(ctx, filepath.Join(t.TempDir(), "none")); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("no such path: %v", err)
		}
	})
}

// Conformance: SK-010.
func TestAnAcceptThatTimedOutLeavesNothingListening(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		l, address := listeningSocket(ctx, e, "tcp4")
		err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
			_, err := l.Accept(ctx)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("accept: %v", err)
		}
		e.ok(l.Close())
		err = newSocketFor(ctx, e, "tcp4").Connect(ctx, address)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connect: %v", err)
		}
	})
}

// Conformance: CN-034.
func TestASocketResolvesForItsOwnKind(t *testing.T) {
	n := &namesNetwork{ips: []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	inLoop(t, n, func(ctx context.Context, e *env) {
		l, address := listeningSocket(ctx, e, "tcp4")
		_, port, _ := net.SplitHostPort(address)
		s := newSocketFor(ctx, e, "tcp4")
		e.ok(s.Connect(ctx, "box.example:"+port))
		c, err := l.Accept(ctx)
		e.ok(err)
		if c.LocalAddr().String() != address {
			t.Errorf("accepted %v", c.LocalAddr())
		}
		d := newSocketFor(ctx, e, "udp6")
		if err := d.Connect(ctx, "box.example:9"); err == nil {
			if got := d.RemoteAddr(); got.String() != "[::1]:9" || got.Network() != "udp" {
				t.Errorf("connected to %v", got)
			}
		} else if !lacksIPv6(errno(err)) {
			t.Error(err)
		}
		n.ips = n.ips[:1]
		var missing *net.DNSError
		if err := newSocketFor(ctx, e, "tcp4").Connect(ctx, "box.example:1"); !errors.As(err, &missing) {
			t.Errorf("no address of the right kind: %v", err)
		}
	})
}

// errno finds the error number in err.
func errno(err error) error {
	var number syscall.Errno
	errors.As(err, &number)
	return number
}

// Conformance: DB-010, SF-017.
func TestABlockingSocketIsRefused(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		e.ok(err)
		if _, err := AdoptSocket(ctx, uintptr(fd)); !errors.Is(err, ErrBlockingSocket) {
			t.Errorf("adopted: %v", err)
		}
		e.ok(syscall.SetNonblock(fd, true))
		s, err := AdoptSocket(ctx, uintptr(fd))
		if e.ok(err); s.Network() != "tcp4" || s.Fd() != uintptr(fd) {
			t.Errorf("%s, %d", s.Network(), s.Fd())
		}
		e.ok(syscall.SetNonblock(fd, false))
		e.loop.SetDebug(true)
		buf := make([]byte, 1)
		for name, op := range map[string]func() error{
			"Connect":  func() error { return s.Connect(ctx, "127.0.0.1:1") },
			"Accept":   func() error { _, err := s.Accept(ctx); return err },
			"Recv":     func() error { _, err := s.Recv(ctx, buf); return err },
			"RecvFrom": func() error { _, _, err := s.RecvFrom(ctx, buf); return err },
			"SendAll":  func() error { _, err := s.SendAll(ctx, buf); return err },
			"SendTo":   func() error { return s.SendTo(ctx, buf, netip.MustParseAddrPort("127.0.0.1:1")) },
			"Sendfile": func() error { _, err := s.Sendfile(ctx, file(t, buf)); return err },
		} {
			if err := op(); !errors.Is(err, ErrBlockingSocket) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestWhatIsNoSocketIsNotAdopted(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		if _, err := AdoptSocket(ctx, file(t, nil).Fd()); !errors.Is(err, syscall.ENOTSOCK) {
			t.Errorf("a file: %v", err)
		}
		expectPanic(t, "no network for sockets", func() { NewSocket(ctx, "tcp") })
		expectPanic(t, "carries no byte stream", func() {
			newSocketFor(ctx, e, "udp4").Sendfile(ctx, file(t, nil))
		})
	})
	expectPanic(t, "aio: transport.NewSocket: no running event loop", func() {
		NewSocket(context.Background(), "tcp4")
	})
}

func TestClosingASocketEndsTheWaits(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, _ := socketPair(ctx, e)
		receiving := aio.Start(ctx, func(ctx context.Context) error {
			_, err := a.Recv(ctx, make([]byte, 1))
			return err
		})
		a.waitsIn(ctx, e, 1)
		e.ok(a.Close())
		if _, err := receiving.Await(ctx); !errors.Is(err, net.ErrClosed) {
			t.Errorf("received: %v", err)
		}
		if _, err := a.SendAll(ctx, []byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("sent: %v", err)
		}
		if a.LocalAddr() != nil || a.RemoteAddr() != nil {
			t.Error("it has addresses still")
		}
	})
}

// A task that receives is not woken because there is room to send, again and again.
func TestEachDirectionOfASocketWaitsForItself(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		data := pattern(8 << 20)
		var got []byte
		receiving := aio.Start(ctx, func(ctx context.Context) error {
			got = receiveAll(ctx, e, a)
			return nil
		})
		sending := aio.Start(ctx, func(ctx context.Context) error {
			_, err := a.SendAll(ctx, data)
			return err
		})
		a.waitsIn(ctx, e, 2)
		_, err := b.SendAll(ctx, []byte("there"))
		e.ok(err)
		e.ok(syscall.Shutdown(int(b.Fd()), syscall.SHUT_WR))
		_, err = receiving.Await(ctx)
		if e.ok(err); string(got) != "there" {
			t.Errorf("received %q", got)
		}
		wakes := 0
		for range 20 {
			wakes += len(a.waiting)
			e.turn(ctx)
		}
		if wakes != 20 || sending.Done() {
			t.Errorf("the sender waited in %d of 20 passes", wakes)
		}
		rest := make([]byte, 1<<20)
		for n := 0; n < len(data); {
			k, err := b.Recv(ctx, rest)
			e.ok(err)
			n += k
		}
		_, err = sending.Await(ctx)
		e.ok(err)
	})
}

// Conformance: SF-003, SF-004, SF-005, SF-006.
func TestASocketSendsFiles(t *testing.T) {
	for name, opts := range map[string][]SendfileOption{
		"native": {NativeOnly()},
		"copied": {Copied()},
	} {
		t.Run(name, func(t *testing.T) {
			inLoop(t, nil, func(ctx context.Context, e *env) {
				a, b := socketPair(ctx, e)
				data := pattern(3 << 20)
				f := file(t, data)
				sending := aio.Start(ctx, func(ctx context.Context) error {
					defer a.Close()
					if n, err := a.Sendfile(ctx, file(t, nil), opts...); n != 0 || err != nil {
						t.Errorf("an empty file: %d, %v", n, err)
					}
					a.SendAll(ctx, []byte("before"))
					n, err := a.Sendfile(ctx, f, append(opts, FileFrom(1000))...)
					if n != int64(len(data)-1000) {
						t.Errorf("sent %d bytes", n)
					}
					a.SendAll(ctx, []byte("after"))
					return err
				})
				got := receiveAll(ctx, e, b)
				_, err := sending.Await(ctx)
				e.ok(err)
				if !bytes.Equal(got, slices.Concat([]byte("before"), data[1000:], []byte("after"))) {
					t.Errorf("received %d bytes, or other ones", len(got))
				}
				if at := position(t, f); at != int64(len(data)) {
					t.Errorf("the file is at %d", at)
				}
			})
		})
	}
}

// Conformance: SF-019.
func TestACancelledTransferOfASocketLeavesThePoller(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		data := pattern(8 << 20)
		for range 3 {
			f := file(t, data)
			var sent int64
			sending := aio.Start(ctx, func(ctx context.Context) (err error) {
				sent, err = a.Sendfile(ctx, f)
				return err
			})
			a.waitsIn(ctx, e, 1)
			sending.Cancel(nil)
			if _, err := sending.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Fatal(err)
			}
			at := int64(3)
			if sent > 0 {
				at = sent
			}
			if position(t, f) != at {
				t.Errorf("sent %d, the file is at %d", sent, position(t, f))
			}
			e.ok(e.loop.AddWriter(a.Fd(), func() {})) // refused for a descriptor that a Watch looks after
			e.loop.RemoveWriter(a.Fd())
			_, err := b.Recv(ctx, make([]byte, 1<<20)) // some room for the next
			e.ok(err)
		}
	})
}

func TestTheErrorsOfASocketSayWhatFailedWhere(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		a, b := socketPair(ctx, e)
		e.ok(syscall.SetsockoptLinger(int(b.Fd()), syscall.SOL_SOCKET, syscall.SO_LINGER,
			&syscall.Linger{Onoff: 1}))
		b.Close()
		_, err := a.Recv(ctx, make([]byte, 1))
		for _, part := range []string{"read tcp4 127.0.0.1:", "read: connection reset by peer"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("err %v, want %q in it", err, part)
			}
		}
	})
}
