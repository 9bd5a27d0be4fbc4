package aiohttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

// send makes a request with a transport as net/http's client does, without following redirects. It
// runs on any goroutine.
func send(t http.RoundTripper, jar http.CookieJar, req *http.Request) (*http.Response, error) {
	if err := notForServers(req); err != nil {
		return nil, err
	}
	resp, err := t.RoundTrip(dress(req, jar))
	if err != nil {
		return nil, knownError(err)
	}
	if resp == nil {
		return nil, fmt.Errorf(
			"aiohttp: the transport (%T) returned neither a response nor an error", t)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	keepCookies(jar, req, resp)
	return resp, nil
}

// notForServers refuses, and closes, a request that a server has got.
func notForServers(req *http.Request) error {
	if req.RequestURI == "" {
		return nil
	}
	closeBody(req)
	return errors.New("aiohttp: the RequestURI of a request is for servers; leave it empty")
}

// knownError is the error of a request as net/http's client tells it.
func knownError(err error) error {
	wrong, ok := errtree.As[tls.RecordHeaderError](err)
	if ok && string(wrong.RecordHeader[:]) == "HTTP/" {
		err = http.ErrSchemeMismatch
	}
	return sys.Error(err)
}

// dress returns the request as it is sent: with the cookies of the jar, and the user of the URL.
// req stays as it is.
func dress(req *http.Request, jar http.CookieJar) *http.Request {
	if jar == nil && req.URL.User == nil {
		return req
	}
	sent := *req
	sent.Header = maps.Clone(req.Header)
	if jar != nil {
		for _, cookie := range jar.Cookies(cookieURL(req)) {
			sent.AddCookie(cookie)
		}
	}
	if u := req.URL.User; u != nil && sent.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		sent.SetBasicAuth(u.Username(), password)
	}
	return &sent
}

func keepCookies(jar http.CookieJar, req *http.Request, resp *http.Response) {
	if jar == nil {
		return
	}
	if cookies := resp.Cookies(); len(cookies) > 0 {
		jar.SetCookies(cookieURL(req), cookies)
	}
}

// cookieURL is the URL by which a jar knows the server of a request.
func cookieURL(req *http.Request) *url.URL {
	if req.Host == "" || req.Host == req.URL.Host {
		return req.URL
	}
	u := cloneURL(req.URL)
	u.Host = req.Host
	return u
}

const (
	// of an unwanted body: if that is all, the connection can be used again
	drainSize = 2 << 10
	drainTime = 50 * time.Millisecond // after that a new connection is cheaper
)

// drain closes an unwanted body. If it is small, it reads the rest first, but does not wait for it.
func drain(resp *http.Response) {
	body := resp.Body
	if resp.ProtoMajor > 1 || body == http.NoBody || resp.ContentLength > drainSize {
		body.Close()
		return
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.CopyN(io.Discard, body, drainSize)
	}()
	select {
	case <-read:
	case <-time.After(drainTime):
	}
	body.Close()
}

// skipSmall is drain for a body that a task reads.
func (p *connections) skipSmall(ctx context.Context, resp *http.Response) {
	b, ok := resp.Body.(inTask)
	if !ok || resp.ContentLength > drainSize {
		return
	}
	ctx, end := p.patience(ctx, drainTime)
	defer end()
	b.within(ctx)
	io.CopyN(io.Discard, b, drainSize)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
