package aiowebsocket

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// open opens the connection to the host of u: directly, over a Unix socket, or through a proxy.
// config is nil without TLS.
func open(
	ctx context.Context, u *url.URL, config *tls.Config, o Options,
) (*stream.Reader, *stream.Writer, error) {
	var opts []transport.Option
	port := "80"
	if config != nil {
		opts = append(opts, transport.TLS(config))
		port = "443"
	}
	if o.UnixSocket != "" {
		return stream.Open(ctx, "unix", o.UnixSocket, opts...)
	}
	target := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	proxy, err := proxyOf(u, o)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("aiowebsocket: the proxy: %w", err)
	case proxy == nil:
		return stream.Open(ctx, "tcp", target, opts...)
	}
	r, w, err := openProxy(ctx, proxy, config != nil)
	if err != nil {
		return nil, nil, err
	}
	if err := through(ctx, r, w, proxy, target); err != nil {
		w.Abort()
		if ctx.Err() != nil {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("%w: the proxy %s: %w", ErrHandshake, proxy.Redacted(), err)
	}
	if config != nil {
		if err := w.StartTLS(ctx, config); err != nil {
			w.Abort()
			return nil, nil, err
		}
	}
	return r, w, nil
}

// proxyOf returns the proxy for a URL, nil if there is none.
func proxyOf(u *url.URL, o Options) (*url.URL, error) {
	proxy := o.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	as := *u
	as.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	return proxy(&http.Request{Method: http.MethodGet, URL: &as, Host: u.Host,
		Header: o.Header.Clone()})
}

// openProxy connects to the proxy itself.
func openProxy(
	ctx context.Context, proxy *url.URL, secure bool,
) (*stream.Reader, *stream.Writer, error) {
	var opts []transport.Option
	port := "80"
	switch proxy.Scheme {
	case "http":
	case "https":
		if secure {
			return nil, nil, fmt.Errorf("aiowebsocket: wss cannot go through %s, a proxy with TLS "+
				"of its own; use one with the scheme http or socks5: %w", proxy.Redacted(),
				errors.ErrUnsupported)
		}
		opts = append(opts, transport.TLS(&tls.Config{ServerName: proxy.Hostname()}))
		port = "443"
	case "socks5", "socks5h":
		port = "1080"
	default:
		return nil, nil, fmt.Errorf("aiowebsocket: the scheme of the proxy %s is not known; "+
			"use http, https or socks5", proxy.Redacted())
	}
	return stream.Open(ctx, "tcp",
		net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), port)), opts...)
}

// through makes the proxy connect to target.
func through(
	ctx context.Context, r *stream.Reader, w *stream.Writer, proxy *url.URL, target string,
) error {
	if proxy.Scheme == "socks5" || proxy.Scheme == "socks5h" {
		return socks(ctx, r, w, proxy.User, target)
	}
	request := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target,
		Header: http.Header{}, ProtoMajor: 1, ProtoMinor: 1,
	}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+
			base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	var text bytes.Buffer
	if err := request.Write(&text); err != nil {
		return err
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	br := bufio.NewReader(io.LimitReader(&taskReader{ctx, r}, maxHead))
	resp, err := http.ReadResponse(br, request)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		head, _ := io.ReadAll(io.LimitReader(resp.Body, headKept))
		return &aiohttp.StatusError{
			StatusCode: resp.StatusCode, Status: resp.Status, Tries: 1, Method: request.Method,
			URL: &url.URL{Scheme: proxy.Scheme, Host: proxy.Host}, Header: resp.Header, Head: head,
		}
	}
	if br.Buffered() > 0 {
		return errors.New("it sent something before the server could")
	}
	return nil
}

// socks speaks SOCKS 5, RFC 1928 and 1929. The proxy resolves the name.
func socks(
	ctx context.Context, r *stream.Reader, w *stream.Writer, user *url.Userinfo, target string,
) error {
	const (
		version = 5
		none    = 0
		byUser  = 2
	)
	host, port, _ := net.SplitHostPort(target)
	number, err := strconv.ParseUint(port, 10, 16)
	name := ""
	password := ""
	hello := []byte{version, 1, none}
	if user != nil {
		name = user.Username()
		password, _ = user.Password()
		hello = []byte{version, 2, none, byUser}
	}
	if err != nil || len(host) > 255 || len(name) > 255 || len(password) > 255 {
		return errors.New("the host, the port, the user or the password is too long for SOCKS")
	}
	say := func(p []byte, n int) ([]byte, error) {
		if _, err := w.Write(p); err != nil {
			return nil, err
		}
		return r.ReadExactly(ctx, n)
	}
	answer, err := say(hello, 2)
	switch {
	case err != nil:
		return err
	case answer[0] != version || answer[1] != none && (answer[1] != byUser || user == nil):
		return errors.New("it is no SOCKS 5 proxy, or wants another way to log in")
	}
	if answer[1] == byUser {
		login := append([]byte{1, byte(len(name))}, name...)
		login = append(append(login, byte(len(password))), password...)
		if answer, err = say(login, 2); err != nil {
			return err
		}
		if answer[1] != 0 {
			return errors.New("it refuses the user and the password")
		}
	}
	connect := append([]byte{version, 1, 0, 3, byte(len(host))}, host...)
	if answer, err = say(append(connect, byte(number>>8), byte(number)), 5); err != nil {
		return err
	}
	if answer[0] != version || answer[1] != 0 {
		return fmt.Errorf("it could not connect: code %d of SOCKS", answer[1])
	}
	rest, ok := map[byte]int{1: 4, 4: 16, 3: int(answer[4]) + 1}[answer[3]]
	if !ok {
		return errors.New("its answer is no SOCKS")
	}
	_, err = r.ReadExactly(ctx, rest+2-1) // the address and the port; a byte has been read
	return err
}
