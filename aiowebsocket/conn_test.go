package aiowebsocket_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
	"github.com/gobwas/ws"
)

func TestMessagesGoThereAndBack(t *testing.T) {
	for _, o := range []aiowebsocket.Options{{}, {Compress: true}} {
		run(t, func(ctx context.Context) {
			url := serve(ctx, t, o, echo)
			c := dial(ctx, t, url, o)
			for _, n := range []int{0, 1, 125, 126, 127, 300, 65_535, 65_536, 1 << 20} {
				sent := aiowebsocket.Binary([]byte(strings.Repeat("ab", n/2+1)[:n]))
				ok(t, c.Write(ctx, sent))
				got, err := c.Read(ctx)
				ok(t, err)
				equal(t, "binary", got.Binary, true)
				equal(t, fmt.Sprint(n, " bytes are the same"), got.String() == sent.String(), true)
			}
			ok(t, c.WriteText(ctx, "ö"))
			got, err := c.Read(ctx)
			ok(t, err)
			equal(t, "text", fmt.Sprint(got.Binary, got), "false ö")
			ok(t, c.Close(ctx, aiowebsocket.Normal, "done"))
			_, err = c.Read(ctx)
			wantClose(t, err, aiowebsocket.Normal)
			err = c.WriteText(ctx, "late")
			wantClose(t, err, aiowebsocket.Normal)
			ok(t, c.Close(ctx, aiowebsocket.Normal, "")) // nothing more
		})
	}
}

func TestEachSideSeesTheCodeAndReasonOfTheOther(t *testing.T) {
	run(t, func(ctx context.Context) {
		seen := aio.NewFuture[error](ctx)
		url := serve(ctx, t, aiowebsocket.Options{},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				if r.URL.Path == "/server" {
					return c.Close(ctx, 4001, strings.Repeat("é", 100))
				}
				_, err := c.Read(ctx)
				return seen.SetResult(err)
			})
		c := dial(ctx, t, url+"/server", aiowebsocket.Options{})
		_, err := c.Read(ctx)
		e := wantClose(t, err, 4001)
		equal(t, "reason", e.Reason, strings.Repeat("é", 61)) // what fits, in whole characters
		equal(t, "remote", e.Remote, true)
		c = dial(ctx, t, url+"/client", aiowebsocket.Options{})
		ok(t, c.Close(ctx, 3000, "bye"))
		err, _ = seen.Await(ctx)
		equal(t, "error", err.Error(), `aiowebsocket: closed by the peer with 3000 "bye"`)
	})
}

func TestAHandlerClosesAccordingToItsResult(t *testing.T) {
	var reported []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		url := serve(ctx, t, aiowebsocket.Options{},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				switch r.URL.Path {
				case "/error":
					return errors.New("boom")
				case "/panic":
					panic("oops")
				case "/wait":
					_, err := c.Read(ctx)
					return err
				}
				return nil
			})
		for path, code := range map[string]aiowebsocket.Code{"/": 1000, "/error": 1011, "/panic": 1006} {
			c := dial(ctx, t, url+path, aiowebsocket.Options{})
			_, err := c.Read(ctx)
			wantClose(t, err, code)
		}
		c := dial(ctx, t, url+"/wait", aiowebsocket.Options{})
		c.Abort()
		_, err := c.Read(ctx)
		wantClose(t, err, aiowebsocket.Abnormal)
		return nil
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		reported = append(reported, r.Err.Error())
	}))
	ok(t, err)
	equal(t, "reports", strings.Join(reported, "; "), "boom")
}

// At the end of a loop clients are told that the server goes away.
func TestTheEndOfTheLoopClosesWithGoingAway(t *testing.T) {
	addr := make(chan string, 1)
	asked := make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiowebsocket.Handler(
				aiowebsocket.Options{}, func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
					close(asked)
					return echo(ctx, c, r)
				}))
			if err == nil {
				addr <- s.Addr().String()
				_, _, err = aio.Recv(ctx, asked)
			}
			return err
		})
	}()
	got := raw(t, <-addr, "", nil)
	equal(t, "frames", got, "close:1001")
	ok(t, <-ended)
}

func TestACancelledReadLosesNothing(t *testing.T) {
	run(t, func(ctx context.Context) {
		pieces := make(chan []byte)
		s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				if err := acceptByHand(ctx, r, w); err != nil {
					return err
				}
				for {
					p, more, err := aio.Recv(ctx, pieces)
					if err != nil || !more {
						return err
					}
					w.Write(p)
				}
			})
		ok(t, err)
		c := dial(ctx, t, "ws://"+s.Addrs()[0].String(), aiowebsocket.Options{})
		frame := append([]byte{0x81, 126, 4, 0}, strings.Repeat("x", 1024)...)
		for _, p := range [][]byte{frame[:1], frame[1:3], frame[3:10], frame[10:600], frame[600:1027]} {
			ok(t, aio.Send(ctx, pieces, p))
			err := aio.Timeout(ctx, 5*time.Millisecond, func(ctx context.Context) error {
				_, err := c.Read(ctx)
				return err
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			outside, cancel := context.WithCancel(ctx) // of package context
			cancel()
			if _, err := c.Read(outside); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		ok(t, aio.Send(ctx, pieces, frame[1027:]))
		m, err := c.Read(ctx)
		ok(t, err)
		equal(t, "message", m.String(), strings.Repeat("x", 1024))
		close(pieces)
		c.Abort()
	})
}

// acceptByHand answers a handshake on a stream.
func acceptByHand(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	key := ""
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if k, found := strings.CutPrefix(string(line), "Sec-Websocket-Key: "); found {
			key = strings.TrimSpace(k)
		}
		if k, found := strings.CutPrefix(string(line), "Sec-WebSocket-Key: "); found {
			key = strings.TrimSpace(k)
		}
		if string(line) == "\r\n" {
			break
		}
	}
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" +
		"Sec-WebSocket-Accept: " + aiowebsocket.AcceptKey(key) + "\r\n\r\n")
	return nil
}

func TestReadersAndWritersTakeTurnsInFIFOOrder(t *testing.T) {
	run(t, func(ctx context.Context) {
		url := serve(ctx, t, aiowebsocket.Options{}, echo)
		c := dial(ctx, t, url, aiowebsocket.Options{})
		var got []string
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 3 {
				g.Go(func(ctx context.Context) error {
					m, err := c.Read(ctx)
					got = append(got, fmt.Sprint(i, m))
					return err
				})
			}
			for i := range 3 {
				g.Go(func(ctx context.Context) error { return c.WriteText(ctx, fmt.Sprint(":", i)) })
			}
			return nil
		})
		ok(t, err)
		equal(t, "got", fmt.Sprint(got), "[0 :0 1 :1 2 :2]")
		c.Abort()
	})
}

// fill writes to a peer that does not read until a write has to wait.
func fill(ctx context.Context, t *testing.T, c *aiowebsocket.Conn) (written int) {
	t.Helper()
	for {
		err := c.WriteNowait(aiowebsocket.Binary(make([]byte, 100_000)))
		if errors.Is(err, aiowebsocket.ErrFull) {
			return written
		}
		ok(t, err)
		written++
		if written%10 == 0 {
			ok(t, aio.Yield(ctx))
		}
	}
}

func TestACancelledWriteSendsNothingAndWholeMessagesArrive(t *testing.T) {
	run(t, func(ctx context.Context) {
		begin := aio.NewFuture[aio.None](ctx)
		got := aio.NewFuture[string](ctx)
		url := serve(ctx, t, aiowebsocket.Options{},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				begin.Await(ctx)
				n, last := 0, ""
				for m, err := range c.Messages(ctx) {
					if err != nil {
						return err
					}
					if n++; !m.Binary {
						last += m.String()
					}
				}
				return got.SetResult(fmt.Sprint(n, last))
			})
		c := dial(ctx, t, url, aiowebsocket.Options{})
		n := fill(ctx, t, c)
		var waiting []*aio.Task[aio.None]
		for i := range 3 {
			waiting = append(waiting, aio.Start(ctx, func(ctx context.Context) error {
				return c.WriteText(ctx, fmt.Sprint("w", i))
			}))
		}
		aio.Yield(ctx)
		equal(t, "full", c.WriteNowait(aiowebsocket.Text("x")), aiowebsocket.ErrFull)
		waiting[0].Cancel(nil)
		waiting[1].Cancel(nil)
		for _, w := range waiting[:2] {
			if _, err := w.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Error(err)
			}
		}
		begin.SetResult(aio.None{})
		_, err := waiting[2].Await(ctx)
		ok(t, err)
		ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
		text, err := got.Await(ctx)
		ok(t, err)
		equal(t, "messages", text, fmt.Sprint(n+1, "w2"))
	})
}

// inMemory is run with a virtual clock and a network in memory, so silence takes no time.
func inMemory(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	run(t, func(ctx context.Context) { main(transport.WithNetwork(ctx, transport.Memory())) },
		aio.WithClock(aio.NewVirtualClock()))
}

// handmade serves connections that do what fn does after the handshake.
func handmade(
	ctx context.Context, t *testing.T, fn func(ctx context.Context, r *stream.Reader, w *stream.Writer) error,
) (url string) {
	t.Helper()
	s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
		func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if err := acceptByHand(ctx, r, w); err != nil {
				return err
			}
			return fn(ctx, r, w)
		})
	ok(t, err)
	return "ws://" + s.Addrs()[0].String()
}

func TestASilentPeerIsAskedAndThenLost(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		var got []byte
		url := handmade(ctx, t, func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			var err error
			got, err = r.ReadAll(ctx)
			return err
		})
		c := dial(ctx, t, url, aiowebsocket.Options{})
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		_, err := c.Read(ctx)
		wantClose(t, err, aiowebsocket.Abnormal)
		equal(t, "a time-out", errors.Is(err, os.ErrDeadlineExceeded), true)
		equal(t, "after", loop.Time().Sub(began), 40*time.Second)
		aio.Sleep(ctx, time.Second)
		if len(got) != 0 && len(got) != 6 { // an abort may drop it
			t.Errorf("the peer got % x", got)
		}
	})
}

func TestAPeerThatAnswersPingsStays(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		url := serve(ctx, t, aiowebsocket.Options{}, echo)
		c := dial(ctx, t, url, aiowebsocket.Options{Heartbeat: time.Second})
		aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			_, err := c.Read(ctx)
			if !errors.Is(err, aio.ErrCancelled) {
				t.Error(err)
			}
			return err
		})
		ok(t, c.WriteText(ctx, "still here"))
		m, err := c.Read(ctx)
		ok(t, err)
		equal(t, "message", m.String(), "still here")
		ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
	})
}

// A program that only writes, or does something else for long, answers pings all the same, and
// keeps the message that comes meanwhile.
func TestPingsAreAnsweredWhileNobodyReads(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		url := serve(ctx, t, aiowebsocket.Options{Heartbeat: 2 * time.Second}, echo)
		c := dial(ctx, t, url, aiowebsocket.Options{Heartbeat: time.Second})
		ok(t, aio.Sleep(ctx, time.Hour))
		for i := range 3 {
			ok(t, c.WriteText(ctx, fmt.Sprint(i)))
			ok(t, aio.Sleep(ctx, 10*time.Millisecond))
		}
		ok(t, aio.Sleep(ctx, 1900*time.Millisecond)) // one is read ahead
		for i := range 3 {
			m, err := c.Read(ctx)
			ok(t, err)
			equal(t, "message", m.String(), fmt.Sprint(i))
		}
		ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
	})
}

func TestAPeerThatTakesNothingIsLost(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		url := handmade(ctx, t, func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			return aio.Sleep(ctx, time.Hour)
		})
		c := dial(ctx, t, url, aiowebsocket.Options{})
		fill(ctx, t, c)
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := c.WriteText(ctx, "x")
		wantClose(t, err, aiowebsocket.Abnormal)
		equal(t, "a time-out", errors.Is(err, os.ErrDeadlineExceeded), true)
		equal(t, "after at most 40 s", loop.Time().Sub(began) <= 40*time.Second, true)
	})
}

func TestCloseDoesNotWaitForEverForAnAnswer(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		url := handmade(ctx, t, func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			for w.Drain(ctx) == nil { // it talks on
				w.WriteString("\x81\x01a")
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			return nil
		})
		c := dial(ctx, t, url, aiowebsocket.Options{})
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		err := c.Close(ctx, aiowebsocket.Normal, "")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		equal(t, "after", loop.Time().Sub(began), 10*time.Second)
	})
}

// A peer that sends pings and reads no pongs makes no memory grow.
func TestAFloodOfPingsIsBounded(t *testing.T) {
	inMemory(t, func(ctx context.Context) {
		most := 0
		var conn *aiowebsocket.Conn
		url := serve(ctx, t, aiowebsocket.Options{},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				conn = c
				return echo(ctx, c, r)
			})
		host := strings.TrimPrefix(url, "ws://")
		r, w, err := stream.Open(ctx, "tcp", host)
		ok(t, err)
		w.WriteString("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		_, err = r.ReadUntil(ctx, []byte("\r\n\r\n"))
		ok(t, err)
		pings := bytes.Repeat(fr(ws.OpPing, true, strings.Repeat("p", 125)), 1000)
		for range 50 {
			w.Write(pings)
			ok(t, w.Drain(ctx))
			most = max(most, conn.Buffered())
		}
		w.Write(fr(ws.OpPing, true, "last"))
		if most > 100_000 {
			t.Errorf("%d bytes waited", most)
		}
		for { // then it reads, and gets at least the last one
			p := make([]byte, 1<<20)
			n, err := r.Read(ctx, p)
			ok(t, err)
			if bytes.HasSuffix(p[:n], []byte("last")) {
				break
			}
		}
		w.Abort()
	})
}

func TestAHandshakeThatIsNoneIsRefused(t *testing.T) {
	h := aiowebsocket.Handler(aiowebsocket.Options{Origins: []string{"https://friend.example"}}, echo)
	s := onLoop(t, h)
	good := func() http.Header {
		return http.Header{"Connection": {"upgrade"}, "Upgrade": {"WebSocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	}
	for _, c := range []struct {
		name, method string
		change       func(h http.Header)
		want         int
	}{
		{"as it should be", "GET", func(h http.Header) {}, 101},
		{"the own origin", "GET", func(h http.Header) { h.Set("Origin", s.URL) }, 101},
		{"an allowed origin", "GET", func(h http.Header) { h.Set("Origin", "https://friend.example") }, 101},
		{"another origin", "GET", func(h http.Header) { h.Set("Origin", "https://evil.example") }, 403},
		{"no origin at all", "GET", func(h http.Header) { h.Set("Origin", "null") }, 403},
		{"an empty origin", "GET", func(h http.Header) { h["Origin"] = []string{""} }, 403},
		{"two origins", "GET", func(h http.Header) { h["Origin"] = []string{s.URL, "https://x"} }, 403},
		{"an origin that only begins like it", "GET",
			func(h http.Header) { h.Set("Origin", s.URL+".evil.example") }, 403},
		{"another method", "POST", func(h http.Header) {}, 405},
		{"a plain request", "GET", func(h http.Header) { clear(h) }, 426},
		{"an older version", "GET", func(h http.Header) { h.Set("Sec-Websocket-Version", "8") }, 426},
		{"no key", "GET", func(h http.Header) { h.Del("Sec-Websocket-Key") }, 400},
		{"a short key", "GET", func(h http.Header) { h.Set("Sec-Websocket-Key", "YWJj") }, 400},
		{"two keys", "GET",
			func(h http.Header) { h.Add("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400},
	} {
		req, _ := http.NewRequest(c.method, s.URL, nil)
		req.Header = good()
		c.change(req.Header)
		resp, err := s.Client().Do(req)
		ok(t, err)
		equal(t, c.name, resp.StatusCode, c.want)
		if c.want == 426 {
			equal(t, c.name, resp.Header.Get("Sec-Websocket-Version"), "13")
		}
		resp.Body.Close()
	}
}

func TestASubprotocolAndFieldsAreAgreedOn(t *testing.T) {
	run(t, func(ctx context.Context) {
		url := serve(ctx, t, aiowebsocket.Options{Protocols: []string{"v2", "v1"},
			Header: http.Header{"X-Server": {"s\r\nX-Evil: 1"}}},
			func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
				user, password, _ := r.BasicAuth()
				return c.WriteText(ctx, fmt.Sprint(c.Protocol(), " ", user, password, r.Header["X-Client"]))
			})
		c := dial(ctx, t, strings.Replace(url, "//", "//u:p@", 1)+"/?q", aiowebsocket.Options{
			Protocols: []string{"v0", "v1", "v2"}, Header: http.Header{"X-Client": {"c"}}})
		m, err := c.Read(ctx)
		ok(t, err)
		equal(t, "server", m.String(), "v2 up[c]")
		equal(t, "client", c.Protocol(), "v2")
		c.Abort()
	})
}

func TestDialSaysWhyItFails(t *testing.T) {
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) { http.Error(w, "not here", 404) }))
		ok(t, err)
		url := "ws" + strings.TrimPrefix(s.URL(), "http")
		_, err = aiowebsocket.Dial(ctx, url, aiowebsocket.Options{})
		e, found := errors.AsType[*aiohttp.StatusError](err)
		if !found || !errors.Is(err, aiowebsocket.ErrHandshake) {
			t.Fatal(err)
		}
		equal(t, "status", fmt.Sprint(e.StatusCode, string(e.Head)), "404not here\n")
		for _, bad := range []string{"http://x", "ws://", "ws://x/#y", "://", "ws://%zz"} {
			if _, err := aiowebsocket.Dial(ctx, bad, aiowebsocket.Options{}); err == nil {
				t.Errorf("%q was dialled", bad)
			}
		}
		silent, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadAll(ctx)
				return err
			})
		ok(t, err)
		_, err = aiowebsocket.Dial(ctx, "ws://"+silent.Addrs()[0].String(),
			aiowebsocket.Options{Timeout: 10 * time.Millisecond})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		endless, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.WriteString("HTTP/1.1 200 OK\r\n")
				for w.Drain(ctx) == nil {
					w.WriteString("X: " + strings.Repeat("x", 1000) + "\r\n")
				}
				return nil
			})
		ok(t, err)
		_, err = aiowebsocket.Dial(ctx, "ws://"+endless.Addrs()[0].String(), aiowebsocket.Options{})
		if !errors.Is(err, aiowebsocket.ErrHandshake) {
			t.Error(err)
		}
	})
}

func TestTLSOnBothSides(t *testing.T) {
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
			aiowebsocket.Handler(aiowebsocket.Options{}, echo),
			func(s *http.Server) { s.TLSConfig = &tls.Config{Certificates: certs.TLS.Certificates} })
		ok(t, err)
		trust := certs.Client().Transport.(*http.Transport).TLSClientConfig
		url := "wss" + strings.TrimPrefix(s.URL(), "https")
		_, err = aiowebsocket.Dial(ctx, url, aiowebsocket.Options{})
		if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); !unknown {
			t.Error(err)
		}
		c := dial(ctx, t, url, aiowebsocket.Options{TLS: trust})
		ok(t, c.WriteText(ctx, "secret"))
		m, err := c.Read(ctx)
		ok(t, err)
		equal(t, "message", m.String(), "secret")
		ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
	})
}

func TestMisusePanics(t *testing.T) {
	wantPanic := func(want string, fn func()) {
		t.Helper()
		defer func() {
			if v := recover(); !strings.HasPrefix(fmt.Sprint(v), want) {
				t.Errorf("panic %v, want %s", v, want)
			}
		}()
		fn()
	}
	wantPanic("aiowebsocket: Accept: the handler does not run in a task", func() {
		aiowebsocket.Accept(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil),
			aiowebsocket.Options{})
	})
	wantPanic("aiowebsocket: Handler: the function is nil", func() {
		aiowebsocket.Handler(aiowebsocket.Options{}, nil)
	})
	wantPanic("aiowebsocket: Handler: a limit is negative", func() {
		aiowebsocket.Handler(aiowebsocket.Options{MaxMessage: -1}, echo)
	})
	run(t, func(ctx context.Context) {
		c := dial(ctx, t, serve(ctx, t, aiowebsocket.Options{}, echo), aiowebsocket.Options{})
		for _, code := range []aiowebsocket.Code{0, 999, 1004, 1005, 1006, 1015, 2000, 5000} {
			wantPanic("aiowebsocket: Conn.Close: the code cannot be sent", func() { c.Close(ctx, code, "") })
		}
		if err := c.WriteText(ctx, "\xff"); err == nil || errors.Is(err, aiowebsocket.ErrClosed) {
			t.Error(err)
		}
		c.Abort()
	})
}
