package transport

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// keepAliveOf returns whether a TCP connection is probed, after which silence, how often, and the
// number of probes.
func keepAliveOf(t *testing.T, tr Transport) (got [4]int) {
	t.Helper()
	read := func(fd uintptr) {
		for i, opt := range [4][2]int{
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
		} {
			v, err := syscall.GetsockoptInt(int(fd), opt[0], opt[1])
			if err != nil {
				t.Error(err)
			}
			got[i] = v
		}
	}
	switch c := tr.(*selectorTransport).conn.(type) {
	case *nativeConn:
		read(uintptr(c.fd))
	case *portableConn:
		raw, err := c.nc.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(read)
	}
	return got
}

func TestSilentPeersAreAskedWhetherTheyAreStillThere(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		for _, c := range []struct {
			opts []Option
			want [4]int
		}{
			{nil, [4]int{1, 15, 15, 9}},
			{[]Option{KeepAlive(time.Minute)}, [4]int{1, 60, 15, 9}},
			{[]Option{KeepAlive(-1)}, [4]int{}},
		} {
			inLoop(t, n, func(ctx context.Context, e *env) {
				accepted := aio.NewFuture[Transport](e.loop.Context())
				s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol {
					return madeHook{&recorder{}, func(t Transport) { e.ok(accepted.SetResult(t)) }}
				}, c.opts...)
				e.ok(err)
				client, err := Connect(ctx, "tcp", s.Addrs()[0].String(), &recorder{}, c.opts...)
				e.ok(err)
				server, err := accepted.Await(ctx)
				e.ok(err)
				for end, tr := range map[string]Transport{"dialled": client, "accepted": server} {
					got := keepAliveOf(t, tr)
					if c.want[0] == 0 {
						got = [4]int{got[0]} // the rest is the system's
					}
					if got != c.want {
						t.Errorf("%s: %v, want %v", end, got, c.want)
					}
				}
				s.Close()
				client.Close()
				e.ok(s.WaitClosed(ctx))
			})
		}
	})
}
