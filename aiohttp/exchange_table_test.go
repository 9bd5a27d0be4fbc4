package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// exchangeCase is one thing that handlers and clients rely on. exchange_test.go says what is
// compared with what.
type exchangeCase struct {
	name string
	// as it is sent; empty: GET / of HTTP/1.1. With more than one request all are answered
	request string
	h       http.HandlerFunc // nil: nothing comes to it
	ours    func(net string) string
	because string // why ours differs, and where that is documented
	direct  string // why Direct is left out
	onLoop  string // why OnLoop is left out
}

const (
	get     = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	head    = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
	get10   = "GET / HTTP/1.0\r\n\r\n"
	post    = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n " +
		"world\r\n0\r\n\r\n"

	rawOnly = "what is on the wire does not concern it"
)

// panics is what a panic before anything was sent is answered with.
func panics(string) string {
	return "HTTP/1.1 500 Internal Server Error\n" +
		"Content-Length: 22\nContent-Type: text/plain; " +
		"charset=utf-8\nDate: -\nX-Content-Type-Options: nosniff\n\n" +
		"Internal Server Error\n\n\nkept"
}

// withLength is for bodies that net/http sends in chunks, because they have more than 2 KiB.
func withLength(n int) func(string) string {
	return func(net string) string {
		return strings.Replace(net, "Transfer-Encoding: chunked\n", fmt.Sprintf("Content-Length: %d\n",
			n), 1)
	}
}

func writes(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, p := range parts {
			io.WriteString(w, p)
		}
	}
}

// status answers with a status, fields ("Name: value") and a body.
func status(code int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(code)
		if body != "" {
			if _, err := io.WriteString(w, body); err != nil {
				w.Header().Set("X-Error", err.Error()) // cannot be seen
			}
		}
	}
}

// tells writes what f finds out about the request.
func tells(f func(w http.ResponseWriter, r *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, f(w, r)) }
}

func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }

// readAll reads the body and tells how that ended.
func readAll(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	return fmt.Sprintf("%d %.20q %v", len(body), body, err)
}

var exchangeCases = []exchangeCase{
	// Answers.
	{name: "nothing", h: writes()},
	{name: "a line", h: writes("hello")},
	{name: "parts", h: writes("hello", ", ", "world", "\n")},
	{name: "html", h: writes("<!DOCTYPE html><p>hello")},
	{name: "2047 bytes", h: writes(strings.Repeat("x", 2047))},
	{name: "2048 bytes", h: writes(strings.Repeat("x", 2048))},
	{name: "2049 bytes", h: writes(strings.Repeat("x", 2049)), ours: withLength(2049),
		because: "a longer beginning is kept"},
	{name: "20000 bytes", h: writes(strings.Repeat("x", 20_000)), ours: withLength(20_000),
		because: "a longer beginning is kept"},
	{name: "32767 bytes", h: writes(strings.Repeat("x", 32_767)), ours: withLength(32_767),
		because: "a longer beginning is kept"},
	{name: "40000 bytes", h: writes(strings.Repeat("x", 40_000))},
	{name: "a million bytes", h: writes(strings.Repeat("0123456789", 100_000))},
	{name: "an empty write", h: func(w http.ResponseWriter, r *http.Request) { w.Write(nil) }},
	{name: "an own type", h: status(200, "hello", "Content-Type: text/css")},
	{name: "no type", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "hello")
	}},
	{name: "an encoding", h: status(200, "hello", "Content-Encoding: br")},
	{name: "an own date", h: status(200, "hello", "Date: Thu, 01 Jan 1970 00:00:00 GMT")},
	{name: "no date", h: func(w http.ResponseWriter, r *http.Request) { w.Header()["Date"] = nil }},
	{name: "many fields",
		h: status(200, "hello", "X-A: 1", "X-A: 2", "x-b: 3", "Set-Cookie: a=b", "Set-Cookie: c=d")},
	{name: "blanks in a value", h: status(200, "hello", "X-A:   a b\t ")},
	{name: "lines in a value", h: status(200, "hello", "X-A: a\r\nX-B: b", "X-C: a\nb")},
	{name: "a bad name", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X A"] = []string{"1"}
		w.Header()["X-B\r\nX-C"] = []string{"1"}
		w.Header()[""] = []string{"1"}
		io.WriteString(w, "hello")
	}},
	{name: "201", h: status(201, "hello", "Location: /x")},
	{name: "304", h: status(304, "", "Etag: x")},
	{name: "304 with fields of a body",
		h: status(304, "", "Content-Type: text/css", "Content-Length: 5", "Etag: x")},
	{name: "304 with a body", h: status(304, "hello")},
	{name: "204", h: status(204, "")},
	{name: "204 with a body", h: status(204, "hello", "Content-Type: text/css", "Content-Length: 5")},
	{name: "404", h: http.NotFound},
	{name: "an error", h: func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "oops", http.StatusServiceUnavailable)
	}},
	{name: "a redirect", h: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/there", http.StatusFound)
	}},
	{name: "status 299", h: status(299, "hello")},
	{name: "status 999", h: status(999, "hello")},
	{name: "status 99", h: status(99, ""), ours: panics,
		because: "a panic is answered if nothing was sent"},
	{name: "status 0", h: status(0, ""), ours: panics,
		because: "a panic is answered if nothing was sent"},
	{name: "status 1000", h: status(1000, ""), ours: panics,
		because: "a panic is answered if nothing was sent"},
	{name: "two statuses", h: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		w.WriteHeader(200)
		io.WriteString(w, "hello")
	}},
	{name: "a status after a write", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		w.WriteHeader(404)
	}},
	{name: "fields after a status", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(200)
		w.Header().Set("X-A", "2")
		w.Header().Set("X-B", "2")
		io.WriteString(w, "hello")
	}},
	{name: "fields after a write", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-A", "1")
		io.WriteString(w, "hello")
		w.Header().Add("X-A", "2")
		w.Header().Set("X-B", "2")
		w.Header().Del("X-A")
	}},
	{name: "fields changed in place after a write", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-A"] = []string{"1", "2"}
		io.WriteString(w, "hello")
		w.Header()["X-A"][0] = "3"
	}},
	{name: "a field set to nothing", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-A"] = []string{}
		w.Header().Set("X-B", "")
	}},

	// Lengths.
	{name: "the length", h: status(200, "hello", "Content-Length: 5")},
	{name: "a length that is too large", h: status(200, "hello", "Content-Length: 6")},
	{name: "a length that is too small", h: status(200, "hello", "Content-Length: 4")},
	{name: "a length met in the first write", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hello")
		n, err := io.WriteString(w, "more")
		if n != 0 || !errors.Is(err, http.ErrContentLength) {
			panic(fmt.Sprint(n, err))
		}
	}},
	{name: "a length without a body", h: status(200, "", "Content-Length: 5")},
	{name: "a length that is no number", h: status(200, "hello", "Content-Length: five")},
	{name: "a negative length", h: status(200, "hello", "Content-Length: -5")},
	{name: "a length of 0 and a body", h: status(200, "hello", "Content-Length: 0")},
	{name: "a long body with a length",
		h: status(200, strings.Repeat("x", 100_000), "Content-Length: 100000")},
	{name: "a length and a code",
		h: status(200, "hello", "Content-Length: 5", "Transfer-Encoding: chunked")},
	{name: "identity", h: status(200, "hello", "Transfer-Encoding: identity"), direct: rawOnly},
	{name: "a code of its own", h: status(200, "hello", "Transfer-Encoding: chunked")},

	// HEAD.
	{name: "HEAD of nothing", request: head, h: writes()},
	{name: "HEAD of a line", request: head, h: writes("hello")},
	{name: "HEAD with a length", request: head, h: status(200, "", "Content-Length: 5")},
	{name: "HEAD with a length and a body", request: head,
		h: status(200, "hello", "Content-Length: 5")},
	{name: "HEAD with a wrong length", request: head, h: status(200, "hello", "Content-Length: 6")},
	{name: "HEAD of 2000 bytes", request: head, h: writes(strings.Repeat("x", 2000))},
	{name: "HEAD of a million bytes", request: head, h: writes(strings.Repeat("0123456789", 100_000))},
	{name: "HEAD and a flush", request: head, h: func(w http.ResponseWriter, r *http.Request) {
		flush(w)
		io.WriteString(w, "hello")
	}},
	{name: "HEAD with 204", request: head, h: status(204, "")},
	{name: "HEAD with 304", request: head, h: status(304, "", "Content-Length: 5")},
	{name: "HEAD twice", request: head + head, h: writes("hello")},

	// Flush.
	{name: "a flush before all", h: func(w http.ResponseWriter, r *http.Request) { flush(w) }},
	{name: "a flush between", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		flush(w)
		io.WriteString(w, ", world")
	}},
	{name: "a flush with a length", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "12")
		io.WriteString(w, "hello")
		flush(w)
		io.WriteString(w, ", world")
	}},
	{name: "a flush and too little", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "12")
		io.WriteString(w, "hello")
		flush(w)
	}},
	{name: "fields after a flush", h: func(w http.ResponseWriter, r *http.Request) {
		flush(w)
		w.Header().Set("X-A", "1")
		w.WriteHeader(404)
		io.WriteString(w, "hello")
	}},
	{name: "a flush with 204", h: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(204)
		flush(w)
	}},
	{name: "a flush by the controller", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
	}},

	// Trailers.
	{name: "a trailer", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
		w.Header().Set("X-Sum", "5")
	}},
	{name: "a trailer after a flush", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum, x-more")
		io.WriteString(w, "hello")
		flush(w)
		w.Header().Set("X-Sum", "5")
		w.Header().Set("X-More", "6")
	}},
	{name: "a trailer that was not announced", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		flush(w)
		w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
	}},
	{name: "a trailer with the prefix at once", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
		io.WriteString(w, "hello")
	}},
	{name: "a trailer with the prefix, too late for a short answer",
		h: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
		}},
	{name: "a trailer that never came", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
	}},
	{name: "a trailer that is forbidden", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Authorization, X-Sum")
		io.WriteString(w, "hello")
		w.Header().Set("Authorization", "5")
		w.Header().Set("X-Sum", "5")
	}},
	{name: "a trailer set before", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Sum", "1")
		io.WriteString(w, "hello")
		w.Header().Set("X-Sum", "5")
	}},
	{name: "trailers of a request", request: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " +
		"chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(readAll(r), r.Trailer)
		})},

	// 1xx.
	{name: "early hints", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(103)
		w.Header().Set("X-A", "1")
		w.WriteHeader(103)
		io.WriteString(w, "hello")
	}},
	{name: "processing with a length", h: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		w.WriteHeader(102)
		io.WriteString(w, "hello")
	}},
	{name: "early hints that are too late", h: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.WriteHeader(103)
		io.WriteString(w, "hello")
	}},
	{name: "100-continue", request: "POST / HTTP/1.1\r\nHost: x\r\nExpect: " +
		"100-continue\r\nContent-Length: 5\r\n\r\nhello", direct: rawOnly,
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) })},
	{name: "100-continue that is not wanted", request: "POST / HTTP/1.1\r\nHost: x\r\nExpect: " +
		"100-continue\r\nContent-Length: 5\r\n\r\n", direct: rawOnly,
		h: status(403, "no")},
	{name: "another expectation", request: "POST / HTTP/1.1\r\nHost: x\r\nExpect: " +
		"miracles\r\nContent-Length: 5\r\n\r\nhello", direct: rawOnly},

	// Bodies of requests.
	{name: "a body", request: post, h: tells(func(w http.ResponseWriter, r *http.Request) any {
		return fmt.Sprint(readAll(r), r.ContentLength)
	})},
	{name: "a body in chunks", request: chunked,
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(readAll(r), r.ContentLength, r.TransferEncoding)
		})},
	{name: "no body", h: tells(func(w http.ResponseWriter, r *http.Request) any {
		return fmt.Sprint(readAll(r), r.ContentLength, r.Body == http.NoBody)
	})},
	{name: "a body read twice", request: post,
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) + readAll(r) })},
	{name: "a body closed twice", request: post,
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(r.Body.Close(), r.Body.Close(), readAll(r))
		})},
	{name: "a body in single bytes", request: post,
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			all := ""
			for b := make([]byte, 1); ; {
				n, err := r.Body.Read(b)
				all += fmt.Sprint(n, string(b[:n]))
				if err != nil {
					return fmt.Sprint(strings.TrimSuffix(all, "0"), err)
				}
			}
		})},
	{name: "a large body", request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" +
		strings.Repeat("x", 300_000),
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) })},
	{name: "a body nobody reads", request: post + get, h: writes("hello")},
	{name: "a large body nobody reads", request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " +
		"200000\r\n\r\n" + strings.Repeat("x", 200_000) + get, h: writes("hello")},
	{name: "a body too large to be skipped", request: "POST / HTTP/1.1\r\nHost: " +
		"x\r\nContent-Length: 9000000\r\n\r\n" + strings.Repeat("x", 100_000), h: writes("hello"),
		direct: rawOnly},
	{name: "a body read after the answer has begun", request: post, direct: "both directions are " +
		"open, as with EnableFullDuplex", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		flush(w)
		fmt.Fprint(w, readAll(r))
	}},
	{name: "a form", request: "POST /?a=1 HTTP/1.1\r\nHost: x\r\nContent-Type: " +
		"application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=2&b=3",
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(r.ParseForm(), r.Form, r.PostForm)
		})},
	{name: "chunks that are broken", request: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n5\r\nhelloX", direct: rawOnly,
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) })},

	// MaxBytesReader.
	{name: "within the limit", request: post, h: limited(5)},
	{name: "above the limit", request: post, h: limited(4)},
	{name: "above the limit, in chunks", request: chunked, h: limited(4)},
	{name: "above the limit, and more to come", request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + strings.Repeat("x", 100), h: limited(10)},
	{name: "above the limit by MaxBytesHandler", request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + strings.Repeat("x", 100),
		h: http.MaxBytesHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, readAll(r)) }), 10).ServeHTTP},

	// Requests as the handler sees them.
	{name: "a request", request: "GET /a%20b/c?q=1&r=%41 HTTP/1.1\r\nHost: example.com:81\r\nx-a: " +
		"1\r\nX-A: 2\r\nCookie: a=b\r\nUser-Agent: test\r\n\r\n",
		h: tells(func(w http.ResponseWriter, r *http.Request) any {
			return fmt.Sprint(r.Method, r.URL, r.URL.Path, r.URL.Host, r.RequestURI, r.Host, r.Proto,
				r.Header, r.Form, r.Close)
		})},
	{name: "OPTIONS", request: "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n",
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return r.Method + r.RequestURI })},
	{name: "OPTIONS of all", request: "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", h: writes("hello"),
		direct: rawOnly},
	{name: "an unusual method", request: "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return r.Method })},
	{name: "DELETE with a body", request: "DELETE / HTTP/1.1\r\nHost: x\r\nContent-Length: " +
		"5\r\n\r\nhello", h: tells(func(w http.ResponseWriter, r *http.Request) any {
		return r.Method + readAll(r)
	})},

	// Connections.
	{name: "two requests at once", request: get + get, h: writes("hello")},
	{name: "requests with bodies at once", request: post + chunked + post,
		h: tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) })},
	{name: "Connection: close", request: "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		h: writes("hello"), direct: rawOnly},
	{name: "the handler closes", h: status(200, "hello", "Connection: close"), direct: rawOnly},
	{name: "the handler keeps", h: status(200, "hello", "Connection: keep-alive"), direct: rawOnly},
	{name: "HTTP/1.0", request: get10, h: writes("hello"), direct: rawOnly},
	{name: "HTTP/1.0 with a long answer", request: get10, h: writes(strings.Repeat("x", 100_000)),
		direct: rawOnly},
	{name: "HTTP/1.0 that keeps", request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		h: writes("hello"), direct: rawOnly},
	{name: "HTTP/1.0 and a flush", request: get10, direct: rawOnly,
		h: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			flush(w)
		}},

	// Requests that are refused.
	{name: "no host", request: "GET / HTTP/1.1\r\n\r\n", direct: rawOnly},
	{name: "two hosts", request: "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", direct: rawOnly},
	{name: "no version", request: "GET /\r\n\r\n", direct: rawOnly},
	{name: "another version", request: "GET / HTTP/3.7\r\nHost: x\r\n\r\n", direct: rawOnly},
	{name: "a name with a blank", request: "GET / HTTP/1.1\r\nHost: x\r\nX : 1\r\n\r\n",
		direct: rawOnly},
	{name: "two lengths", request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " +
		"5\r\nContent-Length: 6\r\n\r\nhello", direct: rawOnly},
	{name: "a length with a sign",
		request: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", direct: rawOnly},
	{name: "an unknown code",
		request: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nhello", direct: rawOnly},
	{name: "nonsense", request: "\x16\x03\x01\x02\x00\x01\r\n\r\n", direct: rawOnly},

	// Failures.
	{name: "a panic", h: func(w http.ResponseWriter, r *http.Request) {
		panic("oops")
	}, ours: panics, because: "a panic is answered if nothing was sent"},
	{name: "a panic after a short write", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		panic("oops")
	}, ours: panics, because: "a panic is answered if nothing was sent"},
	{name: "a panic after a flush", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		flush(w)
		panic("oops")
	}},
	{name: "an abort", h: func(w http.ResponseWriter, r *http.Request) {
		panic(http.ErrAbortHandler)
	}},
	{name: "an abort after a flush", h: func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		flush(w)
		panic(http.ErrAbortHandler)
	}},

	// Ready-made handlers.
	{name: "a router", request: "GET /b/ HTTP/1.1\r\nHost: x\r\n\r\n", h: router().ServeHTTP},
	{name: "a router that redirects", request: "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
		h: router().ServeHTTP},
	{name: "a router that refuses a method",
		request: "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", h: router().ServeHTTP},
	{name: "content", h: content},
	{name: "a range of content",
		request: "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=2-4\r\n\r\n", h: content},
	{name: "two ranges of content", request: "GET / HTTP/1.1\r\nHost: x\r\nRange: " +
		"bytes=2-4,6-\r\n\r\n", h: content, direct: "the boundary is random"},
	{name: "a range that is not there",
		request: "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=20-\r\n\r\n", h: content},
	{name: "content that is known",
		request: "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"v1\"\r\n\r\n", h: content},
	{name: "HEAD of content", request: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", h: content},
	{name: "a time limit",
		h: http.TimeoutHandler(http.HandlerFunc(writes("hello")), time.Hour, "late").ServeHTTP},
	{name: "StripPrefix", request: "GET /pre/b HTTP/1.1\r\nHost: x\r\n\r\n",
		h: http.StripPrefix("/pre", router()).ServeHTTP},
	{name: "AllowQuerySemicolons", request: "GET /?a=1;b=2 HTTP/1.1\r\nHost: x\r\n\r\n",
		h: http.AllowQuerySemicolons(tells(func(w http.ResponseWriter, r *http.Request) any {
			return r.FormValue("b")
		})).ServeHTTP},
	{name: "a writer on another goroutine", h: func(w http.ResponseWriter, r *http.Request) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.WriteString(w, "hello")
		}()
		if aio.InTask(r.Context()) {
			aio.Recv(r.Context(), done)
		} else {
			<-done
		}
	}},
	{name: "a handler of a task", h: func(w http.ResponseWriter, r *http.Request) {
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, "hello")
			return err
		}).ServeHTTP(w, r)
	}},
}

func limited(n int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, n)
		_, err := io.ReadAll(r.Body)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, "fits ", err)
	}
}

func router() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a", writes("a"))
	mux.HandleFunc("/b/", writes("b"))
	return mux
}

func content(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Etag", `"v1"`)
	http.ServeContent(w, r, "x.txt", time.Unix(1_000_000_000, 0), strings.NewReader("0123456789"))
}
