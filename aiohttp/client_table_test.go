package aiohttp_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/internal/tlstest"
)

// clientCase is one thing that a client says, or is told.
type clientCase struct {
	name    string
	method  string                // empty: GET
	path    string                // empty: /
	body    func() io.Reader      // nil: none
	change  func(r *http.Request) // nil: nothing
	answers []string              // to one request after the other, whatever connection it comes on; the last one to all others
	asks    int                   // requests, one after the other; 0: 2
	resets  bool                  // the client ends the connection while bytes of it are unread
}

// What a server does in between, in an answer.
const (
	readBody = "<body>"  // of the request; else that is read before the answer
	hangUp   = "<close>" // the connection, at the end of the answer
	finish   = "<end>"   // of its side; what comes still is read
)

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// rawServer answers with what is written in a case, and remembers what came on which connection.
type rawServer struct {
	l       net.Listener
	answers []string
	tls     *tls.Config // nil: without

	mu    sync.Mutex
	n     int // requests
	seen  []string
	conns sync.WaitGroup
}

func newRawServer(t *testing.T, answers []string, settings *tls.Config) *rawServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	s := &rawServer{l: l, answers: answers, tls: settings}
	s.conns.Go(func() {
		for i := 1; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if s.tls != nil {
				conn = tls.Server(conn, s.tls)
			}
			s.conns.Go(func() { s.serve(conn, i) })
		}
	})
	return s
}

// close waits until all that has connected was served.
func (s *rawServer) close() {
	if last, err := net.Dial("tcp", s.l.Addr().String()); err == nil { // is accepted after all others
		last.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, last)
		last.Close()
	}
	s.l.Close()
	s.conns.Wait()
}

// saw returns what came, with the address left out.
func (s *rawServer) saw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(strings.Join(s.seen, ""), s.l.Addr().String(), "ADDRESS")
}

func (s *rawServer) serve(conn net.Conn, i int) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	for {
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := in.ReadString('\n')
			if head += line; err != nil {
				return
			}
		}
		s.mu.Lock()
		answer := s.answers[min(s.n, len(s.answers)-1)]
		s.n++
		at := len(s.seen)
		s.seen = append(s.seen, fmt.Sprintf("connection %d: %q\n", i, head))
		s.mu.Unlock()
		answer, hangs := strings.CutSuffix(answer, hangUp)
		answer, ends := strings.CutSuffix(answer, finish)
		before, after, split := strings.Cut(answer, readBody)
		if !split {
			before, after = "", before
		}
		io.WriteString(conn, before)
		if !ends {
			body := bodyOf(in, head)
			s.mu.Lock()
			s.seen[at] += fmt.Sprintf("%.200q %d\n", body, len(body))
			s.mu.Unlock()
		}
		io.WriteString(conn, after)
		if ends {
			conn.(interface{ CloseWrite() error }).CloseWrite()
			io.Copy(io.Discard, in)
			return
		}
		if hangs {
			return
		}
	}
}

// bodyOf reads a body as it is.
func bodyOf(in *bufio.Reader, head string) string {
	fields := strings.ToLower(head)
	if _, rest, has := strings.Cut(fields, "\r\ncontent-length: "); has {
		n, _ := strconv.Atoi(rest[:strings.IndexByte(rest, '\r')])
		body := make([]byte, n)
		n, _ = io.ReadFull(in, body)
		return string(body[:n])
	}
	if !strings.Contains(fields, "\r\ntransfer-encoding: chunked\r\n") {
		return ""
	}
	all := ""
	for {
		line, err := in.ReadString('\n')
		if all += line; err != nil {
			return all
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return all
		}
		if n == 0 {
			break
		}
		piece := make([]byte, n+2)
		k, _ := io.ReadFull(in, piece)
		all += string(piece[:k])
	}
	for {
		line, err := in.ReadString('\n')
		if all += line; err != nil || line == "\r\n" {
			return all
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

// failingReader fails when it has given what it has.
type failingReader struct{ io.Reader }

func (f failingReader) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the body is broken")
	}
	return n, err
}

// clientCases makes the table.
func clientCases() (all []clientCase) {
	add := func(c clientCase) {
		if c.answers == nil {
			c.answers = []string{fine}
		}
		all = append(all, c)
	}
	known := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	unknown := func(s string) func() io.Reader {
		return func() io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }
	}
	field := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header[pairs[i]] = append(r.Header[pairs[i]], pairs[i+1])
			}
		}
	}
	large := strings.Repeat("0123456789", 100_000)

	// What is asked.
	for _, m := range []string{"GET", "OPTIONS", "DELETE", "TRACE", "POST", "PUT", "PATCH", "BREW"} {
		add(clientCase{name: m + " without a body", method: m})
		add(clientCase{name: m + " with a body", method: m, body: known("hello")})
		if m != "TRACE" {
			add(clientCase{name: m + " with a body of unknown length", method: m, body: unknown("hello")})
			add(clientCase{name: m + " with an empty body of unknown length", method: m, body: unknown("")})
		}
		add(clientCase{name: m + " with http.NoBody", method: m, body: func() io.Reader { return http.NoBody }})
		add(clientCase{name: m + " with a body of 0 bytes", method: m, body: known("")})
	}
	for _, path := range []string{"/a/b?c=d&e", "/?", "/a%2Fb", "/a b", "/%41", "/ü", "/#x", "//x", "/a/../b", "/?a;b", "/\"<>"} {
		add(clientCase{name: "the path " + path, path: path})
	}
	for name, change := range map[string]func(*http.Request){
		"a field":                  field("X-A", "1"),
		"a field twice":            field("X-A", "1", "X-A", "2", "B", "3"),
		"a field in small letters": field("x-a", "1", "X-A", "2"),
		"an empty field":           field("X-A", ""),
		"blanks in a field":        field("X-A", " a\tb "),
		"a field without values":   func(r *http.Request) { r.Header["X-A"] = nil },
		"a Host":                   func(r *http.Request) { r.Host = "example.com:81" },
		"a Host in capitals":       func(r *http.Request) { r.Host = "EXAMPLE.com" },
		"a field Host":             field("Host", "other"),
		"a User-Agent":             field("User-Agent", "me"),
		"no User-Agent":            field("User-Agent", ""),
		"an Accept-Encoding":       field("Accept-Encoding", "br"),
		"a Range":                  field("Range", "bytes=1-2"),
		"Connection: close":        field("Connection", "close"),
		"Connection: x":            field("Connection", "x"),
		"Close":                    func(r *http.Request) { r.Close = true },
		"a field Content-Length":   field("Content-Length", "7"),
		"a field of coding":        field("Transfer-Encoding", "chunked"),
		"a field Trailer":          field("Trailer", "X"),
		"cookies":                  field("Cookie", "a=b; c=d"),
		"TE":                       field("Te", "trailers"),
		"an Upgrade":               field("Connection", "Upgrade", "Upgrade", "x"),
		"a bad field name":         field("X A", "1"),
		"a bad field value":        field("X-A", "a\r\nb"),
		"a bad method":             func(r *http.Request) { r.Method = "A B" },
		"a bad Host":               func(r *http.Request) { r.Host = "a b" },
		"no method":                func(r *http.Request) { r.Method = "" },
		"HTTP/1.0":                 func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 },
		"a user":                   func(r *http.Request) { r.SetBasicAuth("u", "p") },
	} {
		add(clientCase{name: name, change: change})
		add(clientCase{name: name + ", POST", method: "POST", body: known("hello"), change: change})
	}
	for name, size := range map[string]int{"4 KiB": 4 << 10, "32 KiB": 32 << 10, "1 MB": len(large)} {
		add(clientCase{name: "a body of " + name, method: "POST", body: known(large[:size])})
		add(clientCase{name: "a body of unknown length, of " + name, method: "POST", body: unknown(large[:size])})
		add(clientCase{name: "a body with its length, of " + name, method: "PUT", body: unknown(large[:size]), change: func(r *http.Request) { r.ContentLength = int64(size) }})
	}
	add(clientCase{name: "a body in chunks", method: "POST", body: known("hello"), change: func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }})
	add(clientCase{name: "a body with trailers", method: "POST", body: unknown("hello"), change: func(r *http.Request) {
		r.Trailer = http.Header{"X-Sum": {"5"}, "X-More": {"6"}}
	}})
	silent := []string{""} // an answer might come before the client has noticed
	add(clientCase{name: "a body that is too short", method: "POST", body: unknown("hello"), change: func(r *http.Request) { r.ContentLength = 9 }, answers: silent, asks: 1, resets: true})
	add(clientCase{name: "a body that is too long", method: "POST", body: unknown("hello, world"), change: func(r *http.Request) { r.ContentLength = 5 }, answers: silent, asks: 1, resets: true})
	add(clientCase{name: "a body that fails", method: "POST", body: func() io.Reader { return failingReader{strings.NewReader("hello")} }, answers: silent, asks: 1, resets: true})
	add(clientCase{name: "a body that fails at once", method: "POST", body: func() io.Reader { return failingReader{strings.NewReader("")} }, answers: silent, asks: 1, resets: true})

	// 100-continue.
	expects := field("Expect", "100-continue")
	add(clientCase{name: "100-continue", method: "POST", body: known("hello"), change: expects, answers: []string{"HTTP/1.1 100 Continue\r\n\r\n" + readBody + fine}})
	add(clientCase{name: "100-continue, unknown length", method: "POST", body: unknown("hello"), change: expects, answers: []string{"HTTP/1.1 100 Continue\r\n\r\n" + readBody + fine}})
	add(clientCase{name: "100-continue, refused", method: "POST", body: known("hello"), change: expects, answers: []string{"HTTP/1.1 417 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno" + finish}})
	add(clientCase{name: "100-continue without a body", method: "POST", change: expects})

	// Early answers.
	for name, body := range map[string]func() io.Reader{"a body": known("hello"), "a large body": known(large), "a large body of unknown length": unknown(large)} {
		add(clientCase{name: "an early answer to " + name, method: "POST", body: body,
			answers: []string{"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig" + finish}})
	}

	// What is answered.
	answer := func(name string, answers ...string) {
		add(clientCase{name: name, answers: answers})
		add(clientCase{name: name + ", HEAD", method: "HEAD", answers: answers, asks: 1})
	}
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, a := range []string{
		fine, ok + "\r\nhello" + hangUp, ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhello" + hangUp,
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello" + hangUp, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 500\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 299 A Word Or Two\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + fine, "HTTP/1.1 100 Continue\r\n\r\n" + fine, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + fine,
		"HTTP/1.1 101 Switching Protocols\r\n\r\n" + hangUp, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello" + hangUp,
		ok + "Content-Length: 5\r\nConnection: close\r\n\r\nhello" + hangUp, ok + "Content-Length: 0\r\n\r\n", ok + "Content-Length: 0\r\nConnection: close\r\n\r\n" + hangUp,
		ok + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n03\r\ndef\r\n0\r\n\r\n",
		ok + "Content-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(zipped("hello"))) + "\r\n\r\n" + zipped("hello"),
		ok + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(zipped(large))), 16) + "\r\n" + zipped(large) + "\r\n0\r\n\r\n",
		ok + "Content-Encoding: GZIP\r\n\r\n" + zipped("hello") + hangUp, ok + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
		ok + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", ok + "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + zipped("hello")[:10],
		ok + "Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", ok + "Content-Length: " + strconv.Itoa(len(large)) + "\r\n\r\n" + large,
		ok + "X-Long: " + strings.Repeat("x", 100_000) + "\r\nContent-Length: 5\r\n\r\nhello", ok + "X-A: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", ok + "content-length:5\r\nx-a:1\r\nX-A: 2\r\n\r\nhello", ok + "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 5\r\n\r\nhello",
		ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", fine + "more", fine + fine,
		// Broken ones.
		hangUp, "HTTP/1.1" + hangUp, ok + hangUp, ok + "Content-Length: 5\r\n" + hangUp, ok + "Content-Length: 5\r\n\r\nhel" + hangUp,
		ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel" + hangUp, ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + hangUp, ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + hangUp,
		ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: x\r\n\r\nhello" + hangUp,
		ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + hangUp, ok + "Content-Length: -5\r\n\r\nhello" + hangUp, ok + "Content-Length: x\r\n\r\nhello" + hangUp,
		ok + "no colon\r\n\r\n" + hangUp, ok + "X : 1\r\nContent-Length: 5\r\n\r\nhello" + hangUp, ok + ": 1\r\n\r\n" + hangUp, "nonsense\r\n\r\n" + hangUp, "HTTP/1.1 2000 OK\r\n\r\n" + hangUp,
		"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello" + hangUp, "HTTP/x 200 OK\r\n\r\n" + hangUp, "\r\n" + fine + hangUp, "HTTP/1.1 abc OK\r\n\r\n" + hangUp,
	} {
		if strings.HasPrefix(a, fine) && a != fine {
			add(clientCase{name: fmt.Sprintf("the answer %.90q", a), answers: []string{a}, asks: 1})
			continue
		}
		answer(fmt.Sprintf("the answer %.90q", a), a)
	}

	// Connections that end between two requests.
	repeated := []string{fine, hangUp, fine}
	for _, m := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
		first := slices.Clone(repeated)
		if m == "HEAD" {
			first[0] = ok + "Content-Length: 5\r\n\r\n"
			first[2] = first[0]
		}
		add(clientCase{name: m + " on a connection that ends", method: m, answers: first})
		if m != "HEAD" {
			add(clientCase{name: m + " with a body on a connection that ends", method: m, body: known("hello"), answers: first})
			add(clientCase{name: m + " with a body and a key on a connection that ends", method: m, body: known("hello"), change: field("Idempotency-Key", "k"), answers: first})
		}
	}
	add(clientCase{name: "POST with a body for once and a key on a connection that ends", method: "POST", body: unknown("hello"), change: field("Idempotency-Key", "k"), answers: repeated})
	add(clientCase{name: "the first request gets no answer", answers: []string{hangUp, fine}})
	add(clientCase{name: "a part of an answer, then a whole one", answers: []string{fine, "HTTP/1.1" + hangUp, fine}})
	return all
}

// askedAndTold is what a raw server has seen, and what the client was told. drive calls its argument with
// what makes a request, and returns when the client has closed its connections.
func askedAndTold(t *testing.T, c *clientCase, settings *tls.Config, drive func(each func(ask func(r *http.Request) string))) string {
	t.Helper()
	s := newRawServer(t, c.answers, settings)
	scheme := "http"
	if settings != nil {
		scheme = "https"
	}
	var told strings.Builder
	drive(func(ask func(r *http.Request) string) {
		for range cmp.Or(c.asks, 2) {
			var body io.Reader
			if c.body != nil {
				body = c.body()
			}
			path := c.path
			if path == "" {
				path = "/"
			}
			r, err := http.NewRequest(c.method, scheme+"://"+s.l.Addr().String()+path, body)
			if err != nil {
				t.Error(err)
				return
			}
			if c.change != nil {
				c.change(r)
			}
			fmt.Fprintln(&told, strings.ReplaceAll(ask(r), s.l.Addr().String(), "ADDRESS"))
		}
	})
	s.close()
	return s.saw() + told.String()
}

func describe(status, proto string, length int64, header http.Header, body []byte, err error, trailer http.Header) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %d\n", proto, status, length)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&b, "%s: %.50q\n", name, header[name])
	}
	fmt.Fprintf(&b, "%.50q %d %s %v", body, len(body), cause(err), trailer)
	return b.String()
}

// cause is the reason of an error without what is said around it.
func cause(err error) string {
	for err != nil {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
	return "-"
}

// A raw server must see the same from http.Client and ours, and both must be told the same.
func TestClientsAskAlike(t *testing.T) { clientsAskAlike(t, nil, nil) }

// The same is so over TLS.
func TestClientsAskAlikeOverTLS(t *testing.T) {
	a := tlstest.New(t)
	client := a.Client()
	client.NextProtos = []string{"http/1.1"}
	clientsAskAlike(t, a.Server(), client)
}

func clientsAskAlike(t *testing.T, server, client *tls.Config) {
	cases := append(clientCases(), furtherClientCases()...)
	if len(cases) < 700 {
		t.Errorf("%d cases", len(cases))
	}
	log.SetOutput(io.Discard) // net/http's client says there what it thinks of some
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			if c.resets {
				looptest.NeedDataBeforeReset(t)
			}
			theirs := func() string {
				return askedAndTold(t, c, server, func(each func(ask func(r *http.Request) string)) {
					transport := &http.Transport{TLSClientConfig: client.Clone()}
					defer transport.CloseIdleConnections()
					httpClient := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
					each(func(r *http.Request) string {
						resp, err := httpClient.Do(r)
						if err != nil {
							return cause(err)
						}
						defer resp.Body.Close()
						body, err := io.ReadAll(resp.Body)
						return describe(resp.Status, resp.Proto, resp.ContentLength, resp.Header, body, err, resp.Trailer)
					})
				})
			}
			got := askedAndTold(t, c, server, func(each func(ask func(r *http.Request) string)) {
				run(t, func(ctx context.Context) {
					ours := &aiohttp.Client{Redirects: -1, TLS: client}
					defer ours.Close()
					each(func(r *http.Request) string {
						resp, err := ours.Do(ctx, r)
						if err != nil {
							return cause(err)
						}
						defer resp.Close()
						var body []byte
						for chunk, e := range resp.Chunks(ctx) {
							body, err = append(body, chunk...), e
						}
						return describe(resp.Status, resp.Proto, resp.ContentLength, resp.Header, body, err, resp.Trailer)
					})
				})
			})
			// A request that fails while it is written has more than one outcome with net/http,
			// which writes and reads on goroutines of their own. Ours must be one of them.
			want := theirs()
			for tries := 0; got != want && tries < 50; tries++ {
				want = theirs()
			}
			if got != want {
				t.Errorf("with ours\n%s\nand with net/http\n%s", got, want)
			}
		})
	}
}
