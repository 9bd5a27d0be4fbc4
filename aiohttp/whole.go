package aiohttp

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"unsafe"
)

// Bytes reads the rest of the body and closes the response. A body of more than [Client.MaxBody]
// bytes is a [*http.MaxBytesError]. While the client's bodies hold [Client.MaxMemory], it waits.
//
// Cancellation: the response is closed.
func (r *Response) Bytes(ctx context.Context) ([]byte, error) {
	load := &load{of: &r.a.c.memory}
	defer load.done()
	return r.whole(ctx, load, nil)
}

// Text is [Response.Bytes] as a string. It assumes UTF-8; other encodings are left as they are.
//
// Cancellation: the response is closed.
func (r *Response) Text(ctx context.Context) (string, error) {
	body, err := r.Bytes(ctx)
	// there is no other reference to the bytes
	return unsafe.String(unsafe.SliceData(body), len(body)), err
}

// whole reads the rest and closes the response. A small body is also passed to use on the goroutine
// that read it, which saves another goroutine.
func (r *Response) whole(ctx context.Context, load *load, use func(body []byte)) ([]byte, error) {
	if r.busy {
		return nil, ErrBusy
	}
	defer r.Close()
	most := r.a.c.MaxBody
	switch {
	case most == 0:
		most = defaultMaxBody
	case most < 0:
		most = math.MaxInt64
	}
	all := r.rest
	r.rest, r.piece = nil, nil // the caller gets the buffer
	if left := r.ContentLength - r.read; r.err == nil && left > 0 && left > most-int64(len(all)) {
		return nil, r.failure(&http.MaxBytesError{Limit: most}) // without reading it
	}
	for r.err == nil {
		if int64(len(all)) > most {
			return nil, r.failure(&http.MaxBytesError{Limit: most})
		}
		if len(all) == cap(all) || len(all) == 0 {
			more := r.room(len(all), most)
			if err := load.grow(ctx, int64(more-len(all))); err != nil {
				return nil, err
			}
			all = append(make([]byte, 0, more), all...)
		}
		free := all[len(all):cap(all)]
		got, err := reading(ctx, r, func(body io.Reader) (x got, _ error) {
			for x.err == nil && x.n < len(free) {
				var n int
				n, x.err = body.Read(free[x.n:])
				x.n += n
			}
			if n := len(all) + x.n; use != nil && x.err == io.EOF && n <= smallSize &&
				int64(n) <= most {
				use(all[:n])
			}
			return x, nil
		})
		if err != nil {
			return nil, err
		}
		all = all[:len(all)+got.n]
		if got.err != nil {
			r.finish(r.failure(got.err))
		}
	}
	switch {
	case r.err != io.EOF:
		return nil, r.err
	case int64(len(all)) > most:
		return nil, r.failure(&http.MaxBytesError{Limit: most})
	case len(all) < cap(all)/2:
		all = bytes.Clone(all) // it may be kept for long
	}
	return all, nil
}

// room returns the size of the buffer for a body of which n bytes are there. It is the announced
// size, if that is credible, and otherwise twice the last size. It is at most one byte more than
// the body may have.
func (r *Response) room(n int, most int64) int {
	size := int64(max(2*n, firstSize))
	if whole := r.ContentLength; whole >= int64(n) && whole < size {
		size = whole + 1
	}
	if size > most {
		size = most + 1 // most is less than size
	}
	return int(max(size, int64(n)+1))
}
