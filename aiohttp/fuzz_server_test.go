package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/transport"
)

// How a handler goes about a request.
const (
	readsNone  = 1 << iota // of the body
	readsPart              // three bytes of it, first
	readsBytes             // one at a time
	answersAt1             // before it reads
	answersBig             // in several pieces
	closesBody
	limitsBody // to two bytes
	takesOver  // the connection, and tells what follows
)

// understood tells how a request was understood.
func understood(how uint8) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if how&answersAt1 != 0 {
			fmt.Fprintf(w, "%d first\n", r.ContentLength)
			if how&answersBig != 0 {
				w.(http.Flusher).Flush()
			}
		}
		if how&limitsBody != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, 2)
		}
		var body []byte
		var err error
		part := make([]byte, 3)
		if how&readsPart != 0 {
			n := 0
			n, err = io.ReadFull(r.Body, part)
			body = append(body, part[:n]...)
		}
		for how&readsBytes != 0 && err == nil {
			n := 0
			n, err = r.Body.Read(part[:1])
			body = append(body, part[:n]...)
		}
		if how&readsNone == 0 && err == nil {
			var rest []byte
			rest, err = io.ReadAll(r.Body)
			body = append(body, rest...)
		}
		if how&closesBody != 0 {
			r.Body.Close()
		}
		if how&takesOver != 0 {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			rest, err := io.ReadAll(rw)
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%d %08x %v", len(rest), crc32.ChecksumIEEE(rest), err)
			return
		}
		tell(w, r, body, err)
		for i := 0; how&answersBig != 0 && i < 3; i++ {
			w.Write(bytes.Repeat([]byte{'a' + byte(i)}, 20_000))
		}
	}
}

func tell(w http.ResponseWriter, r *http.Request, body []byte, err error) {
	fmt.Fprintf(w, "%.99q %.99q %.99q %.99q %s %d %v %v %d fields\n",
		r.Method, r.RequestURI, r.URL.String(), r.Host, r.Proto, r.ContentLength, r.TransferEncoding,
		r.Close, len(r.Header))
	for i, name := range slices.Sorted(maps.Keys(r.Header)) {
		if i < 8 {
			fmt.Fprintf(w, "%.30q: %.30q\n", name, r.Header[name])
		}
	}
	fmt.Fprintf(w, "%.60q %d %v %v", body, len(body), err, len(r.Trailer))
}

// memoryTransport is a transport that keeps what is written to it.
type memoryTransport struct {
	transport.Transport // nil: other methods are not called
	loop                *aio.Loop
	p                   transport.Protocol
	out                 bytes.Buffer
	closing, ended      bool
	lost                aiosync.Event
}

func (m *memoryTransport) Write(p []byte) {
	if !m.closing && !m.ended {
		m.out.Write(p)
	}
}
func (m *memoryTransport) WriteEOF()         { m.ended = true }
func (m *memoryTransport) CanWriteEOF() bool { return true }
func (m *memoryTransport) Close() {
	if !m.closing {
		m.closing = true
		m.loop.CallSoon(func() { m.p.ConnectionLost(nil); m.lost.Set() })
	}
}
func (m *memoryTransport) Abort()               { m.Close() }
func (m *memoryTransport) IsClosing() bool      { return m.closing }
func (m *memoryTransport) PauseReading()        {}
func (m *memoryTransport) ResumeReading()       {}
func (m *memoryTransport) WriteBufferSize() int { return 0 }
func (m *memoryTransport) LocalAddr() net.Addr  { return memoryAddr{} }
func (m *memoryTransport) RemoteAddr() net.Addr { return memoryAddr{} }
func (m *memoryTransport) TLSConnectionState() (tls.ConnectionState, bool) {
	return tls.ConnectionState{}, false
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// ourAnswers is what our server says to data, which comes in pieces of a size.
func ourAnswers(t *testing.T, data []byte, size int, how uint8) []byte {
	var out []byte
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		s := newServer(loop, understood(how), []func(*http.Server){func(s *http.Server) {
			s.ErrorLog = log.New(io.Discard, "", 0)
		}})
		s.setHandler()
		s.setValues(nil)
		m := &memoryTransport{loop: loop}
		p := s.newConn()
		m.p = p
		p.ConnectionMade(m)
		for len(data) > 0 && !m.closing {
			n := min(size, len(data))
			p.DataReceived(data[:n])
			data = data[n:]
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if !m.closing && !p.EOFReceived() {
			m.Close()
		}
		err := m.lost.Wait(ctx)
		out = m.out.Bytes()
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// memoryConn is a connection of net/http that has its peer's words.
type memoryConn struct {
	net.Conn // nil
	in       io.Reader
	mu       sync.Mutex
	out      bytes.Buffer
	once     sync.Once
	closed   chan struct{}
}

func (c *memoryConn) Read(p []byte) (int, error) { return c.in.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}
func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}
func (c *memoryConn) LocalAddr() net.Addr              { return memoryAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return memoryAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

type memoryListener struct {
	conn   *memoryConn
	given  bool
	closed chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *memoryListener) Close() error   { return nil }
func (l *memoryListener) Addr() net.Addr { return memoryAddr{} }

// theirAnswers is what net/http says.
func theirAnswers(data []byte, how uint8) []byte {
	conn := &memoryConn{in: bytes.NewReader(data), closed: make(chan struct{})}
	server := &http.Server{
		Handler:        understood(how),
		MaxHeaderBytes: defaultMaxHeaderBytes,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	ended := make(chan struct{})
	l := &memoryListener{conn: conn, closed: conn.closed}
	go func() { server.Serve(l); close(ended) }()
	<-conn.closed
	<-ended
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return bytes.Clone(conn.out.Bytes())
}

// noMore is how answers end behind which nothing comes.
const noMore = `true ""`

// answersIn are answers without what chance decides, or is documented to differ.
func answersIn(out []byte) string {
	var b strings.Builder
	for r := bufio.NewReader(bytes.NewReader(out)); ; {
		resp, err := http.ReadResponse(r, &http.Request{Method: "GET"})
		if err != nil {
			rest, _ := io.ReadAll(r)
			fmt.Fprintf(&b, "%v %.200q", errors.Is(err, io.ErrUnexpectedEOF), rest)
			return b.String()
		}
		if resp.StatusCode == 100 {
			b.WriteString("continue\n")
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Header.Del("Date")
		length := len(body)
		fmt.Fprintf(&b, "%s %s %v %v %v %q %d %08x %v\n", resp.Proto, resp.Status, resp.Close,
			resp.ContentLength, resp.Header,
			body[:min(length, 400)], length, crc32.ChecksumIEEE(body), err)
	}
}

// FuzzServersUnderstandAlike compares what net/http and this server make of the same bytes,
// whatever pieces they come in.
func FuzzServersUnderstandAlike(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "\r\nGET / HTTP/1.1\nHost: x\n\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: y\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nX: " +
			"y\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n5\nhello\n0\n\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: " +
			"chunked\r\n\r\n0\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n y\r\nX : z\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 " +
			"HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
			"5\r\n\r\nhello", "GET / HTTP/1.1\r\nHost: x",
		"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: " +
			"close\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\x00\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n\r\nGET / " +
			"HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(seed), uint16(7), uint8(0))
		f.Add([]byte(seed), uint16(1000), uint8(0))
		for how := range 8 {
			f.Add([]byte(seed), uint16(11), uint8(1)<<how)
		}
		f.Add([]byte(seed), uint16(11), uint8(takesOver|readsPart|readsNone))
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint16, how uint8) {
		if len(data) > 100_000 || size == 0 {
			return
		}
		if how&takesOver != 0 && how&(answersAt1|limitsBody|closesBody) != 0 {
			return // net/http drops what was written, and what was read ahead
		}
		if how&limitsBody != 0 && bytes.Contains(bytes.ToLower(data), []byte("100-continue")) {
			return // net/http waits for a body that it has not asked for; this server closes instead
		}
		ours, theirs := ourAnswers(t, data, int(size), how), theirAnswers(data, how)
		a, b := answersIn(ours), answersIn(theirs)
		if how&limitsBody != 0 && strings.HasPrefix(b, strings.TrimSuffix(a, noMore)) {
			// Behind a broken body that its handler has wrapped, net/http looks for the next
			// request.
			b = a
		}
		if a != b {
			t.Errorf("to %q in pieces of %d, handler %b, ours says\n%s\nand net/http\n%s",
				data, size, how, a, b)
		}
	})
}
