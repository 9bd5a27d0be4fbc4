package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrClosed is returned by a [Client] or [Response] that was closed.
	ErrClosed = errors.New("aiohttp: the client or response is closed")
	// ErrBusy is returned by a method that reads a body while another task waits in one.
	ErrBusy = errors.New("aiohttp: another task is reading the body")
	// ErrRedirects is returned, inside a [*url.Error], when a request was redirected more often than [Client.Redirects] allows.
	ErrRedirects = errors.New("aiohttp: too many redirects")
)

// StatusError is an answer with status 400 or above, for those who wanted what was asked for: [Response.Check] and the helpers for JSON
// return it. It stands for aiohttp.ClientResponseError and httpx.HTTPStatusError.
type StatusError struct {
	StatusCode int
	Status     string // as it was sent: "404 Not Found"
	Method     string
	URL        *url.URL // that answered, after redirects
	Header     http.Header
	Head       []byte // the beginning of the body, at most 512 bytes
}

// Error names request and status, and the first line of the body if that is text.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("aiohttp: %s %s: %s", e.Method, e.URL.Redacted(), e.Status)
	line, _, _ := strings.Cut(strings.TrimSpace(string(e.Head)), "\n")
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "<") || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || strings.Contains(e.Status, line) {
		return text
	}
	if len(line) > 100 {
		line = strings.ToValidUTF8(line[:100], "") + "..."
	}
	return text + ": " + line
}

// timeoutError is the end of a request whose client has a Timeout. It comes inside a *url.Error.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return "aiohttp: not done within " + e.after.String() }
func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// urlError is err as package net/http reports it.
func urlError(method string, u *url.URL, err error) error {
	if already := (*url.Error)(nil); errors.As(err, &already) {
		return err
	}
	op := "Get"
	if method != "" {
		op = method[:1] + strings.ToLower(method[1:])
	}
	return &url.Error{Op: op, URL: u.Redacted(), Err: err}
}
