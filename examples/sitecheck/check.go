package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/transport"
)

// getStatus asks a site for its status: open a connection, write a request, read the status line.
// The fourth step, closing the connection or keeping it for another request, is up to the caller:
// see survey.release.
//
// Every line that waits lets the other tasks go on, and every one of them ends at once when ctx is
// cancelled: by a time-out, by Ctrl-C. There is nothing else to take care of.
func (s *survey) getStatus(ctx context.Context, method string, at place) (*answer, error) {
	// 1. Open a connection, or take one that has served already.
	c, err := s.conns.open(ctx, at, s.secure)
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, method, at, s.conns.later[c.key] > 0)
	if err == nil {
		return a, nil
	}
	c.w.Abort()
	if c.served > 0 && isClosed(err) && isRepeatable(method) {
		// The site has closed the connection meanwhile, as it may. That is no answer: another one.
		return s.getStatus(ctx, method, at)
	}
	return nil, err
}

// ask makes a request on a connection. keep says that the connection is wanted afterwards, too.
func (c *connection) ask(ctx context.Context, method string, at place, keep bool) (*answer, error) {
	// 2. Write a request.
	writeRequest(c.w, method, at, keep)
	if err := c.w.Drain(ctx); err != nil {
		return nil, err
	}

	// 3. Read the status line.
	return c.answer(ctx, method, keep)
}

// writeRequest writes the head of a request, which is all of it.
func writeRequest(w io.Writer, method string, at place, keep bool) {
	connection, length := "close", ""
	if keep {
		connection = "keep-alive"
	}
	if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		length = "Content-Length: 0\r\n"
	}
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sitecheck\r\nAccept: "+
		"*/*\r\n%sConnection: %s\r\n\r\n",
		method, requestTarget(at.url), at.url.Host, length, connection)
}

// requestTarget returns the page as the request line names it. Package url leaves spaces and bytes
// beyond ASCII in a query as they are; they are escaped here.
func requestTarget(u *url.URL) string {
	var target strings.Builder
	for _, c := range []byte(u.RequestURI()) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&target, "%%%02X", c)
		} else {
			target.WriteByte(c)
		}
	}
	return target.String()
}

// answer reads the status line. Those below 200 only say that the answer will come.
func (c *connection) answer(ctx context.Context, method string, keep bool) (*answer, error) {
	for range mostPromises + 1 {
		line, err := c.r.ReadLine(ctx)
		if err != nil {
			return nil, err
		}
		got, err := parseStatus(line)
		if err != nil {
			return nil, err
		}
		a := &answer{status: got, conn: c, method: method, keep: keep &&
			strings.HasPrefix(string(line), "HTTP/1.1 ")}
		if got.code >= 200 || got.code == http.StatusSwitchingProtocols {
			return a, nil
		}
		if err := a.readHead(ctx); err != nil {
			return nil, err
		}
	}
	return nil, errPromises
}

// mostPromises is how many statuses below 200 may come before the answer.
const mostPromises = 5

var errPromises = fmt.Errorf("more than %d promises of an answer, and none came", mostPromises)

// isClosed reports whether an error says that the other side has ended the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, transport.ErrTruncated)
}

// isRepeatable reports whether a request may be made twice without harm.
func isRepeatable(method string) bool {
	return method != http.MethodPost && method != http.MethodPatch
}

// maxStatusLine is the length, in bytes, from which on a line is taken for garbage.
const maxStatusLine = 16 << 10

// longestPhrase is how many characters of what stands behind a status are kept.
const longestPhrase = 200

// status is what a site answered: 404 and "Not Found".
type status struct {
	code   int // 0 if the site did not answer
	phrase string
}

// parseStatus takes a status line apart: "HTTP/1.1 404 Not Found\r\n".
func parseStatus(line []byte) (status, error) {
	text, complete := bytes.CutSuffix(line, []byte("\n"))
	version, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if !strings.HasPrefix(version, "HTTP/") {
		return status{}, notHTTP(line)
	}
	if !complete {
		return status{}, fmt.Errorf("the status line breaks off after %q: %w",
			cli.Short(string(line), longestPhrase), io.ErrUnexpectedEOF)
	}
	digits, phrase, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(digits)
	if err != nil || code < 100 || code > 999 {
		return status{}, notHTTP(line)
	}
	// a row keeps it, not the line
	return status{code, strings.Clone(cli.Short(phrase, longestPhrase))}, nil
}
