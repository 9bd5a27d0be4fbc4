package aiohttp

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/aio-go/aio"
)

// CopyTo writes what is left of the body to w and closes the response. It returns how many bytes
// were written. w is written to on another goroutine, so that it may be a file or anything else
// that blocks; nobody writes to it any more when CopyTo has returned.
//
// Cancellation: the response is closed; CopyTo returns when the write that is under way, if one is,
// has ended.
func (r *Response) CopyTo(ctx context.Context, w io.Writer) (int64, error) {
	if r.busy {
		return 0, ErrBusy
	}
	defer r.Close()
	var n int64
	var readErr, writeErr error
	before := r.rest
	r.rest, r.piece = nil, nil
	pour := func(body io.Reader) {
		if len(before) > 0 {
			var first int
			first, writeErr = w.Write(before)
			n = int64(first)
		}
		buf := make([]byte, pieceSize)
		for writeErr == nil && readErr == nil && body != nil {
			var more, wrote int
			if more, readErr = body.Read(buf); more > 0 {
				wrote, writeErr = w.Write(buf[:more])
				n += int64(wrote)
			}
		}
	}
	if r.err != nil && r.err != io.EOF {
		return 0, r.err
	}
	ended := make(chan struct{})
	var taken atomic.Bool // by the goroutine that writes, or because there will be none
	write := func(body io.Reader) {
		if taken.CompareAndSwap(false, true) {
			defer close(ended)
			pour(body)
		}
	}
	defer func() { // also when the task is being ended
		r.Close()
		if !taken.CompareAndSwap(false, true) {
			aio.Recv(context.WithoutCancel(ctx), ended)
		}
	}()
	if r.err == io.EOF {
		readErr = io.EOF
		if err := aio.Blocking(ctx, func(context.Context) error { write(nil); return nil }, unbounded); err != nil {
			return 0, err
		}
		return n, writeErr
	}
	if _, ok := r.x.resp.Body.(inTask); ok {
		return r.copyInTask(ctx, w, before)
	}
	if _, err := reading(ctx, r, func(body io.Reader) (aio.None, error) {
		write(body)
		return aio.None{}, nil
	}); err != nil {
		return 0, err
	}
	switch {
	case writeErr != nil:
		return n, writeErr
	case readErr != io.EOF:
		return n, r.failure(readErr)
	}
	r.finish(io.EOF)
	return n, nil
}

// copyInTask is CopyTo for a body that a task reads.
func (r *Response) copyInTask(ctx context.Context, w io.Writer, before []byte) (n int64, err error) {
	r.rest = before
	for chunk, err := range r.pieces(ctx) {
		if err != nil {
			return n, err
		}
		wrote, err := aio.ToThread(context.WithoutCancel(ctx), func(context.Context) (int, error) { return w.Write(chunk) }, unbounded)
		n += int64(wrote)
		if err == nil {
			err = aio.Yield(ctx) // the write was not to be cut short, but a copy that never waits for data is
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
