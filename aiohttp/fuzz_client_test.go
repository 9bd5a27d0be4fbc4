package aiohttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/transport"
)

// fuzzedMethods are the methods of requests whose answers are fuzzed.
var fuzzedMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodConnect,
	http.MethodOptions}

// mostFuzzed is how much of a body is read.
const mostFuzzed = 1 << 20

// heard tells how an answer was understood.
func heard(resp *http.Response, body []byte, err error) string {
	if resp == nil {
		return fmt.Sprint("error: ", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %.200q %d %v %v %v\n", resp.Proto, resp.Status, resp.ContentLength,
		resp.Uncompressed, resp.TransferEncoding, resp.Close)
	fmt.Fprintf(&b, "%q\n%q\n", resp.Header, resp.Trailer)
	fmt.Fprintf(&b, "%.200q %d %08x %v", body, len(body), crc32.ChecksumIEEE(body), err)
	return b.String()
}

// answering is the other end of a client's connection: when it has got a request, it says what it
// has to say, in pieces, and ends.
type answering struct {
	transport.BaseProtocol
	loop *aio.Loop
	t    transport.Transport
	got  []byte
	data []byte
	size int
}

func (a *answering) ConnectionMade(t transport.Transport) { a.t = t }

func (a *answering) DataReceived(p []byte) {
	before := bytes.Contains(a.got, []byte("\r\n\r\n"))
	a.got = append(a.got, p...)
	if !before && bytes.Contains(a.got, []byte("\r\n\r\n")) {
		a.loop.CallSoon(a.say)
	}
}

func (a *answering) say() {
	if a.t.IsClosing() {
		return
	}
	if len(a.data) == 0 {
		a.t.Close()
		return
	}
	n := min(a.size, len(a.data))
	a.t.Write(a.data[:n])
	a.data = a.data[n:]
	a.loop.CallSoon(a.say)
}

// answeringNetwork connects to an answering.
type answeringNetwork struct {
	transport.Network // nil
	a                 *answering
	dials             int
}

func (n *answeringNetwork) Dial(
	ctx context.Context, _, _ string, _ transport.DialOptions,
) (transport.Conn, error) {
	n.dials++
	client, server := simnet.NewPlain().Pair(n.a.loop, directAddr{}, directAddr{})
	return client, connectOver(ctx, server, n.a)
}

// fuzzedRequest is the request whose answer is fuzzed.
func fuzzedRequest(method string) *http.Request {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("hello")
	}
	req, err := http.NewRequest(method, "http://127.0.0.1:1/", body)
	if err != nil {
		panic(err)
	}
	return req
}

// weHear is what our client makes of an answer in pieces of a size.
func weHear(t *testing.T, data []byte, size int, method string) string {
	var told string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		n := &answeringNetwork{a: &answering{loop: aio.RunningLoop(ctx), data: data, size: size}}
		ctx = transport.WithNetwork(ctx, n)
		c := &Client{}
		defer c.Close()
		if err := c.begin(ctx); err != nil {
			return err
		}
		resp, _, err := c.native.roundTrip(ctx, fuzzedRequest(method), realm.Local)
		if n.dials > 1 {
			t.Errorf("%d connections were made", n.dials)
		}
		if err != nil {
			told = heard(nil, nil, err)
			return nil
		}
		defer resp.Body.Close()
		if b, ok := resp.Body.(inTask); ok {
			b.within(ctx)
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, mostFuzzed))
		told = heard(resp, body, err)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// answeringConn is what answering is, for net/http.
type answeringConn struct {
	memoryConn
	mu2   sync.Mutex
	got   []byte
	ready chan struct{}
	size  int
}

func (c *answeringConn) Read(p []byte) (int, error) {
	select {
	case <-c.ready:
		return c.in.Read(p[:min(len(p), c.size)])
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *answeringConn) Write(p []byte) (int, error) {
	c.mu2.Lock()
	defer c.mu2.Unlock()
	before := bytes.Contains(c.got, []byte("\r\n\r\n"))
	c.got = append(c.got, p...)
	if !before && bytes.Contains(c.got, []byte("\r\n\r\n")) {
		close(c.ready)
	}
	return len(p), nil
}

// theyHear is what net/http's client makes of it.
func theyHear(data []byte, size int, method string) string {
	tr := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return &answeringConn{
				memoryConn: memoryConn{in: bytes.NewReader(data), closed: make(chan struct{})},
				ready:      make(chan struct{}), size: size,
			}, nil
		},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(fuzzedRequest(method))
	if err != nil {
		return heard(nil, nil, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostFuzzed))
	return heard(resp, body, err)
}

// FuzzClientsUnderstandAlike compares what net/http and this client make of the same bytes,
// whatever pieces they come in.
func FuzzClientsUnderstandAlike(f *testing.F) {
	const fine = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	for _, seed := range []string{
		fine, "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\n" + fine, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + fine,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n" +
			"0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 3\n\n5\nhello\n0\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: " +
			"-1\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n", "hello", "", "\r\n" + fine,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" +
			"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nY : c\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Max-Age=x\r\nConnection: close\r\n\r\nhello",
	} {
		for method := range fuzzedMethods {
			f.Add([]byte(seed), uint16(7), uint8(method))
			f.Add([]byte(seed), uint16(1), uint8(method))
			f.Add([]byte(seed), uint16(60000), uint8(method))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint16, method uint8) {
		if len(data) > 100_000 || size == 0 {
			return
		}
		m := fuzzedMethods[int(method)%len(fuzzedMethods)]
		ours, theirs := weHear(t, data, int(size), m), theyHear(data, int(size), m)
		if ours != theirs {
			t.Errorf("%s answered by %q in pieces of %d: ours says\n%s\nand net/http\n%s",
				m, data, size, ours, theirs)
		}
	})
}
