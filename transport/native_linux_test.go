package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
)

// Conformance: CN-031.
func TestNativeConnectionsHaveNoDelay(t *testing.T) {
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		ct, st := pair(ctx, e, &recorder{}, &recorder{})
		for _, tr := range []Transport{ct, st} {
			fd := tr.(*selectorTransport).conn.(*nativeConn).fd
			on, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
			if err != nil || on == 0 {
				t.Errorf("TCP_NODELAY is %d (%v)", on, err)
			}
		}
	})
}

// Conformance: CN-026.
func TestNativeListenersSetTheReusePortOptionOnlyIfAsked(t *testing.T) {
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		for _, want := range []int{0, 1} {
			s := serveEcho(ctx, e, "tcp", "127.0.0.1:0", ReusePort(want == 1))
			got, err := syscall.GetsockoptInt(s.listeners[0].ln.(*nativeListener).fd, syscall.SOL_SOCKET,
				soReusePort())
			e.ok(err)
			if got != want {
				t.Errorf("SO_REUSEPORT is %d, want %d", got, want)
			}
			s.Close()
		}
	})
}

// Conformance: CN-011.
func TestZonesBecomeInterfaceNumbers(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("no interface lo")
	}
	for _, text := range []string{"[fe80::1%lo]:80", "[fe80::1%1]:80"} {
		a := netip.MustParseAddrPort(text)
		sa, err := sockaddr(a)
		if err != nil {
			t.Fatal(err)
		}
		if id := sa.(*syscall.SockaddrInet6).ZoneId; int(id) != lo.Index {
			t.Errorf("%s has zone %d, want %d", text, id, lo.Index)
		}
		if back := fromSockaddr(sa).String(); back != "[fe80::1%lo]:80" {
			t.Errorf("%s comes back as %s", text, back)
		}
	}
	if _, err := sockaddr(netip.MustParseAddrPort("[fe80::1%no-such-zone]:80")); err == nil {
		t.Error("an unknown zone was accepted")
	}
}

// The test gives the process one descriptor less than it needs.
// Conformance: CN-029.
func TestAcceptingWithoutDescriptors(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
			e.ok(err)
			p := connect(ctx, e, s) // everything that is opened once is open now
			c.await(ctx, e, 1)

			client, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			e.ok(err)
			defer syscall.Close(client)
			var old syscall.Rlimit
			e.ok(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
			limit := old
			limit.Cur = uint64(lowestFree(t))
			e.ok(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
			restored := false
			restore := func() {
				if !restored {
					restored = true
					syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
				}
			}
			defer restore()
			failed := aio.NewFuture[aio.None](e.loop.Context())
			e.loop.SetExceptionHandler(func(_ *aio.Loop, r aio.Report) {
				if !isExhausted(r.Err) {
					t.Errorf("reported %s: %v", r.Message, r.Err)
				}
				failed.SetResult(aio.None{})
			})
			port := s.Addrs()[0].(*net.TCPAddr).Port
			e.ok(syscall.Connect(client, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}))
			_, err = failed.Await(ctx)
			e.ok(err)
			restore()
			if len(c.made) != 1 {
				t.Errorf("%d connections", len(c.made))
			}
			if n == Native() {
				c.await(ctx, e, 2) // after the pause, which is real time
			}
			p.t.Abort()
			s.Close()
			s.AbortClients()
			e.ok(s.WaitClosed(ctx))
		})
	})
}

// lowestFree returns the lowest descriptor number that is not in use.
func lowestFree(t *testing.T) int {
	fd, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	return fd
}

// Conformance: FD-009.
func TestATransportsDescriptorBelongsToIt(t *testing.T) {
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		ct, _ := pair(ctx, e, &recorder{}, &recorder{})
		fd := uintptr(ct.(*selectorTransport).conn.(*nativeConn).fd)
		for _, add := range []func(uintptr, func()) error{e.loop.AddReader, e.loop.AddWriter} {
			if err := add(fd, func() {}); !errors.Is(err, aio.ErrOwnedDescriptor) {
				t.Errorf("got %v, want ErrOwnedDescriptor", err)
			}
		}
		if e.loop.RemoveReader(fd) || e.loop.RemoveWriter(fd) {
			t.Error("something was removed")
		}
	})
}

func TestASocketConnectedToItselfIsNotTakenForAHost(t *testing.T) {
	here, there := netip.MustParseAddrPort(
		"127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:40001")
	for _, c := range []struct {
		name    string
		conn    nativeConn
		options DialOptions
		want    bool
	}{
		{"both ends are the same by chance", nativeConn{local: &here, remote: here}, DialOptions{}, true},
		{"both ends are the same on demand", nativeConn{
			local:  &here,
			remote: here,
		}, DialOptions{LocalAddr: here}, false},
		{"two ends", nativeConn{local: &there, remote: here}, DialOptions{}, false},
		{"a Unix socket without a name", nativeConn{path: &unixNames{}}, DialOptions{}, false},
	} {
		if got := c.conn.self(c.options); got != c.want {
			t.Errorf("%s: self is %v, want %v", c.name, got, c.want)
		}
	}
}
