package aiohttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
)

func TestRequestsOnTheLoopNeedNoGoroutines(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("each connection of transport.Portable has goroutines")
	}
	run(t, func(ctx context.Context) {
		const n = 50
		var goOn aiosync.Event
		inside := 0
		var all aiosync.Event
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			if inside++; inside == n {
				all.Set()
			}
			if err := goOn.Wait(ctx); err != nil {
				return err
			}
			_, err := io.Copy(w, r.Body)
			return err
		}))
		ok(t, err)
		defer s.Close()
		var c aiohttp.Client
		defer c.Close()
		before := resourcesNow().goroutines
		large := strings.Repeat("x", 1_000_000)
		answers := aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.Map(ctx, make([]int, n), func(ctx context.Context, _ int) (int, error) {
				r, err := c.Post(ctx, s.URL(), "", strings.NewReader(large))
				if err != nil {
					return 0, err
				}
				body, err := r.Bytes(ctx)
				equal(t, "size", len(body), len(large))
				return 0, err
			})
			return err
		})
		ok(t, all.Wait(ctx))
		if now := resourcesNow().goroutines; now > before {
			t.Errorf("%d goroutines, %d before", now, before)
		}
		goOn.Set()
		_, err = answers.Await(ctx)
		ok(t, err)
	})
}

func TestSecureSitesWithoutHTTP2AreAskedOnTheLoop(t *testing.T) {
	a := tlstest.New(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, r.TLS != nil, len(body), r.RemoteAddr)
	}))
	s.TLS = a.Server()
	s.StartTLS()
	t.Cleanup(s.Close)
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{TLS: a.Client()}
		defer c.Close()
		seen := map[string]bool{}
		for range 5 {
			r, err := c.Post(ctx, s.URL, "", strings.NewReader(strings.Repeat("x", 100_000)))
			ok(t, err)
			if r.TLS == nil {
				t.Error("there is no TLS state")
			}
			answer := text(ctx, t, r, err)
			if !strings.HasPrefix(answer, "HTTP/1.1true 100000") {
				t.Error(answer)
			}
			seen[answer] = true
		}
		if len(seen) > 2 { // one to learn what the server speaks
			t.Errorf("%d connections: %v", len(seen), seen)
		}
	})
}

func TestAClientKeepsAsManyIdleConnectionsAsItMayUse(t *testing.T) {
	run(t, func(ctx context.Context) {
		var s [3]*aiohttp.Server
		c := aiohttp.Client{Limit: 2}
		defer c.Close()
		for i := range s {
			var err error
			s[i], err = aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello)
			ok(t, err)
			defer s[i].Close()
			r, err := c.Get(ctx, s[i].URL())
			equal(t, "answer", text(ctx, t, r, err), "hello")
		}
		for s[0].Statistics().Connections > 0 { // the one that was used first is closed
			ok(t, aio.Yield(ctx))
		}
		equal(t, "the others", s[1].Statistics().Connections+s[2].Statistics().Connections, 2)
		c.Close()
		for _, s := range s {
			for s.Statistics().Connections > 0 {
				ok(t, aio.Yield(ctx))
			}
		}
	})
}

func TestAConnectionThatTheServerHasEndedIsNotUsedAgain(t *testing.T) {
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello)
		ok(t, err)
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL())
		equal(t, "answer", text(ctx, t, r, err), "hello")
		address := s.Addr().String()
		s.Close()
		for s.Statistics().Connections > 0 {
			ok(t, aio.Yield(ctx))
		}
		ok(t, aio.Sleep(ctx, time.Millisecond)) // the loop looks at its descriptors
		s, err = aiohttp.Serve(ctx, "tcp", address, hello)
		ok(t, err)
		defer s.Close()
		r, err = c.Post(ctx, s.URL(), "", struct{ io.Reader }{strings.NewReader("for once")})
		equal(t, "answer", text(ctx, t, r, err), "hello")
	})
}
