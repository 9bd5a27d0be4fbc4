package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
)

// expectPanic expects fn to panic with a message that contains text.
func expectPanic(t *testing.T, text string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if s, ok := v.(string); !ok || !strings.Contains(s, text) {
			t.Errorf("panic %v, want one with %q", v, text)
		}
	}()
	fn()
}

// serveEcho starts a server on address whose protocols echo.
func serveEcho(ctx context.Context, e *env, network, address string, opts ...Option) *Server {
	e.t.Helper()
	s, err := Listen(ctx, network, address, func() Protocol { return &echoer{} }, opts...)
	e.ok(err)
	return s
}

// Conformance: CN-001, CN-020, TR-001.
func TestAClientAndAServerTalk(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			client, server := &recorder{name: "client"}, &recorder{name: "server"}
			ct, st := pair(ctx, e, client, server)
			client.expect(e, "made")
			if client.t != ct || ct.Protocol() != client || ct.Loop() != e.loop {
				t.Error("the transport returned is not the protocol's")
			}
			if ct.LocalAddr().String() != st.RemoteAddr().String() ||
				ct.RemoteAddr().String() != st.LocalAddr().String() {
				t.Errorf("client %v -> %v, server %v -> %v",
					ct.LocalAddr(), ct.RemoteAddr(), st.LocalAddr(), st.RemoteAddr())
			}
			if _, ok := ct.LocalAddr().(*net.TCPAddr); !ok {
				t.Errorf("LocalAddr is a %T", ct.LocalAddr())
			}
			if _, secured := ct.TLSConnectionState(); secured {
				t.Error("it claims to be secured")
			}
			ct.Write([]byte("ping"))
			server.awaitData(ctx, e, "ping")
			st.Write([]byte("pong"))
			client.awaitData(ctx, e, "pong")
			ct.Close()
			e.ok(client.awaitLost(ctx, e))
			e.ok(server.awaitLost(ctx, e))
			client.expect(e, "made", "lost")
			server.expect(e, "made", "eof", "lost")
			if ct.LocalAddr().String() != st.RemoteAddr().String() {
				t.Error("the addresses are gone")
			}
		})
	})
}

func TestHalfCloseLeavesTheOtherDirectionOpen(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			client, server := &recorder{name: "client"}, &recorder{name: "server", keep: true}
			ct, st := pair(ctx, e, client, server)
			ct.Write([]byte("question"))
			ct.WriteEOF()
			server.await(ctx, e, "eof", func() bool { return slices.Contains(server.log, "eof") })
			server.awaitData(ctx, e, "question")
			st.Write([]byte("answer"))
			st.Close()
			e.ok(client.awaitLost(ctx, e))
			client.awaitData(ctx, e, "answer")
			e.ok(server.awaitLost(ctx, e))
		})
	})
}

func TestABulkTransferIsWholeAndPaced(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			const size = 8 << 20
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i ^ i>>8 ^ i>>16)
			}
			client, server := &recorder{name: "client"}, &recorder{name: "server"}
			ct, st := pair(ctx, e, client, server)
			st.PauseReading()
			ct.Write(data)
			ct.Close() // sends all of it
			if !slices.Contains(client.log, "pause") {
				t.Error("the writer was not asked to pause")
			}
			e.settle(ctx)
			if len(server.data) != 0 {
				t.Error("received while paused")
			}
			st.ResumeReading()
			e.ok(server.awaitLost(ctx, e))
			e.ok(client.awaitLost(ctx, e))
			if !bytes.Equal(server.data, data) {
				t.Errorf("received %d bytes of %d, or others", len(server.data), size)
			}
		})
	})
}

func TestAbortDropsWhatThePeerDidNotTake(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			client, server := &recorder{name: "client"}, &recorder{name: "server"}
			ct, st := pair(ctx, e, client, server)
			st.PauseReading()
			ct.Write(make([]byte, 32<<20))
			if ct.WriteBufferSize() == 0 {
				t.Fatal("the socket took everything")
			}
			ct.Close()
			e.settle(ctx)
			client.expect(e, "made", "pause")
			ct.Abort()
			e.ok(client.awaitLost(ctx, e))
			st.ResumeReading()
			server.awaitLost(ctx, e)
			if len(server.data) >= 32<<20 {
				t.Error("the peer received everything")
			}
		})
	})
}

// Conformance: TR-012.
func TestAResetReachesTheProtocolAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			e.ok(err)
			defer ln.Close()
			p := &recorder{name: "client"}
			_, err = Connect(ctx, "tcp", ln.Addr().String(), p)
			e.ok(err)
			c, err := ln.Accept()
			e.ok(err)
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
			err = p.awaitLost(ctx, e)
			var op *net.OpError
			if !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &op) || op.Op != "read" {
				t.Errorf("ConnectionLost(%v), want connection reset", err)
			}
			p.expect(e, "made", "lost")
		})
	})
}

func TestAReportOfTheEndComesWithTheLastBytes(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			e.ok(err)
			defer ln.Close()
			p := &recorder{name: "client"}
			p.onMade = func() { p.t.PauseReading() }
			tr, err := Connect(ctx, "tcp", ln.Addr().String(), p)
			e.ok(err)
			c, err := ln.Accept()
			e.ok(err)
			c.Write([]byte("all at once"))
			c.Close()
			e.settle(ctx)
			tr.ResumeReading()
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "eof", "lost")
			p.awaitData(ctx, e, "all at once")
		})
	})
}

// Conformance: CN-002.
func TestLocalAddress(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			defer s.Close()
			server := s.Addrs()[0].String()
			local := looptest.FreeAddress(t)
			p := &recorder{}
			tr, err := Connect(ctx, "tcp", server, p, LocalAddress(local))
			e.ok(err)
			if got := tr.LocalAddr().String(); got != local {
				t.Errorf("connected from %s, want %s", got, local)
			}
			_, err = Connect(ctx, "tcp", server, &recorder{}, LocalAddress(server))
			if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), server) {
				t.Errorf("got %v, want address in use, with the address", err)
			}
			tr.Abort()
			p.awaitLost(ctx, e)
		})
	})
}

// Conformance: CN-003.
func TestLocalAddressesOfTheOtherVersionAreSkipped(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		n := &fakeNetwork{names: map[string][]string{
			"here.test": {"::1", "127.0.0.2"}, "six.test": {"::1"},
		}}
		ctx = WithNetwork(ctx, n)
		_, err := Connect(ctx, "tcp", "127.0.0.1:80", &recorder{}, LocalAddress("here.test:7"))
		if want := []string{"127.0.0.2:7>127.0.0.1:80"}; !slices.Equal(n.dialed, want) {
			t.Errorf("dialed %q, want %q (%v)", n.dialed, want, err)
		}
		n.dialed = nil
		_, err = Connect(ctx, "tcp", "127.0.0.1:80", &recorder{}, LocalAddress("six.test:7"))
		var op *net.OpError
		if !errors.As(err, &op) || len(n.dialed) != 0 {
			t.Errorf("got %v after dialing %q", err, n.dialed)
		}
	})
}

// fakeNetwork resolves names from a table and refuses every connection, each address in its own
// way.
type fakeNetwork struct {
	names   map[string][]string
	lookups []string
	dialed  []string
	fail    map[string]error
	conn    Conn // what Dial returns, if not nil
	onDial  func()
	ln      *fakeListener
}

func (n *fakeNetwork) Dial(
	ctx context.Context, network, address string, o DialOptions,
) (Conn, error) {
	if o.LocalAddr.IsValid() {
		n.dialed = append(n.dialed, o.LocalAddr.String()+">"+address)
	} else {
		n.dialed = append(n.dialed, address)
	}
	call(n.onDial)
	if n.conn != nil {
		return n.conn, nil
	}
	if err, ok := n.fail[address]; ok {
		return nil, err
	}
	return nil, syscall.ECONNREFUSED
}

func (n *fakeNetwork) Listen(
	ctx context.Context, network, address string, o ListenOptions,
) (Listener, error) {
	if n.ln == nil {
		return nil, errors.New("no listener")
	}
	return n.ln, nil
}

func (n *fakeNetwork) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	n.lookups = append(n.lookups, host)
	texts, ok := n.names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var ips []netip.Addr
	for _, s := range texts {
		ips = append(ips, netip.MustParseAddr(s))
	}
	return ips, nil
}

// Conformance: CN-004, CN-005.
func TestSeveralAddressesFailInOneError(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		n := &fakeNetwork{
			names: map[string][]string{"many.test": {"127.0.0.1", "127.0.0.2", "127.0.0.3"}},
			fail: map[string]error{
				"127.0.0.2:80": syscall.EHOSTUNREACH,
			},
		}
		ctx = WithNetwork(ctx, n)
		_, err := Connect(ctx, "tcp", "many.test:80", &recorder{})
		want := []string{"127.0.0.1:80", "127.0.0.2:80", "127.0.0.3:80"}
		if !slices.Equal(n.dialed, want) {
			t.Errorf("dialed %q, want %q", n.dialed, want)
		}
		var all *ConnectError
		if !errors.As(err, &all) || len(all.Errs) != 3 || all.Address != "many.test:80" {
			t.Fatalf("got %v", err)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("%v is neither", err)
		}
		for _, text := range []string{"many.test:80", syscall.ECONNREFUSED.Error(),
			syscall.EHOSTUNREACH.Error()} {
			if strings.Count(err.Error(), text) != 1 {
				t.Errorf("%q does not name %q once", err, text)
			}
		}
	})
}

func TestARefusedConnection(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			p := &recorder{}
			address := looptest.FreeAddress(t)
			_, err := Connect(ctx, "tcp", address, p)
			var op *net.OpError
			if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) ||
				!strings.Contains(err.Error(), address) {
				t.Errorf("got %v, want connection refused, with the address", err)
			}
			p.expect(e)
		})
	})
}

func TestAConnectThatIsCancelledBeforehandDoesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			defer s.Close()
			cctx, cancel := aio.WithCancelCause(ctx)
			cancel(nil)
			p := &recorder{}
			_, err := Connect(cctx, "tcp", s.Addrs()[0].String(), p)
			if !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("got %v, want a cancellation", err)
			}
			e.settle(ctx)
			if hubOf(e.loop).first != nil && hubOf(e.loop).first.server == nil {
				t.Error("a transport is left")
			}
		})
	})
}

func TestConnectingInACallbackPanics(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		here, there := net.Pipe()
		defer there.Close()
		defer here.Close()
		e.loop.CallSoon(func() {
			expectPanic(t, "outside a task", func() {
				Connect(e.loop.Context(), "tcp", "127.0.0.1:1", &recorder{})
			})
			expectPanic(t, "outside a task", func() { Adopt(e.loop.Context(), here, &recorder{}) })
		})
		e.settle(ctx)
	})
}

func TestAConnectCancelledWhenTheConnectionStandsAbortsIt(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c, p := newFake(e), &recorder{}
		n := &fakeNetwork{conn: c}
		task := aio.Start(WithNetwork(ctx, n), func(ctx context.Context) error {
			_, err := Connect(ctx, "tcp", "127.0.0.1:80", p)
			return err
		})
		n.onDial = func() { e.loop.CallSoon(func() { task.Cancel(nil) }) }
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v, want a cancellation", err)
		}
		e.settle(ctx)
		if !c.closed {
			t.Error("the connection was not closed")
		}
		p.expect(e, "made", "lost")
	})
}

// Conformance: CN-007, CN-008, CN-015, CN-016, CN-017, US-006, US-009.
func TestArgumentsThatMakeNoSensePanic(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		factory := func() Protocol { return &recorder{} }
		expectPanic(t, "Connect: the protocol is nil", func() { Connect(ctx, "tcp", "127.0.0.1:1", nil) })
		expectPanic(t, "Connect: \"udp\"", func() { Connect(ctx, "udp", "127.0.0.1:1", &recorder{}) })
		expectPanic(t, "Listen: \"udp\"", func() { Listen(ctx, "udp", "127.0.0.1:1", factory) })
		expectPanic(t, "Listen: the protocol factory is nil", func() {
			Listen(ctx, "tcp", "127.0.0.1:0", nil)
		})
		expectPanic(t, "Adopt: the connection is nil", func() { Adopt(ctx, nil, &recorder{}) })
		expectPanic(t, "AdoptListener: the listener is nil", func() { AdoptListener(ctx, nil, factory) })
		expectPanic(t, "LocalAddress", func() {
			Connect(ctx, "unix", "/nowhere", &recorder{}, LocalAddress("127.0.0.1:0"))
		})
		expectPanic(t, "Backlog", func() { Backlog(0) })
		name := optionFunc(func(o *options) { o.serverName = "example.org" })
		patience := optionFunc(func(o *options) { o.handshakeTimeout = time.Second })
		expectPanic(t, "server name without TLS", func() {
			Connect(ctx, "tcp", "127.0.0.1:1", &recorder{}, name)
		})
		expectPanic(t, "handshake timeout without TLS", func() {
			Connect(ctx, "tcp", "127.0.0.1:1", &recorder{}, patience)
		})
		expectPanic(t, "handshake timeout without TLS", func() {
			Listen(ctx, "tcp", "127.0.0.1:0", factory, patience)
		})
		secure := TLS(&tls.Config{})
		expectPanic(t, "TLS without a host name", func() {
			Connect(ctx, "tcp", ":1", &recorder{}, secure)
		})
		expectPanic(t, "TLS without a host name", func() {
			Connect(ctx, "unix", "/nowhere", &recorder{}, secure)
		})
		here, there := net.Pipe()
		defer there.Close()
		defer here.Close()
		expectPanic(t, "TLS without a host name", func() { Adopt(ctx, here, &recorder{}, secure) })
		expectPanic(t, "WithNetwork", func() { WithNetwork(ctx, nil) })
	})
}

// Conformance: CN-009, CN-012, CN-013.
func TestNamesThatDoNotResolve(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		n := &fakeNetwork{names: map[string][]string{"empty.test": {}, "six.test": {"::1"}}}
		ctx = WithNetwork(ctx, n)
		factory := func() Protocol { return &recorder{} }
		for _, tc := range []struct{ network, address string }{
			{"tcp", "unknown.test:80"},
			{"tcp", "empty.test:80"},
			{"tcp4", "six.test:80"},
			{"tcp4", "[::1]:80"},
			{"tcp", "127.0.0.1:no-such-service-here"},
			{"tcp", "127.0.0.1:65536"},
			{"tcp", "127.0.0.1:-1"},
			{"tcp", "127.0.0.1"},
		} {
			var op *net.OpError
			if _, err := Connect(ctx, tc.network, tc.address, &recorder{}); !errors.As(err, &op) {
				t.Errorf("Connect to %s: %v, want a *net.OpError", tc.address, err)
			}
			if _, err := Listen(ctx, tc.network, tc.address, factory); !errors.As(err, &op) {
				t.Errorf("Listen on %s: %v, want a *net.OpError", tc.address, err)
			}
		}
		if len(n.dialed) != 0 {
			t.Errorf("dialed %q", n.dialed)
		}
	})
}

// Conformance: CN-010, CN-011, CN-012, CN-013.
func TestLiteralAddressesMakeNoLookup(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		n := &fakeNetwork{}
		ctx = WithNetwork(ctx, n)
		for address, want := range map[string]string{
			"127.0.0.1:80":        "127.0.0.1:80",
			"[::1]:80":            "[::1]:80",
			"[::ffff:1.2.3.4]:80": "1.2.3.4:80",
			"[fe80::1%lo]:80":     "[fe80::1%lo]:80",
			"127.0.0.1:http":      "127.0.0.1:80",
			"127.0.0.1:":          "127.0.0.1:0",
		} {
			n.dialed = nil
			Connect(ctx, "tcp", address, &recorder{})
			if !slices.Equal(n.dialed, []string{want}) {
				t.Errorf("%s: dialed %q, want %q", address, n.dialed, want)
			}
		}
		n.dialed = nil
		Connect(ctx, "tcp", ":80", &recorder{})
		if want := []string{"127.0.0.1:80", "[::1]:80"}; !slices.Equal(n.dialed, want) {
			t.Errorf("empty host: dialed %q, want %q", n.dialed, want)
		}
		if len(n.lookups) != 0 {
			t.Errorf("looked up %q", n.lookups)
		}
	})
}

// Conformance: CN-033.
func TestLookupRunsOffTheLoop(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ran := false
			e.loop.CallSoon(func() { ran = true })
			ips, err := n.LookupHost(ctx, "localhost")
			e.ok(err)
			if len(ips) == 0 || !ips[0].IsLoopback() {
				t.Errorf("localhost is %v", ips)
			}
			if !ran {
				t.Error("the loop stood still")
			}
		})
	})
}

func TestConnectByName(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp4", "127.0.0.1:0")
			defer s.Close()
			p := &recorder{}
			_, port, _ := net.SplitHostPort(s.Addrs()[0].String())
			tr, err := Connect(ctx, "tcp4", "localhost:"+port, p)
			e.ok(err)
			tr.Write([]byte("hello"))
			p.awaitData(ctx, e, "hello")
			tr.Close()
			p.awaitLost(ctx, e)
		})
	})
}

// Conformance: CN-018, CN-019.
func TestAConnectionMadeElsewhereIsAdopted(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			e.ok(err)
			defer ln.Close()
			there, err := net.Dial("tcp", ln.Addr().String())
			e.ok(err)
			here, err := ln.Accept()
			e.ok(err)
			testAdopted(ctx, e, here, there)
		})
	})
	t.Run("a net.Pipe", func(t *testing.T) {
		inLoop(t, nil, func(ctx context.Context, e *env) {
			here, there := net.Pipe()
			testAdopted(ctx, e, here, there)
		})
	})
}

func testAdopted(ctx context.Context, e *env, here, there net.Conn) {
	e.t.Helper()
	server, client := &recorder{name: "server", echo: true}, &recorder{name: "client"}
	local := here.LocalAddr().String()
	st, err := Adopt(ctx, here, server)
	e.ok(err)
	server.expect(e, "made")
	if st.LocalAddr().String() != local {
		e.t.Errorf("the local address is %v, was %v", st.LocalAddr(), local)
	}
	ct, err := Adopt(ctx, there, client)
	e.ok(err)
	if _, half := there.(closeWriter); ct.CanWriteEOF() != half {
		e.t.Errorf("CanWriteEOF is %v", ct.CanWriteEOF())
	} else if !half {
		expectPanic(e.t, "WriteEOF", ct.WriteEOF)
	}
	ct.Write([]byte("hello"))
	client.awaitData(ctx, e, "hello")
	ct.Close()
	e.ok(client.awaitLost(ctx, e))
	e.ok(server.awaitLost(ctx, e))
	server.expect(e, "made", "eof", "lost")
}

func TestAUDPSocketIsNotAdoptedAsAConnection(t *testing.T) {
	looptest.NeedUDP(t)
	inLoop(t, nil, func(ctx context.Context, e *env) {
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		e.ok(err)
		defer udp.Close()
		expectPanic(t, "Adopt: a udp socket", func() { Adopt(ctx, udp, &recorder{}) })
	})
}

// Conformance: US-001, US-002.
func TestUnixSockets(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onEach(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			var server recorder
			s, err := Listen(ctx, "unix", path, func() Protocol { return &server })
			e.ok(err)
			client := &recorder{}
			tr, err := Connect(ctx, "unix", path, client)
			e.ok(err)
			if tr.RemoteAddr().String() != path || tr.RemoteAddr().Network() != "unix" ||
				s.Addrs()[0].String() != path {
				t.Errorf("connected to %v, server on %v", tr.RemoteAddr(), s.Addrs())
			}
			tr.Write([]byte("hello"))
			server.awaitData(ctx, e, "hello")
			tr.Close()
			e.ok(server.awaitLost(ctx, e))
			e.ok(client.awaitLost(ctx, e))
			s.Close()
			e.ok(s.WaitClosed(ctx))
			_, err = Connect(ctx, "unix", path, client)
			if !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want no such file, with the path", err)
			}
		})
	})
}

// Conformance: BP-001.
func TestABufferedProtocolReceivesThroughItsOwnBuffer(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			client := &buffered{recorder: &recorder{name: "client"}, size: 4096}
			server := &recorder{name: "server"}
			ct, st := pair(ctx, e, client, server)
			data := strings.Repeat("012345678", 1000)
			client.onData = func([]byte) {
				if len(client.data) == len(data) {
					ct.Write([]byte("done"))
				}
			}
			st.Write([]byte(data))
			server.awaitData(ctx, e, "done")
			client.awaitData(ctx, e, data)
			if client.updates < 3 || client.gets < client.updates {
				t.Errorf("%d GetBuffer, %d BufferUpdated", client.gets, client.updates)
			}
			st.Close()
			e.ok(client.awaitLost(ctx, e))
			e.ok(server.awaitLost(ctx, e))
		})
	})
}

func TestConnectionsLeftOpenEndWithTheirLoop(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		client, server := &recorder{}, &recorder{}
		inLoop(t, n, func(ctx context.Context, e *env) {
			ct, _ := pair(ctx, e, client, server)
			ct.Write(make([]byte, 1<<20))
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			_ = s // left open, too
		})
		for _, p := range []*recorder{client, server} {
			if !p.lost || p.err != aio.ErrLoopClosed {
				t.Errorf("ConnectionLost(%v), want ErrLoopClosed", p.err)
			}
		}
	})
}

func TestAClosedConnSaysSo(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ct, _ := pair(ctx, e, &recorder{}, &recorder{})
			c := ct.(*selectorTransport).conn
			ct.Abort()
			e.settle(ctx)
			e.ok(c.Close())
			_, rerr := c.TryRead(make([]byte, 1))
			_, werr := c.TryWrite(make([]byte, 1))
			for i, err := range []error{rerr, werr, c.CloseWrite(), c.Start(func(aio.Interest) {})} {
				var op *net.OpError
				if !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) {
					t.Errorf("call %d: %v, want net.ErrClosed", i, err)
				}
			}
		})
	})
}

func TestAClosedListenerSaysSo(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := n.Listen(ctx, "tcp", "127.0.0.1:0", ListenOptions{})
			e.ok(err)
			address := ln.Addr().String()
			e.ok(ln.Close())
			e.ok(ln.Close())
			if _, err := ln.TryAccept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("TryAccept: %v, want net.ErrClosed", err)
			}
			if err := ln.Start(func() {}); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Start: %v, want net.ErrClosed", err)
			}
			if ln.Addr().String() != address {
				t.Error("the address is gone")
			}
		})
	})
}

func TestANetworkTakesLiteralAddressesOnly(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			for _, tc := range [][2]string{{"tcp", "localhost:80"}, {"tcp4", "[::1]:80"},
				{"tcp6", "127.0.0.1:80"}, {"tcp", "127.0.0.1"}} {
				var op *net.OpError
				if _, err := n.Dial(ctx, tc[0], tc[1], DialOptions{}); !errors.As(err, &op) {
					t.Errorf("Dial %q: %v, want a *net.OpError", tc, err)
				}
				if _, err := n.Listen(ctx, tc[0], tc[1], ListenOptions{}); !errors.As(err, &op) {
					t.Errorf("Listen %q: %v, want a *net.OpError", tc, err)
				}
			}
		})
	})
}

// closeCounter is a net.Conn that counts its closes.
type closeCounter struct {
	net.Conn
	n int
}

func (c *closeCounter) Close() error { c.n++; return nil }

func TestAnAttemptNobodyWaitsForIsClosed(t *testing.T) {
	t.Run("when it comes", func(t *testing.T) {
		var a attempt
		var c closeCounter
		a.abandon()
		a.put(&c, nil)
		if c.n != 1 {
			t.Errorf("closed %d times", c.n)
		}
	})
	t.Run("when it is abandoned", func(t *testing.T) {
		var a attempt
		var c closeCounter
		a.put(&c, nil)
		a.abandon()
		if c.n != 1 {
			t.Errorf("closed %d times", c.n)
		}
	})
	t.Run("unless it was taken", func(t *testing.T) {
		var a attempt
		var c closeCounter
		a.put(&c, nil)
		a.take()
		a.abandon()
		if c.n != 0 {
			t.Errorf("closed %d times", c.n)
		}
	})
}
