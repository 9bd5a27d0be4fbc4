package aiohttp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// DecodeJSON reads what is left of the body, closes the response and returns the JSON value in it. The value is decoded on another goroutine, so that a
// large one does not hold up the loop; an UnmarshalJSON of T must not use what belongs to the loop. The status is not looked at.
//
// Cancellation: the response is closed.
func DecodeJSON[T any](ctx context.Context, r *Response) (T, error) {
	return readAll(ctx, r, func(body []byte) (v T, err error) {
		if err = json.Unmarshal(body, &v); err != nil {
			err = fmt.Errorf("aiohttp: the body of %s is not the JSON that was expected: %w", r.URL.Redacted(), err)
		}
		return v, err
	})
}

// GetJSON asks for a URL and returns the JSON value that is there. A status of 400 or above is a [*StatusError]. See [Client.Do] and [DecodeJSON].
//
// Cancellation: the request is given up.
func GetJSON[T any](ctx context.Context, c *Client, url string) (T, error) {
	return askJSON[T](ctx, c, http.MethodGet, url, nil)
}

// PostJSON sends a value as JSON and returns the JSON value that is the answer, the zero value if that is empty. A status of 400 or above is a [*StatusError]. See
// [Client.Do] and [DecodeJSON].
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

func askJSON[T any](ctx context.Context, c *Client, method, url string, body []byte) (v T, err error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequest(method, url, reader)
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
