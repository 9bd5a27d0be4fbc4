package aiohttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// flood writes again and again until the client has enough.
func flood(conn net.Conn, text string) {
	p := []byte(strings.Repeat(text, max(1, 32<<10/len(text))))
	for {
		if _, err := conn.Write(p); err != nil {
			return
		}
	}
}

// Nothing that a server sends without end makes a request last for ever, or the client hold more
// than a head may have.
func TestEndlessAnswersEnd(t *testing.T) {
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct{ name, begin, again, says string }{
		{"1xx", "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "headers exceeded"},
		{"100 Continue", "", "HTTP/1.1 100 Continue\r\n\r\n", "headers exceeded"},
		{"a status line", "HTTP/1.1 200 ", "x", "headers exceeded"},
		{"a field", "HTTP/1.1 200 OK\r\nX: ", "y", "headers exceeded"},
		{"fields", "HTTP/1.1 200 OK\r\n", "X: y\r\n", "headers exceeded"},
		{"folded lines", "HTTP/1.1 200 OK\r\nX: y", "\r\n z", "headers exceeded"},
		{"fields of different names", "HTTP/1.1 200 OK\r\nX", "a", "headers exceeded"},
		{"cookies", "HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n", "headers exceeded"},
		{"empty lines", "", "\r\n", "malformed"},
		{"line feeds", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "\n", ""},
		{"what is no HTTP", "", "x", "headers exceeded"},
		{"zeros", "", "\x00", "headers exceeded"},
		{"a chunk extension", chunks + "5;", "a", "line too long"},
		{"chunk extensions", chunks, "1;" + strings.Repeat("a", 1000) + "\r\nx\r\n", "non-data"},
		{"a chunk's size", chunks, "0", "line too long"},
		{"digits of a chunk's size", chunks, "f", "line too long"},
		{"a trailer", chunks + "0\r\nX: ", "y", "trailer"},
		{"trailers", chunks + "0\r\n", "X: y\r\n", "trailer"},
		{"a gzip header", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\x00\x00" +
			"\x00\x00\x00\x00", "n", "gzip"},
		{"a body without a length", "HTTP/1.1 200 OK\r\n\r\n", "x", "too large"},
		{"a body in chunks", chunks, "5\r\nhello\r\n", "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.WriteString(conn, c.begin)
					flood(conn, c.again)
				}
			})
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			run(t, func(ctx context.Context) {
				jar, _ := cookiejar.New(nil)
				client := aiohttp.Client{Jar: jar}
				defer client.Close()
				turns := 0 // of another task
				other := aio.Start(ctx, func(ctx context.Context) error {
					for {
						if err := aio.Yield(ctx); err != nil {
							return err
						}
						turns++
					}
				})
				defer other.Cancel(nil)
				r, err := client.Get(ctx, s)
				if err == nil {
					_, err = r.Bytes(ctx)
				}
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %q", err, c.says)
				}
				if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\r\n\x00") {
					t.Errorf("the error is %q", err)
				}
				if turns == 0 {
					t.Error("no other task had a turn")
				}
			})
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 200<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
		})
	}
}

// Wherever an answer is cut off, the client gets it whole, if its end does not matter, or an error.
// The next request is not concerned.
func TestAnAnswerThatIsCutOffAnywhereIsAnError(t *testing.T) {
	for _, whole := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n" +
			"\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
	} {
		var mu sync.Mutex
		cut, reset := 0, false
		s := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
			heads(conn, func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if r.URL.Path == "/whole" {
					io.WriteString(conn, whole)
					return
				}
				io.WriteString(conn, whole[:cut])
				if reset {
					conn.(*net.TCPConn).SetLinger(0)
				}
				conn.Close()
			})
		})
		run(t, func(ctx context.Context) {
			var c aiohttp.Client
			defer c.Close()
			for _, resets := range []bool{false, true} {
				for n := range len(whole) {
					mu.Lock()
					cut, reset = n, resets
					mu.Unlock()
					r, err := c.Get(ctx, s+"/whole")
					equal(t, "a whole answer", text(ctx, t, r, err), "hello")
					if r, err = c.Get(ctx, s+"/cut"); err == nil {
						var body string
						if body, err = r.Text(ctx); err == nil {
							t.Errorf("cut off after %q: %q", whole[:n], body)
						}
					}
					if errors.Is(err, io.EOF) && n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("cut off after %q: %v", whole[:n], err)
					}
				}
			}
		})
	}
}

// Answers in pieces of one byte, with other answers on other connections, are understood.
func TestAnswersOfOneByteAtATimeAreUnderstood(t *testing.T) {
	s := talkative(t, "127.0.0.1:0", func(_ int, conn net.Conn) {
		conn.(*net.TCPConn).SetNoDelay(true)
		heads(conn, func(r *http.Request) {
			answer := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			for _, p := range strings.Split(r.URL.Path[1:], "") {
				answer += fmt.Sprintf("1\r\n%s\r\n", p)
			}
			for _, b := range []byte(answer + "0\r\n\r\n") {
				conn.Write([]byte{b})
			}
		})
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		paths := make([]string, 20)
		for i := range paths {
			paths[i] = fmt.Sprint("/number", i)
		}
		for range 3 {
			texts, err := aio.Map(ctx, paths, func(ctx context.Context, path string) (string, error) {
				r, err := c.Get(ctx, s+path)
				if err != nil {
					return "", err
				}
				return r.Text(ctx)
			})
			ok(t, err)
			for i, text := range texts {
				equal(t, "text", "/"+text, paths[i])
			}
		}
	})
}
