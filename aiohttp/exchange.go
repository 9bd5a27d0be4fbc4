package aiohttp

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// exchange is one request and its answer under OnLoop. Its handler is a task. The goroutine that
// waits is the one that uses net/http.
type exchange struct {
	on      *onLoop
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	task    *writer      // nil: the task never ran
	began   time.Time    // for the access log
	body    *requestBody // nil: there is none

	sending          sync.Mutex  // held while w is written to; never by a waiting task
	ownRead          atomic.Bool // the handler has set a deadline for reading
	ownWrite         atomic.Bool // the handler has set one for writing
	late             atomic.Bool // a read has met its deadline
	reads, writes    calls
	handlers         calls // goroutines that run the handler
	hijacked, headed bool  // guarded by sending
}

// serve is the task.
func (x *exchange) serve(ctx context.Context) (_ aio.None, _ error) {
	o := x.on
	defer inspect.EndContext(ctx)
	self := aio.CurrentTask(ctx)
	self.SetName(requestName(x.r))
	x.began = o.loop.Time()
	stop := context.AfterFunc(x.r.Context(), func() {
		cause := context.Cause(x.r.Context())
		if cause == context.Canceled {
			if x.onlyLate() {
				return
			}
			cause = errGone
		}
		o.loop.CallSoonThreadsafe(func() { self.Cancel(cause) })
	})
	defer stop()
	r := x.r.WithContext(ctx)
	defer passForm(x.r, r)
	w := newWriter(ctx, x, x.r)
	maps.Copy(w.header, x.w.Header()) // from middleware in front of this
	x.task = w
	whole := false
	defer func() {
		if whole {
			return
		}
		if v := recover(); v != nil {
			panicked(w, v, debug.Stack())
		} else {
			w.answer(http.StatusInternalServerError) // the loop ends the task
		}
	}()
	if r.Body != nil && r.Body != http.NoBody {
		x.body = &requestBody{x: x, seen: r, ctx: ctx, body: r.Body}
		r.Body = x.body
	}
	run(ctx, o.h, &controlled{w, x}, r, &x.handlers)
	whole = true
	return
}

// onlyLate reports whether the request was cancelled because a read has met its deadline. net/http
// does not distinguish a client that is gone from a silent one, which may still get an answer. Such
// a read ends at that moment.
func (x *exchange) onlyLate() bool {
	ended := make(chan struct{})
	go func() {
		x.reads.wait()
		close(ended)
	}()
	timer := time.NewTimer(time.Second) // a read of another body than net/http's may go on
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	return x.late.Load()
}

// controlled is a writer with the methods for http.ResponseController.
type controlled struct {
	*writer
	x *exchange
}

// Unwrap leads HandlerFunc to the writer.
func (c *controlled) Unwrap() http.ResponseWriter { return c.writer }

func (c *controlled) SetReadDeadline(at time.Time) error {
	c.x.ownRead.Store(true)
	return c.x.control.SetReadDeadline(at)
}

func (c *controlled) SetWriteDeadline(at time.Time) error {
	c.x.ownWrite.Store(true)
	return c.x.control.SetWriteDeadline(at)
}

func (c *controlled) EnableFullDuplex() error { return c.x.control.EnableFullDuplex() }

// Hijack implements [http.Hijacker]. For a task the connection is one of the loop, and suspends it.
func (c *controlled) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if c.isChosen() {
		if err := c.FlushError(); err != nil {
			return nil, nil, err
		}
	}
	if !aio.InTask(c.ctx) {
		return c.hijack()
	}
	var conn net.Conn
	var rw *bufio.ReadWriter
	var err error
	waited := c.x.thread(context.WithoutCancel(c.ctx), &c.x.writes, func() {
		conn, rw, err = c.hijack()
	})
	if err = cmp.Or(waited, err); err != nil {
		return nil, nil, err
	}
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
	life := context.WithoutCancel(c.ctx) // the connection outlasts the request
	r, w, err := stream.Adopt(life, conn, transport.AlreadyReceived(ahead))
	if err != nil {
		return nil, nil, err
	}
	conn = stream.NetConn(c.loop.Context(), r, w)
	br := bufio.NewReaderSize(conn, max(len(ahead), firstBuffer))
	if len(ahead) > 0 {
		br.Peek(len(ahead)) // does not wait: the bytes are there
	}
	return conn, bufio.NewReadWriter(br, bufio.NewWriter(conn)), nil
}

// hijack takes the connection of net/http, which blocks its user.
func (c *controlled) hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.x.sending.Lock()
	defer c.x.sending.Unlock()
	conn, rw, err := c.x.control.Hijack()
	if c.x.hijacked = c.x.hijacked || err == nil; err == nil {
		c.mu.Lock()
		c.err = http.ErrHijacked
		c.mu.Unlock()
	}
	if limited, ok := conn.(*limitedConn); ok {
		limited.free()
	}
	return conn, rw, err
}

// inform sends a head with a status below 200.
func (x *exchange) inform(status int, header http.Header) {
	x.thread(context.WithoutCancel(x.task.ctx), &x.writes, func() {
		x.sending.Lock()
		defer x.sending.Unlock()
		if x.headed {
			return
		}
		h := x.w.Header()
		clear(h)
		maps.Copy(h, header)
		// When the client goes away, the server of HTTP/2 goes on reading the map. With this field
		// it makes a copy.
		h["Transfer-Encoding"] = nil
		x.w.WriteHeader(status)
		delete(h, "Transfer-Encoding")
	})
}

// head sends the head. data says whether a write follows at once. sending is held.
func (x *exchange) head(status int, header http.Header, data bool) {
	x.headed = true
	h := x.w.Header()
	clear(h)
	maps.Copy(h, header)
	if x.tooLarge(status) {
		// http.MaxBytesReader does this to the writer that it gets, if that is net/http's own.
		http.MaxBytesReader(x.w, io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
		if x.r.ProtoMajor == 1 {
			h.Set("Connection", "close")
		}
	}
	if x.task.said || !data { // else the write says it, and a recorder of httptest adds the type
		x.w.WriteHeader(status)
	}
}

// tooLarge reports whether the client sends more than the handler accepts, so that its connection
// has to be closed.
func (x *exchange) tooLarge(status int) bool {
	b := x.body
	return b != nil && limit(b.limit.Load()).exceeded(status)
}

// send sends the pieces that the writer has, in their order, and waits until they were taken.
func (x *exchange) send(ctx context.Context) error {
	var err error
	if waited := x.thread(ctx, &x.writes, func() {
		x.sending.Lock()
		defer x.sending.Unlock()
		for err == nil {
			p, more := x.task.next()
			if !more {
				return
			}
			err = x.write(p)
		}
	}); waited != nil {
		return waited
	}
	return err
}

func (x *exchange) isHijacked() bool {
	x.sending.Lock()
	defer x.sending.Unlock()
	return x.hijacked
}

// write sends a piece. sending is held.
func (x *exchange) write(p piece) (err error) {
	if x.hijacked {
		return http.ErrHijacked
	}
	l := x.on.limits
	if l.progress > 0 && l.writing && x.r.ProtoMajor > 1 && !x.ownWrite.Load() {
		// In HTTP/1 each write on the connection has a limit.
		x.control.SetWriteDeadline(time.Now().Add(l.progress))
	}
	if p.status != 0 {
		x.head(p.status, p.header, len(p.data) > 0)
	}
	if len(p.data) > 0 {
		_, err = x.w.Write(p.data)
	}
	if p.flush && err == nil {
		err = x.control.Flush()
	}
	return err
}

// readBody reads from net/http, within the client's time for it.
func (x *exchange) readBody(body io.Reader, p []byte) (int, error) {
	if x.limitRead() {
		defer x.control.SetReadDeadline(time.Time{})
	}
	n, err := body.Read(p)
	if errtree.Is(err, os.ErrDeadlineExceeded) {
		x.late.Store(true)
	}
	return n, err
}

// limitRead sets the client's time for the next piece of a body.
func (x *exchange) limitRead() bool {
	l := x.on.limits
	return l.progress > 0 && l.reading && !x.ownRead.Load() &&
		x.control.SetReadDeadline(time.Now().Add(l.progress)) == nil
}

// thread calls fn, which blocks. In a task, another goroutine calls it and the task is suspended;
// any other goroutine calls it directly. finish waits for it, even if the task no longer does.
func (x *exchange) thread(ctx context.Context, calls *calls, fn func()) error {
	if aio.InTask(ctx) {
		_, err := elsewhere(ctx, calls, func(context.Context) { fn() })
		return err
	}
	if !calls.begin() {
		return errOver
	}
	defer calls.end()
	fn()
	return nil
}

// calls counts the goroutines that use a part of a request, until no more may begin.
type calls struct {
	mu   sync.Mutex
	none sync.Cond
	n    int
	over bool
}

func (c *calls) init() { c.none.L = &c.mu }

// begin counts a goroutine, unless shut was called.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.n++
	return true
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 {
		c.none.Broadcast()
	}
}

// shut lets no more goroutines begin. It reports whether some are running.
func (c *calls) shut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return c.n > 0
}

func (c *calls) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n > 0 {
		c.none.Wait()
	}
}

// finish is called by the server's goroutine when the task has ended.
func (x *exchange) finish() {
	w := x.task
	if w == nil {
		http.Error(x.w, http.StatusText(http.StatusServiceUnavailable),
			http.StatusServiceUnavailable)
		return
	}
	x.handlers.shut()
	x.handlers.wait() // if the loop has ended before these goroutines
	whole := w.end()
	past := time.Unix(1, 0)
	if x.isHijacked() { // what is done to the writer would be done to the connection
		if x.body != nil {
			x.body.Close()
		}
		x.reads.shut()
		x.writes.shut()
		x.writes.wait()
		return
	}
	if b := x.body; b != nil {
		b.Close()
		// The rest is not needed, not by net/http either; there is no other way to end a read.
		left := x.reads.shut() || b.torn.Load() != nil
		if left && x.control.SetReadDeadline(past) == nil {
			x.reads.wait()
		} else if !b.whole() {
			x.limitRead() // net/http reads on, to keep the connection
		}
	}
	if !whole {
		x.control.SetWriteDeadline(past)
	}
	x.writes.shut()
	x.writes.wait()
	if !whole {
		if m := x.r.MultipartForm; m != nil {
			m.RemoveAll() // net/http does so for whole answers only
		}
		panic(http.ErrAbortHandler)
	}
	if !w.sent {
		if w.status == 0 {
			w.freeze(http.StatusOK)
		}
		h := w.frozen
		_, told := h["Content-Length"]
		if len(w.buf) > 0 && hasBody(w.status) && !hasTrailers(h) && !told &&
			h.Get("Transfer-Encoding") == "" {
			w.frozen.Set("Content-Length", strconv.Itoa(len(w.buf)))
		}
		x.head(w.status, w.frozen, len(w.buf) > 0)
	}
	if len(w.buf) > 0 {
		x.w.Write(w.buf)
	}
	maps.Copy(x.w.Header(), w.header) // fields set after the head are trailers
	if w.declared >= 0 && w.written > w.declared && w.accepted == w.declared {
		x.w.Write([]byte{0}) // is refused, so that net/http does not use the connection again
	}
	if x.tooLarge(w.status) {
		x.control.SetReadDeadline(past)
	}
}
