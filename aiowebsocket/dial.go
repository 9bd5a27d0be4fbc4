package aiowebsocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/stream"
	"github.com/gobwas/httphead"
	"github.com/gobwas/ws/wsflate"
)

const (
	maxHead  = 64 << 10 // bytes of a server's answer
	headKept = 1 << 10  // bytes of the body of a refusal
)

// Dial connects to a URL with the scheme ws or wss. A server that answers with another status than
// 101 gives an error that matches [ErrHandshake] and has an [*aiohttp.StatusError] with the
// beginning of the body. A proxy that refuses gives such an error, too. Redirects are not followed.
// After an error nothing is left open. Python: websockets.connect.
//
// Cancellation: the attempt is given up.
func Dial(ctx context.Context, rawURL string, o Options) (*Conn, error) {
	o = o.withDefaults("Dial")
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("aiowebsocket: the URL is invalid: %w", errors.Unwrap(err))
	}
	secure := u.Scheme == "wss"
	if !secure && u.Scheme != "ws" || u.Hostname() == "" || u.Fragment != "" {
		return nil, errors.New("aiowebsocket: the URL has to be ws://host/path " +
			"or wss://host/path, without a fragment")
	}
	var c *Conn
	err = aio.Timeout(ctx, o.Timeout, func(ctx context.Context) (err error) {
		c, err = dial(ctx, u, secure, o)
		return err
	})
	return c, err
}

func dial(ctx context.Context, u *url.URL, secure bool, o Options) (_ *Conn, err error) {
	var config *tls.Config
	if secure {
		if config = o.TLS.Clone(); config == nil {
			config = &tls.Config{}
		}
		config.NextProtos = []string{"http/1.1"}
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
	}
	r, w, err := open(ctx, u, config, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	request, key := newRequest(u, o)
	var text bytes.Buffer
	if err := request.Write(&text); err != nil {
		return nil, err
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return nil, err
	}
	br := bufio.NewReader(io.LimitReader(&taskReader{ctx, r}, maxHead))
	resp, err := http.ReadResponse(br, request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		head, _ := io.ReadAll(io.LimitReader(resp.Body, headKept))
		return nil, fmt.Errorf("%w: %w", ErrHandshake, &aiohttp.StatusError{
			StatusCode: resp.StatusCode, Status: resp.Status, Tries: 1, Method: request.Method,
			URL: request.URL, Header: resp.Header, Head: head,
		})
	}
	deflate, err := checkAnswer(resp.Header, key, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	ahead, _ := br.Peek(br.Buffered())
	conn := stream.NetConn(aio.RunningLoop(ctx).Context(), r, w)
	c, err := newConn(ctx, conn, ahead, o)
	if err != nil {
		return nil, err
	}
	c.client, c.deflate = true, deflate
	c.protocol = resp.Header.Get("Sec-Websocket-Protocol")
	return c, nil
}

// newRequest returns the request of a handshake, and its key.
func newRequest(u *url.URL, o Options) (*http.Request, string) {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	key := base64.StdEncoding.EncodeToString(nonce)
	h := o.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: h, ProtoMajor: 1,
		ProtoMinor: 1}
	if host := h.Get("Host"); host != "" {
		r.Host = host
	}
	if user := u.User; user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	h.Set("Upgrade", "websocket")
	h.Set("Connection", "Upgrade")
	h.Set("Sec-WebSocket-Version", "13")
	h.Set("Sec-WebSocket-Key", key)
	if len(o.Protocols) > 0 {
		h.Set("Sec-WebSocket-Protocol", strings.Join(o.Protocols, ", "))
	}
	if o.Compress {
		h.Set("Sec-WebSocket-Extensions",
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	}
	return r, key
}

// checkAnswer checks the answer of a server.
func checkAnswer(h http.Header, key string, o Options) (deflate bool, err error) {
	switch {
	case !hasToken(h, "Upgrade", "websocket") || !hasToken(h, "Connection", "upgrade"):
		return false, errors.New("the answer is no upgrade to a WebSocket")
	case h.Get("Sec-Websocket-Accept") != acceptKey(key):
		return false, errors.New("the answer does not belong to the request")
	case len(h["Sec-Websocket-Protocol"]) > 1:
		return false, errors.New("the answer has several subprotocols")
	}
	if p := h.Get("Sec-Websocket-Protocol"); p != "" && !slices.Contains(o.Protocols, p) {
		return false, errors.New("the answer has a subprotocol that was not offered")
	}
	for _, line := range h["Sec-Websocket-Extensions"] {
		options, ok := httphead.ParseOptions([]byte(line), nil)
		for _, option := range options {
			var p wsflate.Parameters
			known := o.Compress && !deflate && string(option.Name) == wsflate.ExtensionName
			// Only with these two are messages independent of each other.
			if !known || p.Parse(option) != nil || !p.ServerNoContextTakeover ||
				p.ClientMaxWindowBits != 0 {
				return false, errors.New("the answer has an extension that was not offered")
			}
			deflate = true
		}
		if !ok {
			return false, errors.New("the extensions of the answer are invalid")
		}
	}
	return deflate, nil
}

// taskReader is a reader for the task that dials.
type taskReader struct {
	ctx context.Context
	r   *stream.Reader
}

func (t *taskReader) Read(p []byte) (int, error) { return t.r.Read(t.ctx, p) }
