package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

// postbox is a datagram protocol that records its events and lets tasks wait for it.
type postbox struct {
	recorder // its log, and the tasks that wait for it
	t        DatagramTransport
	mail     []string // "data from address"
	errs     []error
	echo     bool
	onMail   func()
}

func (b *postbox) ConnectionMade(t DatagramTransport) { b.t = t; b.heard("made"); call(b.onMade) }

func (b *postbox) DatagramReceived(p []byte, from netip.AddrPort) {
	b.mail = append(b.mail, fmt.Sprintf("%s from %v", p, from))
	if b.echo {
		b.t.SendTo(p, from)
	}
	call(b.onMail)
	b.changed()
}

func (b *postbox) ErrorReceived(err error) {
	b.errs = append(b.errs, err)
	b.heard("error")
}

func (b *postbox) awaitMail(ctx context.Context, e *env, want ...string) {
	e.t.Helper()
	b.await(ctx, e, fmt.Sprintf("%q", want), func() bool { return len(b.mail) >= len(want) || b.lost })
	if !slices.Equal(b.mail, want) {
		e.t.Fatalf("%s received %q, want %q", b.name, b.mail, want)
	}
}

func (b *postbox) awaitError(ctx context.Context, e *env) error {
	e.t.Helper()
	b.await(ctx, e, "an error", func() bool { return len(b.errs) > 0 || b.lost })
	if len(b.errs) == 0 {
		e.t.Fatalf("%s heard %q, want an error", b.name, b.log)
	}
	return b.errs[0]
}

// localPort returns the address a transport is bound to.
func localPort(t DatagramTransport) netip.AddrPort {
	return t.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Conformance: UD-001, UD-013.
func TestABoundAndAConnectedEndpointTalk(t *testing.T) {
	for _, tc := range []struct{ network, local string }{
		{"udp", "127.0.0.1:0"}, {"udp4", "localhost:"}, {"udp", "[::1]:0"}, {"udp6", "[::1]:0"},
	} {
		t.Run(tc.network+" "+tc.local, func(t *testing.T) {
			if c, err := net.ListenPacket(tc.network, tc.local); err != nil {
				t.Skip("this machine has no such address:", err)
			} else {
				c.Close()
			}
			onEach(t, func(t *testing.T, n Network) {
				inLoop(t, n, func(ctx context.Context, e *env) {
					server, client := &postbox{echo: true}, &postbox{}
					st, err := Endpoint(ctx, tc.network, tc.local, "", server)
					e.ok(err)
					ct, err := Endpoint(ctx, tc.network, "", st.LocalAddr().String(), client)
					e.ok(err)
					if st.RemoteAddr() != nil || ct.RemoteAddr().String() != st.LocalAddr().String() ||
						ct.Protocol() != client || ct.Loop() != e.loop {
						t.Errorf("server %v, client %v", st, ct)
					}
					ct.SendTo([]byte("one"), netip.AddrPort{})
					ct.SendTo([]byte("two"), localPort(st)) // the same, said aloud
					server.awaitMail(ctx, e, fmt.Sprintf("one from %v",
						localPort(ct)), fmt.Sprintf("two from %v", localPort(ct)))
					client.awaitMail(ctx, e, fmt.Sprintf("one from %v",
						localPort(st)), fmt.Sprintf("two from %v", localPort(st)))
					ct.Close()
					ct.Close()
					if !ct.IsClosing() || client.lost {
						t.Error("ConnectionLost was called inside Close")
					}
					e.ok(client.awaitLost(ctx, e))
					st.Abort()
					e.ok(server.awaitLost(ctx, e))
					client.expect(e, "made", "lost")
					server.expect(e, "made", "lost")
					if st.Protocol() != nil || localPort(st).Port() == 0 {
						t.Error("the protocol is still there, or the address is not")
					}
				})
			})
		})
	}
}

func TestAnEndpointOnEveryInterfaceServesBothVersions(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			server := &postbox{echo: true}
			st, err := Endpoint(ctx, "udp", ":0", "", server)
			e.ok(err)
			for _, ip := range []string{"127.0.0.1", "::1"} {
				at := netip.AddrPortFrom(netip.MustParseAddr(ip), localPort(st).Port())
				if at.Addr().Is6() && localPort(st).Addr().Is4() {
					continue // a system without IPv6
				}
				client := &postbox{}
				ct, err := Endpoint(ctx, "udp", "", at.String(), client)
				e.ok(err)
				ct.SendTo([]byte("hello"), netip.AddrPort{})
				client.awaitMail(ctx, e, "hello from "+at.String())
				ct.Close()
			}
			st.Close()
			e.ok(server.awaitLost(ctx, e))
		})
	})
}

func TestAnEndpointWithoutAnAddressHasAVersion(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			box := &postbox{}
			tr, err := Endpoint(ctx, "udp4", "", "", box)
			e.ok(err)
			if a := localPort(tr); !a.Addr().Is4() || a.Port() == 0 {
				t.Errorf("bound to %v", a)
			}
			tr.SendTo([]byte("to myself"),
				netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), localPort(tr).Port()))
			box.await(ctx, e, "mail", func() bool { return len(box.mail) == 1 })
			tr.Close()
			e.ok(box.awaitLost(ctx, e))
		})
	})
}

// Conformance: UD-002, UD-003, UD-004.
func TestASocketMadeElsewhereIsAdopted(t *testing.T) {
	looptest.NeedUDP(t)
	// That it is a UDP socket, and comes without addresses and options, is for the compiler to see.
	var adopt func(
		context.Context, *net.UDPConn, DatagramProtocol,
	) (DatagramTransport, error) = AdoptEndpoint
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			e.ok(err)
			server, client := &postbox{echo: true}, &postbox{}
			st, err := adopt(ctx, c, server)
			e.ok(err)
			cc, err := net.DialUDP("udp", nil, st.LocalAddr().(*net.UDPAddr))
			e.ok(err)
			ct, err := adopt(ctx, cc, client)
			e.ok(err)
			ct.SendTo([]byte("ping"), netip.AddrPort{})
			client.awaitMail(ctx, e, fmt.Sprintf("ping from %v", localPort(st)))
			ct.Close()
			st.Close()
			e.ok(client.awaitLost(ctx, e))
			e.ok(server.awaitLost(ctx, e))
			closed, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			e.ok(err)
			closed.Close()
			if _, err := adopt(ctx, closed, &postbox{}); !errors.Is(err, net.ErrClosed) {
				t.Errorf("adopting a closed socket: %v", err)
			}
		})
	})
}

// Conformance: UD-006, UD-018.
func TestDatagramArgumentsThatMakeNoSensePanic(t *testing.T) {
	looptest.NeedUDP(t)
	inLoop(t, nil, func(ctx context.Context, e *env) {
		box := &postbox{}
		expectPanic(t, "Endpoint: neither an address nor a version", func() {
			Endpoint(ctx, "udp", "", "", box)
		})
		expectPanic(t, "Endpoint: \"tcp\"", func() { Endpoint(ctx, "tcp", "127.0.0.1:0", "", box) })
		expectPanic(t, "Endpoint: the protocol is nil", func() {
			Endpoint(ctx, "udp", "127.0.0.1:0", "", nil)
		})
		expectPanic(t, "AdoptEndpoint: the socket is nil", func() { AdoptEndpoint(ctx, nil, box) })
		e.loop.CallSoon(func() {
			expectPanic(t, "outside a task", func() {
				Endpoint(e.loop.Context(), "udp", "127.0.0.1:0", "", box)
			})
		})
		e.settle(ctx)
		a, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", box)
		e.ok(err)
		b, err := Endpoint(ctx, "udp", "", a.LocalAddr().String(), &postbox{})
		e.ok(err)
		expectPanic(t, "is connected to", func() { b.SendTo(nil, localPort(b)) })
		expectPanic(t, "name the receiver", func() { a.SendTo(nil, netip.AddrPort{}) })
		expectPanic(t, "SetProtocol", func() { a.SetProtocol(nil) })
		if a.SetWriteBufferLimits(1, 2) == nil {
			t.Error("limits that make no sense are taken")
		}
		a.Close()
		b.Close()
		e.settle(ctx)
	})
}

// Conformance: UD-005, UD-007, UD-008, UD-009.
func TestEndpointsThatCannotBeMade(t *testing.T) {
	looptest.NeedUDP(t)
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			e.ok(err)
			defer taken.Close()
			fds := leaktest.Descriptors()
			for _, tc := range []struct {
				network, local, remote string
				want                   error
			}{
				{"udp", "127.0.0.1", "", nil},
				{"udp", "127.0.0.1:0:0", "", nil},
				{"udp", "127.0.0.1:65536", "", nil},
				{"udp4", "[::1]:0", "", nil},
				{"udp", "127.0.0.1:0", "[::1]:9", nil},
				{"udp", taken.LocalAddr().String(), "", syscall.EADDRINUSE},
				{"udp", "192.0.2.1:0", "", syscall.EADDRNOTAVAIL},
				{"udp4", "", "255.255.255.255:9", syscall.EACCES},
			} {
				box := &postbox{}
				var op *net.OpError
				_, err := Endpoint(ctx, tc.network, tc.local, tc.remote, box)
				if !errors.As(err, &op) || tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("%s %q %q: %v, want %v", tc.network, tc.local, tc.remote, err, tc.want)
				}
				box.expect(e)
			}
			var op *net.OpError
			_, err = Endpoint(WithNetwork(ctx, mixedNames{n, nil}), "udp", "", "nobody.test:9", &postbox{})
			if !errors.As(err, &op) {
				t.Errorf("a network without datagrams: %v", err)
			} else if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a network without datagrams: %v", err)
			}
			if _, err := Endpoint(WithNetwork(ctx, nameless{n.(DatagramNetwork)}), "udp", "",
				"nobody.test:9", &postbox{}); !errors.As(err, &op) {
				t.Errorf("a name without addresses: %v", err)
			}
			e.settle(ctx)
			if got := leaktest.Descriptors(); got > fds { // fewer: some of an earlier test were still open
				t.Errorf("%d descriptors are open, %d before", got, fds)
			}
		})
	})
}

// nameless knows no address of any name, and complains about look-ups of other strings than names.
type nameless struct{ DatagramNetwork }

func (nameless) LookupHost(_ context.Context, host string) ([]netip.Addr, error) {
	if strings.Trim(host, "0123456789.:") == "" {
		panic("looked up " + host)
	}
	return nil, nil
}

// Conformance: UD-011.
func TestALiteralAddressOfAnEndpointMakesNoLookUp(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			box := &postbox{}
			tr, err := Endpoint(WithNetwork(ctx, nameless{n.(DatagramNetwork)}), "udp", "127.0.0.1:0",
				"127.0.0.1:9", box)
			e.ok(err)
			tr.Close()
			e.ok(box.awaitLost(ctx, e))
		})
	})
}

// Conformance: UD-010.
func TestBroadcastAndReusePortAreSetOnRequestOnly(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			everybody := netip.MustParseAddrPort("255.255.255.255:9")
			shy, loud := &postbox{}, &postbox{}
			st, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", shy)
			e.ok(err)
			_, err = Endpoint(ctx, "udp", st.LocalAddr().String(), "", &postbox{}, ReusePort(true))
			if !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("sharing a port that is not to be shared: %v", err)
			}
			st.SendTo([]byte("hello"), everybody)
			if err := shy.awaitError(ctx, e); !errors.Is(err, syscall.EACCES) {
				t.Errorf("broadcasting without permission: %v", err)
			}
			lt, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", loud, ReusePort(true), Broadcast(true))
			e.ok(err)
			partner := &postbox{}
			second, err := Endpoint(ctx, "udp", lt.LocalAddr().String(), "", partner, ReusePort(true))
			e.ok(err)
			second.Abort()
			e.ok(partner.awaitLost(ctx, e))
			lt.SendTo([]byte("hello"), everybody)
			lt.SendTo([]byte("self"), localPort(lt))
			loud.await(ctx, e, "mail", func() bool { return len(loud.mail) > 0 })
			for _, err := range loud.errs {
				if errors.Is(err, syscall.EACCES) {
					t.Errorf("broadcasting with permission: %v", err)
				}
			}
			st.Close()
			lt.Close()
			e.settle(ctx)
		})
	})
}

// Conformance: UD-014, UD-019.
func TestARefusalIsToldToAConnectedEndpointWhichStaysOpen(t *testing.T) {
	looptest.NeedUDP(t)
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			e.ok(err)
			address := gone.LocalAddr().(*net.UDPAddr)
			gone.Close()
			connected, free := &postbox{}, &postbox{}
			ct, err := Endpoint(ctx, "udp", "127.0.0.1:0", address.String(), connected)
			e.ok(err)
			ct.SendTo([]byte("anybody there?"), netip.AddrPort{})
			if err := connected.awaitError(ctx, e); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v, want connection refused", err)
			}
			// Now there is one.
			back, err := net.ListenUDP("udp4", address)
			e.ok(err)
			defer back.Close()
			back.WriteToUDPAddrPort([]byte("yes"), localPort(ct))
			connected.awaitMail(ctx, e, "yes from "+address.String())
			ft, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", free)
			e.ok(err)
			ft.SendTo([]byte("anybody there?"), netip.MustParseAddrPort(looptest.FreeAddress(t)))
			ft.SendTo([]byte("self"), localPort(ft))
			free.awaitMail(ctx, e, fmt.Sprintf("self from %v", localPort(ft)))
			free.expect(e, "made")
			ct.Close()
			ft.Close()
			e.ok(connected.awaitLost(ctx, e))
			e.ok(free.awaitLost(ctx, e))
		})
	})
}

// Conformance: UD-017.
func TestAnEmptyAndALargeDatagramArriveWhole(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			box := &postbox{}
			tr, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", box)
			e.ok(err)
			self := localPort(tr)
			large := strings.Repeat("0123456789", 900) // macOS and the BSDs send no more than 9216 bytes
			if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
				large = strings.Repeat("0123456789", 6000)
			}
			tr.SendTo(nil, self)
			tr.SendTo([]byte(large), self)
			tr.SendTo(make([]byte, 70000), self) // more than a datagram can hold
			if err := box.awaitError(ctx, e); !errors.Is(err, syscall.EMSGSIZE) {
				t.Errorf("got %v, want message too long", err)
			}
			box.awaitMail(ctx, e, fmt.Sprintf(" from %v", self), fmt.Sprintf("%s from %v", large, self))
			tr.Close()
			e.ok(box.awaitLost(ctx, e))
		})
	})
}

func TestACancelledEndpointIsAborted(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			box := &postbox{}
			var task *aio.Task[aio.None]
			box.onMade = func() { task.Cancel(nil) }
			task = aio.Start(ctx, func(ctx context.Context) error {
				_, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", box)
				return err
			})
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("got %v, want a cancellation", err)
			}
			e.ok(box.awaitLost(ctx, e))
			if n := len(hubOf(e.loop).endpoints); n != 0 {
				t.Errorf("%d endpoints are left", n)
			}
		})
	})
}

func TestClosingTheLoopClosesItsEndpointsInOrder(t *testing.T) {
	looptest.NeedUDP(t)
	onEach(t, func(t *testing.T, n Network) {
		var order []string
		inLoop(t, n, func(ctx context.Context, e *env) {
			for i := range 5 {
				box := &postbox{}
				box.onLost = func() { order = append(order, fmt.Sprint(i, " ", box.err == aio.ErrLoopClosed)) }
				_, err := Endpoint(ctx, "udp", "127.0.0.1:0", "", box)
				e.ok(err)
			}
		})
		want := []string{"0 true", "1 true", "2 true", "3 true", "4 true"}
		if !slices.Equal(order, want) {
			t.Errorf("closed %q, want %q", order, want)
		}
	})
}
