package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/timeout"
)

var (
	// ErrClosed is returned by a [Client] or [Response] that is closed.
	ErrClosed = errors.New("aiohttp: the client or response is closed")
	// ErrBusy is returned by a method that reads a body while another task waits in one.
	ErrBusy = errors.New("aiohttp: another task is reading the body")
	// ErrRedirects is returned, wrapped in a [*url.Error], if a request is redirected more often
	// than [Client.Redirects] allows.
	ErrRedirects = errors.New("aiohttp: too many redirects")
)

// StatusError is an answer with status 400 or above, as an error. [Response.Check], [GetJSON] and
// [PostJSON] return it. Python: aiohttp.ClientResponseError, httpx.HTTPStatusError.
type StatusError struct {
	StatusCode int
	Status     string // as it was sent: "404 Not Found"; [StatusError.Error] makes it safe to show
	Tries      int    // how many tries there were, see [Client.Retry]
	Method     string
	URL        *url.URL // of the answer, after redirects
	Header     http.Header
	Head       []byte // the beginning of the body, at most 512 bytes
}

// Error names the request and the status, and the first line of the body if that is text. Text of
// the server is made safe to show, and secrets of the URL are hidden.
func (e *StatusError) Error() string {
	status := safetext.Cut(e.Status, 100)
	text := fmt.Sprintf("aiohttp: %s %s: %s", e.Method, showURL(e.URL), status)
	line, _, _ := strings.Cut(strings.TrimSpace(string(e.Head)), "\n")
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "<") || strings.Contains(status, line) {
		return text
	}
	if len(line) > 100 {
		line = strings.ToValidUTF8(line[:100], "") + "..."
	}
	// not text, or not meant to be shown
	if line != safetext.Lines(line) || strings.Contains(line, "\t") {
		return text
	}
	return text + ": " + line
}

// TriesError says how many tries a failed request had, if [Client.Retry] allowed more than one. It
// comes inside a [*url.Error]; its text is that of the last try's error.
type TriesError struct {
	Tries int   // number of tries, the first included
	Err   error // of the last try
}

func (e *TriesError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the last try.
func (e *TriesError) Unwrap() error { return e.Err }

// Timeout reports whether the last try ended in a time-out.
func (e *TriesError) Timeout() bool { return isTimeout(e.Err) }

// counted adds the number of tries to an error, if there were several.
func (a *asking) counted(err error) error {
	whole, ok := errtree.As[*url.Error](err)
	if a.count < 2 || !ok {
		return err
	}
	return &url.Error{Op: whole.Op, URL: whole.URL, Err: &TriesError{a.count, whole.Err}}
}

// timeoutError is the time-out of a client, or of one try. It comes inside a *url.Error.
type timeoutError struct {
	after time.Duration
	try   bool
}

func (e *timeoutError) Error() string {
	if e.try {
		return "aiohttp: no answer within " + e.after.String() + ", the time for one try"
	}
	return "aiohttp: not done within " + e.after.String()
}

func (e *timeoutError) Timeout() bool { return true }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// urlError returns err as package net/http reports it, without secrets and safe to show.
func urlError(method string, u *url.URL, err error) error {
	if _, already := errtree.As[*url.Error](err); already {
		return err
	}
	op := "Get"
	if method != "" {
		op = safetext.Cut(method[:1]+strings.ToLower(method[1:]), 40)
	}
	return &url.Error{Op: op, URL: showURL(u), Err: shown(err)}
}

// showURL returns a URL that is safe to show: see [safetext.URL].
func showURL(u *url.URL) string { return safetext.URL(u.String()) }

// shown returns err with a text that is safe to show: that of net/http quotes bytes of peers.
func shown(err error) error {
	if text := safetext.Error(err); text != err.Error() {
		return &shownError{err, text}
	}
	return err
}

type shownError struct {
	err  error
	text string
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.err }
func (e *shownError) Timeout() bool { return isTimeout(e.err) }

func isTimeout(err error) bool { return errtree.Search(err, timeout.Is) }

// newRequest is http.NewRequest with errors that show no secrets. A URL that cannot be parsed may
// have some in any part.
func newRequest(method, address string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequest(method, address, body)
	if wrong, ok := errtree.As[*url.Error](err); ok {
		wrong = &url.Error{Op: wrong.Op, URL: safetext.URL(wrong.URL), Err: shown(wrong.Err)}
		if strings.ContainsAny(address, "@?") {
			wrong.Err = errors.New("invalid URL")
		}
		return nil, wrong
	}
	return req, err
}
