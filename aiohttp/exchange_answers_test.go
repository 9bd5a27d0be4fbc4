package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// wait waits for a goroutine of a handler, in a task or not.
func wait(r *http.Request, done chan struct{}) {
	if aio.InTask(r.Context()) {
		aio.Recv(r.Context(), done)
	} else {
		<-done
	}
}

// What handlers do with their writers and connections.
func init() {
	add := func(name, request string, h http.HandlerFunc, direct string) {
		exchangeCases = append(exchangeCases, exchangeCase{
			name: name, request: request, h: h, direct: direct,
		})
	}
	const (
		get11close = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		wire       = rawOnly
	)

	// Fields without values, with several, and in other spellings.
	for _, name := range []string{"Content-Length", "Content-Type", "Connection", "Content-Encoding",
		"Transfer-Encoding", "Trailer", "Date", "Upgrade", "X-A"} {
		for what, values := range map[string][]string{
			"no values": nil, "no value": {""}, "two values": {"5", "6"}, "two empty values": {"", ""},
			"a close and more": {"close", "x"},
		} {
			set := func(w http.ResponseWriter, r *http.Request) {
				w.Header()[name] = values
				io.WriteString(w, "hello")
			}
			add("an answer with "+what+" of "+name, get, set, wire)
			add("HTTP/1.0, an answer with "+what+" of "+name, get10, set, wire)
		}
		if name == "Content-Length" {
			continue
		}
		add("an answer with small letters in "+name, get, func(w http.ResponseWriter, r *http.Request) {
			w.Header()[strings.ToLower(name)] = []string{"close"}
			io.WriteString(w, "hello")
		}, wire)
	}
	for _, coding := range []string{"gzip", "gzip, chunked", "chunked, gzip", "Chunked", "identity",
		"x"} {
		for _, request := range []string{get, head, get10, get11close} {
			line, _, _ := strings.Cut(request, "\r")
			add(fmt.Sprintf("%s, %d, the coding %s", line, len(request), coding), request,
				status(200, "hello", "Transfer-Encoding: "+coding), wire)
			add(fmt.Sprintf("%s, %d, the coding %s and a length", line, len(request), coding), request,
				status(200, "hello", "Transfer-Encoding: "+coding, "Content-Length: 5"), wire)
		}
	}

	// Interim answers.
	for _, code := range []int{100, 102, 103, 110, 199} {
		hint := func(w http.ResponseWriter, r *http.Request) {
			for _, f := range []string{"Content-Length", "Transfer-Encoding", "Connection", "Date",
				"Trailer", "X-A", "Content-Type"} {
				w.Header().Set(f, "x")
			}
			w.WriteHeader(code)
			clear(w.Header())
			io.WriteString(w, "hello")
		}
		add(fmt.Sprint("the interim status ", code, " with fields"), get, hint, wire)
		add(fmt.Sprint("HTTP/1.0, the interim status ", code, " with fields"), get10, hint, wire)
		add(fmt.Sprint("HEAD, the interim status ", code, " with fields"), head, hint, wire)
	}
	add("an interim answer between writes", get, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
		w.WriteHeader(103)
		flush(w)
		w.WriteHeader(103)
	}, "")
	add("only an interim answer", get, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
	}, "")

	// What a body looks like.
	for name, parts := range map[string][]string{
		"a BOM":               {"\xef\xbb\xbfhello"},
		"an image":            {"\x89PNG\r\n\x1a\nx"},
		"gzip":                {"\x1f\x8b\x08xx"},
		"blanks and html":     {"  \n", "<!DOCTYPE html>"},
		"bytes":               {"\x00\x01\x02"},
		"an empty part first": {"", "<html>"},
		"single bytes":        strings.Split("<html><body>", ""),
		"511 blanks":          {strings.Repeat(" ", 511), "<html>"},
		"513 blanks":          {strings.Repeat(" ", 513), "<html>"},
		"3000 blanks":         {strings.Repeat(" ", 3000), "<html>"},
	} {
		if name == "3000 blanks" {
			continue // a longer beginning is kept
		}
		add("the type of "+name, get, writes(parts...), "")
		add("HEAD, the type of "+name, head, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			writes(parts...)(w, r)
		}, "")
		add("the type of "+name+", flushed", get, func(w http.ResponseWriter, r *http.Request) {
			for _, p := range parts {
				io.WriteString(w, p)
				flush(w)
			}
		}, "")
	}

	// Other ways to write.
	add("the interfaces of a writer", get, tells(func(w http.ResponseWriter, r *http.Request) any {
		_, flushes := w.(http.Flusher)
		_, hijacks := w.(http.Hijacker)
		_, pushes := w.(http.Pusher)
		_, strings := w.(io.StringWriter)
		_, notifies := w.(http.CloseNotifier) //lint:ignore SA1019 old middleware asks for it
		return fmt.Sprint(flushes, hijacks, pushes, strings, notifies)
	}), "")
	add("io.Copy of a reader that writes", get, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(w, strings.NewReader("hello"))
		fmt.Fprint(w, n, err)
	}, "")
	add("io.Copy of a reader that fails", get, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(w, io.MultiReader(strings.NewReader("hello"), failing{}))
		fmt.Fprint(w, n, err)
	}, "")
	add("io.Copy of nothing", get, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(w, io.LimitReader(strings.NewReader("x"), 0))
		w.Header().Set("X-N", fmt.Sprint(n, err))
	}, "")
	add("io.Copy of a part", get, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.CopyN(w, strings.NewReader("hello"), 9)
		fmt.Fprint(w, n, err)
	}, "")
	add("a buffer around the writer", get, func(w http.ResponseWriter, r *http.Request) {
		b := bufio.NewWriter(w)
		for i := range 100 {
			fmt.Fprintln(b, i)
		}
		b.Flush()
		flush(w)
		b.WriteString("end")
		b.Flush()
	}, "")
	for _, request := range []string{post, chunked, strings.Replace(post, "1.1", "1.0", 1)} {
		add(fmt.Sprintf("an echo of %.30q, %d", request, len(request)), request,
			func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, wire)
		add(fmt.Sprintf("an echo of %.30q, %d, in full duplex", request, len(request)), request,
			func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).EnableFullDuplex()
				b := make([]byte, 2)
				for {
					n, err := r.Body.Read(b)
					w.Write(b[:n])
					if err != nil {
						return
					}
					flush(w)
				}
			}, wire)
	}
	add("fifty writers", get, func(w http.ResponseWriter, r *http.Request) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 50 {
			all.Go(func() {
				mu.Lock()
				defer mu.Unlock()
				io.WriteString(w, "hello ")
				flush(w)
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		wait(r, done)
	}, "")
	add("WriteHeader on another goroutine", get, func(w http.ResponseWriter, r *http.Request) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Header().Set("X-A", "1")
			w.WriteHeader(103)
			w.WriteHeader(201)
			io.WriteString(w, strings.Repeat("x", 100))
			flush(w)
		}()
		wait(r, done)
	}, "")
	add("fields that are removed after the status", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(200)
		w.Header().Del("X-A")
		w.Header().Set("Content-Type", "x/y")
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Connection", "close")
		io.WriteString(w, "hello")
	}, "")
	add("a length that comes after the status", get, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.Header().Set("Content-Length", "3")
		flush(w)
		io.WriteString(w, "hello")
	}, "")
	add("values that share a slice", get, func(w http.ResponseWriter, r *http.Request) {
		values := []string{"1", "2"}
		w.Header()["X-A"] = values
		w.WriteHeader(200)
		values[0] = "3"
		io.WriteString(w, "hello")
	}, "")
	add("a length and a panic later", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "hello")
		flush(w)
		panic(errors.New("oops"))
	}, "")
	add("a length that nothing follows", get, status(200, "", "Content-Length: 5"), "")
	add("a length of 0 and a flush", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "0")
		flush(w)
		_, err := io.WriteString(w, "x")
		w.Header().Set("X-Err", fmt.Sprint(err))
	}, "")
	for _, code := range []int{204, 304, 101} {
		add(fmt.Sprint("what a write to ", code, " returns"), get,
			func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(code)
				n, err := w.Write(nil)
				m, err2 := w.Write([]byte("hello"))
				k, err3 := io.Copy(w, strings.NewReader("hello"))
				if s := fmt.Sprint(n, err, m, err2, k, err3); s != fmt.Sprint(0, nil, 0,
					http.ErrBodyNotAllowed, 0, http.ErrBodyNotAllowed) {
					panic(s)
				}
			}, wire)
	}
	add("HEAD and what a write returns", head, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.WriteString(w, "hello")
		w.Header().Set("X-N", fmt.Sprint(n, err))
	}, "")
	add("HEAD and a length that is too short", head, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		n, err := io.WriteString(w, "hello")
		if n != 0 || err != http.ErrContentLength {
			panic(fmt.Sprint(n, err))
		}
	}, "")

	// Trailers.
	add("trailers and no body", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set(http.TrailerPrefix+"X-More", "1")
		flush(w)
		w.Header().Set("X-Sum", "5")
	}, "")
	add("trailers in two fields", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Trailer", "A-A,b-b ,, C-C")
		w.Header().Add("Trailer", "D-D")
		flush(w)
		for _, name := range []string{"A-A", "B-B", "C-C", "D-D", "E-E"} {
			w.Header().Add(name, "1")
			w.Header().Add(name, "2")
		}
	}, "")
	add("trailers with 204", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(204)
		w.Header().Set("X-Sum", "5")
	}, "")
	add("trailers and a panic", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "hello")
		flush(w)
		w.Header().Set("X-Sum", "5")
		panic(http.ErrAbortHandler)
	}, "")
	add("a trailer that is announced and has the prefix", get,
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			flush(w)
			w.Header().Set("X-Sum", "5")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "6")
			w.Header().Set(http.TrailerPrefix+"Content-Length", "6")
			w.Header()["trailer:X-B"] = []string{"7"}
		}, "")

	// The request's context.
	add("values of the context", get, tells(func(w http.ResponseWriter, r *http.Request) any {
		_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
		local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if !ok {
			return "no address"
		}
		_, _, err := net.SplitHostPort(r.RemoteAddr)
		return fmt.Sprint(server, local.Network(), err, r.Context().Err())
	}), wire)
	add("a context that ends with its handler", get+get,
		func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			ended := handlersEnd.Swap(&ctx)
			if ended == nil {
				io.WriteString(w, "first")
				return
			}
			handlersEnd.Store(nil)
			select {
			case <-(*ended).Done():
			case <-time.After(patience):
			}
			fmt.Fprint(w, (*ended).Err())
		}, wire)

	// Connections that are taken over.
	takes := func(name, request string, h http.HandlerFunc) {
		add(name, request, h, wire)
		add(name+", off the loop", request, aiohttp.OffLoop(h).ServeHTTP, wire)
	}
	rest := func(rw *bufio.ReadWriter, n int) string {
		b := make([]byte, n)
		n, err := io.ReadFull(rw, b)
		return fmt.Sprintf("%q %v", b[:n], err)
	}
	takes("taken over when a part of a body was read", post,
		func(w http.ResponseWriter, r *http.Request) {
			n, err := io.ReadFull(r.Body, make([]byte, 2))
			takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%d %v %s", n, err, rest(rw, 8))
			})(w, r)
		})
	takes("taken over when a part of some chunks was read", chunked,
		func(w http.ResponseWriter, r *http.Request) {
			n, err := io.ReadFull(r.Body, make([]byte, 7))
			takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%d %v %s", n, err, rest(rw, 16))
			})(w, r)
		})
	takes("taken over when all chunks were read", chunked,
		func(w http.ResponseWriter, r *http.Request) {
			all := readAll(r)
			takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%s %s", all, rest(rw, 8))
			})(w, r)
		})
	takes("taken over twice", get, func(w http.ResponseWriter, r *http.Request) {
		takesOver(func(w http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			_, _, err := http.NewResponseController(w).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%v", err)
		})(w, r)
	})
	takes("taken over after a flush", get, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		flush(w)
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			io.WriteString(conn, "hello")
		})(w, r)
	})
	takes("taken over after 101", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"+
		"Upgrade: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "x")
		w.WriteHeader(101)
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+rest(rw, 7))
		})(w, r)
	})
	takes("taken over from CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nhello, world",
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"+rest(rw, 12))
		}))
	takes("taken over, and a panic", get, func(w http.ResponseWriter, r *http.Request) {
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nhello")
			panic("oops")
		})(w, r)
	})
	takes("taken over with deadlines", get, func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		c.SetReadDeadline(time.Now().Add(-time.Second))
		c.SetWriteDeadline(time.Now().Add(-time.Second))
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			fmt.Fprint(conn, rest(rw, 4), err)
		})(w, r)
	})
	takes("100-continue, taken over", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Length: 5\r\n\r\nhello", func(w http.ResponseWriter, r *http.Request) {
		takesOver(func(_ http.ResponseWriter, conn io.Writer, rw *bufio.ReadWriter) {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n", rest(rw, 5))
		})(w, r)
	})

	// Many requests, and something in the middle.
	for name, middle := range map[string]string{
		"a mistake":        "GET / HTTP/1.1\r\nHost: x\r\nbad\r\n\r\n",
		"a wrong length":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\nhello",
		"wrong chunks":     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a HEAD":           head,
		"an expectation":   "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		"a large body":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70_000),
		"another version":  "GET / HTTP/1.9\r\nHost: x\r\n\r\n",
		"a version beyond": "GET / HTTP/2.1\r\nHost: x\r\n\r\n",
		"no host":          "GET / HTTP/1.1\r\n\r\n",
		"a close":          get11close,
		"a large head":     "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 100_000) + "\r\n\r\n",
	} {
		add("many requests, and "+name+" in the middle", get+post+middle+get+post+get,
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", readAll(r)) }, wire)
		add("many requests that nobody reads, and "+name+" in the middle", get+post+middle+get+post+get,
			writes("hello"), wire)
	}

	// What is left of a body when its handler returns.
	for _, size := range []int{1, 262_143, 262_144, 262_145} {
		body := strings.Repeat("x", size)
		inChunks := new(bytes.Buffer)
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 50_000)
			fmt.Fprintf(inChunks, "%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		add(fmt.Sprint(size, " bytes that nobody reads"), fmt.Sprintf(
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body), writes("hello"), wire)
		add(fmt.Sprint(size, " bytes in chunks that nobody reads"), "POST / HTTP/1.1\r\nHost: x\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n"+inChunks.String()+"0\r\n\r\n", writes("hello"), wire)
	}

	for i := range exchangeCases {
		switch c := &exchangeCases[i]; c.name {
		case "taken over when a part of a body was read",
			"taken over when a part of some chunks was read":
			c.onLoop = "it reads ahead"
		}
	}
}

// handlersEnd is the context of a handler that has returned.
var handlersEnd atomic.Pointer[context.Context]
