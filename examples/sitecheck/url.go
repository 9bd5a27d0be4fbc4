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

// parseSite reads the URL of a site. Its error is a *badURLError.
func parseSite(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		return nil, &badURLError{"it needs a scheme, as in https://" + text}
	}
	site, err := url.Parse(text)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // without the URL, which stands beside it
		}
		return nil, &badURLError{err.Error()}
	}
	if site.Scheme != "http" && site.Scheme != "https" {
		return nil, &badURLError{"the scheme is " + strconv.Quote(site.Scheme) + ", not http or https"}
	}
	if site.Hostname() == "" {
		return nil, &badURLError{"it names no host"}
	}
	if port := site.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, &badURLError{"there is no port " + port}
		}
	}
	return site, nil
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
