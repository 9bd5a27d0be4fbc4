package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// collect is a protocol factory that keeps its protocols.
type collect struct {
	made  []*recorder
	tasks []aio.Waiter
	setup func(*recorder)
}

func (c *collect) factory() Protocol {
	r := &recorder{name: "server"}
	if c.setup != nil {
		c.setup(r)
	}
	r.onMade = func() {
		c.made = append(c.made, r)
		for _, w := range c.tasks {
			w.Unpark()
		}
		c.tasks = nil
	}
	return r
}

// await suspends until n connections were made.
func (c *collect) await(ctx context.Context, e *env, n int) {
	e.t.Helper()
	for len(c.made) < n {
		w := aio.NewWaiter(ctx, "test", c)
		c.tasks = append(c.tasks, w)
		if err := w.Park(); err != nil {
			e.t.Fatalf("%d of %d connections were made: %v", len(c.made), n, err)
		}
	}
}

func connect(ctx context.Context, e *env, s *Server) *recorder {
	e.t.Helper()
	p := &recorder{name: "client"}
	a := s.Addrs()[0]
	_, err := Connect(ctx, a.Network(), a.String(), p)
	e.ok(err)
	return p
}

// Conformance: SV-003.
func TestAClosedServerDoesNotServe(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			address := s.Addrs()[0].String()
			if !s.IsServing() || !strings.Contains(s.String(), address) {
				t.Errorf("serving: %v, %v", s.IsServing(), s)
			}
			s.Close()
			s.Close()
			if s.IsServing() || s.Addrs()[0].String() != address || !strings.Contains(s.String(), "closed") {
				t.Errorf("serving: %v, %v", s.IsServing(), s)
			}
			for name, err := range map[string]error{
				"ServeForever": s.ServeForever(ctx), "StartServing": s.StartServing(),
			} {
				if !errors.Is(err, ErrServerClosed) || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v, want ErrServerClosed", name, err)
				}
			}
			if _, err := Connect(ctx, "tcp", address, &recorder{}); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v, want connection refused", err)
			}
			e.ok(s.WaitClosed(ctx))
		})
	})
}

func TestServeForeverEndsWithClose(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		s := serveEcho(ctx, e, "tcp", "127.0.0.1:0", StartServing(false))
		if s.IsServing() {
			t.Error("it is serving")
		}
		task := aio.Start(ctx, s.ServeForever)
		e.turn(ctx)
		if !s.IsServing() {
			t.Error("it is not serving")
		}
		expectPanic(t, "ServeForever", func() { s.ServeForever(ctx) })
		e.turn(ctx)
		s.Close()
		_, err := task.Await(ctx)
		e.ok(err)
	})
}

func TestServeForeverCancelledClosesTheServer(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
		client := connect(ctx, e, s)
		for s.Statistics().Accepted == 0 { // a connection that still waits goes with the listener
			e.turn(ctx)
		}
		task := aio.Start(ctx, s.ServeForever)
		e.turn(ctx)
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v, want a cancellation", err)
		}
		if s.IsServing() {
			t.Error("it is serving")
		}
		client.t.Write([]byte("still here"))
		client.awaitData(ctx, e, "still here")
		client.t.Close()
		e.ok(s.WaitClosed(ctx))
	})
}

// Conformance: SV-004.
func TestAServerCanBeStartedLater(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onEach(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "unix", path, StartServing(false))
			if s.IsServing() {
				t.Error("it is serving")
			}
			e.ok(s.StartServing())
			e.ok(s.StartServing())
			if !s.IsServing() {
				t.Error("it is not serving")
			}
			client := connect(ctx, e, s)
			client.t.Write([]byte("hello"))
			client.awaitData(ctx, e, "hello")
			client.t.Close()
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}

// Conformance: SV-005.
func TestAServerAsAScope(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
		var client *recorder
		failure := errors.New("the body's")
		err := s.Scope(ctx, func(ctx context.Context) error {
			client = connect(ctx, e, s)
			client.t.Write([]byte("hello"))
			client.awaitData(ctx, e, "hello")
			client.t.Close()
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
		if s.IsServing() || s.active != 0 || !client.lost {
			t.Errorf("serving: %v, clients: %d", s.IsServing(), s.active)
		}
	})
}

// Conformance: SV-006.
func TestWaitClosedWaitsForTheCloseAndTheLastConnection(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
			e.ok(err)
			client := connect(ctx, e, s)
			c.await(ctx, e, 1)
			one, two := aio.Start(ctx, s.WaitClosed), aio.Start(ctx, s.WaitClosed)
			cancelled := aio.Start(ctx, s.WaitClosed)
			e.settle(ctx)
			cancelled.Cancel(nil)
			if _, err := cancelled.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("got %v, want a cancellation", err)
			}
			if one.Done() {
				t.Fatal("the wait ended while the server was open")
			}
			s.Close()
			e.settle(ctx)
			if one.Done() || two.Done() {
				t.Fatal("the wait ended while a client was connected")
			}
			client.t.Close()
			for _, task := range []*aio.Task[aio.None]{one, two} {
				_, err := task.Await(ctx)
				e.ok(err)
			}
			if !c.made[0].lost {
				t.Error("the wait ended before ConnectionLost")
			}
			e.ok(s.WaitClosed(ctx)) // at once
		})
	})
}

// Conformance: SV-007.
func TestTheLastClientLeavesInThePassOfTheClose(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
			e.ok(err)
			connect(ctx, e, s)
			c.await(ctx, e, 1)
			e.loop.CallSoon(s.Close)
			e.loop.CallSoon(c.made[0].t.Close)
			e.ok(s.WaitClosed(ctx))
		})
	})
}

// Conformance: SV-008.
func TestCloseClientsEndsIdleConnections(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
			e.ok(err)
			clients := []*recorder{connect(ctx, e, s), connect(ctx, e, s)}
			c.await(ctx, e, 2)
			s.Close()
			s.CloseClients()
			task := aio.Start(ctx, s.WaitClosed)
			e.turn(ctx)
			e.turn(ctx)
			if !task.Done() {
				t.Error("the wait did not end within two passes")
			}
			for _, p := range clients {
				e.ok(p.awaitLost(ctx, e))
				p.expect(e, "made", "eof", "lost")
			}
			c.made[0].expect(e, "made", "lost")
		})
	})
}

// Conformance: SV-009.
func TestAbortClientsDropsUnsentData(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
			e.ok(err)
			client := connect(ctx, e, s)
			client.t.PauseReading()
			c.await(ctx, e, 1)
			tr := c.made[0].t
			tr.Write(make([]byte, 32<<20))
			if tr.WriteBufferSize() == 0 {
				t.Fatal("the socket took everything")
			}
			s.Close()
			s.CloseClients()
			e.settle(ctx)
			if c.made[0].lost {
				t.Error("the connection ended with data to send")
			}
			s.AbortClients()
			e.ok(s.WaitClosed(ctx))
			e.ok(c.made[0].err)
			client.t.Abort()
			client.awaitLost(ctx, e)
		})
	})
}

// Conformance: SV-010, US-001.
func TestTheSocketFileGoesWithTheServer(t *testing.T) {
	looptest.NeedUnixSockets(t)
	exists := func(path string) bool { _, err := os.Lstat(path); return err == nil }
	onBoth(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			serveEcho(ctx, e, "unix", path).Close()
			if exists(path) {
				t.Error("the file is still there")
			}

			s := serveEcho(ctx, e, "unix", path)
			e.ok(os.Remove(path))
			s.Close() // gone already: no complaint

			s = serveEcho(ctx, e, "unix", path)
			e.ok(os.Remove(path))
			e.ok(os.WriteFile(path, nil, 0o600))
			s.Close()
			if !exists(path) {
				t.Error("a file that took the place was removed")
			}
			e.ok(os.Remove(path))

			serveEcho(ctx, e, "unix", path, CleanupSocket(false)).Close()
			if !exists(path) {
				t.Error("the file was removed in spite of the option")
			}
		})
	})
}

// Conformance: US-003.
func TestAStaleSocketFileIsReplaced(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onEach(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			serveEcho(ctx, e, "unix", path, CleanupSocket(false)).Close()
			s := serveEcho(ctx, e, "unix", path)
			client := connect(ctx, e, s)
			client.t.Write([]byte("hello"))
			client.awaitData(ctx, e, "hello")
			client.t.Close()
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}

// Conformance: US-004, US-008.
func TestAPathThatCannotBeBound(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onBoth(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		dir := filepath.Dir(path)
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		inLoop(t, n, func(ctx context.Context, e *env) {
			factory := func() Protocol { return &recorder{} }
			before := leaktest.Descriptors()
			_, err := Listen(ctx, "unix", path, factory)
			if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want address in use, with the path", err)
			}
			_, err = Listen(ctx, "unix", filepath.Join(dir, "no", "such"), factory)
			if !errors.Is(err, syscall.ENOENT) {
				t.Errorf("got %v, want no such file or directory", err)
			}
			// fewer: some of an earlier test were still open
			if after := leaktest.Descriptors(); after > before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
			if b, _ := os.ReadFile(path); string(b) != "precious" {
				t.Error("the file was touched")
			}
		})
	})
}

// Conformance: CN-021, CN-025.
func TestAnEmptyHostIsEveryInterface(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", ":0")
			if len(s.Addrs()) != 1 || !s.Addrs()[0].(*net.TCPAddr).IP.IsUnspecified() {
				t.Fatalf("listening on %v", s.Addrs())
			}
			_, port, _ := net.SplitHostPort(s.Addrs()[0].String())
			hosts := []string{"127.0.0.1", "127.0.0.2"}
			if hasIPv6() {
				hosts = append(hosts, "::1")
			}
			for _, host := range hosts {
				p := &recorder{}
				tr, err := Connect(ctx, "tcp", net.JoinHostPort(host, port), p)
				e.ok(err)
				tr.Write([]byte("hello"))
				p.awaitData(ctx, e, "hello")
				if got := tr.RemoteAddr().(*net.TCPAddr).IP.String(); got != host {
					t.Errorf("connected to %s, want %s", got, host)
				}
				tr.Abort()
				p.awaitLost(ctx, e)
			}
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}

func hasIPv6() bool {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

// Conformance: CN-022.
func TestSeveralAddressesWithoutRepetition(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0", AlsoOn("127.0.0.2:0", "127.0.0.1:0", "127.0.0.2:0"))
			if len(s.Addrs()) != 2 {
				t.Fatalf("listening on %v", s.Addrs())
			}
			for i, host := range []string{"127.0.0.1", "127.0.0.2"} {
				if got := s.Addrs()[i].(*net.TCPAddr).IP.String(); got != host {
					t.Errorf("address %d is %s, want %s", i, got, host)
				}
				p := &recorder{}
				tr, err := Connect(ctx, "tcp", s.Addrs()[i].String(), p)
				e.ok(err)
				tr.Close()
				p.awaitLost(ctx, e)
			}
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}

func TestAnAddressInUse(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			defer s.Close()
			address := s.Addrs()[0].String()
			before := leaktest.Descriptors()
			_, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return &recorder{} },
				AlsoOn(address))
			if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), address) {
				t.Errorf("got %v, want address in use, with the address", err)
			}
			// fewer: some of an earlier test were still open
			if after := leaktest.Descriptors(); after > before {
				t.Errorf("%d descriptors before, %d after: the first listener is still open", before, after)
			}
		})
	})
}

// Conformance: CN-023.
func TestAListenerMadeElsewhereIsAdopted(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			for _, network := range looptest.Networks(t) {
				ln, err := net.Listen(network, map[string]string{"tcp": "127.0.0.1:0", "unix": path}[network])
				e.ok(err)
				address := ln.Addr().String()
				s, err := AdoptListener(ctx, ln, func() Protocol { return &echoer{} })
				e.ok(err)
				if s.Addrs()[0].String() != address {
					t.Errorf("listening on %v, want %s", s.Addrs(), address)
				}
				client := connect(ctx, e, s)
				client.t.Write([]byte("hello"))
				client.awaitData(ctx, e, "hello")
				client.t.Close()
				s.Close()
				e.ok(s.WaitClosed(ctx))
				if _, err := os.Lstat(address); err == nil {
					t.Error("the file is still there")
				}
			}
		})
	})
}

// Conformance: CN-026.
func TestReusePort(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			factory := func() Protocol { return &recorder{} }
			probe, err := Listen(ctx, "tcp", "127.0.0.1:0", factory, ReusePort(true))
			if errors.Is(err, errors.ErrUnsupported) {
				t.Log("this system has no such option: ", err)
				return
			} else {
				e.ok(err)
				probe.Close()
			}
			one := serveEcho(ctx, e, "tcp", "127.0.0.1:0", ReusePort(true))
			defer one.Close()
			two, err := Listen(ctx, "tcp", one.Addrs()[0].String(), factory, ReusePort(true))
			e.ok(err)
			two.Close()
			_, err = Listen(ctx, "tcp", one.Addrs()[0].String(), factory)
			if !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("without the option: %v, want address in use", err)
			}
			_, err = Listen(ctx, "unix", looptest.SocketPath(t), factory, ReusePort(true))
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("for a unix socket: %v, want ErrUnsupported", err)
			}
		})
	})
}

// fakeListener accepts the connections that the test gives it.
type fakeListener struct {
	loop   *aio.Loop
	clock  *aio.VirtualClock
	ready  func()
	queue  []any // Conn, slowConn or error
	asked  int
	closed bool
}

func (l *fakeListener) Start(ready func()) error { l.ready = ready; return nil }
func (l *fakeListener) Close() error             { l.closed = true; return nil }
func (l *fakeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
}
func (l *fakeListener) TryAccept() (Conn, error) {
	l.asked++
	if len(l.queue) == 0 {
		return nil, ErrWouldBlock
	}
	item := l.queue[0]
	l.queue = l.queue[1:]
	switch item := item.(type) {
	case error:
		return nil, item
	case slowConn:
		l.clock.Advance(l.loop.Time().Add(item.takes))
		return item.Conn, nil
	}
	return item.(Conn), nil
}

// withFakeListener runs fn with a server over a fakeListener.
func withFakeListener(
	t *testing.T,
	fn func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect),
	opts ...Option,
) {
	t.Helper()
	clock := aio.NewVirtualClock()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		l := &fakeListener{loop: e.loop, clock: clock}
		c := &collect{}
		s, err := Listen(WithNetwork(ctx, &fakeNetwork{ln: l}), "tcp", "127.0.0.1:9", c.factory, opts...)
		e.ok(err)
		fn(ctx, e, l, s, c)
		s.Close()
		s.AbortClients()
		e.ok(s.WaitClosed(ctx))
		if !l.closed {
			t.Error("the listener was not closed")
		}
	}, aio.WithClock(clock))
}

// Conformance: CN-028.
func TestAnAcceptThatWouldBlockDoesNothing(t *testing.T) {
	withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
		l.ready()
		e.settle(ctx)
		if l.asked != 1 || l.closed || !s.IsServing() || len(c.made) != 0 {
			t.Errorf("asked %d times, closed: %v, serving: %v", l.asked, l.closed, s.IsServing())
		}
	})
}

// Conformance: CN-030.
func TestABacklogIsAcceptedInOneGo(t *testing.T) {
	withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
		for range 7 {
			l.queue = append(l.queue, newFake(e))
		}
		l.ready()
		if l.asked != 3 {
			t.Errorf("asked %d times in one go, want 3", l.asked)
		}
		e.settle(ctx)
		if len(c.made) != 7 {
			t.Errorf("%d connections in the end, want 7", len(c.made))
		}
	}, Backlog(3))
}

// slowConn takes time to accept.
type slowConn struct {
	Conn
	takes time.Duration
}

func TestAFloodOfConnectionsLeavesOtherTasksTheirTurn(t *testing.T) {
	withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
		for range 7 {
			l.queue = append(l.queue, slowConn{newFake(e), acceptTime / 2})
		}
		l.ready()
		var asked []int
		for l.asked < 8 {
			asked = append(asked, l.asked)
			l.ready() // more of them arrive: the next turn of accepting is queued already
			e.ok(aio.Yield(ctx))
		}
		if want := []int{2, 4, 6}; !slices.Equal(asked, want) {
			t.Errorf("asked %v times before each pass, want %v", asked, want)
		}
		e.settle(ctx)
		if len(c.made) != 7 {
			t.Errorf("%d connections in the end, want 7", len(c.made))
		}
	})
}

// Conformance: CN-029.
func TestAcceptingRestsWhenDescriptorsRunOut(t *testing.T) {
	for _, cause := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		t.Run(cause.Error(), func(t *testing.T) {
			withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
				l.queue = []any{newFake(e), &net.OpError{
					Op:  "accept",
					Err: os.NewSyscallError("accept4", cause),
				}, newFake(e)}
				l.ready()
				e.settle(ctx)
				if err := e.expectReport("lack of resources"); !errors.Is(err, cause) {
					t.Errorf("reported %v", err)
				}
				l.ready() // another client: not now
				e.settle(ctx)
				st := s.Statistics()
				if st != (ServerStatistics{Accepted: 1, Active: 1, Failures: 1, Resting: true}) {
					t.Errorf("while it rests: %+v", st)
				}
				if l.asked != 2 || len(c.made) != 1 || l.closed || !s.IsServing() {
					t.Errorf("asked %d times, %d connections, closed: %v", l.asked, len(c.made), l.closed)
				}
				if cause == syscall.ENFILE {
					return // and close the server while it rests
				}
				before := e.loop.Time()
				c.await(ctx, e, 2)
				if d := e.loop.Time().Sub(before); d != time.Second {
					t.Errorf("resumed after %v, want 1s", d)
				}
				if st := s.Statistics(); st != (ServerStatistics{Accepted: 2, Active: 2, Failures: 1}) {
					t.Errorf("in the end: %+v", st)
				}
			})
		})
	}
}

func TestAConnectionThatWasResetBeforeItWasAcceptedHoldsUpNobody(t *testing.T) {
	for _, cause := range []error{syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO,
		syscall.ENOTCONN} {
		withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
			l.queue = []any{os.NewSyscallError("accept", cause), newFake(e)}
			l.ready()
			e.settle(ctx)
			if len(c.made) != 1 || l.closed || !s.IsServing() {
				t.Errorf("%v: %d connections, serving: %v", cause, len(c.made), s.IsServing())
			}
		})
	}
}

func TestOtherFailuresOfAcceptingAreReportedAndTriedAgain(t *testing.T) {
	withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
		l.queue = []any{errors.New("strange")}
		l.ready()
		e.expectReport("accepting failed")
		if !s.IsServing() || l.closed {
			t.Error("the server gave up")
		}
	})
}

func TestAFactoryThatFailsClosesTheConnection(t *testing.T) {
	for name, factory := range map[string]func() Protocol{
		"panic": func() Protocol { panic("boom") },
		"nil":   func() Protocol { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inLoop(t, nil, func(ctx context.Context, e *env) {
				s, err := Listen(ctx, "tcp", "127.0.0.1:0", factory)
				e.ok(err)
				client := connect(ctx, e, s)
				client.awaitLost(ctx, e)
				e.expectReport("factory")
				if !s.IsServing() {
					t.Error("the server gave up")
				}
				s.Close()
				e.ok(s.WaitClosed(ctx))
			})
		})
	}
}

func TestTheServerClosesWhenItsLoopShutsDown(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		var s *Server
		inLoop(t, n, func(ctx context.Context, e *env) {
			s = serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			connect(ctx, e, s)
		})
		if s.IsServing() || s.active != 0 {
			t.Errorf("serving: %v, clients: %d", s.IsServing(), s.active)
		}
	})
}

func TestManyClients(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			const clients, rounds = 40, 10
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0")
			e.ok(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for range clients {
					g.Go(func(ctx context.Context) error {
						p := connect(ctx, e, s)
						for i := range rounds {
							p.t.Write([]byte("0123456789"))
							p.awaitData(ctx, e, strings.Repeat("0123456789", i+1))
						}
						p.t.Close()
						return p.awaitLost(ctx, e)
					})
				}
				return nil
			}))
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}
