package aiohttp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/aiohttp"
)

// step is what a server answers: to the first request of a chain the first one, and so on, whatever
// host it is for.
type step struct {
	status   int
	location string
	cookies  []string
}

// chainSite answers with steps and remembers what it was asked.
type chainSite struct {
	mu    sync.Mutex
	steps []step
	asked []string
}

func (s *chainSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s %q %d", r.Method, r.Host, r.URL, body, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "; %s=%q", name, r.Header[name])
	}
	s.asked = append(s.asked, b.String())
	n := min(len(s.asked), len(s.steps)) - 1
	for _, c := range s.steps[n].cookies {
		w.Header().Add("Set-Cookie", c)
	}
	if to := s.steps[n].location; to != "" {
		w.Header().Set("Location", to)
	}
	w.WriteHeader(s.steps[n].status)
	fmt.Fprint(w, "answer ", n)
}

// everywhere is a transport for which all hosts are one server.
func everywhere(s *httptest.Server) *http.Transport {
	return &http.Transport{DialContext: func(
		ctx context.Context, network, _ string,
	) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}
}

// The same chains of redirects, through net/http's client and ours, are the same requests.
func TestRedirectsGoAsWithNetHTTP(t *testing.T) {
	to := func(status int, where ...string) (steps []step) {
		for _, w := range where {
			steps = append(steps, step{status, w, nil})
		}
		return append(steps, step{200, "", nil})
	}
	fields := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = append(h[pairs[i]], pairs[i+1]) // not Add: the spelling stays
		}
		return h
	}
	secrets := fields("Authorization", "A", "Cookie", "c=1", "Cookie2", "C", "Www-Authenticate", "W",
		"Proxy-Authorization", "P", "X-Other", "x")
	once := func() io.Reader { return struct{ io.Reader }{strings.NewReader("once")} }
	text := func() io.Reader { return strings.NewReader("data") }
	type test struct {
		name   string
		method string
		url    string
		header http.Header
		host   string
		body   func() io.Reader
		steps  []step
		jar    bool
		stored string // what the jar has before, for the URL
	}
	tests := []test{
		{name: "relative", steps: to(302, "/b?x=1", "c", "../d", "?q", "//b.test/e", "#f")},
		{name: "other hosts", header: secrets, steps: to(302, "http://b.test/", "http://a.test/")},
		{name: "below", header: secrets, steps: to(302, "http://x.a.test/", "http://y.x.a.test:81/",
			"http://a.test./", "http://a.test/")},
		{name: "not below", header: secrets, steps: to(302, "http://xa.test/")},
		{name: "above", url: "http://x.a.test/", header: secrets, steps: to(302, "http://a.test/")},
		{name: "ports", header: secrets, steps: to(302, "http://a.test:80/", "http://a.test:8080/")},
		{name: "addresses", url: "http://[::1]/", header: secrets,
			steps: to(302, "http://[0:0:0:0:0:0:0:1]/")},
		{name: "user of the URL", url: "http://u:p@a.test/",
			steps: to(302, "/b", "http://a.test/c", "http://v:w@b.test/", "/d")},
		{name: "user of the URL and a field", url: "http://u:p@a.test/",
			header: fields("Authorization", "own"), steps: to(302, "/b", "http://b.test/")},
		{name: "a Referer of one's own", header: fields("Referer", "http://me.test/"),
			steps: to(302, "/b", "http://b.test/")},
		{name: "Host, relative", host: "virtual.test", header: secrets, steps: to(302, "/b", "/c")},
		{name: "Host, absolute", host: "virtual.test", header: secrets,
			steps: to(302, "http://a.test/b", "/c")},
		{name: "Host, jar", host: "virtual.test", jar: true,
			steps: []step{{302, "/b", []string{"a=1"}}, {200, "", nil}}},
		{name: "no place to go", steps: []step{{302, "", nil}}},
		{name: "300", steps: to(300, "/b")},
		{name: "304", steps: to(304, "/b")},
		{name: "a login", header: fields("Cookie", "sid=old; lang=en"), jar: true, steps: []step{
			{302, "/home", []string{"sid=new; Path=/"}}, {302, "/more", []string{"lang=de; Path=/"}},
			{200, "", nil}}},
		{name: "a login, lower case", header: fields("Cookie", "sid=old"), jar: true, steps: []step{
			{302, "/home", []string{"sid=new; Path=/"}}, {200, "", nil}}},
		{name: "a login elsewhere", header: fields("Cookie",
			"sid=old; lang=en"), jar: true, steps: []step{
			{302, "http://b.test/", []string{"sid=new; Path=/"}},
			{302, "http://a.test/", []string{"sid=b; Path=/"}}, {200, "", nil}}},
		{name: "a login without a jar", header: fields("Cookie", "sid=old"), steps: []step{
			{302, "/home", []string{"sid=new; Path=/"}}, {200, "", nil}}},
		{name: "cookies of the jar", jar: true, stored: "kept=1; Path=/", steps: []step{
			{302, "/home", []string{"sid=1; Path=/"}}, {302, "/home", []string{"sid=2; Path=/"}}, {302,
				"http://x.a.test/", []string{"gone=1; Max-Age=0; " +
					"Path=/"}}, {302, "http://a.test/", nil}, {200, "", nil}}},
		{name: "cookies of the jar and one's own", jar: true, stored: "kept=1; Path=/",
			header: fields("Cookie", "own=1"), steps: to(302, "/b", "http://b.test/", "/c")},
		{name: "a cookie of the jar that is taken back", jar: true, stored: "kept=1; Path=/",
			steps: []step{
				{302, "/home", []string{"kept=; Max-Age=-1; Path=/"}}, {200, "", nil}}},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, method := range []string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			tests = append(tests, test{
				name:   fmt.Sprint(method, " without a body, ", status),
				method: method,
				header: fields("Content-Type", "a/b"),
				steps:  to(status, "/b", "http://b.test/c"),
			})
			if method == "POST" || method == "PUT" || method == "DELETE" {
				tests = append(tests,
					test{name: fmt.Sprint(method, " with a body, ", status), method: method, body: text,
						header: fields("Content-Type", "a/b", "Content-Language", "en", "Content-Encoding", "x",
							"Content-Location", "/l"), steps: to(status, "/b", "http://b.test/c")},
					test{
						name:   fmt.Sprint(method, " with a body for once, ", status),
						method: method,
						body:   once,
						header: fields("Content-Type", "a/b"),
						steps:  to(status, "/b"),
					})
			}
		}
	}
	for _, mixed := range [][2]int{{307, 303}, {303, 307}, {308, 302}, {301, 308}} {
		tests = append(tests, test{
			name:   fmt.Sprint("POST, ", mixed),
			method: "POST",
			body:   text,
			header: fields("Content-Type", "a/b"),
			steps:  []step{{mixed[0], "/b", nil}, {mixed[1], "/c", nil}, {307, "/d", nil}, {200, "", nil}},
		})
	}
	h := &chainSite{}
	s := httptest.NewServer(h)
	defer s.Close()
	for _, test := range tests {
		outcome := func(do func(
			req *http.Request, jar http.CookieJar,
		) (status int, where, body string, err error)) []string {
			h.steps, h.asked = test.steps, nil
			address := test.url
			if address == "" {
				address = "http://a.test/"
			}
			var body io.Reader
			if test.body != nil {
				body = test.body()
			}
			req, err := http.NewRequest(test.method, address, body)
			ok(t, err)
			req.Method = test.method
			if test.header != nil {
				req.Header = test.header.Clone()
			}
			req.Host = test.host
			var jar http.CookieJar
			if test.jar {
				jar, _ = cookiejar.New(nil)
				if c, err := http.ParseSetCookie(test.stored); err == nil {
					jar.SetCookies(req.URL, []*http.Cookie{c})
				}
			}
			status, where, answer, err := do(req, jar)
			where, _, _ = strings.Cut(where, "#")
			return append(slices.Clone(h.asked), fmt.Sprint(status, " from ", where, ": ", answer, err))
		}
		transport := everywhere(s)
		want := outcome(func(req *http.Request, jar http.CookieJar) (int, string, string, error) {
			c := &http.Client{Transport: transport, Jar: jar}
			r, err := c.Do(req)
			if err != nil {
				return 0, "", "", err
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			return r.StatusCode, r.Request.URL.String(), string(body), err
		})
		got := outcome(func(
			req *http.Request, jar http.CookieJar,
		) (status int, where, answer string, err error) {
			run(t, func(ctx context.Context) {
				c := aiohttp.Client{Transport: transport, Jar: jar}
				defer c.Close()
				var r *aiohttp.Response
				if r, err = c.Do(ctx, req); err == nil {
					status, where = r.StatusCode, r.URL.String()
					answer, err = r.Text(ctx)
				}
			})
			return status, where, answer, err
		})
		transport.CloseIdleConnections()
		for i := range got { // a fragment does not belong into a Referer, where net/http leaves it
			got[i], want[min(i, len(want)-1)] = strings.ReplaceAll(got[i], "#f", ""),
				strings.ReplaceAll(want[min(i, len(want)-1)], "#f", "")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s",
				test.name, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// A name means the same however it is spelled, in a request's own map and in the client's.
func TestNamesOfFieldsCountInAnySpelling(t *testing.T) {
	h := &chainSite{steps: []step{{303, "http://b.test/", nil}, {200, "", nil}}}
	s := httptest.NewServer(h)
	defer s.Close()
	spell := map[string]func(string) string{
		"canonical": func(s string) string {
			return s
		}, "lower": strings.ToLower, "upper": strings.ToUpper,
		"odd": func(s string) string { return strings.ToLower(s[:1]) + strings.ToUpper(s[1:]) },
	}
	names := []string{"Authorization", "Cookie", "Cookie2", "Www-Authenticate", "Proxy-Authorization",
		"Proxy-Authenticate", "Content-Type", "Content-Encoding", "Content-Language", "Content-Location"}
	for how, spell := range spell {
		for _, where := range []string{"request", "client"} {
			header := http.Header{}
			for _, name := range names {
				header[spell(name)] = []string{"s=secret"}
			}
			header[spell("User-Agent")] = []string{"me"}
			header[spell("Accept-Encoding")] = []string{"identity"}
			header[spell("Host")] = []string{"evil.test"}
			header[spell("Content-Length")] = []string{"1000"}
			header[spell("Transfer-Encoding")] = []string{"chunked"}
			header[spell("Referer")] = []string{"http://me.test/"}
			header[spell("X-Mine")] = []string{"1"}
			h.asked = nil
			run(t, func(ctx context.Context) {
				req, _ := http.NewRequest("POST", "http://a.test/", strings.NewReader("data"))
				c := aiohttp.Client{Transport: everywhere(s)}
				defer c.Close()
				if where == "request" {
					req.Header = header
				} else {
					c.Header = header
				}
				r, err := c.Do(ctx, req)
				ok(t, err)
				r.Close()
				equal(t, "fields of the caller's request", len(req.Header), map[string]int{
					"request": len(header),
					"client":  0,
				}[where])
			})
			equalSlices(t, how+", "+where, h.asked, []string{
				`POST a.test/ "data" 4; Accept-Encoding=["identity"]; Authorization=["s=secret"]; Content-Encoding=["s=secret"]; Content-Language=["s=secret"]; Content-Length=["4"]; ` +
					`Content-Location=["s=secret"]; Content-Type=["s=secret"]; Cookie=["s=secret"]; Cookie2=["s=secret"]; Proxy-Authenticate=["s=secret"]; ` +
					`Proxy-Authorization=["s=secret"]; Referer=["http://me.test/"]; User-Agent=["me"]; Www-Authenticate=["s=secret"]; X-Mine=["1"]`,
				`GET b.test/ "" 0; Accept-Encoding=["identity"]; Referer=["http://me.test/"]; User-Agent=["me"]; X-Mine=["1"]`,
			})
		}
	}
	// what the request has, in any spelling, the client does not add
	run(t, func(ctx context.Context) {
		h.asked = nil
		c := aiohttp.Client{Transport: everywhere(s), Header: http.Header{
			"AUTHORIZATION": {"client's"},
			"x-mine":        {"client's"},
			"User-Agent":    {"client's"},
		}}
		defer c.Close()
		req, _ := http.NewRequest("GET", "http://a.test/", nil)
		req.Header = http.Header{"authorization": {"own"}, "X-Mine": {"own"}, "User-agent": nil}
		r, err := c.Do(ctx, req)
		ok(t, err)
		r.Close()
		equal(t, "first request", h.asked[0],
			`GET a.test/ "" 0; Accept-Encoding=["gzip"]; Authorization=["own"]; X-Mine=["own"]`)
	})
}

// A cookie that an earlier try has set anew is not sent twice either.
func TestCookiesDoNotDoubleInFurtherTries(t *testing.T) {
	h := &chainSite{steps: []step{{503, "", []string{"sid=new; Path=/"}}, {200, "", nil}}}
	s := httptest.NewServer(h)
	defer s.Close()
	run(t, func(ctx context.Context) {
		jar, _ := cookiejar.New(nil)
		c := aiohttp.Client{
			Transport: everywhere(s),
			Jar:       jar,
			Header:    http.Header{"cookie": {"sid=old; lang=en"}},
			Retry:     aiohttp.Retry{Attempts: 2, Backoff: noWait},
		}
		defer c.Close()
		r, err := c.Get(ctx, "http://a.test/")
		text(ctx, t, r, err)
	})
	for i, want := range []string{"sid=old; lang=en", "lang=en; sid=new"} {
		if !strings.Contains(h.asked[i], fmt.Sprintf("Cookie=[%q]", want)) {
			t.Errorf("try %d: %s, want the cookies %s", i+1, h.asked[i], want)
		}
	}
}

// Every body that a request has, or that GetBody has made, is closed.
func TestBodiesOfRequestsAreClosed(t *testing.T) {
	h := &chainSite{}
	s := httptest.NewServer(h)
	defer s.Close()
	for name, steps := range map[string][]step{
		"redirected": {{307, "/b", nil}, {308, "http://b.test/", nil}, {200, "", nil}},
		"dropped":    {{307, "/b", nil}, {303, "/c", nil}, {200, "", nil}},
		"tried":      {{503, "", nil}, {503, "", nil}, {200, "", nil}},
		"too often":  {{307, "/", nil}},
		"nowhere":    {{307, "mailto:me", nil}},
	} {
		h.steps, h.asked = steps, nil
		var mu sync.Mutex
		opened, closed := 0, 0
		body := func() io.ReadCloser {
			mu.Lock()
			defer mu.Unlock()
			opened++
			return &onClose{bytes.NewReader([]byte("data")), sync.OnceFunc(func() {
				mu.Lock()
				closed++
				mu.Unlock()
			})}
		}
		transport := everywhere(s)
		run(t, func(ctx context.Context) {
			c := aiohttp.Client{Transport: transport, Retry: aiohttp.Retry{Attempts: 3, Backoff: noWait}}
			defer c.Close()
			req, _ := http.NewRequest("PUT", "http://a.test/", nil)
			req.Body, req.ContentLength = body(), 4
			req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
			if r, err := c.Do(ctx, req); err == nil {
				text(ctx, t, r, err)
			}
		})
		transport.CloseIdleConnections()
		mu.Lock()
		if closed != opened {
			t.Errorf("%s: %d bodies, %d closed", name, opened, closed)
		}
		mu.Unlock()
	}
	run(t, func(ctx context.Context) { // nor is one left that was never sent
		closed := 0
		body := &onClose{strings.NewReader("data"), func() { closed++ }}
		c := aiohttp.Client{Limit: 1, Transport: aiohttp.Direct(http.HandlerFunc(echo))}
		held, err := c.Get(ctx, "http://x/")
		ok(t, err)
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		_, err = c.Post(stopped, "http://x/", "", body)
		matches(t, err, context.Canceled)
		equal(t, "closed after a wait that was cancelled", closed, 1)
		held.Close()
		c.Close()
		_, err = c.Post(ctx, "http://x/", "", body)
		matches(t, err, aiohttp.ErrClosed)
		equal(t, "closed by a client that is closed", closed, 2)
	})
}

type onClose struct {
	io.Reader
	fn func()
}

func (b *onClose) Close() error { b.fn(); return nil }

func noWait(int) time.Duration { return 0 }
