package aiohttp

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aio-go/aio/internal/safetext"
)

// Redirect is an answer that sent the client to another URL.
type Redirect struct {
	URL        *url.URL // that was requested
	StatusCode int
	Header     http.Header
}

// carried holds the fields of the first request, which go from hop to hop and from try to try. Each
// hop gets a map of its own, since fields added for one hop, such as cookies of the jar, must not
// go to the next.
type carried struct {
	header http.Header
	// of the header, by name; a jar has newer ones; nil: none, or no jar
	cookies map[string][]string
}

func newCarried(header http.Header, jar bool) carried {
	k := carried{header: header}
	if jar && header.Get("Cookie") != "" {
		k.cookies = map[string][]string{}
		for _, c := range (&http.Request{Header: header}).Cookies() {
			k.cookies[c.Name] = append(k.cookies[c.Name], c.Name+"="+c.Value)
		}
	}
	return k
}

// answered drops cookies of the header that an answer has set anew: the jar sends them.
func (k *carried) answered(resp *http.Response) {
	changed := false
	if k.cookies != nil {
		for _, c := range resp.Cookies() {
			if _, ok := k.cookies[c.Name]; ok {
				delete(k.cookies, c.Name)
				changed = true
			}
		}
	}
	if !changed {
		return
	}
	var left []string
	for _, pairs := range k.cookies {
		left = append(left, pairs...)
	}
	slices.Sort(left)
	k.header.Del("Cookie")
	if len(left) > 0 {
		k.header.Set("Cookie", strings.Join(left, "; "))
	}
}

// fields returns the fields for a hop after a redirect.
func (k *carried) fields(withSecrets, withBody bool) http.Header {
	h := make(http.Header, len(k.header)+2)
	for name, values := range k.header {
		if (withSecrets || !secret[name]) && (withBody || !ofBody[name]) {
			h[name] = values
		}
	}
	return h
}

// follow makes a request and those that it is redirected to. Each waits for its turn, since another
// host has another limit.
func (t *try) follow(
	first *http.Request, again func(*http.Response) bool,
) (*answer, *http.Request, []Redirect, error) {
	var history []Redirect
	most := t.c.Redirects
	if most == 0 {
		most = defaultRedirects
	}
	chain := chain{first: first, req: first, secrets: true, body: true}
	for {
		req := chain.req
		x, err := t.hop(req, func(resp *http.Response) bool {
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
			return nil, req, history, urlError(first.Method, req.URL, fmt.Errorf("%w: %d",
				ErrRedirects, most))
		}
		t.answered(x.resp)
		if err = chain.next(x.resp, &t.carried); err != nil {
			return nil, req, history, urlError(first.Method, req.URL, err)
		}
	}
}

// redirects reports whether a response sends the client to another URL, and the request can be sent
// there.
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

// chain is a request in a chain of redirects.
type chain struct {
	first, req    *http.Request
	secrets, body bool // whether they are still sent; once dropped they do not come back
}

// next makes req the request that follows after resp, by the rules of net/http. A request with a
// body is sent again on 307 and 308, and otherwise becomes a GET. Secret fields go to the first
// host and those below it only.
func (c *chain) next(resp *http.Response, k *carried) error {
	req := c.req
	location := resp.Header.Get("Location")
	where, err := req.URL.Parse(location)
	if err != nil {
		return fmt.Errorf("aiohttp: redirected to %q, which is no URL", safetext.URL(location))
	}
	// A transport of the program may have other schemes.
	same := where.Scheme == req.URL.Scheme && where.Host == req.URL.Host
	switch web := where.Scheme == "http" || where.Scheme == "https"; {
	case web && where.Host == "":
		return fmt.Errorf("aiohttp: redirected to %q, which names no host", showURL(where))
	case !web && !same:
		return fmt.Errorf("aiohttp: redirected to %q, which is not HTTP", showURL(where))
	}
	if where.Fragment == "" {
		where.Fragment, where.RawFragment = req.URL.Fragment, req.URL.RawFragment
	}
	next := &http.Request{
		Method: req.Method, URL: where, Response: resp,
		Proto: c.first.Proto, ProtoMajor: c.first.ProtoMajor, ProtoMinor: c.first.ProtoMinor,
	}
	if req.Host != req.URL.Host && where.Host == req.URL.Host {
		if to, err := url.Parse(location); err == nil && !to.IsAbs() {
			next.Host = req.Host // a name that the caller chose, and the same server
		}
	}
	if resp.StatusCode != http.StatusTemporaryRedirect &&
		resp.StatusCode != http.StatusPermanentRedirect {
		c.body = false
		if next.Method != "" && next.Method != http.MethodGet && next.Method != http.MethodHead {
			next.Method = http.MethodGet
		}
	}
	if c.body && c.first.GetBody != nil {
		if next.Body, err = c.first.GetBody(); err != nil {
			return err
		}
		next.GetBody, next.ContentLength = c.first.GetBody, c.first.ContentLength
	}
	c.secrets = c.secrets && sameSite(c.first.URL, where)
	next.Header = k.fields(c.secrets, c.body)
	safe := req.URL.Scheme != "https" || where.Scheme == "https"
	if safe && next.Header.Get("Referer") == "" {
		from := *req.URL // a secure URL must not be sent in plain text
		from.User, from.Fragment = nil, ""
		next.Header.Set("Referer", from.String())
	}
	c.req = next
	return nil
}

// sameSite reports whether to is on the host of from, or one below it. Unlike net/http it takes an
// insecure site for another one than the secure one.
func sameSite(from, to *url.URL) bool {
	if from.Scheme == "https" && to.Scheme != "https" {
		return false
	}
	if from.Host == to.Host {
		return true
	}
	host, parent := siteName(to), siteName(from)
	if host == parent {
		return true
	}
	if parent == "" || strings.ContainsAny(host, ":%") {
		return false
	}
	if _, err := netip.ParseAddr(parent); err == nil { // nothing is below an address
		return false
	}
	return strings.HasSuffix(host, "."+parent)
}

// siteName is the host of a URL as net/http compares it: a dot at the end makes another name.
func siteName(u *url.URL) string { return asciiHost(strings.ToLower(u.Hostname())) }
