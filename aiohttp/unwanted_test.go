package aiohttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// rawSite is a server that answers each request with what answer returns for its path, byte for
// byte, and keeps the connection open, except after a field "Torn: yes".
func rawSite(
	t *testing.T, answer func(path string) string,
) (url string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	connections = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					a := answer(req.URL.Path)
					if io.WriteString(conn, a); strings.Contains(a, "Torn: yes") {
						return
					}
				}
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String(), connections
}

// unfinished are heads of bodies that never come.
var unfinished = map[string]string{
	"large":           "Content-Length: 1000000\r\n\r\n",
	"small":           "Content-Length: 100\r\n\r\n",
	"small and begun": "Content-Length: 100\r\n\r\nsome",
	"chunked":         "Transfer-Encoding: chunked\r\n\r\n",
	"a chunk":         "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
	"until the end":   "Connection: close\r\n\r\nsome",
}

// Each of these would hang: the servers never send the rest, and never close.
func TestNobodyWaitsForBodiesThatNobodyWants(t *testing.T) {
	for name, head := range unfinished {
		var tries atomic.Int32
		url, _ := rawSite(t, func(path string) string {
			switch {
			case path == "/redirect":
				return "HTTP/1.1 302 Found\r\nLocation: /end\r\n" + head
			case path == "/busy" && tries.Add(1) == 1:
				return "HTTP/1.1 503 Service Unavailable\r\n" + head
			case path == "/wrong":
				return "HTTP/1.1 302 Found\r\nLocation: mailto:me\r\n" + head
			case path == "/round":
				return "HTTP/1.1 302 Found\r\nLocation: /round\r\n" + head
			case path == "/fault":
				return "HTTP/1.1 500 Internal Server Error\r\n" + head
			}
			return "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"
		})
		run(t, func(ctx context.Context) {
			c := aiohttp.Client{Limit: 1, Redirects: 3, Retry: aiohttp.Retry{Attempts: 2, Backoff: noWait}}
			defer c.Close()
			r, err := c.Get(ctx, url+"/redirect")
			equal(t, name+": redirected", text(ctx, t, r, err), "end")
			r, err = c.Get(ctx, url+"/busy")
			equal(t, name+": tried again", text(ctx, t, r, err), "end")
			if _, err = c.Get(ctx, url+"/wrong"); err == nil {
				t.Error(name, ": no error")
			}
			_, err = c.Get(ctx, url+"/round")
			matches(t, err, aiohttp.ErrRedirects)
			if name != "small and begun" { // the others would take as long
				return
			}
			r, err = c.Get(ctx, url+"/fault")
			ok(t, err)
			err = r.Check(ctx)
			status, is := err.(*aiohttp.StatusError)
			if !is || status.StatusCode != 500 || string(status.Head) != "some" {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := aiohttp.GetJSON[int](ctx, &c, url+"/fault"); err == nil {
				t.Error(name, ": no error")
			}
		})
	}
}

// But what is there is read, so that the connection can be used again.
func TestRedirectsAndTriesKeepTheirConnection(t *testing.T) {
	for name, rest := range map[string]string{
		"known": "Content-Length: 2\r\n\r\nno", "none": "Content-Length: " +
			"0\r\n\r\n", "chunked": "Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
	} {
		var tries atomic.Int32
		url, connections := rawSite(t, func(path string) string {
			switch {
			case path == "/redirect":
				return "HTTP/1.1 302 Found\r\nLocation: /busy\r\n" + rest
			case tries.Add(1) == 1:
				return "HTTP/1.1 503 Service Unavailable\r\n" + rest
			}
			return "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"
		})
		run(t, func(ctx context.Context) {
			c := aiohttp.Client{Retry: aiohttp.Retry{Attempts: 2, Backoff: noWait}}
			defer c.Close()
			r, err := c.Get(ctx, url+"/redirect")
			equal(t, name, text(ctx, t, r, err), "end")
			equal(t, name+": tries", r.Tries, 2)
		})
		if n := connections.Load(); n != 1 { // a busy machine may give one up
			t.Logf("%s: %d connections", name, n)
		}
	}
}

func TestResponsesThatWereForgottenGiveTheirPlacesBack(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	for _, debug := range []bool{false, true} {
		for _, perHost := range []int{0, 3} {
			reports := reportsOf(t, func(ctx context.Context) {
				c := aiohttp.Client{Limit: 3, PerHost: perHost}
				defer c.Close()
				for range 3 {
					forget(ctx, t, &c, s.URL+"/x?key=secret")
				}
				equal(t, "before", c.Statistics(), aiohttp.ClientStatistics{Open: 3})
				r, err := c.Get(ctx, s.URL)
				ok(t, err)
				r.Close()
				// One of them may still be on the stack.
				if f := c.Statistics().Forgotten; f < 2 {
					t.Errorf("%d were forgotten", f)
				}
			}, aio.WithDebug(debug), aio.WithSlowCallback(0))
			if len(reports) < 2 {
				t.Errorf("%d reports", len(reports))
			}
			for _, r := range reports {
				text := fmt.Sprint(r.Message, r.Attrs)
				if !r.Warning || !strings.Contains(text, "GET "+s.URL+"/x?key=") ||
					strings.Contains(text, "secret") {
					t.Error(text)
				}
				if strings.Contains(text, "unwanted_test.go:") != debug {
					t.Errorf("%s, in debug mode: %v", text, debug)
				}
			}
		}
	}
}

//go:noinline
func forget(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
	if _, err := c.Get(ctx, url); err != nil {
		t.Fatal(err)
	}
}

func TestAResponseThatIsInUseIsNotForgotten(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, i)
			w.(http.Flusher).Flush()
		}
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{}
		defer c.Close()
		get := func() *aiohttp.Response {
			r, err := c.Get(ctx, s.URL)
			ok(t, err)
			return r
		}
		n := 0
		for _, err := range get().Lines(ctx) {
			collectGarbage(ctx, t)
			ok(t, err)
			n++
		}
		equal(t, "lines", n, 3)
		body := get().Body(ctx)
		collectGarbage(ctx, t)
		all, err := io.ReadAll(body)
		ok(t, err)
		equal(t, "body", string(all), "0\n1\n2\n")
		equal(t, "statistics", c.Statistics(), aiohttp.ClientStatistics{})
	})
}

// collectGarbage collects memory and lets the loop take what that has found.
func collectGarbage(ctx context.Context, t *testing.T) {
	ok(t, aio.Blocking(ctx, func(context.Context) error { runtime.GC(); return nil }))
	yields(ctx, 2)
}

func TestARequestThatWaitsForAPlaceSaysWhoHasThem(t *testing.T) {
	for _, test := range []struct {
		client aiohttp.Client
		debug  bool
		want   string
	}{
		{aiohttp.Client{Limit: 2}, false, "in Client.Do for one of 2 places; " +
			"2 responses are open, the oldest from GET http://h/old?key=xxxxx"},
		{aiohttp.Client{Limit: 2}, true,
			"the oldest from GET http://h/old?key=xxxxx at unwanted_test.go:"},
		{aiohttp.Client{PerHost: 2}, false, "in Client.Do for one of 2 places for http://h:80; " +
			"2 responses are open, the oldest from GET http://h/old?key=xxxxx"},
	} {
		c := test.client
		c.Transport = aiohttp.Direct(http.HandlerFunc(echo))
		var open []*aiohttp.Response
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			for _, url := range []string{"http://other/", "http://h/old?key=secret", "http://h/new",
				"http://h/"} {
				r, err := c.Get(ctx, url)
				if err != nil {
					return err
				}
				if url == "http://other/" {
					r.Close()
				}
				open = append(open, r)
			}
			return nil
		}, aio.WithClock(aio.NewVirtualClock()), aio.WithDebug(test.debug), aio.WithSlowCallback(0),
			aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v\nwant %s", err, test.want)
		}
		equal(t, "responses", len(open), 3)
	}
}

func TestTheLoopSaysInDebugModeWhichResponsesItHadToClose(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var c aiohttp.Client
		c.Transport = aiohttp.Direct(http.HandlerFunc(echo))
		var open []*aiohttp.Response
		reports := reportsOf(t, func(ctx context.Context) {
			for _, path := range []string{"/1", "/2"} {
				r, err := c.Get(ctx, "http://h"+path)
				ok(t, err)
				open = append(open, r)
			}
		}, aio.WithDebug(debug), aio.WithSlowCallback(0))
		want := 0
		if debug {
			want = 2
		}
		equal(t, "reports", len(reports), want)
		for i, r := range reports {
			if text := fmt.Sprint(r.Message, r.Attrs); !strings.Contains(text,
				fmt.Sprint("GET http://h/", i+1)) || !strings.Contains(text, "unwanted_test.go:") {
				t.Error(text)
			}
		}
		equal(t, "responses", len(open), 2)
	}
}

func TestSpellingsOfAHostAreOneHost(t *testing.T) {
	for _, same := range [][]string{
		{"http://h/", "http://H/", "http://h:80/", "http://h./", "http://H.:080/", "http://h:/"},
		{"https://h/", "https://H:443/"},
		{"http://h:443/"},
		{"http://bücher.example/", "http://BÜCHER.example/", "http://xn--bcher-kva.example/",
			"http://XN--BCHER-KVA.EXAMPLE/", "http://b%C3%BCcher.example/", "http://bücher。example/"},
		{"http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"},
		{"http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/", "http://[0000::0001]/", "http://[::1]:/",
			"http://[::1]:080/"},
		{"http://127.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://[::FFFF:7f00:1]/",
			"http://127.0.0.1./"},
		{"http://[fe80::1%25eth0]/", "http://[FE80::1%25eth0]:80/"},
		{"http://[fe80::1%25eth1]/"},
	} {
		virtually(t, func(ctx context.Context) {
			c := aiohttp.Client{PerHost: 1, Transport: aiohttp.Direct(http.HandlerFunc(echo))}
			defer c.Close()
			held, err := c.Get(ctx, same[0])
			ok(t, err)
			defer held.Close()
			for _, url := range same {
				err := aio.Timeout(ctx, 1, func(ctx context.Context) error {
					r, err := c.Get(ctx, url)
					if err == nil {
						r.Close()
					}
					return err
				})
				matches(t, err, context.DeadlineExceeded)
				if err == nil {
					t.Errorf("%s is another host than %s", url, same[0])
				}
			}
			r, err := c.Get(ctx, "http://other/")
			text(ctx, t, r, err)
		})
	}
}

func TestAsManyConnectionsAreKeptAsRequestsWereUnderWay(t *testing.T) {
	for _, c := range []aiohttp.Client{{Limit: 150}, {Limit: -1}, {Limit: -1, PerHost: 150},
		{Limit: 1000, PerHost: 150}} {
		var connections, arrived atomic.Int32
		release := make(chan chan struct{}, 1)
		release <- make(chan struct{})
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			gate := <-release
			if arrived.Add(1)%150 == 0 { // all are there
				close(gate)
				release <- make(chan struct{})
				return
			}
			release <- gate
			<-gate
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.Start()
		defer s.Close()
		run(t, func(ctx context.Context) {
			defer c.Close()
			for range 3 {
				_, err := aio.Map(ctx, make([]int, 150), func(ctx context.Context, _ int) (string, error) {
					r, err := c.Get(ctx, s.URL)
					if err != nil {
						return "", err
					}
					return r.Text(ctx)
				})
				ok(t, err)
			}
		})
		// A connection may be lost for a moment, when the next request comes before it is kept.
		if n := connections.Load(); n < 150 || n > 200 {
			t.Errorf("%d connections for 150 requests at a time, Limit %d, PerHost %d",
				n, c.Limit, c.PerHost)
		}
	}
}
