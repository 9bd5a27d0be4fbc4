package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

func TestAddressesTakeTurnsByVersion(t *testing.T) {
	for given, want := range map[string]string{
		"1 2 3":         "1 2 3",
		"a":             "a",
		"a b c 1 2":     "a 1 b 2 c",
		"1 a b c":       "1 a b c",
		"1 2 3 a":       "1 a 2 3",
		"a b c d 1 2 3": "a 1 b 2 c 3 d",
		"a 1 b 2":       "a 1 b 2",
	} {
		var all []netip.AddrPort
		for s := range strings.FieldsSeq(given) {
			ip := netip.AddrFrom4([4]byte{127, 0, 0, s[0]})
			if s[0] >= 'a' {
				ip = netip.AddrFrom16([16]byte{15: s[0]})
			}
			all = append(all, netip.AddrPortFrom(ip, 80))
		}
		var got []string
		for _, a := range interleave(all) {
			b := a.Addr().AsSlice()
			got = append(got, string(b[len(b)-1:]))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s becomes %s, want %s", given, s, want)
		}
	}
}

// slowNetwork takes its time for each address, and connects to those that have a connection.
type slowNetwork struct {
	*fakeNetwork
	racers
	takes map[string]time.Duration
	conns map[string]*fakeConn

	stubborn bool // attempts go on when they are cancelled
}

func (n *slowNetwork) Dial(
	ctx context.Context, network, address string, o DialOptions,
) (Conn, error) {
	n.note("%s starts", address)
	if n.stubborn {
		ctx = context.WithoutCancel(ctx)
	}
	if err := aio.Sleep(ctx, n.takes[address]); err != nil {
		n.note("%s is cancelled", address)
		return nil, err
	}
	if c := n.conns[address]; c != nil {
		n.note("%s connects", address)
		return c, nil
	}
	n.note("%s fails", address)
	return nil, fmt.Errorf("%s: %w", address, syscall.ECONNREFUSED)
}

// withSlow runs fn with a network that knows the name dual.test.
func withSlow(t *testing.T, fn func(ctx context.Context, e *env, n *slowNetwork)) {
	t.Helper()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		n := &slowNetwork{
			fakeNetwork: &fakeNetwork{names: map[string][]string{"dual.test": {"::1", "::2", "127.0.0.1",
				"127.0.0.2"}}},
			racers: racers{loop: e.loop, began: e.loop.Time()},
			takes:  map[string]time.Duration{},
			conns:  map[string]*fakeConn{},
		}
		fn(WithNetwork(ctx, n), e, n)
		e.settle(ctx)
		if n := len(e.loop.AllTasks()); n != 1 {
			t.Errorf("%d tasks are left, want the main task alone", n)
		}
	}, aio.WithClock(aio.NewVirtualClock()))
}

func TestAVersionOfIPThatDoesNotAnswerCostsOneDelay(t *testing.T) {
	withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
		n.takes["[::1]:80"] = 30 * time.Second
		n.conns["127.0.0.1:80"] = newFake(e)
		p := &recorder{}
		tr, err := Connect(ctx, "tcp", "dual.test:80", p)
		e.ok(err)
		n.expect(t, "0s [::1]:80 starts", "250ms 127.0.0.1:80 starts", "250ms 127.0.0.1:80 connects",
			"250ms [::1]:80 is cancelled")
		p.expect(e, "made")
		tr.Abort()
	})
}

func TestTheDelayOfHappyEyeballsCanBeChosen(t *testing.T) {
	withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
		for _, a := range []string{"[::1]:80", "[::2]:80", "127.0.0.1:80"} {
			n.takes[a] = 10 * time.Second
		}
		c := newFake(e)
		n.conns["[::2]:80"] = c
		tr, err := Connect(ctx, "tcp", "dual.test:80", &recorder{}, HappyEyeballs(time.Second))
		e.ok(err)
		n.expect(t, "0s [::1]:80 starts", "1s 127.0.0.1:80 starts", "2s [::2]:80 starts",
			"3s 127.0.0.2:80 starts",
			"3s 127.0.0.2:80 fails", "10s [::1]:80 fails", "11s 127.0.0.1:80 fails", "12s [::2]:80 connects")
		tr.Abort()
	})
}

func TestWithoutHappyEyeballsTheOrderOfTheLookUpIsKept(t *testing.T) {
	for _, delay := range []time.Duration{0, -1} {
		withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
			n.takes["[::1]:80"] = 10 * time.Second
			n.conns["127.0.0.1:80"] = newFake(e)
			tr, err := Connect(ctx, "tcp", "dual.test:80", &recorder{}, HappyEyeballs(delay))
			e.ok(err)
			n.expect(t, "0s [::1]:80 starts", "10s [::1]:80 fails", "10s [::2]:80 starts",
				"10s [::2]:80 fails",
				"10s 127.0.0.1:80 starts", "10s 127.0.0.1:80 connects")
			tr.Abort()
		})
	}
}

// Conformance: CN-004, CN-005.
func TestAllFailuresOfARaceAreInTheError(t *testing.T) {
	withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
		n.takes["[::1]:80"] = time.Second
		_, err := Connect(ctx, "tcp", "dual.test:80", &recorder{})
		var all *ConnectError
		if !errors.As(err, &all) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v", err)
		}
		var order []string
		for _, err := range all.Errs {
			order = append(order, strings.TrimSuffix(err.Error(), ": "+syscall.ECONNREFUSED.Error()))
		}
		want := []string{"[::1]:80", "127.0.0.1:80", "[::2]:80", "127.0.0.2:80"}
		if !slices.Equal(order, want) {
			t.Errorf("errors of %q, want %q", order, want)
		}
	})
}

func TestAConnectionThatStandsTooLateIsClosed(t *testing.T) {
	withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
		n.stubborn = true
		n.takes["[::1]:80"] = time.Second
		one, two := newFake(e), newFake(e)
		n.conns["[::1]:80"], n.conns["127.0.0.1:80"] = one, two
		tr, err := Connect(ctx, "tcp", "dual.test:80", &recorder{})
		e.ok(err)
		if !one.closed || two.closed {
			t.Errorf("closed: the late one %v, the winner %v", one.closed, two.closed)
		}
		tr.Abort()
	})
}

func TestACancelledRaceOfAddressesLeavesNothing(t *testing.T) {
	withSlow(t, func(ctx context.Context, e *env, n *slowNetwork) {
		for _, a := range []string{"[::1]:80", "[::2]:80", "127.0.0.1:80", "127.0.0.2:80"} {
			n.takes[a] = 10 * time.Second
		}
		err := aio.Timeout(ctx, 300*time.Millisecond, func(ctx context.Context) error {
			_, err := Connect(ctx, "tcp", "dual.test:80", &recorder{})
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the time-out", err)
		}
		n.expect(t, "0s [::1]:80 starts", "250ms 127.0.0.1:80 starts", "300ms [::1]:80 is cancelled",
			"300ms 127.0.0.1:80 is cancelled")
	})
}

// mixedNames resolves one name to an address without a server and one with a server.
type mixedNames struct {
	Network
	ips []netip.Addr
}

func (n mixedNames) LookupHost(context.Context, string) ([]netip.Addr, error) { return n.ips, nil }

func TestARealConnectFindsTheAddressThatAnswers(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			s := serveEcho(ctx, e, "tcp4", "127.0.0.1:0")
			defer s.Close()
			port := addrPort(s.Addrs()[0]).Port()
			ctx = WithNetwork(ctx,
				mixedNames{n, []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}})
			p := &recorder{name: "client"}
			tr, err := Connect(ctx, "tcp", fmt.Sprintf("dual.test:%d", port), p)
			e.ok(err)
			tr.Write([]byte("hello"))
			p.awaitData(ctx, e, "hello")
			tr.Close()
			e.ok(p.awaitLost(ctx, e))
		})
	})
}
