package aiohttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
)

var hello = aiohttp.HandlerFunc(func(
	ctx context.Context, w http.ResponseWriter, r *http.Request,
) error {
	_, err := io.WriteString(w, "hello")
	return err
})

func TestAServerAndItsClientShareALoop(t *testing.T) {
	a := tlstest.New(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello, func(s *http.Server) {
					if scheme == "https" {
						s.TLSConfig = a.Server()
					}
				})
				ok(t, err)
				defer s.Close()
				if !strings.HasPrefix(s.URL(), scheme+"://127.0.0.1:") {
					t.Error(s.URL())
				}
				c := aiohttp.Client{TLS: a.Client()}
				defer c.Close()
				r, err := c.Get(ctx, s.URL())
				equal(t, "answer", text(ctx, t, r, err), "hello")
			})
		})
	}
}

func TestAServerListensOnAUnixSocket(t *testing.T) {
	path := looptest.SocketPath(t)
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "unix", path, hello)
		if err != nil {
			t.Skip("no Unix sockets here: ", err)
		}
		defer s.Close()
		c := aiohttp.Client{Transport: &http.Transport{DialContext: func(
			ctx context.Context, _, _ string,
		) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}
		defer c.Close()
		r, err := c.Get(ctx, "http://local/")
		equal(t, "answer", text(ctx, t, r, err), "hello")
	})
}

func TestAServerSaysWhyItCannotListen(t *testing.T) {
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello)
		ok(t, err)
		defer s.Close()
		for _, address := range []string{s.Addr().String(), "127.0.0.1", "127.0.0.1:nonsense"} {
			if _, err := aiohttp.Serve(ctx, "tcp", address, hello); err == nil {
				t.Errorf("listens on %s", address)
			}
		}
	})
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	run(t, func(ctx context.Context) {
		var begun, goOn aiosync.Event
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
			aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				begun.Set()
				if err := goOn.Wait(ctx); err != nil {
					return err
				}
				return hello(ctx, w, r)
			}))
		ok(t, err)
		var c aiohttp.Client
		defer c.Close()
		request := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			r, err := c.Get(ctx, s.URL())
			if err != nil {
				return "", err
			}
			return r.Text(ctx)
		})
		ok(t, begun.Wait(ctx))
		shutdown := aio.Start(ctx, s.Shutdown)
		yields(ctx, 10)
		equal(t, "done too early", shutdown.Done(), false)
		if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
			t.Error("it still accepts")
		}
		goOn.Set()
		answer, err := request.Await(ctx)
		ok(t, err)
		equal(t, "answer", answer, "hello")
		_, err = shutdown.Await(ctx)
		ok(t, err)
	})
}

func TestServeForeverDrainsAndCutsOffThoseThatAreLate(t *testing.T) {
	for name, drain := range map[string]time.Duration{"in time": time.Hour, "late": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				var begun, goOn, over aiosync.Event
				var ended error
				s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
					aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
						begun.Set()
						defer over.Set()
						ended = goOn.Wait(ctx)
						return ended
					}))
				ok(t, err)
				s.Drain = drain
				var c aiohttp.Client
				defer c.Close()
				request := aio.Start(ctx, func(ctx context.Context) error {
					r, err := c.Get(ctx, s.URL())
					if err == nil {
						r.Close()
					}
					return err
				})
				ok(t, begun.Wait(ctx))
				forever := aio.Start(ctx, s.ServeForever)
				yields(ctx, 3)
				forever.Cancel(errors.New("enough"))
				yields(ctx, 3)
				if name == "in time" {
					goOn.Set()
				}
				_, err = forever.Await(ctx)
				matches(t, err, aio.ErrCancelled)
				_, err = request.Await(ctx)
				ok(t, over.Wait(ctx))
				if name == "in time" {
					ok(t, err)
					ok(t, ended)
				} else {
					matches(t, ended, aio.ErrCancelled)
					if err == nil {
						t.Error("the late one was answered")
					}
				}
			})
		})
	}
}

func TestAServerIsClosedWithItsLoop(t *testing.T) {
	before := resourcesNow()
	var address string
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello)
		ok(t, err)
		address = s.Addr().String()
		conn, err := net.Dial("tcp", address) // and never says anything
		ok(t, err)
		t.Cleanup(func() { conn.Close() })
	})
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it still accepts")
	}
	before.plus(0, 1).comeBack(t)
}

func TestDirectNeedsNoNetworkAndNoTime(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		c := aiohttp.Client{Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			switch r.URL.Path {
			case "/slow":
				for range 5 {
					if err := aio.Sleep(ctx, time.Hour); err != nil {
						return err
					}
					io.WriteString(w, "tick\n")
					w.(http.Flusher).Flush()
				}
			case "/large":
				io.WriteString(w, strings.Repeat("x", 1_000_000))
			case "/echo":
				_, err := io.Copy(w, r.Body)
				return err
			case "/abort":
				panic(http.ErrAbortHandler)
			case "/torn":
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			case "/head":
				io.WriteString(w, "body")
			}
			return nil
		}))}
		defer c.Close()
		r, err := c.Get(ctx, "http://x/slow")
		ok(t, err)
		hours := 0
		for line, err := range r.Lines(ctx) {
			ok(t, err)
			hours++
			equal(t, "line", string(line), "tick\n")
			equal(t, "time", loop.Time().Sub(began), time.Duration(hours)*time.Hour)
		}
		equal(t, "hours", hours, 5)
		r, err = c.Get(ctx, "http://x/large")
		equal(t, "large", len(text(ctx, t, r, err)), 1_000_000)
		r, err = c.Get(ctx, "http://x/large")
		ok(t, err)
		n, err := r.CopyTo(ctx, io.Discard)
		ok(t, err)
		equal(t, "copied", n, 1_000_000)
		equal(t, "type", r.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		r, err = c.Post(ctx, "http://x/echo", "text/plain", strings.NewReader("hello"))
		equal(t, "echo", text(ctx, t, r, err), "hello")
		r, err = c.Head(ctx, "http://x/head")
		equal(t, "HEAD", text(ctx, t, r, err), "")
		_, err = c.Get(ctx, "http://x/abort")
		matches(t, err, io.ErrUnexpectedEOF)
		r, err = c.Get(ctx, "http://x/torn")
		ok(t, err)
		_, err = r.Bytes(ctx)
		matches(t, err, io.ErrUnexpectedEOF)
		r, err = c.Get(ctx, "http://x/slow")
		ok(t, err)
		err = aio.Timeout(ctx, 90*time.Minute, func(ctx context.Context) error {
			_, err := r.Bytes(ctx)
			return err
		})
		matches(t, err, context.DeadlineExceeded)
		if _, err := c.Transport.RoundTrip(nil); err == nil {
			t.Error("somebody else used it")
		}
	})
}
