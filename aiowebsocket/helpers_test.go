package aiowebsocket_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/gobwas/ws"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv("AIO_TEST_CLIENTS"); addr != "" {
		idleClients(addr)
		return
	}
	leaktest.Main(m)
}

// patience is the time after which a test is stuck.
const patience = 2 * time.Minute

// run runs main on a loop, and fails if something was reported.
func run(t testing.TB, main func(ctx context.Context), opts ...aio.Option) {
	t.Helper()
	guard := time.AfterFunc(patience, func() {
		buf := make([]byte, 1<<20)
		panic("stuck:\n" + string(buf[:runtime.Stack(buf, true)]))
	})
	defer guard.Stop()
	opts = append(opts, aio.WithSlowCallback(0), aio.WithExceptionHandler(
		func(_ *aio.Loop, r aio.Report) { t.Errorf("reported: %s: %v", r.Message, r.Err) }))
	err := aio.Run(t.Context(), func(ctx context.Context) error { main(ctx); return nil }, opts...)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// wantClose checks that err is the close with a code.
func wantClose(t testing.TB, err error, code aiowebsocket.Code) *aiowebsocket.CloseError {
	t.Helper()
	e, found := errors.AsType[*aiowebsocket.CloseError](err)
	if !found || e.Code != code || !errors.Is(err, aiowebsocket.ErrClosed) {
		t.Fatalf("error %v, want a close with %d", err, code)
	}
	return e
}

type handler = func(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error

// echo sends each message back.
func echo(ctx context.Context, conn *aiowebsocket.Conn, _ *http.Request) error {
	for m, err := range conn.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := conn.Write(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// serve serves fn and returns the URL.
func serve(ctx context.Context, t testing.TB, o aiowebsocket.Options, fn handler) string {
	t.Helper()
	s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiowebsocket.Handler(o, fn))
	ok(t, err)
	return "ws" + strings.TrimPrefix(s.URL(), "http")
}

// dial connects to a URL. The connection is aborted at the end.
func dial(
	ctx context.Context, t testing.TB, url string, o aiowebsocket.Options,
) *aiowebsocket.Conn {
	t.Helper()
	c, err := aiowebsocket.Dial(ctx, url, o)
	ok(t, err)
	return c
}

// onLoop serves h below a server of net/http, on a loop of its own that ends with the test.
func onLoop(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	loops := make(chan *aio.Loop)
	end := make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			loops <- aio.RunningLoop(ctx)
			_, _, err := aio.Recv(ctx, end)
			return err
		})
	}()
	s := httptest.NewServer(aiohttp.OnLoop(<-loops, h))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		close(end)
		ok(t, <-ended)
	})
	return s
}

// raw makes a handshake by hand, sends bytes, and returns the frames of the server until it closes
// the connection. extra are further fields of the request.
func raw(t *testing.T, addr, extra string, sent []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	ok(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	head := "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + extra + "\r\n"
	_, err = c.Write(append([]byte(head), sent...))
	ok(t, err)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	ok(t, err)
	equal(t, "status", resp.StatusCode, 101)
	equal(t, "accept", resp.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
	return frames(br)
}

// frames describes the frames until the end.
func frames(r io.Reader) string {
	var got []string
	for {
		h, err := ws.ReadHeader(r)
		if err != nil {
			if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) { // it sends on after the close
				got = append(got, err.Error())
			}
			return strings.Join(got, " ")
		}
		p := make([]byte, h.Length)
		io.ReadFull(r, p)
		switch h.OpCode {
		case ws.OpClose:
			code, _ := ws.ParseCloseFrameData(p)
			if len(p) == 0 {
				code = ws.StatusNoStatusRcvd
			}
			got = append(got, fmt.Sprint("close:", int(code)))
		default:
			name := map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary", ws.OpPing: "ping",
				ws.OpPong: "pong"}[h.OpCode]
			if h.Rsv != 0 {
				name = "compressed"
			}
			if len(p) > 100 {
				p = fmt.Append(nil, len(p))
			}
			got = append(got, name+":"+string(p))
		}
	}
}

// fr is a masked frame of a client.
func fr(op ws.OpCode, fin bool, payload string) []byte {
	return rawFrame(ws.Header{Fin: fin, OpCode: op, Masked: true, Length: int64(len(payload))}, payload)
}

func rawFrame(h ws.Header, payload string) []byte {
	var b bytes.Buffer
	h.Mask = [4]byte{1, 2, 3, 4}
	ws.WriteHeader(&b, h)
	p := []byte(payload)
	if h.Masked {
		ws.Cipher(p, h.Mask, 0)
	}
	return append(b.Bytes(), p...)
}

// underServe is a main that serves echo and calls ask, which blocks, on a thread.
func underServe(
	t *testing.T, o aiowebsocket.Options, ask func(addr string),
) func(ctx context.Context) {
	return func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiowebsocket.Handler(o, echo))
		ok(t, err)
		defer s.Close()
		ok(t, aio.Blocking(ctx, func(context.Context) error { ask(s.Addr().String()); return nil }))
	}
}

// rawSlowly is raw with a write for each byte.
func rawSlowly(t *testing.T, addr, extra string, sent []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	ok(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+extra+"\r\n")
	br := bufio.NewReader(c)
	_, err = http.ReadResponse(br, nil)
	ok(t, err)
	for i := range sent {
		if _, err := c.Write(sent[i : i+1]); err != nil {
			break // the server has closed
		}
	}
	return frames(br)
}
