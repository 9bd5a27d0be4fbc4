package aiohttp

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/aio-go/aio"
)

// CopyTo writes the rest of the body to w and closes the response. It returns the number of bytes
// written. It writes to w on another goroutine, so w may be a file or another writer that blocks.
// When CopyTo has returned, nothing is written to w any more.
//
// Cancellation: the response is closed. CopyTo returns when a write that is under way has ended.
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
	var taken atomic.Bool // taken by the goroutine that writes, or because there will be none
	write := func(body io.Reader) {
		if taken.CompareAndSwap(false, true) {
			defer close(ended)
			pour(body)
		}
	}
	defer func() { // also if the loop ends the task
		r.Close()
		if !taken.CompareAndSwap(false, true) {
			aio.Recv(context.WithoutCancel(ctx), ended)
		}
	}()
	if r.err == io.EOF {
		readErr = io.EOF
		err := aio.Blocking(ctx, func(context.Context) error { write(nil); return nil }, unbounded)
		if err != nil {
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
func (r *Response) copyInTask(
	ctx context.Context, w io.Writer, before []byte,
) (n int64, err error) {
	r.rest = before
	for chunk, err := range r.pieces(ctx) {
		if err != nil {
			return n, err
		}
		wrote, err := aio.ToThread(context.WithoutCancel(ctx),
			func(context.Context) (int, error) { return w.Write(chunk) }, unbounded)
		n += int64(wrote)
		if err == nil {
			// the write was not to be cut short, but a copy that never waits for data is
			err = aio.Yield(ctx)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
