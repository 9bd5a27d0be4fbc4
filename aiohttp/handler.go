package aiohttp

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
)

// errGone is why a handler is cancelled whose client has gone away.
var errGone = errors.New("the client has gone away")

// HandlerFunc is a handler of package net/http for tasks: it gets the context of its task, and may return an error. If nothing was sent
// until then the client gets status 500, or 503 if the error is a time-out or the loop is being shut down; otherwise the answer is cut off. The error is given to the loop's exception handler, except
// where the client is gone. It is used with [Serve], [OnLoop] or [Direct].
type HandlerFunc func(ctx context.Context, w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements [http.Handler].
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := f(r.Context(), w, r)
	if err == nil {
		return
	}
	for inner := w; ; {
		switch x := inner.(type) {
		case *writer:
			x.fail(r, err)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			inner = x.Unwrap()
		default:
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
	}
}

// OnLoop returns a handler for any server or router of net/http that runs h as a task of loop l: one handler, or a whole router of them. What requests
// share then needs no lock, as long as only tasks of the loop use it.
//
// The context of the request is that of the task. It is cancelled when the client goes away. Reading the request's body and writing
// more than 32 KiB, or flushing, suspends the task while net/http is busy with it; if such a wait is cancelled the body cannot be read, or the answer not be written, any further.
// A panic of h is answered with status 500, if nothing was sent, or cuts the answer off; it goes to the server's ErrorLog, except
// [http.ErrAbortHandler]. When the loop is closed requests get status 503.
//
// The writer that h gets can flush, and set deadlines by means of [http.ResponseController]. It cannot be hijacked: a connection that changes its protocol
// has no use for the loop of an HTTP handler; let a handler beside this one take it.
func OnLoop(l *aio.Loop, h http.Handler) http.Handler {
	if l == nil || h == nil {
		panic("aiohttp: OnLoop: the loop or the handler is nil; the loop is that of aio.RunningLoop(ctx)")
	}
	return &onLoop{loop: l, h: h}
}

type onLoop struct {
	loop    *aio.Loop
	h       http.Handler
	active  atomic.Int64 // requests that are not answered yet
	waiting atomic.Bool  // somebody wants to know when there are none
	idle    aio.Event    // is set then
}

// leave counts a request that was answered. It runs on any goroutine.
func (o *onLoop) leave() {
	if o.active.Add(-1) == 0 && o.waiting.Load() {
		o.loop.CallSoonThreadsafe(o.idle.Set)
	}
}

// quiet waits until there are no requests.
func (o *onLoop) quiet(ctx context.Context) error {
	o.waiting.Store(true)
	for o.active.Load() > 0 {
		o.idle.Clear()
		if o.active.Load() == 0 { // in between
			return nil
		}
		if err := o.idle.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ServeHTTP implements http.Handler, on a goroutine of the server.
func (o *onLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.active.Add(1)
	defer o.leave()
	x := &exchange{on: o, w: w, r: r, control: http.NewResponseController(w)}
	// The task has the values of the request and not its cancellation: this goroutine must not return before the task has ended.
	aio.Submit(context.WithoutCancel(r.Context()), o.loop, x.serve)
	x.finish()
}

// exchange is one request and its answer.
type exchange struct {
	on      *onLoop
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	task    *writer // nil: the task never ran

	reads, writes calls
	torn          bool // a read of the body was given up
}

// serve is the task.
func (x *exchange) serve(ctx context.Context) (_ aio.None, _ error) {
	o := x.on
	self := aio.CurrentTask(ctx)
	self.SetName(x.r.Method + " " + x.r.URL.Path)
	stop := context.AfterFunc(x.r.Context(), func() {
		o.loop.CallSoonThreadsafe(func() { self.Cancel(errGone) })
	})
	defer stop()
	w := newWriter(ctx, x)
	x.task = w
	whole := false
	defer func() {
		if whole {
			return
		}
		if v := recover(); v != nil {
			w.panicked(x.r, v, debug.Stack())
		} else {
			w.answer(http.StatusInternalServerError) // the task is being ended
		}
	}()
	r := x.r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &requestBody{x: x, ctx: ctx, body: r.Body}
	}
	o.h.ServeHTTP(&controlled{w, x.control}, r)
	whole = true
	return
}

// controlled is a writer with what http.ResponseController can do.
type controlled struct {
	*writer
	control *http.ResponseController
}

// Unwrap leads HandlerFunc to the writer.
func (c *controlled) Unwrap() http.ResponseWriter { return c.writer }

func (c *controlled) SetReadDeadline(at time.Time) error  { return c.control.SetReadDeadline(at) }
func (c *controlled) SetWriteDeadline(at time.Time) error { return c.control.SetWriteDeadline(at) }
func (c *controlled) EnableFullDuplex() error             { return c.control.EnableFullDuplex() }

// inform implements sink.
func (x *exchange) inform(status int, header http.Header) {
	x.thread(context.WithoutCancel(x.task.ctx), &x.writes, func() { x.head(status, header) })
}

func (x *exchange) head(status int, header http.Header) {
	maps.Copy(x.w.Header(), header)
	x.w.WriteHeader(status)
}

// send implements sink.
func (x *exchange) send(ctx context.Context, status int, header http.Header, data []byte, flush bool) error {
	var err error
	if waited := x.thread(ctx, &x.writes, func() {
		if status != 0 {
			x.head(status, header)
		}
		if len(data) > 0 {
			_, err = x.w.Write(data)
		}
		if flush && err == nil {
			err = x.control.Flush()
		}
	}); waited != nil {
		return waited
	}
	return err
}

// thread calls fn, which blocks, on another goroutine. finish waits for it, also if the task does not any more.
func (x *exchange) thread(ctx context.Context, calls *calls, fn func()) error {
	calls.begin()
	var taken atomic.Bool // by the goroutine, or by the task because there will be none
	err := aio.Blocking(ctx, func(context.Context) error {
		if taken.CompareAndSwap(false, true) {
			defer calls.end()
			fn()
		}
		return nil
	}, unbounded)
	if err != nil && taken.CompareAndSwap(false, true) {
		calls.end()
	}
	return err
}

// calls counts the goroutines that use something of a request.
type calls struct {
	n   atomic.Int32
	all sync.WaitGroup
}

func (c *calls) begin()         { c.n.Add(1); c.all.Add(1) }
func (c *calls) end()           { c.n.Add(-1); c.all.Done() }
func (c *calls) underWay() bool { return c.n.Load() > 0 }
func (c *calls) wait()          { c.all.Wait() }

// finish is what the server's goroutine does when the task has ended.
func (x *exchange) finish() {
	w := x.task
	if w == nil {
		http.Error(x.w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	past := time.Unix(1, 0)
	if x.torn || x.reads.underWay() { // nobody waits for the rest, net/http neither; there is no other way to end a read
		x.control.SetReadDeadline(past)
		x.reads.wait()
	}
	if w.err != nil || w.aborted {
		x.control.SetWriteDeadline(past)
	}
	x.writes.wait()
	if w.err != nil || w.aborted {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(x.w.Header(), w.header) // after the head these are trailers
	if !w.sent {
		if w.status == 0 {
			w.status = http.StatusOK
		}
		if len(w.buf) > 0 && w.header.Get("Content-Length") == "" && w.header.Get("Trailer") == "" && hasBody(w.status) {
			x.w.Header().Set("Content-Length", strconv.Itoa(len(w.buf)))
		}
		x.w.WriteHeader(w.status)
	}
	if len(w.buf) > 0 {
		x.w.Write(w.buf)
	}
}

// requestBody is the body of a request for a task.
type requestBody struct {
	x    *exchange
	ctx  context.Context
	body io.ReadCloser
	rest []byte
	err  error
}

// Read suspends the task until something has come.
func (b *requestBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		var n int
		var err error
		buf := make([]byte, max(512, min(len(p), pieceSize)))
		if b.err = b.x.thread(b.ctx, &b.x.reads, func() { n, err = b.body.Read(buf) }); b.err != nil {
			b.x.torn = true
			return 0, b.err
		}
		b.rest, b.err = buf[:n], err
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends reading; the server takes what is left.
func (b *requestBody) Close() error {
	b.rest, b.err = nil, http.ErrBodyReadAfterClose
	return nil
}
