package aiohttp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/tlstest"
)

// soon is long for the limits of these tests and short for patience.
const soon = 100 * time.Millisecond

// dial connects and sends.
func dial(t *testing.T, to net.Addr, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial(to.Network(), to.String())
	ok(t, err)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(conn, request)
	ok(t, err)
	return conn
}

// ends checks that the server closes the connection, and returns what it has said.
func ends(t *testing.T, conn net.Conn) string {
	t.Helper()
	all, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection is not closed: %v", err)
	}
	return string(all)
}

func TestAServerHasLimits(t *testing.T) {
	run(t, func(ctx context.Context) {
		var config *http.Server
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello, func(s *http.Server) { config = s })
		ok(t, err)
		s.Close()
		equal(t, "ReadHeaderTimeout", config.ReadHeaderTimeout, 10*time.Second)
		equal(t, "IdleTimeout", config.IdleTimeout, 2*time.Minute)
		equal(t, "MaxHeaderBytes", config.MaxHeaderBytes, 64<<10)
	})
}

func TestAConnectionThatIsIdleIsClosed(t *testing.T) {
	loop, _ := serving(t)
	addr := serveOn(t, loop, hello, func(s *http.Server) { s.IdleTimeout = soon })
	answer := ends(t, dial(t, addr, get))
	if !strings.HasSuffix(answer, "hello") {
		t.Errorf("answer %q", answer)
	}
}

func TestAHeadThatIsTooLongOrTooSlowIsRefused(t *testing.T) {
	loop, _ := serving(t)
	addr := serveOn(t, loop, hello, func(s *http.Server) { s.ReadHeaderTimeout = soon })
	ends(t, dial(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow"))
	answer := ends(t, dial(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nX: "+
		strings.Repeat("x", 100_000)+"\r\n\r\n"))
	if !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("answer %q", answer)
	}
}

func TestALimitOfHeadsMayBeAnyNumber(t *testing.T) {
	a := tlstest.New(t)
	for _, secure := range []bool{false, true} {
		run(t, func(ctx context.Context) {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello, func(s *http.Server) {
				s.MaxHeaderBytes = math.MaxInt
				if secure {
					s.TLSConfig = a.Server()
				}
			})
			ok(t, err)
			defer s.Close()
			c := aiohttp.Client{TLS: a.Client()}
			defer c.Close()
			r, err := c.Get(ctx, s.URL())
			equal(t, "answer", text(ctx, t, r, err), "hello")
		})
	}
}

func TestABodyThatSticksEnds(t *testing.T) {
	read := make(chan error, 1)
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/reads":
			_, err := io.ReadAll(r.Body)
			read <- err
		case "/elsewhere":
			_, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) { return io.ReadAll(r.Body) })
			read <- err
		case "/waits":
			if err := aio.Sleep(ctx, 3*soon); err != nil { // the client says nothing more, and need not
				return err
			}
		}
		_, err := io.WriteString(w, "done")
		return err
	})
	loop, _ := serving(t)
	addr := serveOn(t, loop, h, aiohttp.BodyTimeout(soon), func(s *http.Server) {
		s.IdleTimeout = time.Hour
	})
	for _, path := range []string{"/reads", "/elsewhere"} {
		answer := ends(t, dial(t, addr, "POST "+path+
			" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"))
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", path, err)
		}
		if !strings.HasSuffix(answer, "done") {
			t.Errorf("%s: answer %q", path, answer)
		}
	}
	answer := ends(t,
		dial(t, addr, "POST /ignores HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"))
	if !strings.HasSuffix(answer, "done") {
		t.Errorf("answer %q", answer)
	}
	for _, body := range []string{"", "hello"} {
		conn := dial(t, addr, "POST /waits HTTP/1.1\r\nHost: x\r\nContent-Length: "+string(
			'0'+rune(len(body)))+"\r\n\r\n"+body)
		answers := bufio.NewReader(conn)
		for range 2 { // the connection is kept, and may be idle for longer than a body may stick
			resp, err := http.ReadResponse(answers, nil)
			ok(t, err)
			all, err := io.ReadAll(resp.Body)
			ok(t, err)
			equal(t, "answer", string(all), "done")
			io.WriteString(conn, "GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
}

func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	loop, _ := serving(t)
	gone := make(chan error, 2)
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		piece := make([]byte, 1<<20)
		for {
			if _, err := w.Write(piece); err != nil {
				gone <- err
				return err
			}
		}
	})
	addr := serveOn(t, loop, h, aiohttp.BodyTimeout(soon))
	dial(t, addr, get)
	if err := <-gone; err == nil {
		t.Error("no error")
	}
	// One that reads slowly, but does, is not.
	var size int
	small := serveOn(t, loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			_, err := w.Write(make([]byte, 8<<20))
			return err
		}), aiohttp.BodyTimeout(time.Hour))
	size = len(ends(t, dial(t, small, "GET / HTTP/1.0\r\n\r\n")))
	if size < 8<<20 {
		t.Errorf("%d bytes", size)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	loop, _ := serving(t)
	addr := serveOn(t, loop, hello, aiohttp.MaxConnections(2))
	first, second := dial(t, addr, get), dial(t, addr, get)
	for _, conn := range []net.Conn{first, second} {
		_, err := http.ReadResponse(bufio.NewReader(conn), nil)
		ok(t, err)
	}
	third := dial(t, addr, get)
	third.SetReadDeadline(time.Now().Add(soon))
	if n, err := third.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the third got %d bytes, %v", n, err)
	}
	third.SetReadDeadline(time.Now().Add(patience))
	first.Close()
	_, err := http.ReadResponse(bufio.NewReader(third), nil)
	ok(t, err)
}

func TestSettingsOfServeBelongToIt(t *testing.T) {
	for name, f := range map[string]func(){
		"BodyTimeout":    func() { aiohttp.BodyTimeout(time.Second)(&http.Server{}) },
		"MaxConnections": func() { aiohttp.MaxConnections(-1) },
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.HasPrefix(v, "aiohttp: "+name) {
					t.Errorf("%s: %v", name, v)
				}
			}()
			f()
		}()
	}
}

func TestAUnixSocketThatIsServedIsRefusedAndAStaleOneReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no files of sockets here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "unix", path, hello)
		ok(t, err)
		_, err = aiohttp.Serve(ctx, "unix", path, hello)
		matches(t, err, syscall.EADDRINUSE)
		_, err = net.Dial("unix", path)
		ok(t, err) // the first one is there still
		s.Close()

		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		ok(t, err)
		stale.SetUnlinkOnClose(false)
		stale.Close()
		s, err = aiohttp.Serve(ctx, "unix", path, hello)
		ok(t, err)
		s.Close()

		ok(t, os.WriteFile(path, []byte("not a socket"), 0o600))
		_, err = aiohttp.Serve(ctx, "unix", path, hello)
		matches(t, err, syscall.EADDRINUSE)
		if data, _ := os.ReadFile(path); string(data) != "not a socket" {
			t.Errorf("the file is gone: %q", data)
		}
	})
}

// http2Site serves by HTTP/2 and returns a client for it.
func http2Site(t *testing.T, h http.Handler) (*httptest.Server, *http.Client) {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, s.Client()
}

func TestHintsByHTTP2AreCopied(t *testing.T) {
	loop, _ := serving(t)
	hinted := make(chan struct{}, 1)
	s, c := http2Site(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Link", "</a>")
			for range 20 {
				w.WriteHeader(http.StatusEarlyHints)
				w.Header().Add("Link", "</b>")
				select {
				case hinted <- struct{}{}:
				default:
				}
			}
			for i := range 100 {
				w.Header().Set("X-"+string('A'+rune(i%26)), "1")
			}
			_, err := io.WriteString(w, "hello")
			return err
		})))
	for range 50 { // the race detector is the judge
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		go func() {
			select {
			case <-hinted:
				cancel()
			case <-ctx.Done():
			}
		}()
		if resp, err := c.Do(req); err == nil {
			resp.Body.Close()
		}
		cancel()
	}
	resp, err := c.Get(s.URL)
	ok(t, err)
	equal(t, "version", resp.ProtoMajor, 2)
	resp.Body.Close()
}

func TestHTTP2AnswersAlike(t *testing.T) {
	loop, _ := serving(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "hello")
			w.Header().Set("X-Sum", "5")
			w.Header().Set("X-Late", "5")
		case "/limit":
			limited(4)(w, r)
		case "/flush":
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Late", "5")
			io.WriteString(w, strings.Repeat("x", 100_000))
		case "/abort":
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	reference, c := http2Site(t, h)
	mounted, _ := http2Site(t, aiohttp.OnLoop(loop, h))
	a := tlstest.New(t)
	served := "https://" + serveOn(t, loop, h, func(s *http.Server) {
		s.TLSConfig = a.Server()
	}).String()
	ours := clientsOf(t, a)[2]
	for _, path := range []string{"/", "/trailer", "/limit", "/flush", "/abort"} {
		seen := func(c *http.Client, url string) string {
			resp, err := c.Post(url+path, "text/plain", strings.NewReader("hello, world"))
			ok(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				err = errors.New("torn")
			}
			return show(resp, string(body), err)
		}
		want := seen(c, reference.URL)
		if got := seen(c, mounted.URL); got != want {
			t.Errorf("%s: OnLoop answers\n%s\nand should answer\n%s", path, got, want)
		}
		if got := seen(ours, served); got != want {
			t.Errorf("%s: Serve answers\n%s\nand should answer\n%s", path, got, want)
		}
	}
}
