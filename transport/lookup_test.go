package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// namesNetwork knows names, and nothing else.
type namesNetwork struct {
	fakeNetwork
	ips   []netip.Addr
	asked []netip.Addr
}

func (n *namesNetwork) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	if host != "box.example" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return n.ips, nil
}

func (n *namesNetwork) LookupAddr(ctx context.Context, ip netip.Addr) ([]string, error) {
	n.asked = append(n.asked, ip)
	return []string{"box.example."}, nil
}

// Conformance: CN-033.
func TestResolveReturnsTheAddressesOfTheNetworkInTheContext(t *testing.T) {
	n := &namesNetwork{ips: []netip.Addr{netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("192.0.2.1")}}
	inLoop(t, n, func(ctx context.Context, e *env) {
		for _, c := range []struct {
			network, address string
			want             []string
		}{
			{"tcp", "box.example:80", []string{"[2001:db8::1]:80", "192.0.2.1:80"}},
			{"udp4", "box.example:0", []string{"192.0.2.1:0"}},
			{"tcp6", "box.example:", []string{"[2001:db8::1]:0"}},
			{"tcp", "192.0.2.7:443", []string{"192.0.2.7:443"}},
			{"tcp", ":1", []string{"127.0.0.1:1", "[::1]:1"}},
		} {
			all, err := Resolve(ctx, c.network, c.address)
			e.ok(err)
			var got []string
			for _, a := range all {
				got = append(got, a.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s %s: %q, want %q", c.network, c.address, got, c.want)
			}
		}
		var missing *net.DNSError
		if _, err := Resolve(ctx, "tcp", "nowhere.example:1"); !errors.As(err, &missing) ||
			!missing.IsNotFound {
			t.Errorf("a name that does not exist: %v", err)
		}
		expectPanic(t, "needs no look-up", func() { Resolve(ctx, "unix", "path") })
		expectPanic(t, "no network", func() { Resolve(ctx, "carrier pigeon", "a:1") })
	})
}

// Conformance: CN-033.
func TestLookupAddrAsksTheNetworkInTheContextOrTheSystem(t *testing.T) {
	n := &namesNetwork{}
	ip := netip.MustParseAddr("192.0.2.1")
	inLoop(t, n, func(ctx context.Context, e *env) {
		names, err := LookupAddr(ctx, ip)
		if e.ok(err); !slices.Equal(names, []string{"box.example."}) ||
			!slices.Equal(n.asked, []netip.Addr{ip}) {
			t.Errorf("names %q, asked for %v", names, n.asked)
		}
	})
	inLoop(t, &fakeNetwork{}, func(ctx context.Context, e *env) {
		ran := false
		e.loop.CallSoon(func() { ran = true })
		if _, err := LookupAddr(ctx, netip.AddrFrom4([4]byte{127, 0, 0, 1})); err != nil {
			var failed *net.DNSError
			if !errors.As(err, &failed) {
				t.Errorf("the system says %v", err)
			}
		}
		if !ran {
			t.Error("the loop stood still")
		}
	})
}

func TestAContextWithoutLoopIsAPanicThatNamesTheFunctionCalled(t *testing.T) {
	ctx := context.Background()
	for name, call := range map[string]func(){
		"transport.Connect": func() { Connect(ctx, "tcp", "127.0.0.1:1", &recorder{}) },
		"transport.Listen": func() {
			Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return &recorder{} })
		},
		"transport.Endpoint": func() {
			Endpoint(ctx, "udp", "127.0.0.1:0", "", BaseDatagramProtocol{})
		},
		"transport.Resolve":    func() { Resolve(ctx, "tcp", "127.0.0.1:1") },
		"transport.LookupAddr": func() { LookupAddr(ctx, netip.IPv6Loopback()) },
	} {
		expectPanic(t, "aio: "+name+": no running event loop", call)
	}
}
