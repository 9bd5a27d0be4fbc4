package aiohttp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aio-go/aio/aiohttp"
)

// backend answers the requests of a proxy without any network.
type backend func(r *http.Request) (*http.Response, error)

func (b backend) RoundTrip(r *http.Request) (*http.Response, error) { return b(r) }

func proxied(b backend) http.HandlerFunc {
	target := &url.URL{Scheme: "http", Host: "backend"}
	return aiohttp.OffLoop(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: b, ErrorLog: log.New(io.Discard, "", 0),
	}).ServeHTTP
}

// fileOfBytes makes a file, which is gone when it is closed.
func fileOfBytes(size int) *os.File {
	f, err := os.CreateTemp("", "aiohttp")
	if err != nil {
		panic(err)
	}
	os.Remove(f.Name())
	f.Write(bytes.Repeat([]byte("0123456789"), size/10))
	f.Seek(0, io.SeekStart)
	return f
}

// copies writes a file of 100,000 bytes after it has set fields.
func copies(prepare func(w http.ResponseWriter, f *os.File) io.Reader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := fileOfBytes(100_000)
		defer f.Close()
		n, err := io.Copy(w, prepare(w, f))
		if err != nil && !errors.Is(err, http.ErrContentLength) &&
			!errors.Is(err, http.ErrBodyNotAllowed) {
			panic(fmt.Sprint(n, err))
		}
	}
}

// takesOver hijacks the connection and talks on it.
func takesOver(
	talk func(w http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter),
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		talk(w, conn, rw)
	}
}

func init() {
	const (
		closes = "" // a connection in memory is closed as well
		wire   = rawOnly
	)
	length := func(w http.ResponseWriter, n int) { w.Header().Set("Content-Length", fmt.Sprint(n)) }
	add := func(name, request string, h http.HandlerFunc, direct string) {
		exchangeCases = append(exchangeCases, exchangeCase{
			name:    name,
			request: request,
			h:       h,
			direct:  direct,
		})
	}
	large := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" +
		strings.Repeat("x", 200_000)
	huge := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" +
		strings.Repeat("x", 900_000)

	// Files.
	for _, request := range []string{get, head, get10,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"} {
		method, _, _ := strings.Cut(request, "\r")
		if strings.Contains(request, "keep-alive") {
			method += ", kept"
		}
		direct := ""
		if strings.Contains(request, "1.0") {
			direct = wire
		}
		add(method+" of a file with its length", request, copies(
			func(w http.ResponseWriter, f *os.File) io.Reader { length(w, 100_000); return f }), direct)
		add(method+
			" of a file with a type", request, copies(func(w http.ResponseWriter, f *os.File) io.Reader {
			w.Header().Set("Content-Type", "text/css")
			length(w, 100_000)
			return f
		}), direct)
		add(method+" of a file without a length", request,
			copies(func(w http.ResponseWriter, f *os.File) io.Reader { return f }), direct)
		add(method+" of a part of a file", request, copies(func(
			w http.ResponseWriter, f *os.File,
		) io.Reader {
			length(w, 70_000)
			return io.LimitReader(f, 70_000)
		}), direct)
		add(method+" of a file that is too short", request, copies(
			func(w http.ResponseWriter, f *os.File) io.Reader { length(w, 200_000); return f }), closes)
		add(method+
			" of a file behind a write", request, copies(func(w http.ResponseWriter, f *os.File) io.Reader {
			length(w, 100_005)
			io.WriteString(w, "hello")
			return f
		}), direct)
		add(method+
			" of a file behind a flush", request, copies(func(w http.ResponseWriter, f *os.File) io.Reader {
			length(w, 100_005)
			io.WriteString(w, "hello")
			flush(w)
			return f
		}), direct)
		add(method+" of a file and 204", request, copies(
			func(w http.ResponseWriter, f *os.File) io.Reader { w.WriteHeader(204); return f }), direct)
	}
	for _, fields := range []string{
		"", "Range: bytes=0-0\r\n", "Range: bytes=-5\r\n", "Range: bytes=99990-\r\n",
		"Range: bytes=5-4\r\n", "Range: bytes=0-0,-1\r\n", "Range: x\r\n",
		"If-None-Match: \"v1\"\r\n", "If-None-Match: " +
			"*\r\n", "If-Match: \"v2\"\r\n", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
		"If-Unmodified-Since: Sat, 08 Sep 2001 01:46:40 GMT\r\n", "Range: bytes=0-4\r\nIf-Range: " +
			"\"v1\"\r\n", "Range: bytes=0-4\r\nIf-Range: \"v2\"\r\n",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			direct := ""
			if strings.Contains(fields, ",") {
				direct = "the boundary is random"
			}
			add(fmt.Sprintf("%s of a served file, %q", method, fields), method+" / HTTP/1.1\r\nHost: x\r\n"+
				fields+"\r\n", func(w http.ResponseWriter, r *http.Request) {
				f := fileOfBytes(100_000)
				defer f.Close()
				w.Header().Set("Etag", `"v1"`)
				http.ServeContent(w, r, "x.txt", time.Unix(1_000_000_000, 0), f)
			}, direct)
		}
	}
	add("a file of a directory", get, func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w,
			r, filepath.Join("testdata", "none"))
	}, "")

	// Proxies.
	for name, request := range map[string]string{
		"GET":          get,
		"HEAD":         head,
		"POST":         post,
		"chunks":       chunked,
		"a large POST": large,
	} {
		add("a proxy of "+name, request, proxied(func(r *http.Request) (*http.Response, error) {
			body, err := []byte(nil), error(nil)
			if r.Body != nil {
				body, err = io.ReadAll(r.Body)
			}
			all := fmt.Sprintf("%s %d %v %v", r.Method, len(body), err, r.ContentLength)
			return &http.Response{
				StatusCode:    200,
				Header:        http.Header{"X-A": {"1"}, "Content-Type": {"text/plain"}},
				ContentLength: -1,
				Body:          io.NopCloser(strings.NewReader(all)),
			}, nil
		}), "")
	}
	add("a proxy whose backend is gone", get, proxied(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no")
	}), "")
	add("a proxy with trailers", get, proxied(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode:    200,
			Header:        http.Header{"Content-Type": {"text/plain"}},
			ContentLength: -1,
			Trailer:       http.Header{"X-Sum": {"5"}},
			Body:          io.NopCloser(strings.NewReader("hello")),
		}, nil
	}), "")
	add("a proxy whose backend breaks off", get, proxied(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{
			"Content-Length": {"10"},
			"Content-Type":   {"text/plain"},
		}, ContentLength: 10,
			Body: io.NopCloser(io.MultiReader(strings.NewReader("hello"), failing{}))}, nil
	}), closes)

	// Time limits.
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	add("a time limit that is over", get,
		aiohttp.OffLoop(http.TimeoutHandler(slow, time.Millisecond, "late")).ServeHTTP, "")
	add("a time limit and a body", post, aiohttp.OffLoop(http.TimeoutHandler(http.HandlerFunc(func(
		w http.ResponseWriter, r *http.Request,
	) {
		fmt.Fprint(w, readAll(r))
	}), time.Hour, "late")).ServeHTTP, "")

	// Early answers.
	for name, request := range map[string]string{
		"a body":       post,
		"chunks":       chunked,
		"a large body": large,
		"a huge body":  huge,
	} {
		direct := ""
		if name == "a huge body" {
			direct = closes
		}
		add("half of "+name+" is read", request+get, func(w http.ResponseWriter, r *http.Request) {
			n, err := r.Body.Read(make([]byte, 3))
			fmt.Fprint(w, n, err)
		}, wire)
		add(name+" is closed", request, func(w http.ResponseWriter, r *http.Request) {
			r.Body.Close()
			io.WriteString(w, "closed")
		}, direct)
		add(name+
			" is closed when a part was read", request, func(w http.ResponseWriter, r *http.Request) {
			r.Body.Read(make([]byte, 3))
			r.Body.Close()
			_, err := r.Body.Read(make([]byte, 3))
			fmt.Fprint(w, "closed ", err)
		}, direct)
		add(name+" is refused with 413", request, status(413, "too large"), closes)
		add(name+", and Connection: close", request, status(200, "hello", "Connection: close"), wire)
		add(name+" is read after the answer, in full "+
			"duplex", request, func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil &&
				!errors.Is(err, http.ErrNotSupported) {
				panic(err)
			}
			io.WriteString(w, "hello ")
			flush(w)
			fmt.Fprint(w, readAll(r))
		}, "both directions are open")
		add(name+
			" meets a limit that nobody looks at", request, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 2))
			io.WriteString(w, "hello")
		}, closes)
		add(name+" meets a limit of nothing", request, limited(0), closes)
	}
	add("HTTP/1.0 above a limit", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", limited(4), wire)
	add("HTTP/1.0 above a limit, after a write", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello ")
		io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 4))
	}, wire)
	add("HTTP/1.0 that keeps, above a limit", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", limited(4), wire)

	// 100-continue.
	expects := "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
	add("100-continue, half read", expects, func(w http.ResponseWriter, r *http.Request) {
		n, err := r.Body.Read(make([]byte, 3))
		fmt.Fprint(w, n, err)
	}, wire)
	add("100-continue, said by the handler", expects, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(100)
		fmt.Fprint(w, readAll(r))
	}, wire)
	add("100-continue behind early hints", expects, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		fmt.Fprint(w, readAll(r))
	}, wire)
	add("100-continue after a write", expects, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello ")
		fmt.Fprint(w, readAll(r))
	}, wire)
	add("100-continue, closed unread after a write", expects, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello ")
		fmt.Fprint(w, r.Body.Close())
	}, wire)
	add("100-continue, closed unread", expects, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Body.Close())
	}, wire)
	add("100-continue, closed when a part was read", expects, func(w http.ResponseWriter, r *http.Request) {
		r.Body.Read(make([]byte, 3))
		fmt.Fprint(w, r.Body.Close())
	}, wire)
	add("100-continue, read to the end and closed", expects, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, readAll(r), r.Body.Close())
	}, wire)
	add("100-continue in chunks", strings.Replace(chunked, "Host: x\r\n", "Host: x\r\nExpect: 100-continue\r\n", 1), tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) }), wire)
	add("100-continue with HTTP/1.0", strings.Replace(expects, "1.1", "1.0", 1), tells(func(w http.ResponseWriter, r *http.Request) any { return readAll(r) }), wire)

	for i := range exchangeCases {
		switch c := &exchangeCases[i]; c.name {
		case "100-continue, half read", "100-continue, closed when a part was read":
			c.onLoop = "it reads ahead"
		case "100-continue after a write":
			c.onLoop = "net/http does not know of the write yet"
		}
	}

	// Statuses and fields.
	for _, code := range []int{101, 199, 200, 205, 206, 299, 300, 303, 307, 400, 401, 405, 408, 416,
		418, 421, 426, 429, 500, 511, 600} {
		add(fmt.Sprint("the status ", code), get, status(code, ""), "")
		if code >= 200 {
			add(fmt.Sprint("the status ", code, " with a body"), get, status(code, "hello"), "")
			add(fmt.Sprint("HEAD, the status ", code), head, status(code, "hello"), "")
		}
	}
	for _, code := range []int{204, 304} {
		for _, f := range []string{"Content-Length: 0", "Transfer-Encoding: chunked", "Content-Type: a/b",
			"Content-Length: 7"} {
			add(fmt.Sprint("the status ", code, ", ", f), get, status(code, "", f), "")
			add(fmt.Sprint("HEAD, the status ", code, ", ", f), head, status(code, "", f), "")
		}
	}
	for _, f := range []string{
		"Connection: close", "Connection: Close", "Connection: " +
			"keep-alive", "Connection: close, x", "Connection: x", "Connection: upgrade",
		"Keep-Alive: timeout=5", "Content-Type: ", "Date: ", "X-Long: " +
			strings.Repeat("x", 10_000), "Content-Length: 5", "Content-Length: 4",
		"Content-Length: -1", "Content-Length: x", "Content-Length: ", "Transfer-Encoding: " +
			"chunked", "Transfer-Encoding: identity", "Content-Encoding: ",
	} {
		name := fmt.Sprintf("%.30q", f)
		add("an answer with "+name, get, status(200, "hello", f), wire)
		add("HEAD, an answer with "+name, head, status(200, "hello", f), wire)
		add("HTTP/1.0, an answer with "+name, get10, status(200, "hello", f), wire)
		add("HTTP/1.0 that keeps, an answer with "+
			name, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", status(200, "hello", f), wire)
		add("a close, an answer with "+
			name, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", status(200, "hello", f), wire)
	}
	add("101 with an upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: "+
		"x\r\n\r\n", status(101, "", "Connection: Upgrade", "Upgrade: x"), wire)
	add("101 with a blank between the options", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"+
		"Upgrade: x\r\n\r\n", status(101, "", "Connection: on Upgrade", "Upgrade: x"), wire)
	add("a field with a small name", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["content-length"] = []string{"5"}
		w.Header()["x-small"] = []string{"1"}
		io.WriteString(w, "hello")
	}, wire)
	add("a type that shows in the second write", get, writes("<ht", "ml><body>"), "")
	add("a type that shows after a flush", get, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<ht")
		flush(w)
		io.WriteString(w, "ml>")
	}, "")
	add("what a write returns", get, func(w http.ResponseWriter, r *http.Request) {
		length(w, 20)
		n, err := w.Write([]byte("hello"))
		m, err2 := w.Write(nil)
		_, err3 := w.Write(make([]byte, 30))
		fmt.Fprintf(w, "%d%v%d%v%v", n, err, m, err2, err3 == http.ErrContentLength)
	}, closes)
	add("600 writes", get, func(w http.ResponseWriter, r *http.Request) {
		for range 600 {
			io.WriteString(w, strings.Repeat("x", 100))
		}
	}, "")
	add("ten flushes", get, func(w http.ResponseWriter, r *http.Request) {
		for i := range 10 {
			fmt.Fprint(w, i)
			flush(w)
			flush(w)
		}
	}, "")
	add("HTTP/1.0 and trailers", get10, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
		w.Header().Set("X-Sum", "5")
	}, wire)
	add("HEAD and trailers", head, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
		w.Header().Set("X-Sum", "5")
	}, "")
	add("a length and trailers", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		length(w, 5)
		io.WriteString(w, "hello")
		w.Header().Set("X-Sum", "5")
	}, "")
	add("trailers with values that are none", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
		flush(w)
		w.Header()["X-Sum"] = []string{"a\r\nb", " c "}
		w.Header()[http.TrailerPrefix+"X Y"] = []string{"1"}
	}, "")

	// Deadlines.
	add("a deadline for reading that is over", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "+
		"900000\r\n\r\nhello", func(w http.ResponseWriter, r *http.Request) {
		r.Body.Read(make([]byte, 5))
		err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
		_, err2 := io.ReadAll(r.Body)
		fmt.Fprint(w, err, errors.Is(err2, os.ErrDeadlineExceeded))
	}, "")
	add("a deadline for writing that is over", get, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second))
		io.WriteString(w, strings.Repeat("x", 100_000))
	}, "")
	add("deadlines that are not over", post, func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		c.SetReadDeadline(time.Now().Add(time.Hour))
		c.SetWriteDeadline(time.Now().Add(time.Hour))
		fmt.Fprint(w, readAll(r))
	}, "")

	// Connections that are taken over.
	hijacks := func(name, request string, h http.HandlerFunc, direct string) {
		add(name, request, h, direct)
		add(name+", off the loop", request, aiohttp.OffLoop(h).ServeHTTP, direct)
	}
	hijacks("taken over", get, takesOver(func(_ http.ResponseWriter, conn io.Writer, _ *bufio.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	}), wire)
	hijacks("taken over, by its buffers", get,
		takesOver(func(_ http.ResponseWriter, _ io.Writer, rw *bufio.ReadWriter) {
			line, err := rw.ReadString('\n')
			fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\n\r\n%q %v", line, err)
			rw.Flush()
		}), wire)
	hijacks("taken over, and the writer used", get,
		takesOver(func(w http.ResponseWriter, conn io.Writer, _ *bufio.ReadWriter) {
			_, err := io.WriteString(w, "hello")
			w.WriteHeader(404)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%v", err == http.ErrHijacked)
		}), wire)
	hijacks("taken over with a body", post,
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			b := make([]byte, 5)
			_, err := io.ReadFull(rw, b)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%q %v", b, err)
		}), wire)

	// Failures.
	add("a panic after a status", get, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		flush(w)
		panic("oops")
	}, "")
	add("an abort that is wrapped", get, func(w http.ResponseWriter, r *http.Request) {
		flush(w)
		panic(fmt.Errorf("x: %w", http.ErrAbortHandler))
	}, "")
	add("an abort with a body that nobody has read", huge,
		func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "")
	add("an abort in the middle of a length", get, func(w http.ResponseWriter, r *http.Request) {
		length(w, 10)
		io.WriteString(w, "hello")
		flush(w)
		panic(http.ErrAbortHandler)
	}, "")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }
