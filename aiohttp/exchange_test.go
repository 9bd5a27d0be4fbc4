package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/internal/tlstest"
)

// A raw peer must see the same from every server: that of net/http, Serve, and net/http with
// OnLoop. A case whose answer is not that of net/http says why.
func TestServersAnswerAlike(t *testing.T) {
	var current atomic.Pointer[exchangeCase]
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/is-it-kept" {
			io.WriteString(w, "kept")
			return
		}
		current.Load().h(w, r)
	})
	quiet := log.New(io.Discard, "", 0)
	reference := httptest.NewUnstartedServer(h)
	reference.Config.ErrorLog = quiet
	reference.Config.MaxHeaderBytes = 64 << 10
	reference.Start()
	t.Cleanup(reference.Close)
	loop, _ := serving(t)
	mounted := httptest.NewUnstartedServer(aiohttp.OnLoop(loop, h))
	mounted.Config.ErrorLog = quiet
	mounted.Config.MaxHeaderBytes = 64 << 10
	mounted.Start()
	t.Cleanup(mounted.Close)
	served := serveOn(t, loop, h, func(s *http.Server) { s.ErrorLog = quiet })
	authority := tlstest.New(t)
	secured := serveOn(t, loop, h, func(s *http.Server) {
		s.ErrorLog, s.TLSConfig = quiet, authority.Server()
	})
	plain := func(addr net.Addr) func() (net.Conn, error) {
		return func() (net.Conn, error) { return net.Dial(addr.Network(), addr.String()) }
	}
	settings := authority.Client()
	settings.ServerName = "localhost"
	servers := map[string]func() (net.Conn, error){
		"OnLoop": plain(mounted.Listener.Addr()), "Serve": plain(served),
		"Serve with TLS": func() (net.Conn, error) { return tls.Dial("tcp", secured.String(), settings) },
	}

	if n := len(exchangeCases); n < 1300 {
		t.Errorf("%d cases", n)
	}
	names := map[string]bool{}
	for i := range exchangeCases {
		c := &exchangeCases[i]
		if names[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			current.Store(c)
			want, bytes := converse(t, plain(reference.Listener.Addr()), c.request)
			// where a long answer is cut into chunks is up to the server
			same := c.ours == nil && !(strings.Contains(bytes, "chunked") && len(bytes) > 4000) &&
				(strings.HasSuffix(want, "kept") || strings.HasSuffix(want, "closed"))
			if c.ours != nil {
				if ours := c.ours(want); ours == want {
					t.Errorf("it is said to differ, %s, but does not:\n%s", c.because, want)
				} else {
					want = ours
				}
			}
			for name, dial := range servers {
				if name == "OnLoop" && c.onLoop != "" {
					continue
				}
				got, raw := converse(t, dial, c.request)
				if got != want {
					t.Errorf("%s answers\n%s\nand should answer\n%s", name, got, want)
				} else if same && name != "OnLoop" && raw != bytes {
					t.Errorf("%s answers\n%.2000q\nand should answer\n%.2000q", name, raw, bytes)
				}
			}
		})
	}
}

// serveOn starts a server of aiohttp on a loop that another goroutine runs.
func serveOn(t *testing.T, loop *aio.Loop, h http.Handler, setup ...func(*http.Server)) net.Addr {
	t.Helper()
	s, err := aio.SubmitValue(t.Context(), loop, func(ctx context.Context) (*aiohttp.Server, error) {
		return aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h, setup...)
	})
	ok(t, err)
	return s.Addr()
}

// converse sends a request as it is, and then asks whether the connection is kept. It returns what
// can be seen of the answers, and their bytes without what chance decides.
func converse(
	t *testing.T, dial func() (net.Conn, error), request string,
) (shown, raw string) {
	t.Helper()
	var all bytes.Buffer
	shown = conversation(t, dial, request, &all)
	raw = chances.ReplaceAllString(all.String(), "-")
	return shown, raw
}

var chances = regexp.MustCompile(`Date: [A-Z][a-z]{2}, [0-9][^\r]*GMT|(boundary=|--)[0-9a-f]{60}`)

func conversation(
	t *testing.T, dial func() (net.Conn, error), request string, all io.Writer,
) string {
	t.Helper()
	if request == "" {
		request = get
	}
	conn, err := dial()
	ok(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go io.WriteString(conn, request+"GET /is-it-kept HTTP/1.1\r\nHost: x\r\n\r\n")
	var methods []string
	for _, line := range requestLine.FindAllStringSubmatch(request, -1) {
		methods = append(methods, line[1])
	}
	answers := bufio.NewReader(io.TeeReader(conn, all))
	var seen strings.Builder
	for {
		method := "GET"
		if len(methods) > 0 {
			method = methods[0]
		}
		resp, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err = sys.Error(err); errors.Is(err, syscall.ECONNRESET) {
			looptest.NeedDataBeforeReset(t)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
			errors.Is(err, syscall.ECONNRESET) {
			seen.WriteString("closed")
			return seen.String()
		}
		if err != nil {
			seen.WriteString(err.Error())
			return seen.String()
		}
		if resp.StatusCode < 200 {
			seen.WriteString(show(resp, "", nil) + "\n")
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if errors.Is(sys.Error(err), syscall.ECONNRESET) {
			looptest.NeedDataBeforeReset(t)
		}
		if string(body) == "kept" {
			seen.WriteString("kept")
			return seen.String()
		}
		seen.WriteString(show(resp, string(body), err) + "\n")
		if len(methods) > 0 {
			methods = methods[1:]
		}
	}
}

var requestLine = regexp.MustCompile(`(?m)^([A-Z]+) \S+ HTTP/1\.\d\r$`)

// show describes a response without what chance decides.
func show(resp *http.Response, body string, err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", resp.Proto, resp.Status)
	if resp.Header.Get("Date") != "" && resp.Header.Get("Date") != "Thu, 01 Jan 1970 00:00:00 GMT" {
		resp.Header.Set("Date", "-")
	}
	fields := func(h http.Header) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, v := range h[name] {
				if rest, ok := strings.CutPrefix(v, "multipart/byteranges; boundary="); ok {
					v, body = "multipart/byteranges", strings.ReplaceAll(body, rest, "-")
				}
				fmt.Fprintf(&b, "%s: %s\n", name, v)
			}
		}
	}
	if len(resp.TransferEncoding) > 0 {
		fmt.Fprintf(&b, "Transfer-Encoding: %s\n", strings.Join(resp.TransferEncoding, ", "))
	}
	if resp.Close {
		b.WriteString("Connection: close\n")
	}
	resp.Header.Del("Connection")
	if len(resp.TransferEncoding) == 0 && resp.ContentLength >= 0 {
		resp.Header.Del("Content-Length")
		fmt.Fprintf(&b, "Content-Length: %d\n", resp.ContentLength)
	}
	fields(resp.Header)
	if len(body) > 1000 {
		body = fmt.Sprintf("%.100s... %d bytes", body, len(body))
	}
	fmt.Fprintf(&b, "\n%s\n", body)
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	fields(resp.Trailer)
	return b.String()
}

// What a client is told by Direct must be what it is told by a server of net/http.
func TestDirectAnswersAsAServerDoes(t *testing.T) {
	var current atomic.Pointer[exchangeCase]
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().h(w, r) })
	reference := httptest.NewUnstartedServer(h)
	reference.Config.ErrorLog = log.New(io.Discard, "", 0)
	reference.Start()
	t.Cleanup(reference.Close)
	log.SetOutput(io.Discard) // nobody else has the log of Direct
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	run(t, func(ctx context.Context) {
		var network, direct aiohttp.Client
		direct.Transport = aiohttp.Direct(h)
		defer network.Close()
		defer direct.Close()
		cases := 0
		defer func() { // most others are about the wire
			if cases < 200 {
				t.Errorf("%d cases", cases)
			}
		}()
		for i := range exchangeCases {
			c := &exchangeCases[i]
			if c.direct != "" || c.h == nil {
				continue
			}
			cases++
			func() {
				current.Store(c)
				asked := func(client *aiohttp.Client) string {
					raw := c.request
					if raw == "" {
						raw = get
					}
					req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
					ok(t, err)
					body, err := io.ReadAll(req.Body)
					if err != nil {
						return "a client sends all that it announces"
					}
					sent, err := http.NewRequest(req.Method, reference.URL+req.RequestURI, bytes.NewReader(body))
					ok(t, err)
					if req.ContentLength < 0 {
						sent.ContentLength, sent.Body = -1, io.NopCloser(bytes.NewReader(body))
					}
					sent.Header, sent.Host, sent.Trailer = req.Header, req.Host, req.Trailer
					if sent.Header.Get("Accept-Encoding") == "" {
						sent.Header.Set("Accept-Encoding", "identity")
					}
					return told(ctx, client, sent)
				}
				want := asked(&network)
				if c.ours != nil && strings.HasPrefix(c.because, "a panic") {
					want = "500 Internal Server Error 22\nContent-Length: 22\nContent-Type: text/plain; " +
						"charset=utf-8\nDate: -\nX-Content-Type-Options: nosniff\n" +
						"\nInternal Server Error\n... 22 <nil>\n"
				} else if c.ours != nil {
					_, size, _ := strings.Cut(want, "... ")
					size, _, _ = strings.Cut(size, " ")
					want = strings.Replace(want, " -1\n", " "+size+"\nContent-Length: "+size+"\n", 1)
				}
				if got := asked(&direct); got != want {
					t.Errorf("%s: Direct tells\n%s\nand should tell\n%s", c.name, got, want)
				}
			}()
		}
	})
}

// told is what a client is told in answer to a request.
func told(ctx context.Context, c *aiohttp.Client, req *http.Request) string {
	var b strings.Builder
	r, err := c.Do(ctx, req)
	if err != nil {
		return "no answer"
	}
	fmt.Fprintln(&b, r.Status, r.ContentLength)
	if r.Header.Get("Date") != "" && r.Header.Get("Date") != "Thu, 01 Jan 1970 00:00:00 GMT" {
		r.Header.Set("Date", "-")
	}
	fields := func(h http.Header) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, v := range h[name] {
				fmt.Fprintf(&b, "%s: %s\n", name, v)
			}
		}
	}
	fields(r.Header)
	var body []byte
	for chunk, chunkErr := range r.Chunks(ctx) {
		if err = chunkErr; err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.ErrUnexpectedEOF
			}
			break
		}
		body = append(body, chunk...)
	}
	fmt.Fprintf(&b, "\n%.1000s... %d %v\n", body, len(body), err)
	fields(r.Trailer)
	return b.String()
}
