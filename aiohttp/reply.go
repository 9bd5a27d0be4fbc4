package aiohttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

const (
	// pieceWritten is how much of a large piece is given to the transport before there has to be room
	// for more.
	pieceWritten = 128 << 10
	// withHead is how much of a large piece goes in one write with the head.
	withHead = 16 << 10
)

// reply is one request of a serverConn, and the http.ResponseWriter that answers it. What is written is
// collected, so that a short answer is one write with its head, and has a length.
//
//	state  | meaning                  | header fields | left by
//	new    | nothing was said         | count         | WriteHeader, Write, Flush
//	chosen | status and fields are    | of trailers   | a full piece, Flush, the handler's end
//	       | chosen, and serialised   |               |
//	sent   | the head has gone        | of trailers   | the handler's end
//	over   | the handler has returned | -             | -
//
// Other goroutines may write, one at a time, as to each http.ResponseWriter: what they write is
// collected under mu, and sent by a task of the loop.
type reply struct {
	c      *serverConn
	ctx    context.Context // of the task
	req    *http.Request
	parsed *http.Request // whose trailers net/http fills in; nil: there are none
	self   aio.AnyTask   // set when it has begun
	header http.Header   // the handler's
	body   incomingBody

	isHead, is11, wants10KeepAlive, wantsClose bool // of the request
	expects, failsExpectation                  bool
	ownRead, fullDuplex                        bool // set by the handler
	started, gone, cancelled                   bool // the task has begun; the client has left; the task knows
	unread                                     bool // the client may be sending still, at the end
	closeAfter                                 bool // the connection is not used again
	chunking, sent, owesCRLF                   bool // belong to the loop, as all above
	sending                                    aiosync.Lock
	mayContinue                                atomic.Bool // 100 Continue was not sent, and is of use
	trailers                                   []string
	began                                      time.Time // for the access log

	mu       sync.Mutex // guards the rest
	status   int        // 0: not chosen yet
	fields   frozen
	declared int64              // the length that the handler has announced; -1: none
	written  int64              // that the handler has tried to write
	accepted int64              // of these
	out      []byte             // fields.size bytes of the head, as long as it was not sent, and the body behind it
	head     *[firstBuffer]byte // under out, or piece is, or neither
	piece    *[pieceSize]byte
	err      error // what sending failed with; nothing goes after that
	aborted  bool  // what has gone is not the whole answer
	over     bool
	hijacked bool
}

// cancel tells the handler that its client has gone. A task that is cancelled before its first step
// never takes one, so that waits until then.
func (w *reply) cancel() {
	switch {
	case !w.started:
		w.gone = true
	case !w.cancelled:
		w.cancelled = true
		w.self.Cancel(errGone)
	}
}

// serve calls the handler.
func (w *reply) serve() {
	s := w.c.s
	if s.on.limits.accessLog != nil {
		w.began = s.loop.Time()
	}
	if w.failsExpectation {
		w.header.Set("Connection", "close")
		w.WriteHeader(http.StatusExpectationFailed)
		return
	}
	whole := false
	defer func() {
		if whole {
			return
		}
		if v := recover(); v != nil {
			w.panicked(v, debug.Stack())
		} else {
			w.answer(http.StatusInternalServerError) // the task is being ended
		}
	}()
	if w.req.RequestURI == "*" && w.req.Method == http.MethodOptions && !s.http.DisableGeneralOptionsHandler {
		w.header.Set("Content-Length", "0")
		if w.req.ContentLength != 0 { // as net/http does it
			io.Copy(io.Discard, http.MaxBytesReader(w, w.req.Body, 4<<10))
		}
	} else {
		s.answer(w)
	}
	whole = true
}

// Header implements http.ResponseWriter.
func (w *reply) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *reply) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("aiohttp: WriteHeader: there is no status %d; use those of net/http", status))
	}
	w.mu.Lock()
	switch {
	case w.over:
	case w.hijacked:
		w.mu.Unlock()
		at := callerOfWriter()
		w.c.s.logf("http: response.WriteHeader on hijacked connection from %s (%s:%d)",
			at.Function, path.Base(at.File), at.Line)
		return
	case w.status != 0: // the first one counts
		w.mu.Unlock()
		at := callerOfWriter()
		w.c.s.logf("http: superfluous response.WriteHeader call from %s (%s:%d)",
			at.Function, path.Base(at.File), at.Line)
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.mu.Unlock()
		w.inform(status)
		return
	default:
		w.freeze(status)
	}
	w.mu.Unlock()
}

// inform sends a head with a status below 200.
func (w *reply) inform(status int) {
	head := appendStatusLine(nil, w.is11, status)
	head = appendFields(head, w.header, "Content-Length", "Transfer-Encoding")
	head = append(head, "\r\n"...)
	w.onLoop(func(ctx context.Context) error {
		if w.sent || w.over {
			return nil
		}
		if status == http.StatusContinue {
			w.mayContinue.Store(false)
		}
		if err := w.c.write(head); err != nil {
			return err
		}
		return w.c.drain(ctx)
	})
}

// onLoop calls fn, which may await, in a task of the loop.
func (w *reply) onLoop(fn func(ctx context.Context) error) error {
	if aio.InTask(w.ctx) {
		return fn(w.ctx)
	}
	_, err := asTask(w.ctx, aio.Action(fn))
	if errtree.Is(err, aio.ErrLoopClosed) {
		return errOver
	}
	return err
}

// freeze chooses the status. Header fields that are set from now on do not count.
func (w *reply) freeze(status int) {
	w.status = status
	w.mayContinue.Store(false)
	w.out = w.buffer(0)
	w.out = w.fields.freeze(w.out, w.header, status)
	w.fields.size = len(w.out)
	if told := w.fields.length.first; told != "" {
		if n, err := strconv.ParseInt(told, 10, 64); err == nil && n >= 0 {
			w.declared = n
		} else { // chunks then
			w.c.s.logf("http: invalid Content-Length of %q", told)
		}
	}
}

// buffer returns where to collect the answer, with room for n bytes more if they are not too many.
func (w *reply) buffer(n int) []byte {
	switch {
	case cap(w.out)-len(w.out) >= n && w.out != nil, w.piece != nil:
	case w.out == nil && n <= firstBuffer:
		w.head = heads.Get().(*[firstBuffer]byte)
		w.out = w.head[:0]
	default:
		w.piece = pieces.Get().(*[pieceSize]byte)
		w.out = append(w.piece[:0], w.out...)
		if w.head != nil {
			heads.Put(w.head)
			w.head = nil
		}
	}
	return w.out
}

// dropBuffer gives the memory back.
func (w *reply) dropBuffer() {
	if w.piece != nil {
		pieces.Put(w.piece)
		w.piece = nil
	}
	if w.head != nil {
		heads.Put(w.head)
		w.head = nil
	}
	w.out = nil
}

// Write implements http.ResponseWriter.
func (w *reply) Write(p []byte) (int, error) { return writeReply(w, p) }

// WriteString implements io.StringWriter.
func (w *reply) WriteString(s string) (int, error) { return writeReply(w, s) }

func writeReply[T []byte | string](w *reply, p T) (int, error) {
	w.mu.Lock()
	if w.status == 0 && !w.over && !w.hijacked {
		w.freeze(http.StatusOK)
	}
	var err error
	switch {
	case w.hijacked:
		err = http.ErrHijacked
	case w.over:
		err = errOver
	case w.err != nil:
		err = w.err
	case len(p) == 0:
	case !hasBody(w.status):
		err = http.ErrBodyNotAllowed
	default:
		w.written += int64(len(p))
		if w.declared >= 0 && w.written > w.declared {
			err = http.ErrContentLength
		}
	}
	if err != nil || len(p) == 0 {
		w.mu.Unlock()
		return 0, err
	}
	w.accepted += int64(len(p))
	if len(w.out)-w.fields.size+len(p) < pieceSize {
		w.out = append(w.buffer(len(p)), p...)
		w.mu.Unlock()
		return len(p), nil
	}
	w.mu.Unlock()
	if err := w.push([]byte(p), false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (w *reply) Flush() { w.FlushError() }

// FlushError is what http.ResponseController flushes with.
func (w *reply) FlushError() error {
	w.mu.Lock()
	switch {
	case w.hijacked:
		w.mu.Unlock()
		return http.ErrHijacked
	case w.over:
		w.mu.Unlock()
		return errOver
	case w.status == 0:
		w.freeze(http.StatusOK)
	}
	w.mu.Unlock()
	return w.push(nil, true)
}

// push sends what was collected, and p.
func (w *reply) push(p []byte, flush bool) error {
	if aio.InTask(w.ctx) {
		return w.send(w.ctx, p, flush)
	}
	return w.onLoop(func(ctx context.Context) error { return w.send(ctx, p, flush) })
}

// send is push in a task. Not much of p is copied.
func (w *reply) send(ctx context.Context, p []byte, flush bool) error {
	if err := w.sending.Acquire(ctx); err != nil {
		return err
	}
	defer w.sending.Release()
	w.mu.Lock()
	over, err := w.over, w.err
	w.mu.Unlock()
	switch {
	case over:
		return errOver
	case err != nil:
		return err
	}
	if err := w.transfer(ctx, p, flush, false); err != nil {
		return err
	}
	err = w.c.drain(ctx)
	if err != nil && w.c.lost != nil {
		w.fails(err)
	}
	return err
}

func (w *reply) fails(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// transfer sends what was collected, and p. last says that nothing follows. sending is held, unless it
// is the last.
func (w *reply) transfer(ctx context.Context, p []byte, flush, last bool) error {
	if !w.sent {
		w.mu.Lock()
		w.sniff(p)
		w.mu.Unlock()
		w.settle(ctx, last, len(p))
	}
	w.mu.Lock()
	out := w.out
	size := w.fields.size
	scratch := w.c.s.scratch[:0]
	if !w.sent {
		scratch = w.appendHead(scratch, out[:size])
		w.sent = true
	}
	data := out[size:]
	if w.isHead || !hasBody(w.status) {
		data, p = nil, nil
	}
	if w.owesCRLF {
		scratch = append(scratch, "\r\n"...)
		w.owesCRLF = false
	}
	n := len(data) + len(p)
	if w.chunking && n > 0 {
		scratch = strconv.AppendInt(scratch, int64(n), 16)
		scratch = append(scratch, "\r\n"...)
		w.owesCRLF = true
	}
	scratch = append(scratch, data...)
	w.dropBuffer()
	w.fields.size = 0
	w.mu.Unlock()
	if len(p) <= withHead {
		scratch, p = append(scratch, p...), nil
	} else if len(scratch) > 0 {
		scratch, p = append(scratch, p[:withHead]...), p[withHead:]
	}
	if len(p) == 0 && w.owesCRLF && (flush || last) {
		scratch = append(scratch, "\r\n"...)
		w.owesCRLF = false
	}
	if last && w.chunking && !w.isHead {
		scratch = w.appendEnd(scratch)
	}
	err := error(nil)
	if len(scratch) > 0 {
		err = w.c.write(scratch)
	}
	w.c.s.scratch = scratch[:0]
	for len(p) > 0 && err == nil {
		part := p[:min(len(p), pieceWritten)]
		if p = p[len(part):]; w.c.full {
			if err = w.c.drain(ctx); err != nil {
				w.fails(err) // the rest of a chunk is missing
				return err
			}
		}
		err = w.c.write(part)
	}
	if err == nil && w.owesCRLF && flush {
		w.owesCRLF = false
		err = w.c.write([]byte("\r\n"))
	}
	if err != nil {
		w.fails(err)
	}
	return err
}

// finish ends the answer when the handler has returned, in its task. It reports whether the connection
// can be used again.
func (w *reply) finish() (keep bool) {
	w.mu.Lock()
	if w.hijacked {
		w.over = true
		w.dropBuffer()
		w.mu.Unlock()
		return false
	}
	if w.status == 0 {
		w.freeze(http.StatusOK)
	}
	whole := w.err == nil && !w.aborted
	w.over = true
	w.mu.Unlock()
	if w.sending.Locked() { // of a goroutine that goes on
		whole = false
	}
	if !whole {
		w.cutOff()
		return false
	}
	ctx := w.ctx
	if err := w.transfer(ctx, nil, false, true); err != nil {
		w.cutOff()
		return false
	}
	w.unread = !w.body.isDone()
	if w.unread && !w.closeAfter && !w.body.closed { // full duplex
		w.body.close(ctx)
		w.unread = !w.body.isDone()
	}
	w.body.stop()
	if m := w.req.MultipartForm; m != nil {
		aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error { return m.RemoveAll() }, unbounded)
	}
	tooShort := !w.isHead && w.declared >= 0 && hasBody(w.status) && w.declared != w.written
	return !w.closeAfter && !w.unread && !tooShort && w.c.lost == nil
}

// cutOff gives the answer up.
func (w *reply) cutOff() {
	w.mu.Lock()
	w.over, w.aborted = true, true
	w.dropBuffer()
	w.mu.Unlock()
	w.body.stop()
}

// answer replaces what was collected, if nothing has gone.
func (w *reply) answer(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent || w.hijacked {
		w.aborted = true
		return
	}
	clear(w.header)
	text := http.StatusText(status) + "\n"
	w.header.Set("Content-Type", "text/plain; charset=utf-8")
	w.header.Set("X-Content-Type-Options", "nosniff")
	w.header.Set("Content-Length", strconv.Itoa(len(text)))
	w.dropBuffer()
	w.freeze(status)
	w.out = append(w.out, text...)
	w.written, w.accepted = w.declared, w.declared
}

// fail ends the answer of a handler that returned an error.
func (w *reply) fail(err error) {
	w.mu.Lock()
	gone := w.err != nil || errtree.Is(context.Cause(w.ctx), errGone)
	abort := gone || errtree.Is(err, http.ErrAbortHandler)
	w.aborted = w.aborted || abort
	w.mu.Unlock()
	switch {
	case abort:
	case w.ctx.Err() != nil:
		w.answer(http.StatusServiceUnavailable) // the loop is being shut down
	case errtree.Is(err, context.DeadlineExceeded):
		w.answer(http.StatusServiceUnavailable)
		w.report(err)
	default:
		w.answer(http.StatusInternalServerError)
		w.report(err)
	}
}

func (w *reply) report(err error) {
	w.c.s.loop.CallExceptionHandler(aio.Report{
		Message: "aiohttp: the handler of " + requestName(w.req) + " failed", Err: err,
	})
}

// panicked ends the answer of a handler that panicked, and reports it as net/http does.
func (w *reply) panicked(v any, stack []byte) {
	if v == http.ErrAbortHandler {
		w.mu.Lock()
		w.aborted = true
		w.mu.Unlock()
		return
	}
	if p, ok := v.(*aio.PanicError); ok {
		v, stack = p.Value, p.Stack
	}
	w.answer(http.StatusInternalServerError)
	w.c.s.logf("http: panic serving %s: %s\n%s",
		safetext.Line(w.req.RemoteAddr), safetext.Lines(fmt.Sprint(v)), stack)
}

// SetReadDeadline, SetWriteDeadline and EnableFullDuplex are for http.ResponseController.
func (w *reply) SetReadDeadline(at time.Time) error {
	return w.onLoop(func(context.Context) error {
		w.ownRead = true
		w.c.setReadDeadline(at)
		return nil
	})
}

func (w *reply) SetWriteDeadline(at time.Time) error {
	return w.onLoop(func(context.Context) error {
		w.c.setWriteDeadline(at)
		return nil
	})
}

func (w *reply) EnableFullDuplex() error {
	return w.onLoop(func(context.Context) error {
		w.fullDuplex = true
		return nil
	})
}
