package aiohttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Direct returns a transport that passes the requests of a [Client] to h without any network. h
// runs as a task of the client's loop. It is for tests: all waiting is by the loop's clock, so
// under a virtual clock slow servers take no time and every run is the same. It returns an error
// unless a [Client] uses it.
func Direct(h http.Handler) http.RoundTripper {
	if h == nil {
		panic("aiohttp: Direct: the handler is nil")
	}
	return &direct{h}
}

type direct struct{ h http.Handler }

func (*direct) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("aiohttp: Direct is a transport for an aiohttp.Client only")
}

// ask makes the hop of a request without a goroutine. wait ends with the request.
func (d *direct) ask(wait context.Context, req *http.Request, done func()) (*answer, error) {
	body := &directBody{}
	served := servedRequest(req)
	body.task = aio.Start(aio.RunningLoop(wait).Context(), func(ctx context.Context) error {
		body.serve(ctx, d.h, served)
		return nil
	}, aio.Name(requestName(served)))
	body.task.AddDoneCallback(func() { // as every transport does
		served.Body.Close()
		if req.Body != nil {
			req.Body.Close()
		}
	})
	x := &answer{done: done}
	if err := body.begun.Wait(wait); err != nil {
		body.Close()
		done()
		return nil, err
	}
	if !body.answered {
		done()
		return nil, urlError(req.Method, req.URL, io.ErrUnexpectedEOF)
	}
	x.resp = &http.Response{
		StatusCode: body.status, Status: statusLine(body.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: body.header, ContentLength: body.length, Body: body, Request: req,
	}
	body.resp = x.resp
	if body.length < 0 {
		x.resp.TransferEncoding = []string{"chunked"}
	}
	return x, nil
}

// directBody is the part of a handler's answer that has not been read. All of it belongs to the
// loop.
type directBody struct {
	task   *aio.Task[aio.None]
	w      *writer
	ctx    context.Context // of the reader, while it reads
	err    error           // of the reader's wait, if that was cancelled
	begun  aiosync.Event   // the head is there, or will never come
	ready  aiosync.Event   // there is something to read
	room   aiosync.Event   // there is room for more
	status int
	header http.Header
	data   []byte

	method   string
	length   int64    // of the body; -1: not known
	trailers []string // names that were announced
	trailer  http.Header
	resp     *http.Response // nil: not made yet
	handlers calls          // goroutines that run the handler

	answered, last, ended, cut, closed bool
}

// serve is the task of the handler.
func (b *directBody) serve(ctx context.Context, h http.Handler, r *http.Request) {
	w := newWriter(ctx, b, r)
	b.w, b.method = w, r.Method
	b.handlers.init()
	whole := false
	defer func() {
		if !whole {
			if v := recover(); v != nil {
				panicked(w, v, debug.Stack())
			} else {
				w.answer(http.StatusInternalServerError) // the loop ends the task
			}
		}
		if b.cut = !w.end(); !b.cut {
			b.last = true
			w.mu.Lock()
			w.collect(false)
			w.mu.Unlock()
			b.cut = b.send(ctx) != nil || w.declared >= 0 && w.accepted != w.declared &&
				hasBody(w.status) && b.method != http.MethodHead
			if b.length < 0 && b.method != http.MethodHead {
				b.trailer = trailersOf(w.header, b.trailers)
				for name, values := range b.trailer {
					if !token(name) {
						delete(b.trailer, name)
						continue
					}
					b.trailer[name] = slices.Clone(values)
					for i, v := range b.trailer[name] {
						b.trailer[name][i] = fieldValue(v)
					}
				}
			}
		}
		b.ended = true
		b.begun.Set()
		b.ready.Set()
	}()
	run(ctx, h, w, r.WithContext(ctx), &b.handlers)
	whole = true
}

func (b *directBody) inform(int, http.Header) {}

// send implements sink.
func (b *directBody) send(ctx context.Context) error {
	if !aio.InTask(ctx) {
		err := aio.Submit(ctx, aio.RunningLoop(ctx), b.send)
		return err
	}
	for p, more := b.w.next(); more; p, more = b.w.next() {
		if p.status != 0 {
			b.status, b.header = p.status, p.header
			b.length, b.trailers = finalHeader(aio.RunningLoop(ctx).Time(), b.method, p.status,
				p.header, b.w.declared, p.data, b.last)
			b.answered = true
			b.begun.Set()
		}
		if b.method == http.MethodHead {
			continue
		}
		b.data = append(b.data, p.data...)
		b.ready.Set()
		for len(b.data) > pieceSize && !b.closed && !b.last {
			b.room.Clear()
			if err := b.room.Wait(ctx); err != nil {
				return err
			}
		}
		if b.closed {
			return ErrClosed
		}
	}
	return nil
}

// Read implements io.Reader for Response.
func (b *directBody) Read(p []byte) (int, error) {
	for len(b.data) == 0 {
		switch {
		case b.closed:
			return 0, ErrClosed
		case b.ended && b.cut:
			return 0, io.ErrUnexpectedEOF
		case b.ended:
			b.resp.Trailer = b.trailer
			return 0, io.EOF
		}
		b.ready.Clear()
		if b.err = b.ready.Wait(b.ctx); b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	b.room.Set()
	return n, nil
}

// Close implements io.Closer: the handler learns that its client has gone.
func (b *directBody) Close() error {
	if !b.closed {
		b.closed = true
		b.room.Set()
		b.task.Cancel(errGone)
	}
	return nil
}
