package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// getStatus asks a site for its status: open a connection, write a request, read the status line, close.
//
// Every line that waits lets the other tasks go on, and every one of them ends at once when ctx is
// cancelled: by a time-out, by Ctrl-C. There is nothing else to take care of.
func getStatus(ctx context.Context, site *url.URL, secure *tls.Config) (status, error) {
	// 1. Open a connection.
	opts := []transport.Option{stream.Limit(maxStatusLine)}
	if site.Scheme == "https" {
		opts = append(opts, transport.TLS(secure))
	}
	r, w, err := stream.Open(ctx, "tcp", address(site), opts...)
	if err != nil {
		return status{}, err
	}
	// 4. Close the connection, whatever happens in between. Abort does not wait for anything: nobody here
	// wants the rest of the page.
	defer w.Abort()

	// 2. Write a request.
	fmt.Fprintf(w, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sitecheck\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		site.RequestURI(), site.Host)
	if err := w.Drain(ctx); err != nil {
		return status{}, err
	}

	// 3. Read the status line.
	line, err := r.ReadLine(ctx)
	if err != nil {
		return status{}, err
	}
	return parseStatus(line)
}

// maxStatusLine is the length, in bytes, from which on a line is taken for garbage.
const maxStatusLine = 4096

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
		return status{}, &notHTTPError{line}
	}
	if !complete {
		return status{}, fmt.Errorf("the status line breaks off after %q: %w", line, io.ErrUnexpectedEOF)
	}
	digits, phrase, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(digits)
	if err != nil || code < 100 || code > 999 {
		return status{}, &notHTTPError{line}
	}
	return status{code, phrase}, nil
}
