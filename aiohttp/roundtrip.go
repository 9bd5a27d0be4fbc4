package aiohttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"

	"github.com/aio-go/aio/internal/realm"
)

// maxAnswerHead is how long the head of an answer may be. It is that of net/http.
const maxAnswerHead = 10 << 20

var errClosedBody = errors.New("aiohttp: the body is closed")

// roundTrip makes a request and returns the answer, whose body is a taskBody. On a connection that
// was used before and has ended meanwhile it is made again where that is safe: the rules are those
// of net/http. It also returns where the server is.
func (p *connections) roundTrip(
	ctx context.Context, req *http.Request, most realm.Realm,
) (*http.Response, realm.Realm, error) {
	for {
		c, err := p.get(ctx, req.URL, most)
		if err != nil {
			closeBody(req)
			return nil, realm.Public, err
		}
		resp, again, err := p.exchange(ctx, c, req)
		if err == nil {
			return resp, c.at, nil
		}
		c.abort()
		c.dropReader()
		if !again || ctx.Err() != nil {
			return nil, realm.Public, err
		}
		if req.Body != nil && req.Body != http.NoBody {
			next := *req
			if next.Body, err = req.GetBody(); err != nil {
				return nil, realm.Public, err
			}
			req = &next
		}
	}
}

// exchange makes a request on a connection. After an error it tells whether another connection may
// be tried.
func (p *connections) exchange(
	ctx context.Context, c *clientConn, req *http.Request,
) (_ *http.Response, again bool, _ error) {
	extra := ""
	unzips := req.Header.Get("Accept-Encoding") == "" && req.Header.Get("Range") == "" &&
		req.Method != http.MethodHead
	if unzips {
		extra = "Accept-Encoding: gzip\r\n"
	}
	c.ctx, c.waitErr, c.atOnce = ctx, nil, 0
	o := newOutgoing(ctx, c, req, extra)
	c.sending = o
	done := false
	defer func() {
		if !done {
			c.abort()
			o.stop()
		}
	}()
	c.br = chunkReaders.Get().(*bufio.Reader)
	c.br.Reset(c)
	c.allowed = maxAnswerHead
	if _, err := c.br.Peek(1); err != nil {
		switch {
		case c.waitErr != nil:
			return nil, false, c.waitErr
		case o.torn != nil:
			return nil, false, o.torn
		}
		if err == io.EOF && p.server != nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, c.reused && mayRepeat(req, o.wrote) && !isTimeout(err), err
	}
	var resp *http.Response
	for {
		var err error
		resp, err = http.ReadResponse(c.br, req)
		switch {
		case err == nil:
		case c.waitErr != nil:
			return nil, false, c.waitErr
		case o.torn != nil:
			return nil, false, o.torn
		case c.allowed == 0:
			return nil, false, errAnswerTooLarge
		default:
			return nil, false, fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
		}
		if s := resp.StatusCode; s < 100 || s >= 200 || s == http.StatusSwitchingProtocols {
			break
		}
		if resp.StatusCode == http.StatusContinue {
			o.goOn.Set()
		}
	}
	c.allowed = -1
	o.answer(resp.Close || req.Close)
	done = true
	resp.TLS = c.tls
	b := &taskBody{o: o, resp: resp, inner: resp.Body}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		b.once = true
		if resp.Header.Get("Upgrade") != "" && lists(resp.Header["Connection"], "upgrade") {
			b.inner, resp.Body = c.br, b
		}
	}
	if resp.Body == http.NoBody {
		b.ctx = ctx
		b.end(io.EOF)
		return resp, false, nil
	}
	resp.Body = b
	zipped := strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip")
	if unzips && resp.ContentLength != 0 && zipped {
		decode(resp, gunzip)
	}
	return resp, false, nil
}

// mayRepeat reports whether a request can be made again whose connection has ended without a word.
func mayRepeat(req *http.Request, wrote bool) bool {
	if !replayable(req) {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return !wrote || req.Header.Get("Idempotency-Key") != "" ||
		req.Header.Get("X-Idempotency-Key") != ""
}

func (c *clientConn) dropReader() {
	if c.br != nil {
		c.br.Reset(nil)
		chunkReaders.Put(c.br)
		c.br = nil
	}
	c.in.drop()
}

// inTask is the body of an answer that a task reads.
type inTask interface {
	io.ReadCloser
	within(ctx context.Context) // the context of what reads next
	waited() error              // why the last read was cut short
}

// taskBody is the body of an answer on a connection of ours. It belongs to the loop.
type taskBody struct {
	o     *outgoing
	resp  *http.Response
	inner io.Reader // net/http's
	ctx   context.Context
	over  error // of all reads from now on
	once  bool  // no other request may follow on the connection
}

func (b *taskBody) within(ctx context.Context) { b.ctx = ctx }
func (b *taskBody) waited() error              { return b.o.c.waitErr }

// Read implements io.Reader, in the task of the context.
func (b *taskBody) Read(p []byte) (int, error) {
	if b.over != nil {
		return 0, b.over
	}
	c := b.o.c
	c.ctx, c.waitErr = b.ctx, nil
	n, err := b.inner.Read(p)
	if err != nil {
		b.end(err)
	}
	return n, err
}

// Close implements io.Closer. It never waits.
func (b *taskBody) Close() error {
	if b.over == nil {
		b.end(errClosedBody)
	}
	return nil
}

// end is called when nothing more is read: err is io.EOF if all was.
func (b *taskBody) end(err error) {
	if b.over != nil { // closed, while another task was reading
		return
	}
	b.over = err
	c := b.o.c
	if err == io.EOF {
		keep := !b.once && !b.resp.Close && !b.o.req.Close && b.o.settle(b.ctx)
		if keep && c.br.Buffered() == 0 && c.in.len() == 0 && !c.hasMore() {
			c.of.put(c)
			return
		}
		b.o.stop()
		c.finish()
		return
	}
	b.o.stop()
	c.abort()
}

// finish closes a connection on which all was said.
func (c *clientConn) finish() {
	if c.lost == nil {
		c.lost = errClosedBody
		c.in.drop()
		c.t.Close()
	}
}

// ours returns the connections that can carry a request, or nil if net/http has to: for HTTP/2,
// which a secure site that nobody has asked yet may speak, for proxies, traces, and what only it
// understands.
func (t *try) ours(req *http.Request) *connections {
	c := t.c
	p := c.native
	if p == nil || p.server != nil {
		return p
	}
	if p.inLoop { // net/http would leave the network in memory
		if req.URL.Scheme == "http" || req.URL.Scheme == "https" {
			return p
		}
		return nil
	}
	switch req.URL.Scheme {
	case "http":
	case "https":
		if !c.isPlainHTTPS(req.URL) {
			return nil
		}
	default:
		return nil
	}
	if !wellFormed(req) || httptrace.ContextClientTrace(t.ctx) != nil {
		return nil
	}
	if tr, ok := c.within(t.most).(*http.Transport); ok && tr.Proxy != nil {
		if proxy, err := tr.Proxy(req); proxy != nil || err != nil {
			return nil
		}
	}
	return p
}

// isPlainHTTPS reports whether a secure site is known to speak no HTTP/2.
func (c *Client) isPlainHTTPS(u *url.URL) bool {
	if c.TLS != nil {
		if c.TLS.Renegotiation != 0 {
			return false
		}
		if offers := c.TLS.NextProtos; offers != nil && !slices.Contains(offers, "h2") {
			return true
		}
	}
	return c.native.plain[hostKey(u)]
}

// wellFormed reports whether a request is one that Request.Write writes as net/http's transport
// does. That has the words for what is wrong with any other.
func wellFormed(req *http.Request) bool {
	host := req.URL.Host
	if req.URL.Hostname() == "" || hasWide(host) || hasWide(req.Host) || !validHost(req.Host) ||
		req.Method != "" && !token(req.Method) {
		return false
	}
	for _, fields := range []http.Header{req.Header, req.Trailer} {
		for name, values := range fields {
			if !token(name) {
				return false
			}
			for _, v := range values {
				if !validValue(v) {
					return false
				}
			}
		}
	}
	// A body that may be none is waited for by net/http, for a moment.
	unknown := req.Body != nil && req.Body != http.NoBody && req.ContentLength <= 0
	return !unknown || !usuallyLacksBody(req.Method)
}
