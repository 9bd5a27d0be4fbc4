package aiohttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
)

func newLog(w io.Writer) *log.Logger { return log.New(w, "", 0) }

// clientsOf makes a client of net/http for each version of HTTP.
func clientsOf(t *testing.T, a *tlstest.Authority) map[int]*http.Client {
	clients := map[int]*http.Client{}
	for version := 1; version <= 2; version++ {
		transport := &http.Transport{TLSClientConfig: a.Client(), ForceAttemptHTTP2: version == 2}
		t.Cleanup(transport.CloseIdleConnections)
		clients[version] = &http.Client{Transport: transport}
	}
	return clients
}

func TestTwoVersionsOfHTTPShareASecureListener(t *testing.T) {
	a := tlstest.New(t)
	var server *http.Server
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			seen, _ := ctx.Value(http.ServerContextKey).(*http.Server)
			body, err := io.ReadAll(r.Body)
			fmt.Fprint(w, r.TLS != nil && r.TLS.HandshakeComplete, seen == server, aio.InTask(ctx),
				len(body), err, ctx.Value(http.LocalAddrContextKey))
			return nil
		}), func(s *http.Server) { server, s.TLSConfig = s, a.Server() })
		ok(t, err)
		want := fmt.Sprint(true, true, true, 100_000, nil, s.Addr())
		for version, c := range clientsOf(t, a) {
			for range 3 {
				got, err := aio.ToThread(ctx, func(context.Context) (string, error) {
					resp, err := c.Post(s.URL(), "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
					if err != nil {
						return "", err
					}
					defer resp.Body.Close()
					equal(t, "version", resp.ProtoMajor, version)
					body, err := io.ReadAll(resp.Body)
					return string(body), err
				})
				ok(t, err)
				equal(t, "answer", got, want)
			}
		}
		equal(t, "connections", s.Statistics().Connections, 2)
		ok(t, s.Shutdown(ctx))
		equal(t, "connections after the end", s.Statistics().Connections, 0)
	})
}

func TestWhoSpeaksPlainHTTPToASecureServerIsToldSo(t *testing.T) {
	a := tlstest.New(t)
	var logged logBuffer
	loop, _ := serving(t)
	addr := serveOn(t, loop, hello, func(s *http.Server) {
		s.TLSConfig, s.ErrorLog = a.Server(), newLog(&logged)
	})
	for _, request := range []string{get, post, "OPTIONS * HTTP/1.1\r\n\r\n"} {
		logged.Reset()
		equal(t, "answer", raw(t, addr, request),
			"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		if text := logged.String(); !strings.Contains(text, "http: TLS handshake error from "+
			"127.0.0.1:") || !strings.Contains(text, "client sent an HTTP request to an HTTPS server") {
			t.Errorf("logged %q", text)
		}
	}
	for _, nonsense := range []string{"GETTING", "\x00\x01\x02\x03\x04\x05",
		"\x16\x03\x01\xff\xff\x00", "SSH-2.0-x\r\n"} {
		if got := raw(t, addr, nonsense+strings.Repeat("\x00", 20)); strings.Contains(got, "HTTP") {
			t.Errorf("%q is answered with %q", nonsense, got)
		}
	}
}

func TestAHandshakeThatTakesTooLongEnds(t *testing.T) {
	a := tlstest.New(t)
	loop, _ := serving(t)
	addr := serveOn(t, loop, hello, func(s *http.Server) {
		s.TLSConfig, s.ReadHeaderTimeout, s.ErrorLog = a.Server(), 20*time.Millisecond, newLog(io.Discard)
	})
	for _, beginning := range []string{"", "GET", "\x16", "\x16\x03\x01\x02\x00\x01"} {
		equal(t, fmt.Sprintf("answer to %q", beginning), raw(t, addr, beginning), "")
	}
}

func TestShutdownLetsRequestsOfHTTP2End(t *testing.T) {
	a := tlstest.New(t)
	for _, how := range []string{"shutdown", "close"} {
		run(t, func(ctx context.Context) {
			var begun, goOn aiosync.Event
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
				aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
					begun.Set()
					if err := goOn.Wait(ctx); err != nil {
						return err
					}
					return hello(ctx, w, r)
				}), func(s *http.Server) { s.TLSConfig, s.ErrorLog = a.Server(), newLog(io.Discard) })
			ok(t, err)
			c := clientsOf(t, a)[2]
			request := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
				return aio.ToThread(ctx, func(context.Context) (string, error) {
					resp, err := c.Get(s.URL())
					if err != nil {
						return "", err
					}
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					return string(body), err
				})
			})
			ok(t, begun.Wait(ctx))
			equal(t, "requests under way", s.Statistics().Active, 1)
			if how == "close" {
				s.Close()
				if answer, err := request.Await(ctx); err == nil {
					t.Errorf("answered %q", answer)
				}
				return
			}
			shutdown := aio.Start(ctx, s.Shutdown)
			yields(ctx, 10)
			equal(t, "done too early", shutdown.Done(), false)
			goOn.Set()
			answer, err := request.Await(ctx)
			ok(t, err)
			equal(t, "answer", answer, "hello")
			_, err = shutdown.Await(ctx)
			ok(t, err)
		})
	}
}

func TestACertificateMayBeFoundWhereTheLoopIsNotHeldUp(t *testing.T) {
	a := tlstest.New(t)
	certificate := a.Server().Certificates[0]
	run(t, func(ctx context.Context) {
		loop := aio.RunningLoop(ctx)
		turned := func() error { // it would wait for ever on the loop
			done := make(chan struct{})
			loop.CallSoonThreadsafe(func() { close(done) })
			select {
			case <-done:
				return nil
			case <-time.After(patience):
				return errors.New("the loop stands still")
			}
		}
		find := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, turned() }
		for name, config := range map[string]*tls.Config{
			"GetCertificate": {GetCertificate: find},
			"GetConfigForClient": {GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{GetCertificate: find}, turned()
			}},
		} {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello, func(s *http.Server) {
				s.TLSConfig = config
			})
			ok(t, err)
			c := aiohttp.Client{TLS: a.Client()}
			r, err := c.Get(ctx, s.URL())
			equal(t, name, text(ctx, t, r, err), "hello")
			c.Close()
			s.Close()
		}
		if _, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello,
			func(s *http.Server) { s.TLSConfig = &tls.Config{} }); err == nil {
			t.Error("it serves without a certificate")
		}
	})
}

func TestHTTP2CanBeRefused(t *testing.T) {
	a := tlstest.New(t)
	var only http.Protocols
	only.SetHTTP1(true)
	loop, _ := serving(t)
	for name, refuse := range map[string]func(*http.Server){
		"Protocols": func(s *http.Server) { s.Protocols = &only },
		"TLSNextProto": func(s *http.Server) {
			s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		},
	} {
		addr := serveOn(t, loop, hello, func(s *http.Server) { s.TLSConfig = a.Server() }, refuse)
		resp, err := clientsOf(t, a)[2].Get("https://" + addr.String())
		ok(t, err)
		equal(t, name, resp.ProtoMajor, 1)
		resp.Body.Close()
	}
}

func TestASecureConnectionThatIsTornEndsItsRequest(t *testing.T) {
	a := tlstest.New(t)
	for version := 1; version <= 2; version++ {
		run(t, func(ctx context.Context) {
			var begun, ended aiosync.Event
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
				aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
					begun.Set()
					defer ended.Set()
					return aio.Sleep(ctx, time.Hour)
				}), func(s *http.Server) { s.TLSConfig, s.ErrorLog = a.Server(), newLog(io.Discard) })
			ok(t, err)
			defer s.Close()
			asking := aio.CreateTask(ctx, func(ctx context.Context) (aio.None, error) {
				return aio.ToThread(ctx, func(ctx context.Context) (aio.None, error) {
					req, _ := http.NewRequestWithContext(ctx, "GET", s.URL(), nil)
					_, err := clientsOf(t, a)[version].Do(req)
					return aio.None{}, err
				})
			})
			ok(t, begun.Wait(ctx))
			asking.Cancel(nil) // ends the connection, or its stream
			ok(t, ended.Wait(ctx))
			_, err = asking.Await(context.WithoutCancel(ctx))
			matches(t, err, aio.ErrCancelled)
		})
	}
}

func TestTheAccessLogHasBothVersions(t *testing.T) {
	a := tlstest.New(t)
	for version, want := range map[int]string{
		1: "level=INFO msg=request method=GET path=/ proto=HTTP/1.1 status=200 bytes=5\n",
		2: "level=INFO msg=request method=GET path=/ proto=HTTP/2.0 status=200 bytes=5\n",
	} {
		var logged logBuffer
		run(t, func(ctx context.Context) {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", hello,
				aiohttp.AccessLog(accessLogger(&logged)), func(s *http.Server) { s.TLSConfig = a.Server() })
			ok(t, err)
			ok(t, aio.Blocking(ctx, func(context.Context) error {
				resp, err := clientsOf(t, a)[version].Get(s.URL())
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			}))
			ok(t, s.Shutdown(ctx))
		})
		equal(t, "log", logged.String(), want)
	}
}
