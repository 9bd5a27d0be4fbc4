package aiohttp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/aio-go/aio"
)

// jsonFactor is the assumed ratio of a JSON value's memory, while it is decoded, to its text.
const jsonFactor = 8

// DecodeJSON reads the rest of the body, closes the response and returns the JSON value in it. It
// decodes on another goroutine, so that a large value does not stop the loop; an UnmarshalJSON of T
// must not use state of the loop. It ignores the status. A body of more than [Client.MaxBody] bytes
// is a [*http.MaxBytesError]: a value of type any may take some fifty times as much memory as its
// text.
//
// Cancellation: the response is closed.
func DecodeJSON[T any](ctx context.Context, r *Response) (v T, err error) {
	load := &load{of: &r.a.c.memory}
	defer load.done()
	type result struct {
		v   T
		err error
	}
	decode := func(body []byte) (x result) {
		if x.err = json.Unmarshal(body, &x.v); x.err != nil {
			x.err = fmt.Errorf("aiohttp: the body of %s is not the JSON that was expected: %w",
				showURL(r.URL), shown(x.err))
		}
		return x
	}
	var small *result
	body, err := r.whole(ctx, load, func(body []byte) {
		x := decode(body)
		small = &x
	})
	if err != nil {
		return v, err
	}
	if small != nil {
		return small.v, small.err
	}
	// cannot overflow: body is in memory
	if err := load.grow(ctx, int64(len(body))*jsonFactor); err != nil {
		return v, err
	}
	x, err := aio.ToThread(ctx,
		func(context.Context) (result, error) { return decode(body), nil }, unbounded)
	if err != nil {
		return v, err
	}
	return x.v, x.err
}

// GetJSON requests a URL with GET and returns the JSON value of the answer. A status of 400 or
// above is a [*StatusError]. See [Client.Do] and [DecodeJSON].
//
// Cancellation: the request is given up.
func GetJSON[T any](ctx context.Context, c *Client, url string) (T, error) {
	return askJSON[T](ctx, c, http.MethodGet, url, nil)
}

// PostJSON sends a value as JSON and returns the JSON value of the answer, or the zero value if the
// answer is empty. A status of 400 or above is a [*StatusError]. See [Client.Do] and [DecodeJSON].
//
// Cancellation: the request is given up.
func PostJSON[T any](ctx context.Context, c *Client, url string, value any) (T, error) {
	body, err := json.Marshal(value)
	if err != nil {
		var zero T
		return zero, err
	}
	return askJSON[T](ctx, c, http.MethodPost, url, body)
}

func askJSON[T any](
	ctx context.Context, c *Client, method, url string, body []byte,
) (v T, err error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := newRequest(method, url, reader)
	if err != nil {
		return v, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	r, err := c.Do(ctx, req)
	if err != nil {
		return v, err
	}
	if err := r.Check(ctx); err != nil {
		return v, err
	}
	if method != http.MethodGet && (r.ContentLength == 0 || r.StatusCode == http.StatusNoContent) {
		r.Close()
		return v, nil
	}
	return DecodeJSON[T](ctx, r)
}
