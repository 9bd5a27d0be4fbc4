package aiohttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/internal/tlstest"
)

// talkative is a server of raw connections: each is given to talk, with its number, on a goroutine
// of its own.
func talkative(t *testing.T, address string, talk func(n int, conn net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	ok(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				talk(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// heads reads requests without bodies and calls answer for each.
func heads(conn net.Conn, answer func(r *http.Request)) {
	br := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		answer(r)
	}
}

// 127.0.0.2 stands for a public address here.
func TestARedirectWithoutABodyLeadsToNoNarrowerAddressEither(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a whole network of loopback addresses")
	}
	defer realm.PretendPublic()()
	inner := site(t, func(w http.ResponseWriter, r *http.Request) { t.Error("it was asked") })
	for _, head := range []string{"Content-Length: 0", "Content-Length: 1000"} {
		outer := talkative(t, "127.0.0.2:0", func(_ int, conn net.Conn) {
			heads(conn, func(*http.Request) {
				io.WriteString(conn, "HTTP/1.1 302 Found\r\n"+head+
					"\r\nLocation: "+inner.URL+"\r\n\r\n")
			})
		})
		run(t, func(ctx context.Context) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				c := aiohttp.Client{Reach: aiohttp.NoNarrower}
				req, err := http.NewRequest(method, outer, nil)
				ok(t, err)
				_, err = c.Do(ctx, req)
				if !errors.Is(err, aiohttp.ErrReach) {
					t.Errorf("%s, %s: %v", head, method, err)
				}
				c.Close()
			}
		})
	}
}

func TestABodyOfUnknownLengthIsSentWhileTheAnswerComes(t *testing.T) {
	const size = 30 << 20
	echo := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
			io.Copy(conn, r.Body)
		}
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Post(ctx, echo, "", io.NopCloser(strings.NewReader(strings.Repeat("x", size))))
		ok(t, err)
		n, err := r.CopyTo(ctx, io.Discard)
		ok(t, err)
		equal(t, "size", n, size)
	})
}

func TestStrangeURLsAreErrorsAndNoPanics(t *testing.T) {
	a := tlstest.New(t)
	run(t, func(ctx context.Context) {
		cfg := a.Client()
		cfg.NextProtos = []string{"http/1.1"} // so the client asks itself
		c := aiohttp.Client{TLS: cfg}
		defer c.Close()
		for _, u := range []string{"https://:1/", "https://[::1%25nowhere]:1/",
			"https://.:1/", "https://127.0.0.1:99999/",
			"http://:1/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/",
			"http://[::1%25nowhere]:1/", "http://.:1/",
			"http://a..b.invalid:1/", "http://%00:1/", "http://%2f:1/", "http://:/", "https://:/"} {
			r, err := c.Get(ctx, u)
			if err == nil {
				r.Close()
			}
			var wrong *url.Error
			if !errors.As(err, &wrong) {
				t.Errorf("%s: %v", u, err)
			}
		}
	})
}

// closing is a body that tells whether it was closed.
type closing struct {
	io.Reader
	closed *bool
}

func (c closing) Close() error { *c.closed = true; return nil }

func TestTheBodyOfARequestThatIsCancelledBeforeItIsSentIsClosed(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for _, kept := range []bool{true, false} {
			if kept {
				r, err := c.Get(ctx, s.URL)
				text(ctx, t, r, err)
			}
			closed := false
			task := aio.Start(ctx, func(ctx context.Context) error {
				self := aio.CurrentTask(ctx)
				self.Cancel(nil)
				_, err := c.Post(ctx, s.URL, "", closing{strings.NewReader("x"), &closed})
				return err
			})
			_, err := task.Await(ctx)
			matches(t, err, aio.ErrCancelled)
			yields(ctx, 20)
			ok(t, aio.Blocking(ctx, func(context.Context) error { return nil }))
			equal(t, "closed", closed, true)
		}
	})
}

func TestWhatFollowsAnAnswerIsNoAnswerToTheNextRequest(t *testing.T) {
	const size = 200_000
	answers := func(conn net.Conn, twice bool) {
		heads(conn, func(*http.Request) {
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", size)
			if twice {
				answer += "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
			}
			io.WriteString(conn, answer)
		})
	}
	s := talkative(t, "127.0.0.1:0", func(n int, conn net.Conn) { answers(conn, n%2 == 0) })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for range 20 {
			for range 2 {
				r, err := c.Get(ctx, s)
				equal(t, "size", len(text(ctx, t, r, err)), size)
			}
			c.Close()
			c = aiohttp.Client{}
		}
	})
}

// A loop decrypts a bounded number of records at a time. The rest has arrived, but was not seen.
func TestWhatFollowsASecureAnswerIsNoAnswerToTheNextRequest(t *testing.T) {
	a := tlstest.New(t)
	cfg := a.Server()
	s := talkative(t, "127.0.0.1:0", func(n int, conn net.Conn) {
		batch := &inOnePiece{Conn: conn}
		secure := tls.Server(batch, cfg)
		if secure.Handshake() != nil {
			return
		}
		heads(secure, func(req *http.Request) {
			records, _ := strconv.Atoi(req.URL.Query().Get("records"))
			batch.hold()
			fmt.Fprintf(secure, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", records)
			for range records {
				io.WriteString(secure, "x")
			}
			if req.URL.Query().Has("more") {
				io.WriteString(secure, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
			}
			batch.flush()
		})
	})
	s = strings.Replace(s, "http://", "https://", 1)
	run(t, func(ctx context.Context) {
		for records := range 80 {
			c := aiohttp.Client{TLS: a.Client()}
			c.TLS.NextProtos = []string{"http/1.1"}
			// the first request goes through net/http, which finds out that there is no HTTP/2
			for _, more := range []string{"", "&more=1", ""} {
				r, err := c.Get(ctx, fmt.Sprintf("%s/?records=%d%s", s, records, more))
				equal(t, fmt.Sprint(records, " records"), text(ctx, t, r, err), strings.Repeat("x", records))
			}
			c.Close()
		}
	})
}

// inOnePiece is a connection that can send many records at once.
type inOnePiece struct {
	net.Conn
	held    []byte
	holding bool
}

func (c *inOnePiece) hold() { c.holding = true }

func (c *inOnePiece) Write(p []byte) (int, error) {
	if !c.holding {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *inOnePiece) flush() {
	c.holding = false
	c.Conn.Write(c.held)
	c.held = nil
}

func TestAVirtualClockDoesNotStopTheClientsOwnPatience(t *testing.T) {
	other := site(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	redirects := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		heads(conn, func(*http.Request) { // the rest of the body never comes
			io.WriteString(conn, "HTTP/1.1 302 Found\r\nContent-Length: 1000\r\n"+
				"Location: "+other.URL+"\r\n\r\nsome")
		})
	})
	continues := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn)) // it sends no 100 Continue
		if err == nil {
			body, _ := io.ReadAll(r.Body)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+string(body))
		}
	})
	virtually(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		req, err := http.NewRequest(http.MethodPost, continues, strings.NewReader("body"))
		ok(t, err)
		req.Header.Set("Expect", "100-continue")
		r, err := c.Do(ctx, req)
		equal(t, "answer without 100 Continue", text(ctx, t, r, err), "body")
		r, err = c.Get(ctx, redirects)
		equal(t, "answer behind the redirect", text(ctx, t, r, err), "hello")
	})
}

func TestAStatusBelow100IsNoInterimAnswer(t *testing.T) {
	s := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		heads(conn, func(*http.Request) {
			io.WriteString(conn, "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n"+
				"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s)
		ok(t, err)
		defer r.Close()
		equal(t, "status", r.StatusCode, 99)
	})
}

func TestATaskThatReadsAResponseThatAnotherOneClosesIsNotCancelled(t *testing.T) {
	s := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		heads(conn, func(*http.Request) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome")
		})
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for _, read := range []func(ctx context.Context, r *aiohttp.Response) error{
			func(ctx context.Context, r *aiohttp.Response) error {
				_, err := r.Bytes(ctx)
				return err
			},
			func(ctx context.Context, r *aiohttp.Response) error {
				_, err := r.CopyTo(ctx, io.Discard)
				return err
			},
			func(ctx context.Context, r *aiohttp.Response) (err error) {
				for _, err = range r.Lines(ctx) {
				}
				return err
			},
		} {
			r, err := c.Get(ctx, s)
			ok(t, err)
			task := aio.Start(ctx, func(ctx context.Context) error { return read(ctx, r) })
			yields(ctx, 5)
			equal(t, "done", task.Done(), false)
			r.Close()
			_, err = task.Await(ctx)
			matches(t, err, aiohttp.ErrClosed)
			if errors.Is(err, aio.ErrCancelled) {
				t.Errorf("it says that the task was cancelled: %v", err)
			}
		}
	})
}

// liar says that it has read so many bytes more than there was room for, or -1.
type liar int

func (l liar) Read(p []byte) (int, error) {
	if l < 0 {
		return -1, nil
	}
	return len(p) + int(l), nil
}

func TestABodyThatReadsAnImpossibleNumberOfBytesIsAnError(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for _, l := range []liar{-1, 1, 1 << 30} {
			_, err := c.Post(ctx, s.URL, "", l)
			if err == nil || !strings.Contains(err.Error(),
				"aiohttp: the body of the request (aiohttp_test.liar) says that it has read ") {
				t.Errorf("%d: %v", l, err)
			}
		}
	})
}
