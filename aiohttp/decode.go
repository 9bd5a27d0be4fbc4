package aiohttp

import (
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aio-go/aio"
)

// Decoder undoes a content coding, such as zstd: it returns a reader of what body has in compressed
// form. That reader must read body on the goroutine that it is read on, and no goroutine of its
// own; what it keeps it frees in Close. The limits of a client count what comes out. See
// [Client.Decoders].
type Decoder func(body io.Reader) (io.ReadCloser, error)

func gunzip(body io.Reader) (io.ReadCloser, error) { return gzip.NewReader(body) }

// offer returns the request as it is sent if the client has decoders: it names their codings. If it
// names any by itself, the program gets the answer as it is.
func (c *Client) offer(req *http.Request) (_ *http.Request, offered bool) {
	if len(c.Decoders) == 0 || req.Method == http.MethodHead ||
		req.Header.Get("Accept-Encoding") != "" || req.Header.Get("Range") != "" {
		return req, false
	}
	codings := slices.Sorted(maps.Keys(c.Decoders))
	if c.Decoders["gzip"] == nil {
		codings = append(codings, "gzip")
	}
	sent := *req
	sent.Header = maps.Clone(req.Header)
	if sent.Header == nil {
		sent.Header = http.Header{}
	}
	sent.Header.Set("Accept-Encoding", strings.Join(codings, ", "))
	return &sent, true
}

// decodeOffered makes the body of an answer the decoded one if its coding was offered.
func (c *Client) decodeOffered(resp *http.Response) {
	coding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	make := c.Decoders[coding]
	if make == nil && (coding == "gzip" || coding == "x-gzip") {
		make = gunzip
	}
	if make != nil && resp.Body != http.NoBody && resp.ContentLength != 0 {
		decode(resp, make)
	}
}

// decode makes the body of an answer the decoded one, as net/http does for gzip.
func decode(resp *http.Response, make Decoder) {
	d := decodedBody{body: resp.Body, make: make}
	if b, ok := resp.Body.(*taskBody); ok {
		resp.Body = &decodedTaskBody{decodedBody: d, task: b}
	} else {
		resp.Body = &d
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	resp.Uncompressed = true
}

// decodedBody is a body that the server has compressed.
type decodedBody struct {
	body io.ReadCloser
	make Decoder
	r    io.ReadCloser // nil before the first Read
	err  error
}

func (d *decodedBody) Read(p []byte) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	if d.r == nil {
		if d.r, d.err = d.make(d.body); d.err != nil {
			d.r = nil
			return 0, d.err
		}
	}
	n, d.err = d.r.Read(p)
	return n, d.err
}

func (d *decodedBody) Close() error {
	if d.r != nil {
		_ = d.r.Close() // of a checksum that was not read
	}
	if d.err == nil {
		d.err = errClosedBody
	}
	return d.body.Close()
}

// decodedTaskBody is a taskBody that the server has compressed.
type decodedTaskBody struct {
	decodedBody
	task   *taskBody
	atOnce int
	wait   error
}

func (d *decodedTaskBody) within(ctx context.Context) { d.task.within(ctx) }

func (d *decodedTaskBody) waited() error {
	if d.wait != nil {
		return d.wait
	}
	return d.task.waited()
}

// Read implements io.Reader. What comes out may be much more than what came in: others have their
// turn meanwhile.
func (d *decodedTaskBody) Read(p []byte) (n int, err error) {
	if over := d.task.over; d.err == nil && over != nil && over != io.EOF {
		return 0, over
	}
	if d.atOnce >= maxAtOnce && d.err == nil {
		d.atOnce = 0
		if d.wait = aio.Yield(d.task.ctx); d.wait != nil {
			return 0, d.wait
		}
	}
	n, err = d.decodedBody.Read(p)
	d.atOnce += n
	return n, err
}
