package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aio-go/aio/examples/internal/cli"
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

// String returns the place as it is written on the command line, without a password.
func (at place) String() string {
	if at.network == "unix" {
		return "unix:" + at.address + ":" + at.url.RequestURI()
	}
	return cli.ShownURL(at.url.String())
}

// parseSite reads the address of a site as a person writes it. Its error is a *badURLError.
func parseSite(text string) (place, error) {
	if rest, ok := strings.CutPrefix(text, "unix:"); ok {
		return parseUnix(rest)
	}
	site, err := cli.WebURL(text)
	if err != nil {
		return place{}, &badURLError{err.Error()}
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

// parseUnix reads what follows "unix:": the path of a socket and, behind another colon, that of a
// page.
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

// longestURL is the length, in bytes, of the longest address that a redirect may lead to.
const longestURL = 8 << 10

// resolve returns the place that a redirect leads to. It comes from the network, which may name
// pages, but no sockets of this machine: only what stays on the host of a socket stays on that
// socket, and everything else is a page on the web.
func (at place) resolve(to string) (place, error) {
	if len(to) > longestURL {
		return place{}, &badURLError{fmt.Sprintf("it has more than %d bytes", longestURL)}
	}
	reference, err := parseURL(to)
	if err != nil {
		return place{}, err
	}
	u := at.url.ResolveReference(reference)
	u.Fragment, u.RawFragment, u.User = "", "", nil
	if err := cli.CheckWeb(u); err != nil {
		return place{}, &badURLError{err.Error()}
	}
	if len(u.String()) > longestURL {
		return place{}, &badURLError{fmt.Sprintf("it has more than %d bytes", longestURL)}
	}
	if at.network == "unix" && u.Scheme == at.url.Scheme && u.Host == at.url.Host {
		return place{u, at.network, at.address}, nil
	}
	return place{u, "tcp", address(u)}, nil
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
