package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
)

const (
	pieceSize = 32 << 10 // that a body is read in
	longest   = 64 << 10 // line of Response.Lines
	headSize  = 512      // of a body in a StatusError
)

// Response is the answer to a request. Its head is there; its body comes when it is read. One task may read it at a time; others get
// [ErrBusy]. Unless it was read to its end it has to be closed, usually by a deferred [Response.Close]. Its methods are for the loop only. It stands for
// aiohttp.ClientResponse and httpx.Response.
type Response struct {
	StatusCode    int    // 404
	Status        string // "404 Not Found"
	Proto         string // "HTTP/1.1"
	Header        http.Header
	ContentLength int64                // -1 if it is not known
	URL           *url.URL             // that answered, after redirects
	Method        string               // that was answered
	History       []Redirect           // answers that sent the request elsewhere, the first one first
	TLS           *tls.ConnectionState // nil without
	Trailer       http.Header          // complete when the body was read to its end

	a      *asking
	x      *answer
	piece  []byte // the buffer
	rest   []byte // what was read but not taken
	err    error  // of the next read, when the rest was taken
	upload func() // ends the task that produces the request's body; nil: there is none
	busy   bool
	closed bool
}

func (a *asking) response(x *answer, req *http.Request, history []Redirect) *Response {
	r := &Response{
		StatusCode: x.resp.StatusCode, Status: x.resp.Status, Proto: x.resp.Proto, Header: x.resp.Header, ContentLength: x.resp.ContentLength,
		URL: req.URL, Method: req.Method, History: history, TLS: x.resp.TLS, Trailer: x.resp.Trailer, a: a, x: x,
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if x.resp.Body == http.NoBody {
		r.finish(io.EOF)
	}
	return r
}

// String shows the status line and where the answer is from.
func (r *Response) String() string {
	return fmt.Sprintf("<Response %s %s: %s>", r.Method, r.URL.Redacted(), r.Status)
}

// Close ends the response. What was not read is lost, and so is its connection, unless the body was read to its end. It never waits; a second one does
// nothing. asyncio's world: response.release().
func (r *Response) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.rest = nil
	r.finish(ErrClosed)
}

// finish gives back what the response holds, because nothing more will be read: later reads fail with err.
func (r *Response) finish(err error) {
	if r.err == nil || err == ErrClosed {
		r.err = err
	}
	if r.x == nil {
		return
	}
	x := r.x
	r.x = nil
	if r.upload != nil {
		r.upload()
	}
	if r.err == io.EOF {
		r.Trailer = x.resp.Trailer
		x.discarded = true // the end was reached: there is nothing to close
		x.resp.Body.Close()
	} else {
		r.a.end(nil)
	}
	x.close()
	r.a.end(nil)
}

// Read reads at least one byte, or none at the end: the error is [io.EOF] then.
//
// Cancellation: the response is closed, since what is being read cannot be given back.
func (r *Response) Read(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.fill(ctx); err != nil {
		return 0, err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fill waits until there is something in rest.
func (r *Response) fill(ctx context.Context) error {
	if r.busy {
		return ErrBusy
	}
	for len(r.rest) == 0 {
		if r.err != nil {
			return r.err
		}
		if r.piece == nil {
			r.piece = make([]byte, pieceSize)
		}
		piece := r.piece
		got, err := reading(ctx, r, func(body io.Reader) (got, error) {
			n, err := body.Read(piece)
			return got{n, err}, nil
		})
		if err != nil {
			return err
		}
		r.rest = piece[:got.n]
		if got.err != nil {
			r.finish(r.failure(got.err))
		}
	}
	return nil
}

type got struct {
	n   int
	err error
}

// reading calls fn, which reads the body, where it holds up nobody. If the wait is cancelled the response is closed.
func reading[T any](ctx context.Context, r *Response, fn func(body io.Reader) (T, error)) (v T, err error) {
	r.busy = true
	whole := false
	defer func() {
		r.busy = false
		if !whole {
			r.piece = nil // the goroutine may still write into it
			r.Close()
		}
	}()
	body := r.x.resp.Body
	if d, ok := body.(*directBody); ok {
		// The client's time-out ends the context of the request; a block makes that of this call count as well.
		d.ctx = r.a.ctx
		_ = aio.TimeoutAt(ctx, time.Time{}, func(context.Context) error {
			v, err = fn(body)
			return nil
		})
		whole = d.err == nil
		if late := r.a.late(); late != nil && errors.Is(d.err, late) {
			err = r.failure(late)
		} else if d.err != nil {
			err = d.err
		}
		return v, err
	}
	type result struct {
		v   T
		err error
	}
	res, err := aio.ToThread(ctx, func(context.Context) (result, error) {
		v, err := fn(body)
		return result{v, err}, nil
	}, unbounded)
	if err != nil {
		return v, err
	}
	whole = true
	return res.v, res.err
}

// failure is the error for a body that ended with err.
func (r *Response) failure(err error) error {
	if err == io.EOF {
		return err
	}
	if late := r.a.late(); late != nil {
		err = late
	}
	return fmt.Errorf("aiohttp: the body of %s: %w", r.URL.Redacted(), err)
}

// Bytes reads what is left of the body and closes the response. A body of more than [Client.MaxBody] bytes is a [*http.MaxBytesError].
//
// Cancellation: the response is closed.
func (r *Response) Bytes(ctx context.Context) ([]byte, error) {
	return readAll(ctx, r, func(body []byte) ([]byte, error) { return body, nil })
}

// Text is [Response.Bytes] as a string. It is taken to be in UTF-8; other encodings are left as they are.
//
// Cancellation: the response is closed.
func (r *Response) Text(ctx context.Context) (string, error) {
	return readAll(ctx, r, func(body []byte) (string, error) { return string(body), nil })
}

// readAll reads what is left and calls use with it, both on another goroutine.
func readAll[T any](ctx context.Context, r *Response, use func(body []byte) (T, error)) (v T, err error) {
	defer r.Close()
	if r.busy {
		return v, ErrBusy
	}
	most := r.a.c.MaxBody
	if most == 0 {
		most = defaultMaxBody
	}
	before := bytes.Clone(r.rest)
	if r.err != nil {
		if r.err != io.EOF {
			return v, r.err
		}
		if most >= 0 && int64(len(before)) > most {
			return v, r.failure(&http.MaxBytesError{Limit: most})
		}
		return use(before)
	}
	type read struct {
		v      T
		err    error // of reading
		useErr error
	}
	res, err := reading(ctx, r, func(body io.Reader) (x read, _ error) {
		if most >= 0 {
			body = io.LimitReader(body, most+1-int64(len(before)))
		}
		all := bytes.NewBuffer(before)
		if _, x.err = all.ReadFrom(body); x.err != nil {
			return x, nil
		}
		if most >= 0 && int64(all.Len()) > most {
			x.err = &http.MaxBytesError{Limit: most}
			return x, nil
		}
		x.v, x.useErr = use(all.Bytes())
		return x, nil
	})
	switch {
	case err != nil:
		return v, err
	case res.err != nil:
		return v, r.failure(res.err)
	}
	r.finish(io.EOF)
	return res.v, res.useErr
}

// Chunks returns the body in pieces as they come, which may be kept. It ends after the first error, and with the body. A loop that is left
// before leaves the rest to be read, or closed.
//
// Cancellation: the response is closed; the error is the last that the loop gets.
func (r *Response) Chunks(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for chunk, err := range r.pieces(ctx) {
			if !yield(bytes.Clone(chunk), err) {
				return
			}
		}
	}
}

// pieces is Chunks, but each is valid until the next.
func (r *Response) pieces(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			if err := r.fill(ctx); err != nil {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
			chunk := r.rest
			r.rest = nil
			if !yield(chunk, nil) {
				return
			}
		}
	}
}

// Lines returns the body line by line as they come, with their ends; the last one may have none. They may be kept. A line of more than
// 64 KiB is an error that matches [bufio.ErrTooLong]. It ends as [Response.Chunks] does.
//
// Cancellation: as for Chunks.
func (r *Response) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var line []byte
		for {
			err := r.fill(ctx)
			if err == io.EOF {
				if len(line) > 0 {
					yield(line, nil)
				}
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			end := bytes.IndexByte(r.rest, '\n') + 1
			n := end
			if n == 0 {
				n = len(r.rest)
			}
			if len(line)+n > longest {
				yield(nil, r.failure(bufio.ErrTooLong))
				return
			}
			line = append(line, r.rest[:n]...)
			r.rest = r.rest[n:]
			if end == 0 {
				continue
			}
			if !yield(line, nil) {
				return
			}
			line = nil
		}
	}
}

// Body returns the body as a reader for libraries that want one: bufio, encoding/json, encoding/csv, compress/gzip. Its Read suspends the
// task that calls it, and blocks any other goroutine that does, such as that of a client which sends it on; its Close is that of the response.
//
// Cancellation: reads end when ctx or the task that makes them is cancelled, and the response is closed.
func (r *Response) Body(ctx context.Context) io.ReadCloser { return &bodyReader{ctx, r} }

type bodyReader struct {
	ctx context.Context
	r   *Response
}

func (b *bodyReader) Read(p []byte) (int, error) {
	return asTask(b.ctx, func(context.Context) (int, error) { return b.r.Read(b.ctx, p) })
}

func (b *bodyReader) Close() error {
	if aio.InTask(b.ctx) {
		b.r.Close()
		return nil
	}
	_, err := aio.RunningLoop(b.ctx).CallSoonThreadsafe(b.r.Close)
	return err
}

// CopyTo writes what is left of the body to w and closes the response. It returns how many bytes were written. w is written to on
// another goroutine, so that it may be a file or anything else that blocks; nobody writes to it any more when CopyTo has returned.
//
// Cancellation: the response is closed; CopyTo returns when the write that is under way, if one is, has ended.
func (r *Response) CopyTo(ctx context.Context, w io.Writer) (int64, error) {
	defer r.Close()
	if r.busy {
		return 0, ErrBusy
	}
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
	if _, direct := r.x.resp.Body.(*directBody); direct {
		return r.copyDirect(ctx, w, before)
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

// copyDirect is CopyTo for a body that comes from a task.
func (r *Response) copyDirect(ctx context.Context, w io.Writer, before []byte) (n int64, err error) {
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

// Check returns nil if the status is below 400, and else closes the response and returns a [*StatusError] with the beginning of its body.
// It stands for raise_for_status.
//
// Cancellation: the error is that of the cancellation.
func (r *Response) Check(ctx context.Context) error {
	if r.StatusCode < 400 {
		return nil
	}
	defer r.Close()
	var head []byte
	for len(head) < headSize {
		if err := r.fill(ctx); err != nil {
			if errors.Is(err, aio.ErrCancelled) {
				return err
			}
			break // the status is what matters
		}
		n := min(len(r.rest), headSize-len(head))
		head = append(head, r.rest[:n]...)
		r.rest = r.rest[n:]
	}
	return &StatusError{StatusCode: r.StatusCode, Status: r.Status, Method: r.Method, URL: r.URL, Header: r.Header, Head: head}
}
