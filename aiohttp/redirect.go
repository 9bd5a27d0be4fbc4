package aiohttp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Redirect is an answer that sent the client elsewhere.
type Redirect struct {
	URL        *url.URL // that was asked
	StatusCode int
	Header     http.Header
}

// follow makes a request and those that it is redirected to. Each waits for its turn: another host has another limit.
func (a *asking) follow(first *http.Request, again func(*http.Response) bool) (*answer, *http.Request, []Redirect, error) {
	var history []Redirect
	most := a.c.Redirects
	if most == 0 {
		most = defaultRedirects
	}
	req, stripped := first, false
	for {
		x, err := a.hop(req, func(resp *http.Response) bool {
			return most >= 0 && redirects(req, resp) || again(resp)
		})
		if err != nil {
			return nil, req, history, err
		}
		if most < 0 || !redirects(req, x.resp) {
			return x, req, history, nil
		}
		x.close()
		history = append(history, Redirect{req.URL, x.resp.StatusCode, x.resp.Header})
		if len(history) > most {
			return nil, req, history, urlError(first.Method, req.URL, fmt.Errorf("%w: %d", ErrRedirects, most))
		}
		if req, stripped, err = redirected(first, req, x.resp, stripped); err != nil {
			return nil, req, history, urlError(first.Method, first.URL, err)
		}
	}
}

// redirects reports whether a response sends the client elsewhere, to where the request can be sent.
func redirects(req *http.Request, resp *http.Response) bool {
	if resp.Header.Get("Location") == "" {
		return false
	}
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		return true
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return replayable(req)
	}
	return false
}

// redirected returns the request that follows after resp, by the rules of net/http: what carries a body is sent again on 307 and 308 only
// and becomes a GET otherwise; what is secret goes to the first host and those below it only.
func redirected(first, req *http.Request, resp *http.Response, stripped bool) (*http.Request, bool, error) {
	where, err := req.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return req, stripped, fmt.Errorf("aiohttp: redirected to where there is nothing: %w", err)
	}
	if where.Scheme != "http" && where.Scheme != "https" {
		return req, stripped, fmt.Errorf("aiohttp: redirected to %q, which is not HTTP", where.Redacted())
	}
	if where.Fragment == "" {
		where.Fragment = req.URL.Fragment
	}
	next := req.Clone(req.Context())
	next.URL, next.Response = where, resp
	if next.Host = ""; req.Host != req.URL.Host && where.Host == req.URL.Host {
		next.Host = req.Host // a name of the caller's choice, and the same server
	}
	next.Header = copyHeader(req.Header, "Referer")
	switch keep := resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect; {
	case keep && req.GetBody != nil:
		if next.Body, err = req.GetBody(); err != nil {
			return req, stripped, err
		}
	case !keep:
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			next.Method = http.MethodGet
		}
		next.Body, next.GetBody, next.ContentLength, next.TransferEncoding = nil, nil, 0, nil
		next.Header = copyHeader(next.Header, "Content-Encoding", "Content-Language", "Content-Length", "Content-Location", "Content-Type")
	}
	if stripped = stripped || !sameSite(first.URL, where); stripped {
		next.Header = copyHeader(next.Header, "Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate", "Proxy-Authenticate")
	}
	if req.URL.Scheme == where.Scheme || where.Scheme == "https" { // nobody tells in public what was secure
		from := *req.URL
		from.User, from.Fragment = nil, ""
		next.Header.Set("Referer", from.String())
	}
	return next, stripped, nil
}

// sameSite reports whether to is on the host of from, or one below it.
func sameSite(from, to *url.URL) bool {
	host, parent := strings.ToLower(to.Hostname()), strings.ToLower(from.Hostname())
	if from.Scheme == "https" && to.Scheme == "http" {
		return false
	}
	if host == parent {
		return true
	}
	return strings.HasSuffix(host, "."+parent) && !strings.ContainsAny(parent, ":%") && strings.ContainsFunc(host, func(c rune) bool { return c >= 'a' })
}
