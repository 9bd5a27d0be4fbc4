package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/http/pprof"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// echoSite is a backend on goroutines of its own that sends back what it gets.
func echoSite(t *testing.T) *httptest.Server {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("Trailer", "X-End")
		body, _ := io.ReadAll(r.Body) // net/http takes no more of it once the answer has begun
		w.Write(body)
		w.Header().Set("X-End", "end")
	})
}

func proxyTo(t *testing.T, backend string) *httputil.ReverseProxy {
	u, err := url.Parse(backend)
	ok(t, err)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
}

// hidden hides what kind of handler h is.
func hidden(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
}

func TestBodiesMayBeHandedToOtherGoroutines(t *testing.T) {
	backend := echoSite(t)
	mux := http.NewServeMux()
	mux.Handle("/proxy", proxyTo(t, backend.URL))
	mux.Handle("/strip/", aiohttp.OffLoop(http.StripPrefix("/strip", proxyTo(t, backend.URL))))
	mux.Handle("/client",
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			var c aiohttp.Client
			defer c.Close()
			resp, err := c.Post(ctx, backend.URL, "text/plain", r.Body)
			if err != nil {
				return err
			}
			_, err = resp.CopyTo(ctx, w)
			return err
		}))
	mux.Handle("/thread", aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		resp, err := aio.ToThread(ctx, func(context.Context) (*http.Response, error) {
			return http.Post(backend.URL, "text/plain", r.Body)
		})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return aio.Blocking(ctx, func(context.Context) error {
			_, err := io.Copy(w, resp.Body)
			return err
		})
	}))
	mux.Handle("/pipe", aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		first := make([]byte, 3) // the task and the goroutine take turns
		if _, err := io.ReadFull(r.Body, first); err != nil {
			return err
		}
		rest, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) {
			return io.ReadAll(r.Body)
		})
		if err != nil {
			return err
		}
		if _, err := w.Write(first); err != nil {
			return err
		}
		return aio.Blocking(ctx, func(context.Context) error {
			_, err := w.Write(rest)
			return errors.Join(err, http.NewResponseController(w).Flush())
		})
	}))
	for name, data := range map[string]string{
		"short": "hello",
		"long":  strings.Repeat("0123456789", 50_000),
	} {
		for _, path := range []string{"/proxy", "/strip/", "/client", "/thread", "/pipe"} {
			t.Run(name+path, func(t *testing.T) {
				loop, end := serving(t)
				s, logged := listen(t, aiohttp.OnLoop(loop, mux))
				status, body := ask(t, "POST", s.URL+path, strings.NewReader(data))
				if status != 200 || body != data {
					t.Errorf("status %d, %d bytes, want %d", status, len(body), len(data))
				}
				s.Close()
				http.DefaultClient.CloseIdleConnections()
				equal(t, "log", logged.String(), "")
				for _, r := range end() {
					t.Error(r)
				}
			})
		}
	}
}

func TestAGoroutineThatGoesOnAfterItsHandlerGetsErrors(t *testing.T) {
	loop, _ := serving(t)
	returned, done := make(chan struct{}), make(chan struct{})
	s, _ := listen(t, aiohttp.OnLoop(loop, aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		go func() {
			defer close(done)
			<-returned
			if _, err := io.ReadAll(r.Body); !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("read: %v", err)
			}
			if _, err := w.Write(make([]byte, 1<<20)); err == nil ||
				!strings.Contains(err.Error(), "returned") {
				t.Errorf("write: %v", err)
			}
			if err := http.NewResponseController(w).Flush(); err == nil {
				t.Error("flush: no error")
			}
			w.WriteHeader(500)
			w.Header().Set("X", "y")
		}()
		_, err := io.WriteString(w, "done")
		return err
	})))
	status, body := ask(t, "POST", s.URL, strings.NewReader("unread"))
	equal(t, "answer", fmt.Sprint(status, body), "200done")
	close(returned)
	<-done
}

func TestAHandlerThatEndsEndsTheReadsOfOtherGoroutines(t *testing.T) {
	loop, _ := serving(t)
	read := make(chan error, 1)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			reading := make(chan struct{})
			go func() {
				br := bufio.NewReader(r.Body)
				br.ReadByte()
				close(reading)
				_, err := br.Peek(5)
				read <- err
			}()
			if _, _, err := aio.Recv(ctx, reading); err != nil {
				return err
			}
			_, err := io.WriteString(w, "enough")
			return err
		})))
	answer := raw(t, s.Listener.Addr(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(answer, "enough") {
		t.Errorf("answer %q", answer)
	}
	if err := <-read; err == nil {
		t.Error("the read has not failed")
	}
}

func TestTasksRunUnderMiddlewareThatCallsThemOnGoroutines(t *testing.T) {
	inside := 0
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		inside++
		defer func() { inside-- }()
		if r.URL.Path == "/slow" {
			return aio.Sleep(ctx, time.Hour)
		}
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/panic" {
			panic("oops")
		}
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	})
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(r.Context(), w, r) })
	for name, build := range map[string]func(l *aio.Loop, limit time.Duration) http.Handler{
		"around OnLoop": func(l *aio.Loop, limit time.Duration) http.Handler {
			return http.TimeoutHandler(aiohttp.OnLoop(l, plain), limit, "late")
		},
		"inside OnLoop": func(l *aio.Loop, limit time.Duration) http.Handler {
			return aiohttp.OnLoop(l, http.TimeoutHandler(h, limit, "late"))
		},
		"in a router": func(l *aio.Loop, limit time.Duration) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/", http.TimeoutHandler(h, limit, "late"))
			return aiohttp.OnLoop(l, mux)
		},
		"hidden": func(l *aio.Loop, limit time.Duration) http.Handler {
			return aiohttp.OnLoop(l, aiohttp.OffLoop(hidden(http.TimeoutHandler(h, limit, "late"))))
		},
		"OnLoop twice": func(l *aio.Loop, limit time.Duration) http.Handler {
			return aiohttp.OnLoop(l, http.TimeoutHandler(aiohttp.OnLoop(l, plain), limit, "late"))
		},
		"OnLoop in a task": func(l *aio.Loop, limit time.Duration) http.Handler {
			return http.TimeoutHandler(aiohttp.OnLoop(l, aiohttp.OnLoop(l, plain)), limit, "late")
		},
	} {
		t.Run(name, func(t *testing.T) {
			loop, end := serving(t)
			s, _ := listen(t, build(loop, time.Hour))
			data := strings.Repeat("x", 100_000)
			status, body := ask(t, "POST", s.URL, strings.NewReader(data))
			if status != 200 || body != data {
				t.Errorf("status %d, %.100q", status, body)
			}
			if _, err := http.Get(s.URL + "/abort"); !errors.Is(err, io.EOF) {
				t.Errorf("abort: %v", err)
			}
			s, _ = listen(t, build(loop, 20*time.Millisecond))
			status, body = ask(t, "GET", s.URL+"/slow", nil)
			equal(t, "slow", fmt.Sprint(status, body), "503late")
			http.DefaultClient.CloseIdleConnections()
			for _, r := range end() {
				t.Error(r)
			}
			equal(t, "handlers left", inside, 0)
		})
	}
}

func TestAPlainHandlerOnAnotherGoroutineSaysWhatItNeeds(t *testing.T) {
	loop, _ := serving(t)
	s, logged := listen(t, aiohttp.OnLoop(loop,
		http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			aio.Sleep(r.Context(), time.Millisecond)
		}), time.Minute, "late")))
	status, _ := ask(t, "GET", s.URL, nil)
	equal(t, "status", status, 500)
	if !strings.Contains(logged.String(), "aiohttp.OnLoop") {
		t.Error(logged.String())
	}
	s, logged = listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		aio.Sleep(r.Context(), time.Millisecond)
	}))
	if _, err := http.Get(s.URL); err == nil {
		t.Error("no error")
	}
	if !strings.Contains(logged.String(), "aiohttp.OnLoop") ||
		!strings.Contains(logged.String(), "Submit") {
		t.Error(logged.String())
	}
}

func TestAClientOfNetHTTPInATaskIsRefused(t *testing.T) {
	backend := echoSite(t)
	loop, _ := serving(t)
	mux := http.NewServeMux()
	mux.Handle("/proxy", hidden(proxyTo(t, backend.URL)))
	mux.HandleFunc("/client", func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), "GET", backend.URL, nil)
		ok(t, err)
		http.DefaultClient.Do(req)
	})
	s, logged := listen(t, aiohttp.OnLoop(loop, mux))
	for _, path := range []string{"/proxy", "/client"} {
		logged.Reset()
		status, _ := ask(t, "GET", s.URL+path, nil)
		equal(t, path, status, 500)
		if !strings.Contains(logged.String(), "aiohttp.OffLoop") {
			t.Error(logged.String())
		}
	}
}

func TestHandlersThatBlockLeaveTheLoopAlone(t *testing.T) {
	loop, _ := serving(t)
	mux := http.NewServeMux()
	blocked, goOn := make(chan struct{}), make(chan struct{})
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir("."))))
	mux.Handle("/block",
		aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(blocked)
			<-goOn
			io.WriteString(w, "went on")
		})))
	mux.Handle("/panic",
		aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic("oops") })))
	mux.Handle("/gone", aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})))
	mux.Handle("/hijack",
		aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			ok(t, err)
			defer conn.Close()
			line, err := rw.ReadString('\n')
			ok(t, err)
			fmt.Fprint(conn, "you said ", line)
		})))
	mux.Handle("/ping", hello)
	s, logged := listen(t, aiohttp.OnLoop(loop, mux))
	answer := make(chan string)
	go func() {
		_, body := ask(t, "GET", s.URL+"/block", nil)
		answer <- body
	}()
	<-blocked
	_, pong := ask(t, "GET", s.URL+"/ping", nil)
	equal(t, "meanwhile", pong, "hello")
	close(goOn)
	equal(t, "blocked", <-answer, "went on")
	status, _ := ask(t, "GET", s.URL+"/debug/pprof/cmdline", nil)
	equal(t, "pprof", status, 200)
	status, body := ask(t, "GET", s.URL+"/files/foreign_test.go", nil)
	equal(t, "file", fmt.Sprint(status, strings.HasPrefix(body, "package aiohttp_test")), "200 true")
	status, _ = ask(t, "GET", s.URL+"/panic", nil)
	equal(t, "panic", status, 500)
	if !strings.Contains(logged.String(), "oops") ||
		!strings.Contains(logged.String(), "foreign_test.go") {
		t.Errorf("log %q", logged.String())
	}
	got := raw(t, s.Listener.Addr(), "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
	equal(t, "hijacked", got, "you said hello\n")
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/gone", nil)
	_, err := http.DefaultClient.Do(req)
	ok(t, err)
	cancel()
	http.DefaultClient.CloseIdleConnections()
	s.Close() // waits for the handler
}

func TestAWriterStandsConcurrentUse(t *testing.T) {
	loop, _ := serving(t)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					for range 20 {
						w.Write(bytes.Repeat([]byte{byte('a' + i)}, 5_000))
					}
				})
			}
			for range 20 {
				if _, err := w.Write(bytes.Repeat([]byte{'z'}, 5_000)); err != nil {
					return err
				}
			}
			return aio.Blocking(ctx, func(context.Context) error { all.Wait(); return nil })
		})))
	status, body := ask(t, "GET", s.URL, nil)
	equal(t, "answer", fmt.Sprint(status, len(body)), "200 500000")
	for _, c := range "abcdz" {
		equal(t, string(c), strings.Count(body, string(c)), 100_000)
	}
}

func TestMiddlewareThatHoldsUpTheLoopIsNamed(t *testing.T) {
	defer aiohttp.SetStuck(50 * time.Millisecond)()
	loop, _ := serving(t)
	s, logged := listen(t, aiohttp.OnLoop(loop, hidden(http.TimeoutHandler(hello, time.Hour, "late"))))
	status, _ := ask(t, "GET", s.URL, nil)
	equal(t, "status", status, 500)
	if !strings.Contains(logged.String(), "aiohttp.OffLoop") {
		t.Error(logged.String())
	}
}

func TestReadersOfAClientMayBeHandedToOtherGoroutines(t *testing.T) {
	data := strings.Repeat("0123456789", 50_000)
	source := site(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, data) })
	sink := echoSite(t)
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, source.URL)
		ok(t, err)
		got, err := aio.ToThread(ctx, func(context.Context) (string, error) {
			resp, err := http.Post(sink.URL, "text/plain", r.Body(ctx))
			if err != nil {
				return "", err
			}
			defer http.DefaultClient.CloseIdleConnections()
			defer resp.Body.Close()
			all, err := io.ReadAll(resp.Body)
			return string(all), err
		})
		ok(t, err)
		equal(t, "by net/http", len(got), len(data))
		r, err = c.Get(ctx, source.URL)
		ok(t, err)
		r, err = c.Post(ctx, sink.URL, "text/plain", r.Body(ctx))
		equal(t, "by this client", len(text(ctx, t, r, err)), len(data))
		r, err = c.Upload(ctx, "POST", sink.URL, "text/plain",
			func(ctx context.Context, w io.Writer) error {
				return aio.Blocking(ctx, func(context.Context) error {
					_, err := io.WriteString(w, data)
					return err
				})
			})
		equal(t, "an upload", len(text(ctx, t, r, err)), len(data))
	})
}

// countingBody counts how often it is read, and how much is asked for.
type countingBody struct {
	io.Reader
	asked []int
}

func (b *countingBody) Read(p []byte) (int, error) {
	b.asked = append(b.asked, len(p))
	return b.Reader.Read(p)
}

func (b *countingBody) Close() error { return nil }

func TestABodyIsReadAhead(t *testing.T) {
	loop, _ := serving(t)
	total := 0
	h := aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			for piece := make([]byte, 1<<10); ; {
				n, err := r.Body.Read(piece)
				total += n
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
			}
		}))
	body := &countingBody{Reader: bytes.NewReader(make([]byte, 256<<10))}
	r := httptest.NewRequest("POST", "/", nil)
	r.Body = body
	h.ServeHTTP(httptest.NewRecorder(), r)
	equal(t, "bytes", total, 256<<10)
	equal(t, "reads", fmt.Sprint(body.asked), fmt.Sprint(slices.Repeat([]int{32 << 10}, 9)))
}
