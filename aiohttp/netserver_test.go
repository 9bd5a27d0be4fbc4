package aiohttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// settingsOf is the server that a handler finds in its context.
func settingsOf(r *http.Request) *http.Server {
	return r.Context().Value(http.ServerContextKey).(*http.Server)
}

func TestAHandlerMayShutItsServerDown(t *testing.T) {
	t.Run("ours", func(t *testing.T) { shutsDown(t, func(*http.Server) {}) })
	t.Run("net/http's", func(t *testing.T) {
		shutsDown(t, func(s *http.Server) { s.ConnState = func(net.Conn, http.ConnState) {} })
	})
}

func shutsDown(t *testing.T, setup func(*http.Server)) {
	run(t, func(ctx context.Context) {
		told := make(chan string, 2)
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				go settingsOf(r).Shutdown(context.Background())
				io.WriteString(w, "bye")
			}), func(s *http.Server) { s.RegisterOnShutdown(func() { told <- "shutdown" }) }, setup)
		ok(t, err)
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL())
		equal(t, "answer", text(ctx, t, r, err), "bye")
		matches(t, s.ServeForever(ctx), http.ErrServerClosed)
		hook, _, err := aio.Recv(ctx, told)
		ok(t, err)
		equal(t, "hook", hook, "shutdown")
		_, err = c.Get(ctx, s.URL())
		if err == nil {
			t.Error("it still answers")
		}
	})
}

func TestAServerThatAHandlerShutsDownReportsNothing(t *testing.T) {
	run(t, func(ctx context.Context) {
		var settings *http.Server
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.NotFoundHandler(),
			func(s *http.Server) { settings = s })
		ok(t, err)
		ok(t, aio.Blocking(ctx, func(context.Context) error {
			return settings.Shutdown(context.Background())
		}))
		for { // until the port is closed
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				break
			}
			conn.Close()
			ok(t, aio.Yield(ctx))
		}
	})
}

func TestKeptConnectionsCanBeSwitchedOffWhileAServerRuns(t *testing.T) {
	loop, _ := serving(t)
	addr := serveOn(t, loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		settingsOf(r).SetKeepAlivesEnabled(r.URL.Path == "/on")
	}))
	conn, err := net.Dial("tcp", addr.String())
	ok(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	answers := bufio.NewReader(conn)
	for _, path := range []string{"/on", "/on", "/off"} {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		resp, err := http.ReadResponse(answers, nil)
		ok(t, err)
		equal(t, path+" closes", resp.Close, path == "/off")
	}
	_, err = answers.ReadByte()
	matches(t, err, io.EOF)
}

func TestReadTimeoutAloneLimitsHeadsAndIdleConnectionsToo(t *testing.T) {
	for _, test := range []struct{ read, head, idle, wantHead, wantIdle time.Duration }{
		{time.Second, 0, 0, time.Second, time.Second},
		{time.Minute, 0, 0, 10 * time.Second, time.Minute},
		{time.Hour, 0, 0, 10 * time.Second, 2 * time.Minute},
		{time.Second, 5 * time.Second, time.Hour, 5 * time.Second, time.Hour},
		{time.Second, -1, -1, -1, -1},
		{0, 0, 0, 10 * time.Second, 2 * time.Minute},
	} {
		run(t, func(ctx context.Context) {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", tells(
				func(w http.ResponseWriter, r *http.Request) any {
					s := settingsOf(r)
					return fmt.Sprint(s.ReadHeaderTimeout, s.IdleTimeout)
				}), func(s *http.Server) {
				s.ReadTimeout = test.read
				if test.head != 0 {
					s.ReadHeaderTimeout, s.IdleTimeout = test.head, test.idle
				}
			})
			ok(t, err)
			defer s.Close()
			var c aiohttp.Client
			defer c.Close()
			r, err := c.Get(ctx, s.URL())
			equal(t, "limits", text(ctx, t, r, err), fmt.Sprint(test.wantHead, test.wantIdle))
		})
	}
}

// The time for a whole request begins with its head: with the connection, and for a further request
// with its first bytes.
func TestReadTimeoutCountsTheHead(t *testing.T) {
	looptest.Run(t, func(ctx context.Context) error {
		ctx = transport.WithNetwork(ctx, transport.Memory())
		loop := aio.RunningLoop(ctx)
		var late []time.Time
		s, err := aiohttp.Serve(ctx, "tcp", "x.test:80", http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					late = append(late, loop.Time())
				}
			}), func(s *http.Server) { s.ReadTimeout = time.Second })
		ok(t, err)
		defer s.Close()
		for _, before := range []string{"", get} {
			in, out, err := stream.Open(ctx, "tcp", "x.test:80")
			ok(t, err)
			began := loop.Time()
			if before != "" {
				out.WriteString(before)
				ok(t, aio.Sleep(ctx, time.Second/2))
				began = loop.Time()
			}
			out.WriteString("POST / HTTP/1.1\r\nHost: x\r\n")
			ok(t, aio.Sleep(ctx, 700*time.Millisecond))
			out.WriteString("Content-Length: 10\r\n\r\nhello")
			_, err = in.ReadAll(ctx)
			ok(t, err)
			out.Abort()
			if n := len(late); n == 0 {
				t.Error("nothing was late")
			} else {
				equal(t, "time after which the body was late", late[n-1].Sub(began), time.Second)
			}
		}
		return nil
	})
}

func TestAnUpgradePassesAReverseProxy(t *testing.T) {
	behind := site(t, takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"+
			"Upgrade: echo\r\n\r\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil || line == "end\n" {
				return
			}
			io.WriteString(conn, "echo "+line)
		}
	}))
	target, err := url.Parse(behind.URL)
	ok(t, err)
	loop, _ := serving(t)
	h := httputil.NewSingleHostReverseProxy(target)
	mounted := httptest.NewServer(aiohttp.OnLoop(loop, h))
	t.Cleanup(mounted.Close)
	for _, addr := range []net.Addr{serveOn(t, loop, h), mounted.Listener.Addr()} {
		conn, err := net.Dial("tcp", addr.String())
		ok(t, err)
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		answers := bufio.NewReader(conn)
		resp, err := http.ReadResponse(answers, nil)
		ok(t, err)
		equal(t, "status", resp.StatusCode, 101)
		for range 3 {
			io.WriteString(conn, "hello\n")
			line, err := answers.ReadString('\n')
			ok(t, err)
			equal(t, "echo", line, "echo hello\n")
		}
		io.WriteString(conn, "end\n")
		_, err = answers.ReadByte()
		matches(t, err, io.EOF)
		conn.Close()
	}
}

func TestCloseNotifyTellsThatTheClientHasGone(t *testing.T) {
	loop, _ := serving(t)
	told := make(chan bool)
	h := aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gone := w.(http.CloseNotifier).CloseNotify() //lint:ignore SA1019 old middleware uses it
		flush(w)
		told <- <-gone
	}))
	mounted := httptest.NewServer(aiohttp.OnLoop(loop, h))
	t.Cleanup(mounted.Close)
	for _, addr := range []net.Addr{serveOn(t, loop, h), mounted.Listener.Addr()} {
		conn, err := net.Dial("tcp", addr.String())
		ok(t, err)
		io.WriteString(conn, get)
		_, err = conn.Read(make([]byte, 1))
		ok(t, err)
		conn.Close()
		select {
		case is := <-told:
			equal(t, "told", is, true)
		case <-time.After(patience):
			t.Fatal("nobody was told")
		}
	}
}

// Each kind of handler has a context that ends with it, for goroutines that keep it.
func TestAContextThatIsKeptEndsWithItsHandler(t *testing.T) {
	loop, _ := serving(t)
	ended := make(chan error)
	keeps := func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		go func() {
			<-ctx.Done()
			ended <- errors.Join(ctx.Err(), context.Cause(ctx))
		}()
	}
	task := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		keeps(w, r)
		return nil
	})
	for name, h := range map[string]http.Handler{
		"a handler": http.HandlerFunc(keeps), "off the loop": aiohttp.OffLoop(http.HandlerFunc(keeps)),
		"a task": task, "a task inside": aiohttp.OffLoop(task),
		"a time limit": http.TimeoutHandler(task, time.Hour, ""),
		"a panic": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keeps(w, r)
			panic(http.ErrAbortHandler)
		}),
		"a hijacker": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keeps(w, r)
			takesOver(func(http.ResponseWriter, io.Writer, *bufio.ReadWriter) {})(w, r)
		}),
	} {
		mounted := httptest.NewServer(aiohttp.OnLoop(loop, h))
		for _, addr := range []net.Addr{serveOn(t, loop, h), mounted.Listener.Addr()} {
			conn, err := net.Dial("tcp", addr.String())
			ok(t, err)
			io.WriteString(conn, get)
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", name, err)
				}
			case <-time.After(patience):
				t.Fatalf("the context of %s does not end", name)
			}
			conn.Close()
		}
		mounted.Close()
	}
}

// A recorder of httptest sees what it would see without OnLoop, except that there may be a length.
func TestARecorderSeesWhatAHandlerUnderOnLoopWrites(t *testing.T) {
	loop, _ := serving(t)
	for name, h := range map[string]http.HandlerFunc{
		"nothing": writes(), "text": writes("hello"), "html": writes("<html><body>"),
		"much": writes(strings.Repeat("x", 100_000)), "404": http.NotFound,
		"a status": status(201, "hello", "X-A: 1"), "a type": status(200, "hello", "Content-Type: a/b"),
		"flushed": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<html>")
			flush(w)
			io.WriteString(w, "more")
		},
		"fields that are too late": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", "1")
			io.WriteString(w, "hello")
			w.Header().Set("X-A", "2")
			w.Header().Set("X-B", "2")
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
		"a cookie": func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		},
	} {
		seen := func(h http.Handler) string {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
			resp := rec.Result()
			resp.Header.Del("Content-Length")
			resp.ContentLength = -1
			return fmt.Sprint(show(resp, rec.Body.String(), nil), rec.Flushed)
		}
		if got, want := seen(aiohttp.OnLoop(loop, h)), seen(h); got != want {
			t.Errorf("%s: with OnLoop\n%s\nand without\n%s", name, got, want)
		}
	}
}
