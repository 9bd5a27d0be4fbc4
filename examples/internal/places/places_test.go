package places_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/places"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func TestAddressesOffTheInternetArePrivate(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
		"198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001::7f00:1", "::ffff:0:127.0.0.1", "64:ff9b:1:7f00:0:100::", "1000::1",
	} {
		if !places.Private(netip.MustParseAddr(text)) {
			t.Errorf("%s is taken for public", text)
		}
	}
	for _, text := range []string{"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "192.0.1.1",
		"2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"} {
		if places.Private(netip.MustParseAddr(text)) {
			t.Errorf("%s is taken for private", text)
		}
	}
	if !places.Private(netip.Addr{}) || !places.IsPrivate(&net.UnixAddr{Name: "/x", Net: "unix"}) ||
		!places.IsPrivate(nil) {
		t.Error("what is no address is taken for public")
	}
}

// book is a network in which each name leads to this machine.
type book struct{ transport.Network }

func (book) LookupHost(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestNoNameLeadsToAPrivateAddress(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(context.Context, *stream.Reader, *stream.Writer) error {
				t.Error("somebody has come")
				return nil
			})
		if err != nil {
			return err
		}
		defer server.Close()
		_, port, _ := net.SplitHostPort(server.Addrs()[0].String())
		ctx = transport.WithNetwork(ctx,
			places.PublicOnly(places.PublicOnly(book{transport.NetworkFrom(ctx)})))
		for _, where := range [][2]string{{"tcp", "public.test:" +
			port}, {"tcp", "127.0.0.1:" + port}, {"tcp", "[::1]:" + port}, {"unix", "/nowhere"}} {
			if _, _, err := stream.Open(ctx, where[0], where[1]); !errors.Is(err, places.ErrPrivate) {
				t.Errorf("%s: %v", where[1], err)
			}
		}
		if places.Allowed(ctx, server.Addrs()[0]) || !places.Allowed(t.Context(), server.Addrs()[0]) {
			t.Error("a connection that stands already is not told apart")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// 127.0.0.2 stands for a public address at first, and later for the private one that the same name leads to.
func TestAGivenHostMayBePrivateUnlessItHasBeenPublic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a whole network of loopback addresses")
	}
	addresses := map[string]string{}
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		ln, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		addresses[host] = ln.Addr().String()
	}
	tr := places.Transport(&url.URL{Host: "127.0.0.1:80"}, &url.URL{Host: "127.0.0.2"})
	check := func(host string, want error) {
		t.Helper()
		c, err := tr.DialContext(t.Context(), "tcp", addresses[host])
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", host, err, want)
		}
	}
	undo := realm.PretendPublic()
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		check(host, nil)
	}
	undo()
	check("127.0.0.1", nil)
	check("127.0.0.2", places.ErrPrivate)
	check("127.0.0.3", places.ErrPrivate)
}
