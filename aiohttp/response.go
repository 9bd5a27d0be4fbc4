package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/sys"
)

const (
	pieceSize = 32 << 10 // of the pieces of a body
	// of the buffer for a whole body, at most; it is doubled when that is full
	firstSize = 64 << 10
	smallSize = 8 << 10     // of a body that is decoded on the goroutine that read it
	headSize  = 512         // of a body in a StatusError
	headTime  = time.Second // to wait for it, at most
)

// Response is the answer to a request. Its head has arrived; its body comes as it is read. One task
// may read it at a time; others get [ErrBusy]. Unless it is read to its end it has to be closed,
// usually by a deferred [Response.Close]. A forgotten response is closed when the garbage collector
// finds it. It is reported to the loop's exception handler as a warning, in debug mode with the
// line of the request, and [Client.Statistics] counts it. Its methods are for the loop only.
// Python: aiohttp.ClientResponse, httpx.Response.
type Response struct {
	_             nocopy.Mark
	StatusCode    int    // 404
	Status        string // "404 Not Found", as the server wrote it: quote it before showing it
	Proto         string // "HTTP/1.1"
	Header        http.Header
	ContentLength int64                // -1 if it is not known
	URL           *url.URL             // of the answer, after redirects
	Method        string               // of the answered request
	History       []Redirect           // redirects, the first one first
	TLS           *tls.ConnectionState // nil without TLS
	Trailer       http.Header          // complete when the body was read to its end
	Tries         int                  // number of tries, the first included

	a       *asking
	x       *answer // nil: nothing more will be read
	cleanup runtime.Cleanup
	piece   []byte // the buffer
	rest    []byte // bytes read but not taken
	read    int64  // bytes of the body, so far
	err     error  // of the next read, once rest is taken
	busy    bool
	closed  bool
}

// response makes the program's response. The answer does not refer to it. When the program has
// forgotten the response, its memory is collected and the answer closed.
func (x *answer) response(req *http.Request, history []Redirect) *Response {
	r := &Response{
		StatusCode:    x.resp.StatusCode,
		Status:        x.resp.Status,
		Proto:         x.resp.Proto,
		Header:        x.resp.Header,
		ContentLength: x.resp.ContentLength,
		URL:           req.URL,
		Method:        method(req),
		History:       history,
		TLS:           x.resp.TLS,
		Trailer:       x.resp.Trailer,
		Tries:         x.count,
		a:             x.asking,
		x:             x,
	}
	if x.resp.Body == http.NoBody {
		r.finish(io.EOF)
		return r
	}
	x.open = true
	loop := x.c.loop
	r.cleanup = runtime.AddCleanup(r, func(x *answer) { loop.CallSoonThreadsafe(x.forget) }, x)
	return r
}

// String shows the status line and the URL, safe to show and without secrets.
func (r *Response) String() string {
	return fmt.Sprintf("<Response %s %s: %s>",
		r.Method, showURL(r.URL), safetext.Cut(r.Status, 100))
}

// Close ends the response. Unread bytes are lost, and so is its connection, unless the body has
// been read to its end. It never waits; a second call does nothing. Python: response.release.
func (r *Response) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.rest = nil
	r.finish(ErrClosed)
}

// finish frees the resources of the response, because nothing more will be read: later reads fail
// with err.
func (r *Response) finish(err error) {
	if r.err == nil || err == ErrClosed {
		r.err = err
	}
	if r.x == nil {
		return
	}
	x := r.x
	r.x = nil
	r.cleanup.Stop()
	if r.err == io.EOF {
		r.Trailer = x.resp.Trailer
	}
	x.release(r.err == io.EOF)
}

// Read reads at least one byte. At the end it returns 0 and [io.EOF].
//
// Cancellation: the response is closed, since bytes being read cannot be given back.
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

// fill waits until rest has bytes.
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
		r.read += int64(got.n)
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

// reading calls fn, which reads the body, off the loop. If the wait is cancelled, the response is
// closed.
func reading[T any](
	ctx context.Context, r *Response, fn func(body io.Reader) (T, error),
) (v T, err error) {
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
	if d, ok := body.(inTask); ok {
		d.within(r.a.ctx) // which the client's time-out ends
		if r.a.isFrom(ctx) {
			v, err = fn(body)
		} else { // a block makes the context of this call count as well
			_ = aio.TimeoutAt(ctx, time.Time{}, func(context.Context) error {
				v, err = fn(body)
				return nil
			})
		}
		cut := d.waited()
		whole = cut == nil
		if cut == nil {
			return v, err
		}
		if late := r.a.late(); late != nil && errtree.Is(cut, late) {
			err = r.failure(late)
			r.finish(err)
			whole = true // the same error from now on
		} else if r.closed && ctx.Err() == nil {
			err = ErrClosed // by another task
		} else {
			err = sys.Error(cut)
		}
		return v, err
	}
	type result struct {
		v   T
		err error
	}
	res, err := aio.ToThread(ctx, func(context.Context) (result, error) {
		v, err := fn(body)
		return result{v, sys.Error(err)}, nil
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
	return fmt.Errorf("aiohttp: the body of %s: %w", showURL(r.URL), shown(err))
}

// Chunks yields the body in pieces as they arrive, which may be kept. It ends after the first
// error, and with the body. If a loop over it ends early, the rest can be read, or closed.
//
// Cancellation: the response is closed; the error is the last item.
func (r *Response) Chunks(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for chunk, err := range r.pieces(ctx) {
			if !yield(bytes.Clone(chunk), err) {
				return
			}
		}
	}
}

// pieces is Chunks, but each piece is valid until the next.
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

// Lines yields the lines of the body as they arrive, with their ends; the last one may have none.
// They may be kept. A line of more than [Client.MaxLine] bytes is an error that matches
// [bufio.ErrTooLong]; the rest of it can still be read. It ends with the body, or after the first
// error, which comes with the incomplete line read so far. If a loop over it ends early, the rest
// can be read, or closed.
//
// Cancellation: as for [Response.Chunks]; the incomplete line comes with the error.
func (r *Response) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		most := r.a.c.MaxLine
		switch {
		case most == 0:
			most = defaultMaxLine
		case most < 0:
			most = math.MaxInt
		}
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
				yield(line, err)
				return
			}
			end := bytes.IndexByte(r.rest, '\n') + 1
			n := end
			if n == 0 {
				n = len(r.rest)
			}
			long := n > most-len(line)
			if long {
				n = most - len(line)
			}
			line = append(line, r.rest[:n]...)
			r.rest = r.rest[n:]
			if long {
				yield(line, r.failure(bufio.ErrTooLong))
				return
			}
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

// Body returns the body as a reader for libraries such as bufio, encoding/json, encoding/csv and
// compress/gzip. In a task its Read suspends the task. On any other goroutine, such as that of a
// client that sends it on, it blocks. Its Close is that of the response.
//
// Cancellation: when ctx or the calling task is cancelled, reads end and the response is closed.
func (r *Response) Body(ctx context.Context) io.ReadCloser { return &bodyReader{ctx, r} }

type bodyReader struct {
	ctx context.Context
	r   *Response
}

func (b *bodyReader) Read(p []byte) (int, error) {
	return countAsTask(b.ctx, func(context.Context) (int, error) { return b.r.Read(b.ctx, p) })
}

func (b *bodyReader) Close() error {
	if aio.InTask(b.ctx) {
		b.r.Close()
		return nil
	}
	_, err := aio.RunningLoop(b.ctx).CallSoonThreadsafe(b.r.Close)
	return err
}

// Check returns nil if the status is below 400. Otherwise it closes the response and returns a
// [*StatusError] with the beginning of its body, as far as that arrives within a second. Python:
// raise_for_status.
//
// Cancellation: it returns the error of the cancellation.
func (r *Response) Check(ctx context.Context) error {
	if r.StatusCode < 400 {
		return nil
	}
	defer r.Close()
	var head []byte
	err := aio.Timeout(ctx, headTime, func(ctx context.Context) error {
		for len(head) < headSize {
			if err := r.fill(ctx); err != nil {
				return err
			}
			n := min(len(r.rest), headSize-len(head))
			head = append(head, r.rest[:n]...)
			r.rest = r.rest[n:]
		}
		return nil
	})
	if errtree.Is(err, aio.ErrCancelled) { // otherwise the status is what matters
		return err
	}
	return &StatusError{
		StatusCode: r.StatusCode, Status: r.Status, Tries: r.Tries,
		Method: r.Method, URL: r.URL, Header: r.Header, Head: head,
	}
}
