package aiohttp_test

import (
	"bytes"
	"context"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/aio-go/aio/aiohttp"
)

// pages is a small site of files.
var pages = fstest.MapFS{
	"index.html":     {Data: []byte("<h1>home</h1>"), ModTime: time.Unix(1_000_000_000, 0)},
	"a.txt":          {Data: []byte("0123456789"), ModTime: time.Unix(1_000_000_000, 0)},
	"empty":          {ModTime: time.Unix(1_000_000_000, 0)},
	"dir/index.html": {Data: []byte("dir"), ModTime: time.Unix(1_000_000_000, 0)},
	"list/b & c.txt": {Data: []byte("b"), ModTime: time.Unix(1_000_000_000, 0)},
	"data.json":      {Data: []byte("{}"), ModTime: time.Unix(1_000_000_000, 0)},
}

// What routers, ready-made handlers and middleware of net/http do.
func init() {
	add := func(name, request string, h http.Handler, direct string) {
		exchangeCases = append(exchangeCases, exchangeCase{
			name: name, request: request, h: h.ServeHTTP, direct: direct,
		})
	}
	asks := func(method, target string, fields ...string) string {
		return method + " " + target + " HTTP/1.1\r\nHost: x.test\r\n" +
			strings.Join(append(fields, ""), "\r\n") + "\r\n"
	}
	posts := func(contentType, body string) string {
		return asks("POST", "/f?q=1&a=0", "Content-Type: "+contentType,
			fmt.Sprint("Content-Length: ", len(body))) + body
	}

	// Routers.
	routes := http.NewServeMux()
	for _, pattern := range []string{"GET /{$}", "/items/{id}", "DELETE /items/{id}",
		"/files/{path...}", "x.test/host/", "/host/", "POST /a/b/", "/w/{x}/c", "/enc/{v}/end"} {
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %q %q %q %q %s", r.Pattern, r.PathValue("id"), r.PathValue("path"),
				r.PathValue("x"), r.PathValue("v"), r.Method)
		})
	}
	seen := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			w.Header().Set(http.TrailerPrefix+"X-Pattern", r.Pattern)
		})
	}
	for _, target := range []string{"/", "/none", "/items/5", "/items/", "/items/a%2Fb", "/items/a/b",
		"/files/", "/files/a/b%20c", "/files", "/host/x", "/a/b", "/a/b/", "/a/b/c", "/w/%62/c",
		"/enc/%2E%2E/end", "/enc/%E2%82%AC/end", "//items//5", "/a/../items/5", "/items/./5", "/host?q",
		"http://other.test/host/"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS"} {
			direct := ""
			if !strings.HasPrefix(target, "/") {
				direct = rawOnly
			}
			add("a route for "+method+" "+target, asks(method, target), seen(routes), direct)
		}
	}
	add("a route for CONNECT", "CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\n", routes, rawOnly)

	// Files.
	files := aiohttp.OffLoop(http.FileServerFS(pages))
	for _, target := range []string{"/", "/index.html", "/a.txt", "/dir", "/dir/", "/dir/index.html",
		"/list/", "/list", "/list/b%20&%20c.txt", "/none", "/../a.txt", "/%2e%2e/a.txt", "/a.txt/", "/empty",
		"/data.json", "/a%00.txt", "/list/?C=N"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			add("a file for "+method+" "+target, asks(method, target), files, "")
		}
	}
	for _, fields := range [][]string{
		{"Range: bytes=0-"}, {"Range: bytes=-1"}, {"Range: bytes=9-9"}, {"Range: bytes=10-"},
		{"Range: bytes=1-2,4-5,7-"}, {"Range: bytes=0-9,0-9"}, {"Range: bytes=5-1"}, {"Range: items=0-1"},
		{"Range: bytes=0-1", "If-Range: Sun, 09 Sep 2001 01:46:40 GMT"},
		{"Range: bytes=0-1", "If-Range: Sun, 09 Sep 2001 01:46:41 GMT"},
		{"If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT"},
		{"If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"}, {"If-Modified-Since: yesterday"},
		{"If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT"}, {"If-Match: *"}, {"If-Match: x"},
		{"If-None-Match: W/\"x\""}, {"Range: bytes=0-1", "If-None-Match: *"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			direct := ""
			if strings.Contains(fields[0], ",") {
				direct = "the boundary is random"
			}
			add(fmt.Sprint("a file for ", method, " with ", fields), asks(method, "/a.txt", fields...),
				files, direct)
		}
	}
	add("a file by ServeFileFS", asks("GET", "/x"), aiohttp.OffLoop(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "a.txt") })), "")
	add("StripPrefix before files", asks("GET", "/static/a.txt"),
		http.StripPrefix("/static", files), "")
	add("StripPrefix that does not match", asks("GET", "/other/a.txt"),
		http.StripPrefix("/static", files), "")
	add("StripPrefix of an encoded path", asks("GET", "/a%2Fb/c%2Fd"), http.StripPrefix("/a%2Fb",
		tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(r.URL.Path, " ", r.URL.RawPath, " ", r.RequestURI)
		})), "")

	// Forms.
	form := tells(func(w http.ResponseWriter, r *http.Request) any {
		err := r.ParseMultipartForm(100)
		text := fmt.Sprint(err, r.Form, r.PostForm, r.FormValue("a"), r.PostFormValue("a"))
		if r.MultipartForm != nil {
			text += fmt.Sprint(r.MultipartForm.Value)
			for _, name := range slices.Sorted(maps.Keys(r.MultipartForm.File)) {
				for _, f := range r.MultipartForm.File[name] {
					in, err := f.Open()
					if err != nil {
						return err
					}
					body, err := io.ReadAll(in)
					text += fmt.Sprintf("%s %s %d %.20q %v", name, f.Filename, len(body), body, err)
					in.Close()
				}
			}
		}
		return text
	})
	var several bytes.Buffer
	parts := multipart.NewWriter(&several)
	parts.SetBoundary("xxxx")
	parts.WriteField("a", "1")
	parts.WriteField("a", "2")
	file, _ := parts.CreateFormFile("f", "../name \".txt")
	io.WriteString(file, strings.Repeat("file ", 1000))
	parts.Close()
	for name, body := range map[string]string{
		"none": "", "two": "a=1&a=2", "escapes": "a=%41+b&%zz=1", "semicolons": "a=1;b=2", "no value": "a&b=",
	} {
		add("a form with "+name, posts("application/x-www-form-urlencoded", body), form, "")
	}
	add("a form with files", posts("multipart/form-data; boundary=xxxx", several.String()), form, "")
	add("a form with half of a file", posts("multipart/form-data; boundary=xxxx",
		several.String()[:several.Len()/2]), form, "")
	add("a form without a boundary", posts("multipart/form-data", several.String()), form, "")
	add("a form of another type", posts("text/plain", "a=1"), form, "")
	add("a form whose type is broken", posts("a b c", "a=1"), form, "")
	add("parts of a form", posts("multipart/form-data; boundary=xxxx", several.String()),
		tells(func(w http.ResponseWriter, r *http.Request) any {
			in, err := r.MultipartReader()
			if err != nil {
				return err
			}
			text := ""
			for {
				p, err := in.NextPart()
				if err != nil {
					return fmt.Sprint(text, err)
				}
				n, err := io.Copy(io.Discard, p)
				text += fmt.Sprint(p.FormName(), p.FileName(), n, err, " ")
			}
		}), "")
	add("a form within a limit", posts("application/x-www-form-urlencoded", "a=1"),
		http.MaxBytesHandler(form, 3), "")
	add("a form above a limit", posts("application/x-www-form-urlencoded", "a=12"),
		http.MaxBytesHandler(form, 3), "")

	// What a request is taken apart into.
	for name, fields := range map[string][]string{
		"cookies": {"Cookie: a=b; c=\"d e\"; bad name=x; =y; f", "Cookie: a=2"},
		"a user":  {"Authorization: Basic dTpwOnE="}, "a bad user": {"Authorization: Basic !"},
		"a Referer": {"Referer: /x", "User-Agent: me"},
		"an If":     {"Te: trailers", "Accept: a/b;q=0.5, */*"},
	} {
		add("a request with "+name, asks("GET", "/x?y", fields...),
			tells(func(w http.ResponseWriter, r *http.Request) any {
				u, p, ok := r.BasicAuth()
				text := fmt.Sprint(u, p, ok, r.Referer(), r.UserAgent(), r.CookiesNamed("a"))
				for _, c := range r.Cookies() {
					text += fmt.Sprintf(" %s=%s %v", c.Name, c.Value, c.Quoted)
				}
				_, err := r.Cookie("none")
				return fmt.Sprint(text, err, r.Header.Get("Te"))
			}), "")
	}
	for _, request := range []string{get, post, chunked, asks("GET", "http://h.test/x?y#z"),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
			"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"} {
		add(fmt.Sprintf("a dump of %.60q, %d", request, len(request)), request, tells(
			func(w http.ResponseWriter, r *http.Request) any {
				all, err := httputil.DumpRequest(r, true)
				return fmt.Sprintf("%q %v %s", all, err, readAll(r))
			}), rawOnly)
		add(fmt.Sprintf("a request written again, %.60q, %d", request, len(request)), request,
			tells(func(w http.ResponseWriter, r *http.Request) any {
				var b bytes.Buffer
				err := r.Clone(r.Context()).Write(&b)
				return fmt.Sprintf("%q %v", b.String(), err)
			}), rawOnly)
		add(fmt.Sprintf("what a request has, %.60q, %d", request, len(request)), request,
			tells(func(w http.ResponseWriter, r *http.Request) any {
				n, err := r.Body.Read(nil)
				return fmt.Sprint(r.GetBody == nil, r.Response == nil, r.Close, r.Trailer,
					r.ContentLength, r.TransferEncoding, n, err, r.Form == nil, r.MultipartForm == nil,
					r.Header["Host"], r.Header["Trailer"], r.Header["Transfer-Encoding"], r.ProtoAtLeast(1, 1))
			}), rawOnly)
	}

	// Cookies of answers, and other helpers.
	add("cookies of an answer", get, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range []*http.Cookie{
			{Name: "a", Value: "b c,d"}, {Name: "q", Value: "x", Quoted: true}, {Name: "bad name", Value: "x"},
			{Name: "p", Value: "x", Partitioned: true, Secure: true, Path: "/"},
			{Name: "s", Value: "x", SameSite: http.SameSiteLaxMode, HttpOnly: true, MaxAge: -1},
			{Name: "d", Value: "", Domain: ".x.test", Expires: time.Unix(1_000_000_000, 0)},
		} {
			http.SetCookie(w, c)
		}
	}), "")
	for _, to := range []string{"/b", "b?c=ü", "//h.test/", "http://h.test/ x", "../x", "?q", "/a\r\nb"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			add(fmt.Sprintf("%s, a redirect to %q", method, to), asks(method, "/d/e?f"), http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }), "")
		}
	}
	add("RedirectHandler", get, http.RedirectHandler("/x", http.StatusMovedPermanently), "")
	add("NotFoundHandler", get, http.NotFoundHandler(), "")
	add("an error after fields", get, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, f := range []string{"Content-Length", "Content-Encoding", "Etag", "Cache-Control", "X-A"} {
			w.Header().Set(f, "1")
		}
		http.Error(w, "no\nsuch", 404)
	}), "")
	guard := http.NewCrossOriginProtection().Handler(http.HandlerFunc(writes("hello")))
	for _, fields := range [][]string{nil, {"Sec-Fetch-Site: cross-site"}, {"Origin: http://x.test"},
		{"Origin: http://y.test"}} {
		add(fmt.Sprint("POST from ", fields), asks("POST", "/", append(fields, "Content-Length: 0")...),
			guard, "")
	}
	counts := new(expvar.Map)
	counts.Add("a", 1)
	add("a variable", get, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, counts)
	}), "")

	// Time limits.
	within := func(d time.Duration, h http.HandlerFunc) http.Handler {
		return aiohttp.OffLoop(http.TimeoutHandler(h, d, "<h1>late</h1>"))
	}
	waits := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	add("a time limit, and what the writer can do", get, within(time.Hour,
		tells(func(w http.ResponseWriter, r *http.Request) any {
			_, flushes := w.(http.Flusher)
			_, hijacks := w.(http.Hijacker)
			_, limited := r.Context().Deadline()
			return fmt.Sprint(flushes, hijacks, limited, http.NewResponseController(w).Flush())
		})), "")
	add("a time limit, fields and a status", get, within(time.Hour, status(201, "hello", "X-A: 1",
		"Content-Length: 5", "Trailer: X")), "")
	add("a time limit and a long answer", get, within(time.Hour,
		writes(strings.Repeat("x", 2000))), "")
	add("a time limit and a body in chunks", chunked, within(time.Hour,
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, readAll(r)) }), "")
	add("a time limit that is over, and a body", post, within(time.Millisecond, waits), "")
	add("HEAD, a time limit that is over", head, within(time.Millisecond, waits), "")
	add("a time limit that is over, and a write", get, within(time.Millisecond,
		func(w http.ResponseWriter, r *http.Request) {
			waits(w, r)
			if _, err := io.WriteString(w, "x"); err != http.ErrHandlerTimeout {
				panic(err)
			}
		}), "")
	add("a time limit and an abort", get, within(time.Hour,
		func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }), "")

	// Middleware.
	add("middleware that wraps the writer", post, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			x := &wrapped{ResponseWriter: w}
			c := http.NewResponseController(x)
			io.WriteString(x, "hello ")
			err := errors.Join(c.Flush(), c.SetReadDeadline(time.Now().Add(time.Hour)),
				c.SetWriteDeadline(time.Now().Add(time.Hour)), c.EnableFullDuplex())
			fmt.Fprint(x, err, readAll(r))
		}), "full duplex")
	add("middleware that changes the context", get, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(context.WithValue(r.Context(), key("k"), "v"))
			cancel()
			r = r.WithContext(ctx)
			fmt.Fprint(w, r.Context().Value(key("k")), r.Context().Err())
		}), "")
	add("middleware that replaces the body", post, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("say "), r.Body))
			fmt.Fprint(w, readAll(r))
		}), "")
	add("middleware that recovers", get, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			defer func() { http.Error(w, fmt.Sprint(recover()), http.StatusServiceUnavailable) }()
			panic("oops")
		}), "")
	add("middleware that compresses nothing", head, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Accept-Encoding")
			w.Header().Del("Content-Length")
			http.ServeContent(w, r, "x.html", time.Time{}, strings.NewReader("<p>"))
		}), "")

	// Proxies.
	quiet := log.New(io.Discard, "", 0)
	target := &url.URL{Scheme: "http", Host: "backend", Path: "/base", RawQuery: "k=v"}
	for name, change := range map[string]func(p *httputil.ReverseProxy){
		"plain":          func(p *httputil.ReverseProxy) {},
		"forwarded":      func(p *httputil.ReverseProxy) { p.Rewrite = forwards(target, true) },
		"flushing":       func(p *httputil.ReverseProxy) { p.FlushInterval = -1 },
		"changing":       func(p *httputil.ReverseProxy) { p.ModifyResponse = changes },
		"refusing":       func(p *httputil.ReverseProxy) { p.ModifyResponse = refuses },
		"with a pool":    func(p *httputil.ReverseProxy) { p.BufferPool = onePool{} },
		"telling errors": func(p *httputil.ReverseProxy) { p.ModifyResponse, p.ErrorHandler = refuses, tellsOf },
	} {
		for what, request := range map[string]string{
			"GET":     asks("GET", "/x?y=1;z", "Connection: close, X-Hop", "X-Hop: 1", "Te: trailers", "X-A: 1"),
			"chunks":  chunked,
			"upgrade": asks("GET", "/", "Connection: Upgrade", "Upgrade: \x7f"),
			"expects": asks("POST", "/", "Expect: 100-continue", "Content-Length: 5") + "hello",
			"HEAD":    asks("HEAD", "/"),
		} {
			p := &httputil.ReverseProxy{Rewrite: forwards(target, false), Transport: backend(says),
				ErrorLog: quiet}
			change(p)
			add("a proxy, "+name+", of "+what, request, aiohttp.OffLoop(p), rawOnly)
		}
	}
}

type key string

// wrapped is a writer of middleware.
type wrapped struct{ http.ResponseWriter }

func (w *wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func forwards(to *url.URL, forwarded bool) func(r *httputil.ProxyRequest) {
	return func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		if forwarded {
			r.SetXForwarded()
			r.Out.Header.Del("X-Forwarded-Proto") // http or https
		}
	}
}

// says answers a proxy with what it was asked.
func says(r *http.Request) (*http.Response, error) {
	body, err := []byte(nil), error(nil)
	if r.Body != nil {
		body, err = io.ReadAll(r.Body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %q %v %d\n", r.Method, r.URL, r.Host, body, err, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, r.Header[name])
	}
	return &http.Response{
		StatusCode: 200, ContentLength: int64(b.Len()), Body: io.NopCloser(strings.NewReader(b.String())),
		Header: http.Header{"Connection": {"X-Gone"}, "X-Gone": {"1"}, "X-A": {"1", "2"},
			"Content-Type": {"text/x"}},
	}, nil
}

func changes(r *http.Response) error {
	r.StatusCode = 202
	r.Header.Set("X-Changed", "1")
	return nil
}

func refuses(*http.Response) error { return errors.New("refused") }

func tellsOf(w http.ResponseWriter, r *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusGatewayTimeout)
}

type onePool struct{}

func (onePool) Get() []byte { return make([]byte, 10) }
func (onePool) Put([]byte)  {}
