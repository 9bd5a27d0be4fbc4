package hostile

import (
	"context"
	"net/http"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// AttackSite attacks a website that a program brings along, with a tenth of the peers. want is in
// its answer for path.
func AttackSite(t *testing.T, h http.Handler, path, want string) {
	t.Helper()
	addr, stop, ended := make(chan string, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h)
			if err != nil {
				close(addr)
				return err
			}
			defer s.Close()
			addr <- s.Addr().String()
			return aio.Blocking(ctx, func(context.Context) error { <-stop; return nil })
		})
	}()
	target := Target{
		Network: "tcp",
		Address: <-addr,
		Request: "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n",
		Peers:   100,
	}
	target.Probe = func(t *testing.T) {
		Ask(t, target, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", want)
	}
	Attack(t, target)
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
