package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
)

// serving runs a loop on another goroutine and returns it, with what its exception handler got,
// until the end of the test.
func serving(t *testing.T) (*aio.Loop, func() []string) {
	t.Helper()
	loops, ended := make(chan *aio.Loop), make(chan struct{})
	stop := make(chan struct{})
	var reports []string
	go func() {
		defer close(ended)
		aio.Run(context.Background(), func(ctx context.Context) error {
			loops <- aio.RunningLoop(ctx)
			_, _, err := aio.Recv(ctx, stop)
			return err
		}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
			reports = append(reports, fmt.Sprint(r.Message, ": ", r.Err))
		}))
	}()
	once := sync.OnceValue(func() []string {
		close(stop)
		<-ended
		return reports
	})
	t.Cleanup(func() { once() })
	return <-loops, once
}

// ask sends a raw request and returns status and body.
func ask(t *testing.T, method, url string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	ok(t, err)
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(all)
}

// listen serves with h on goroutines of net/http, and keeps what it logs.
func listen(t *testing.T, h http.Handler) (*httptest.Server, *logBuffer) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	var logged logBuffer
	s.Config.ErrorLog = log.New(&logged, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s, &logged
}

func TestHandlersShareStateWithoutLocks(t *testing.T) {
	loop, end := serving(t)
	count, inside := 0, 0
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			inside++
			if inside != 1 {
				t.Error("two tasks at a time")
			}
			n := count
			inside--
			count = n + 1
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			_, err := fmt.Fprint(w, n)
			return err
		})))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			resp, err := http.Get(s.URL)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	http.DefaultClient.CloseIdleConnections()
	s.Close()
	for _, r := range end() {
		t.Error(r)
	}
	equal(t, "requests", count, 50)
}

func TestWholeRoutersRunOnALoop(t *testing.T) {
	loop, end := serving(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		ok(t, aio.Sleep(r.Context(), time.Millisecond)) // it is a task
		w.Header().Set("X-Task", aio.CurrentTask(r.Context()).Name())
		r.ParseForm()
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintln(w, r.PathValue("id"), r.Form.Get("q"))
	})
	s, _ := listen(t, aiohttp.OnLoop(loop, mux))
	status, body := ask(t, "POST", s.URL+"/items/7?q=x", strings.NewReader("a=b"))
	equal(t, "answer", fmt.Sprint(status, body), "2017 x\n")
	status, _ = ask(t, "GET", s.URL+"/items/7", nil)
	equal(t, "status of another method", status, http.StatusMethodNotAllowed)

	// and a handler of a task behind a router that knows nothing of loops
	outside := http.NewServeMux()
	outside.Handle("GET /in/{id}", aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, r.PathValue("id"))
			return err
		})))
	s, _ = listen(t, outside)
	_, body = ask(t, "GET", s.URL+"/in/7", nil)
	equal(t, "behind a router", body, "7")
	for _, r := range end() {
		t.Error(r)
	}
}

func TestAnAnswerIsWhatTheHandlerWrote(t *testing.T) {
	loop, _ := serving(t)
	large := strings.Repeat("0123456789", 20_000)
	s, _ := listen(t,
		aiohttp.OnLoop(loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/nothing":
			case "/none":
				w.WriteHeader(http.StatusNoContent)
				w.WriteHeader(http.StatusOK) // too late
				if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
					t.Error(err)
				}
			case "/html":
				io.WriteString(w, "<!DOCTYPE html><p>hello")
			case "/large":
				for part := range strings.SplitSeq(large, "9") {
					if part != "" {
						io.WriteString(w, part+"9")
					}
				}
			case "/trailer":
				w.Header().Set("Trailer", "X-Sum")
				io.WriteString(w, "body")
				http.NewResponseController(w).Flush()
				w.Header().Set("X-Sum", "4")
			case "/early":
				w.Header().Set("Link", "</style.css>")
				w.WriteHeader(http.StatusEarlyHints)
				io.WriteString(w, "late")
			}
		})))
	for path, want := range map[string]struct {
		status, length int
		kind, body     string
	}{
		"/nothing": {200, 0, "", ""},
		"/none":    {204, 0, "", ""},
		"/html":    {200, 23, "text/html; charset=utf-8", "<!DOCTYPE html><p>hello"},
		"/large":   {200, -1, "text/plain; charset=utf-8", large},
		"/trailer": {200, -1, "text/plain; charset=utf-8", "body"},
		"/early":   {200, 4, "text/plain; charset=utf-8", "late"},
	} {
		resp, err := http.Get(s.URL + path)
		ok(t, err)
		body, err := io.ReadAll(resp.Body)
		ok(t, err)
		resp.Body.Close()
		equal(t, path+": status", resp.StatusCode, want.status)
		equal(t, path+": length", int(resp.ContentLength), want.length)
		equal(t, path+": type", resp.Header.Get("Content-Type"), want.kind)
		equal(t, path+": body", string(body), want.body)
		if path == "/trailer" {
			equal(t, "trailer", resp.Trailer.Get("X-Sum"), "4")
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestPiecesAreSentWhenFlushed(t *testing.T) {
	loop, _ := serving(t)
	var next aiosync.Event
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			for i := range 3 {
				fmt.Fprintln(w, "event", i)
				w.(http.Flusher).Flush()
				if err := next.Wait(ctx); err != nil {
					return err
				}
				next.Clear()
			}
			return nil
		})))
	resp, err := http.Get(s.URL)
	ok(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		equal(t, "line", lines.Text(), fmt.Sprint("event ", i))
		loop.CallSoonThreadsafe(next.Set)
	}
	equal(t, "more", lines.Scan(), false)
	http.DefaultClient.CloseIdleConnections()
}

func TestABodyIsReadWithoutHoldingUpTheLoop(t *testing.T) {
	loop, _ := serving(t)
	reading := make(chan struct{}, 1)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/ping" {
				_, err := io.WriteString(w, "pong")
				return err
			}
			reading <- struct{}{}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body.Close()
			if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Error(err)
			}
			_, err = fmt.Fprint(w, len(body))
			return err
		})))
	pr, pw := io.Pipe()
	done := make(chan string, 1)
	go func() {
		_, body := ask(t, "POST", s.URL, pr)
		done <- body
	}()
	<-reading
	_, pong := ask(t, "GET", s.URL+"/ping", nil)
	equal(t, "meanwhile", pong, "pong")
	pw.Write(bytes.Repeat([]byte("x"), 100_000))
	pw.Close()
	equal(t, "bytes", <-done, "100000")
}

func TestAHandlerIsCancelledWhenItsClientGoesAway(t *testing.T) {
	loop, end := serving(t)
	begun, ended := make(chan struct{}), make(chan error, 1)
	s, logged := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			close(begun)
			err := aio.Sleep(ctx, time.Hour)
			ended <- err
			return err
		})))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	ok(t, err)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	conn.Close()
	err = <-ended
	matches(t, err, aio.ErrCancelled)
	if !strings.Contains(err.Error(), "the client has gone away") {
		t.Error(err)
	}
	s.Close()
	equal(t, "log", logged.String(), "")
	for _, r := range end() {
		t.Error(r)
	}
}

func TestFailuresAreAnsweredAndReported(t *testing.T) {
	for _, test := range []struct {
		name           string
		h              aiohttp.HandlerFunc
		status         int // 0: the connection is closed without an answer
		report, logged string
	}{
		{"error", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "half of it")
			return errors.New("no luck")
		}, 500, "aiohttp: the handler of GET /x failed: no luck", ""},
		{"time-out", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			return aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
				return aio.Sleep(ctx, time.Hour)
			})
		}, 503, "aiohttp: the handler of GET /x failed: aio: Timeout", ""},
		{"panic", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			panic("oops")
		}, 500, "", "http: panic serving 127.0.0.1:"},
		{"panic of a child", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { panic("oops") })
				return nil
			})
		}, 500, "", "oops"},
		{"abort", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			panic(http.ErrAbortHandler)
		}, 0, "", ""},
		{"abort as an error", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			return http.ErrAbortHandler
		}, 0, "", ""},
		{"error after a flush", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "half of it")
			w.(http.Flusher).Flush()
			return errors.New("no luck")
		}, -200, "no luck", ""},
		{"panic after a flush", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "half of it")
			w.(http.Flusher).Flush()
			panic("oops")
		}, -200, "", "oops"},
		{"wrong status", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(7)
			return nil
		}, 500, "", "there is no status 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			loop, end := serving(t)
			s, logged := listen(t, aiohttp.OnLoop(loop, test.h))
			resp, err := http.Get(s.URL + "/x")
			http.DefaultClient.CloseIdleConnections()
			switch {
			case test.status == 0:
				matches(t, err, io.EOF)
			default:
				ok(t, err)
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if test.status < 0 {
					equal(t, "status", resp.StatusCode, -test.status)
					equal(t, "body", string(body), "half of it")
					matches(t, err, io.ErrUnexpectedEOF)
				} else {
					ok(t, err)
					equal(t, "status", resp.StatusCode, test.status)
					equal(t, "body", string(body), http.StatusText(test.status)+"\n")
				}
			}
			s.Close()
			reports := end()
			if test.report == "" && len(reports) > 0 ||
				test.report != "" && (len(reports) != 1 || !strings.Contains(reports[0], test.report)) {
				t.Errorf("reports %q, want %q", reports, test.report)
			}
			if got := logged.String(); (got == "") != (test.logged == "") ||
				!strings.Contains(got, test.logged) {
				t.Errorf("log %q, want %q", got, test.logged)
			}
		})
	}
}

func TestAReadThatIsTooLateCanBeAnswered(t *testing.T) {
	loop, _ := serving(t)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			limit := time.Millisecond
			if r.URL.Path == "/before" {
				limit = 0
			}
			err := aio.Timeout(ctx, limit, func(ctx context.Context) error {
				if limit == 0 {
					aio.Yield(ctx) // the time is over before the read begins
				}
				_, err := io.ReadAll(r.Body)
				return err
			})
			matches(t, err, context.DeadlineExceeded)
			w.WriteHeader(http.StatusRequestTimeout)
			return nil
		})))
	for _, path := range []string{"/", "/before"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		ok(t, err)
		defer conn.Close()
		io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
		line, err := bufio.NewReader(conn).ReadString('\n')
		ok(t, err)
		equal(t, "answer", line, "HTTP/1.1 408 Request Timeout\r\n")
	}
}

func TestOneWhoDoesNotReadHoldsUpOnlyItself(t *testing.T) {
	loop, _ := serving(t)
	writing, gone := make(chan struct{}), make(chan error, 1)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/ping" {
				_, err := io.WriteString(w, "pong")
				return err
			}
			close(writing)
			piece := make([]byte, 1<<20)
			for {
				if _, err := w.Write(piece); err != nil {
					gone <- err
					_, again := w.Write(piece)
					equal(t, "the next write fails, too", again, err)
					return err
				}
			}
		})))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	ok(t, err)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-writing
	for range 3 {
		_, pong := ask(t, "GET", s.URL+"/ping", nil)
		equal(t, "meanwhile", pong, "pong")
	}
	conn.Close()
	if err := <-gone; err == nil {
		t.Error("no error")
	}
}

func TestALoopThatIsClosedServesNobody(t *testing.T) {
	loop, end := serving(t)
	s, _ := listen(t,
		aiohttp.OnLoop(loop, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	end()
	status, _ := ask(t, "GET", s.URL, nil)
	equal(t, "status", status, http.StatusServiceUnavailable)
}

func TestALoopThatEndsAnswersItsRequests(t *testing.T) {
	loop, end := serving(t)
	begun := make(chan struct{}, 2)
	s, _ := listen(t, aiohttp.OnLoop(loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			begun <- struct{}{}
			return aio.Sleep(ctx, time.Hour)
		})))
	answered := make(chan int)
	go func() {
		status, _ := ask(t, "GET", s.URL, nil)
		answered <- status
	}()
	<-begun
	for _, r := range end() {
		t.Error(r)
	}
	equal(t, "status", <-answered, http.StatusServiceUnavailable)
}

func TestAHandlerOfATaskNeedsALoop(t *testing.T) {
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		return errors.New("no")
	})
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	equal(t, "an error without a loop", rec.Code, 500)
	for name, f := range map[string]func(){
		"OnLoop": func() { aiohttp.OnLoop(nil, h) },
		"Direct": func() { aiohttp.Direct(nil) },
		"Serve": func() {
			run(t, func(ctx context.Context) { aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", nil) })
		},
		"Do": func() { new(aiohttp.Client).Do(context.Background(), nil) },
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, "aiohttp: ") || !strings.Contains(v, name) {
					t.Errorf("%s: %v", name, v)
				}
			}()
			f()
		}()
	}
}
