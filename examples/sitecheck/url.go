package main

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// badURLError says why a text is no address of a site.
type badURLError struct{ why string }

func (e *badURLError) Error() string { return "bad URL: " + e.why }

// place is where a site is: a URL, and what to connect to.
type place struct {
	url              *url.URL
	network, address string // "tcp" and "host:port", or "unix" and a path
}

// key is the same for places that the same connection leads to.
func (at place) key() string { return at.network + " " + at.address + " " + at.url.Scheme }

// String returns the place as it is written on the command line.
func (at place) String() string {
	if at.network == "unix" {
		return "unix:" + at.address + ":" + at.url.RequestURI()
	}
	return at.url.String()
}

// parseSite reads the address of a site. Its error is a *badURLError.
func parseSite(text string) (place, error) {
	if rest, ok := strings.CutPrefix(text, "unix:"); ok {
		return parseUnix(rest)
	}
	if !strings.Contains(text, "://") {
		return place{}, &badURLError{"it needs a scheme, as in https://" + text}
	}
	site, err := parseURL(text)
	if err != nil {
		return place{}, err
	}
	if site.Scheme != "http" && site.Scheme != "https" {
		return place{}, &badURLError{"the scheme is " + strconv.Quote(site.Scheme) + ", not http or https"}
	}
	if site.Hostname() == "" {
		return place{}, &badURLError{"it names no host"}
	}
	if port := site.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return place{}, &badURLError{"there is no port " + port}
		}
	}
	return place{site, "tcp", address(site)}, nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the URL, which stands beside it
		}
		return nil, &badURLError{err.Error()}
	}
	return u, nil
}

// parseUnix reads what follows "unix:": the path of a socket and, behind another colon, that of a page.
func parseUnix(text string) (place, error) {
	socket, page, found := strings.Cut(text, ":/")
	if socket == "" {
		return place{}, &badURLError{"it names no socket; write it as in unix:/run/site.sock:/page"}
	}
	if !found {
		page = ""
	}
	site, err := parseURL("http://localhost/" + page)
	if err != nil {
		return place{}, err
	}
	return place{site, "unix", socket}, nil
}

// resolve returns the place that a redirect leads to. What stays on the host stays on its socket.
func (at place) resolve(to string) (place, error) {
	reference, err := parseURL(to)
	if err != nil {
		return place{}, err
	}
	u := at.url.ResolveReference(reference)
	u.Fragment = ""
	if at.network == "unix" && u.Scheme == at.url.Scheme && u.Host == at.url.Host {
		return place{u, at.network, at.address}, nil
	}
	return parseSite(u.String())
}

// address returns what to connect to, as "host:port".
func address(site *url.URL) string {
	port := site.Port()
	switch {
	case port != "":
	case site.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(site.Hostname(), port)
}
