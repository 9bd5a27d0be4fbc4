package aiowebsocket_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
)

// proxy is a proxy with one kind of talk. It notes the targets that it was asked for.
type proxy struct {
	ln    net.Listener
	talk  func(p *proxy, c net.Conn) (target string, ok bool)
	all   sync.WaitGroup
	mu    sync.Mutex // guards the rest
	asked []string
}

func startProxy(t *testing.T, talk func(p *proxy, c net.Conn) (string, bool)) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	p := &proxy{ln: ln, talk: talk}
	p.all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.all.Wait()
	})
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	target, ok := p.talk(p, c)
	if !ok {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, target)
	p.mu.Unlock()
	there, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer there.Close()
	go func() {
		io.Copy(there, c)
		there.Close()
	}()
	io.Copy(c, there)
}

func (p *proxy) use(scheme, user string) func(*http.Request) (*url.URL, error) {
	u := &url.URL{Scheme: scheme, Host: p.ln.Addr().String()}
	if user != "" {
		u.User = url.UserPassword(user, "secret")
	}
	return http.ProxyURL(u)
}

// connectTalk is that of an HTTP proxy which wants a user.
func connectTalk(_ *proxy, c net.Conn) (string, bool) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || r.Method != http.MethodConnect {
		return "", false
	}
	if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpzZWNyZXQ=" {
		io.WriteString(c, "HTTP/1.1 407 Who are you?\r\nContent-Length: 5\r\n\r\nsorry")
		return "", false
	}
	io.WriteString(c, "HTTP/1.1 200 Connected\r\n\r\n")
	return r.Host, true
}

// socksTalk is that of a SOCKS proxy which wants a user.
func socksTalk(_ *proxy, c net.Conn) (string, bool) {
	take := func(n int) []byte {
		p := make([]byte, n)
		io.ReadFull(c, p)
		return p
	}
	head := take(2)
	if methods := take(int(head[1])); !strings.Contains(string(methods), "\x02") {
		c.Write([]byte{5, 0xff})
		return "", false
	}
	c.Write([]byte{5, 2})
	take(1)
	user := string(take(int(take(1)[0])))
	password := string(take(int(take(1)[0])))
	if user != "user" || password != "secret" {
		c.Write([]byte{1, 1})
		return "", false
	}
	c.Write([]byte{1, 0})
	take(4)
	host := string(take(int(take(1)[0])))
	port := binary.BigEndian.Uint16(take(2))
	c.Write(append([]byte{5, 0, 0, 3, 4}, "name\x00\x50"...))
	return net.JoinHostPort(host, fmt.Sprint(port)), true
}

func TestDialGoesThroughAProxy(t *testing.T) {
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	trust := certs.Client().Transport.(*http.Transport).TLSClientConfig
	run(t, func(ctx context.Context) {
		plain := serve(ctx, t, aiowebsocket.Options{}, echo)
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0",
			aiowebsocket.Handler(aiowebsocket.Options{}, echo),
			func(s *http.Server) { s.TLSConfig = &tls.Config{Certificates: certs.TLS.Certificates} })
		ok(t, err)
		secure := "wss" + strings.TrimPrefix(s.URL(), "https")
		for scheme, talk := range map[string]func(*proxy, net.Conn) (string, bool){
			"http": connectTalk, "socks5": socksTalk,
		} {
			for _, target := range []string{plain, secure} {
				p := startProxy(t, talk)
				c := dial(ctx, t, target, aiowebsocket.Options{Proxy: p.use(scheme, "user"), TLS: trust})
				ok(t, c.WriteText(ctx, "through "+scheme))
				m, err := c.Read(ctx)
				ok(t, err)
				equal(t, target, m.String(), "through "+scheme)
				ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
				u, _ := url.Parse(target)
				p.mu.Lock()
				equal(t, "asked for", strings.Join(p.asked, " "), u.Host)
				p.mu.Unlock()
			}
		}
	})
}

func TestAProxyThatFailsIsNamed(t *testing.T) {
	answer := func(text string) func(*proxy, net.Conn) (string, bool) {
		return func(_ *proxy, c net.Conn) (string, bool) {
			c.Read(make([]byte, 1000))
			io.WriteString(c, text)
			if len(text) > 1 {
				c.Read(make([]byte, 1000)) // until the other side gives up
			}
			return "", false
		}
	}
	run(t, func(ctx context.Context) {
		for name, c := range map[string]struct {
			scheme string
			talk   func(*proxy, net.Conn) (string, bool)
			want   string
		}{
			"another user, CONNECT": {"http", connectTalk, "407"},
			"another user, SOCKS":   {"socks5", socksTalk, "refuses the user"},
			"nonsense for HTTP":     {"http", answer("nonsense\r\n\r\n"), "malformed"},
			"nonsense for SOCKS":    {"socks5", answer("nonsense"), "no SOCKS 5 proxy"},
			"talk ahead":            {"http", answer("HTTP/1.1 200 OK\r\n\r\nahead"), "before the server"},
			"an end":                {"socks5", answer("\x05"), ""},
			"SOCKS says no":         {"socks5", answer("\x05\x00\x05\x05\x00\x01\x00"), "code 5"},
			"a strange address":     {"socks5", answer("\x05\x00\x05\x00\x00\x09\x00"), "no SOCKS"},
		} {
			p := startProxy(t, c.talk)
			_, err := aiowebsocket.Dial(ctx, "ws://example.invalid/",
				aiowebsocket.Options{Proxy: p.use(c.scheme, "other")})
			if !errors.Is(err, aiowebsocket.ErrHandshake) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), p.ln.Addr().String()) ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
		silent := startProxy(t, func(_ *proxy, c net.Conn) (string, bool) {
			io.Copy(io.Discard, c)
			return "", false
		})
		_, err := aiowebsocket.Dial(ctx, "ws://example.invalid/", aiowebsocket.Options{
			Proxy: silent.use("http", ""), Timeout: 10 * time.Millisecond})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a silent proxy: %v", err)
		}
		for scheme, want := range map[string]string{
			"ftp": "the scheme of the proxy", "https": "wss cannot go through"} {
			_, err := aiowebsocket.Dial(ctx, "wss://example.invalid/",
				aiowebsocket.Options{Proxy: silent.use(scheme, "user")})
			if err == nil || !strings.Contains(err.Error(), want) ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", scheme, err)
			}
		}
		broken := errors.New("no proxy today")
		_, err = aiowebsocket.Dial(ctx, "ws://example.invalid/", aiowebsocket.Options{
			Proxy: func(r *http.Request) (*url.URL, error) {
				equal(t, "the proxy's URL", r.URL.String(), "http://example.invalid/")
				return nil, broken
			}})
		if !errors.Is(err, broken) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestDialConnectsToAUnixSocket(t *testing.T) {
	run(t, func(ctx context.Context) {
		path := filepath.Join(t.TempDir(), "socket")
		_, err := aiohttp.Serve(ctx, "unix", path,
			aiowebsocket.Handler(aiowebsocket.Options{}, echo))
		ok(t, err)
		c := dial(ctx, t, "ws://service/", aiowebsocket.Options{UnixSocket: path})
		ok(t, c.WriteText(ctx, "near"))
		m, err := c.Read(ctx)
		ok(t, err)
		equal(t, "message", m.String(), "near")
		ok(t, c.Close(ctx, aiowebsocket.Normal, ""))
		defer func() {
			if v := recover(); !strings.Contains(fmt.Sprint(v), "exclude each other") {
				t.Errorf("panic %v", v)
			}
		}()
		aiowebsocket.Dial(ctx, "ws://service/", aiowebsocket.Options{
			UnixSocket: path, Proxy: http.ProxyURL(nil)})
	})
}
