package aiowebsocket

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/gobwas/httphead"
	"github.com/gobwas/ws/wsflate"
)

// Accept makes a WebSocket connection of a request. It is called in the task of a handler, that is
// below [aiohttp.Serve], [aiohttp.OnLoop] or [aiohttp.Direct], behind any router. The fields that
// are set in w's header go with the answer. The connection outlasts the request, so the handler has
// to close it.
//
// A request that is no handshake, or that comes from a page of another host, see [Options.Origins],
// is answered with a status of 400 and above; the error matches [ErrHandshake], and the handler has
// nothing more to do. Python: websockets.serve.
//
// Cancellation: nothing is answered.
func Accept(w http.ResponseWriter, r *http.Request, o Options) (*Conn, error) {
	ctx := r.Context()
	if !aio.InTask(ctx) {
		panic("aiowebsocket: Accept: the handler does not run in a task; " +
			"serve it with aiohttp.Serve, or wrap it in aiohttp.OnLoop")
	}
	o = o.withDefaults("Accept")
	key, status, err := checkRequest(r, o)
	if err != nil {
		if status == http.StatusUpgradeRequired {
			w.Header().Set("Sec-WebSocket-Version", "13")
			w.Header().Set("Upgrade", "websocket")
		}
		http.Error(w, err.Error(), status)
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	protocol := chooseProtocol(r.Header, o.Protocols)
	extension := ""
	if o.Compress {
		extension = acceptDeflate(r.Header)
	}
	var head string
	err = onLoopsStack(ctx, func() {
		head = answerHead(acceptKey(key), protocol, extension, w.Header(), o.Header)
	})
	if err != nil {
		return nil, err
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			http.Error(w, "WebSockets need HTTP/1.1", http.StatusHTTPVersionNotSupported)
			err = fmt.Errorf("%w: %w", ErrHandshake, err)
		}
		return nil, err
	}
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
	c, err := newConn(context.WithoutCancel(ctx), conn, ahead, o)
	if err != nil {
		return nil, err
	}
	c.protocol, c.deflate = protocol, extension != ""
	if err := c.wire.Send([]byte(head)); err != nil {
		c.lose(err)
		return nil, c.end
	}
	return c, nil
}

// onLoopsStack calls fn in a callback of the loop. A task's stack stays as large as it has ever
// been: 8 KiB instead of 4 for the life of the connection, because of a hash and a header.
func onLoopsStack(ctx context.Context, fn func()) error {
	done := aio.NewFuture[aio.None](ctx)
	aio.RunningLoop(ctx).CallSoon(func() {
		fn()
		_ = done.SetResult(aio.None{}) // the task may have been cancelled
	})
	_, err := done.Await(ctx)
	return err
}

// answerHead is the answer to a handshake.
func answerHead(accept, protocol, extension string, fields ...http.Header) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n")
	if protocol != "" {
		b.WriteString("Sec-WebSocket-Protocol: " + protocol + "\r\n")
	}
	if extension != "" {
		b.WriteString("Sec-WebSocket-Extensions: " + extension + "\r\n")
	}
	for _, h := range fields {
		h = h.Clone()
		for _, name := range ownFields {
			h.Del(name)
		}
		h.Write(&b)
	}
	b.WriteString("\r\n")
	return b.String()
}

// Handler returns a handler that accepts each connection and calls fn, in the task of the request.
// When fn returns, the connection is closed: with [Normal] for nil, with [GoingAway] if the task
// was cancelled, as at the end of the server's loop, and with [InternalError] for any other error,
// which is reported to the loop. A [*CloseError] and [ErrClosed] count as nil.
func Handler(
	o Options, fn func(ctx context.Context, conn *Conn, r *http.Request) error,
) http.Handler {
	if fn == nil {
		panic("aiowebsocket: Handler: the function is nil; pass one")
	}
	o.withDefaults("Handler")
	return aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		conn, err := Accept(w, r, o)
		switch {
		case errors.Is(err, ErrHandshake):
			return nil // it is answered
		case err != nil:
			return err
		}
		defer conn.Abort()
		err = fn(ctx, conn, r)
		switch {
		case err == nil || errors.Is(err, ErrClosed):
			return conn.closeQuietly(ctx, Normal)
		case ctx.Err() != nil:
			// The loop does not wait long for tasks that it has cancelled.
			bye, cancel := aio.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			conn.closeQuietly(bye, GoingAway)
			return err
		}
		_ = conn.closeQuietly(ctx, InternalError)
		return err
	})
}

// closeQuietly closes, and does not mind a peer that does not answer.
func (c *Conn) closeQuietly(ctx context.Context, code Code) error {
	err := c.Close(ctx, code, "")
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	return nil
}

// ownFields are what the handshake itself sends.
var ownFields = []string{
	"Upgrade", "Connection", "Sec-Websocket-Accept", "Sec-Websocket-Protocol",
	"Sec-Websocket-Extensions", "Content-Length", "Transfer-Encoding",
}

// checkRequest returns the key of a handshake, or the status for a request that is none.
func checkRequest(r *http.Request, o Options) (key string, status int, err error) {
	switch {
	case r.Method != http.MethodGet:
		return "", http.StatusMethodNotAllowed, errors.New("a WebSocket begins with GET")
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1:
		return "", http.StatusHTTPVersionNotSupported, errors.New("WebSockets need HTTP/1.1")
	case !hasToken(r.Header, "Connection", "upgrade"),
		!hasToken(r.Header, "Upgrade", "websocket"):
		return "", http.StatusUpgradeRequired, errors.New("this is for WebSockets only")
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return "", http.StatusUpgradeRequired, errors.New("the WebSocket version is not 13")
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return "", http.StatusBadRequest, errors.New("a WebSocket handshake has no body")
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return "", http.StatusBadRequest, errors.New("the WebSocket key is missing")
	}
	if raw, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(raw) != 16 {
		return "", http.StatusBadRequest, errors.New("the WebSocket key is invalid")
	}
	if !allowed(r, o.Origins) {
		return "", http.StatusForbidden, errors.New("pages of this origin may not connect")
	}
	return keys[0], 0, nil
}

// allowed reports whether the page that connects, if it is one, may do so.
func allowed(r *http.Request, origins []string) bool {
	list := r.Header["Origin"]
	switch {
	case len(list) == 0: // no browser
		return true
	case len(list) > 1:
		return false
	}
	match := func(o string) bool { return o == "*" || strings.EqualFold(o, list[0]) }
	if slices.ContainsFunc(origins, match) {
		return true
	}
	u, err := url.Parse(list[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// hasToken reports whether a list in a header has a token.
func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// chooseProtocol returns the first of ours that the client offers.
func chooseProtocol(h http.Header, ours []string) string {
	for _, p := range ours {
		for _, line := range h.Values("Sec-Websocket-Protocol") {
			for item := range strings.SplitSeq(line, ",") {
				if strings.TrimSpace(item) == p {
					return p
				}
			}
		}
	}
	return ""
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// acceptDeflate returns the answer to an offer to compress, or "".
func acceptDeflate(h http.Header) string {
	for _, line := range h.Values("Sec-Websocket-Extensions") {
		offers, ok := httphead.ParseOptions([]byte(line), nil)
		if !ok {
			continue
		}
		for _, offer := range offers {
			var p wsflate.Parameters
			if string(offer.Name) != wsflate.ExtensionName || p.Parse(offer) != nil {
				continue
			}
			answer := wsflate.DefaultParameters
			switch p.ServerMaxWindowBits {
			case 0:
			case maxWindow:
				answer.ServerMaxWindowBits = maxWindow
			default: // package flate has one window only
				continue
			}
			var b strings.Builder
			httphead.WriteOptions(&b, []httphead.Option{answer.Option()})
			return b.String()
		}
	}
	return ""
}

// maxWindow is the window of package flate, in bits.
const maxWindow = 15
