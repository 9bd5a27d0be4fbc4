package aiohttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/transport"
)

func TestServersAndClientsWorkInMemory(t *testing.T) {
	cert := tlstest.New(t)
	looptest.Run(t, func(ctx context.Context) error {
		ctx = transport.WithNetwork(ctx, transport.Memory())
		slow := func(w http.ResponseWriter, r *http.Request) {
			if err := aio.Sleep(r.Context(), time.Hour); err == nil {
				fmt.Fprintf(w, "%s from %s", strings.Repeat("x", 100_000), r.Host)
			}
		}
		plain, err := aiohttp.Serve(ctx, "tcp", "slow.test:80", http.HandlerFunc(slow))
		ok(t, err)
		defer plain.Close()
		secure, err := aiohttp.Serve(ctx, "tcp", "localhost:443", http.HandlerFunc(slow),
			func(s *http.Server) { s.TLSConfig = cert.Server() })
		ok(t, err)
		defer secure.Close()
		if got := plain.URL(); got != "http://10.0.0.1:80" {
			t.Errorf("the URL is %s", got)
		}
		c := &aiohttp.Client{TLS: &tls.Config{RootCAs: cert.Pool()}}
		defer c.Close()
		start := aio.RunningLoop(ctx).Time()
		for i, url := range []string{"http://slow.test/", "https://localhost/", "http://slow.test/a"} {
			resp, err := c.Get(ctx, url)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body(ctx))
			resp.Close()
			if err != nil {
				return err
			}
			if len(body) < 100_000 {
				return fmt.Errorf("%s: %d bytes", url, len(body))
			}
			if d := aio.RunningLoop(ctx).Time().Sub(start); d != time.Duration(i+1)*time.Hour {
				return fmt.Errorf("%s: it is %v after the start", url, d)
			}
		}
		limited := &aiohttp.Client{Timeout: time.Minute}
		defer limited.Close()
		if _, err := limited.Get(ctx, "http://slow.test/"); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("got %v, want a time-out", err)
		}
		if _, err := c.Get(ctx, "http://nobody.test/"); err == nil {
			return errors.New("nobody answered")
		}
		_, err = aiohttp.Serve(ctx, "tcp", ":81", http.HandlerFunc(slow),
			func(s *http.Server) {
				s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return ctx }
			})
		if !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("with a hook of net/http: %v", err)
		}
		return nil
	})
}
