package aiohttp

import (
	"context"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// reply is one request of a serverConn, and the http.ResponseWriter of its answer. Written bytes
// are collected, so a short answer is one write with its head, and has a length.
//
//	state  | meaning                   | header fields | left by
//	new    | no status yet             | count         | WriteHeader, Write, Flush
//	chosen | status and fields are     | of trailers   | a full piece, Flush, the handler's end
//	       | chosen, and serialised    |               |
//	sent   | the head has been written | of trailers   | the handler's end
//	over   | the handler has returned  | -             | -
//
// Other goroutines may write, one at a time, as with each http.ResponseWriter. Their bytes are
// collected under mu and sent by a task of the loop.
type reply struct {
	outcome
	c      *serverConn
	parsed *http.Request // net/http fills in its trailers; nil: there are none
	self   aio.AnyTask   // the task, set when it has begun
	body   incomingBody

	isHead, is11, wants10KeepAlive, wantsClose bool // of the request
	expects, failsExpectation                  bool
	ownRead, fullDuplex                        bool // set by the handler
	// the task has begun; the client has left; the task was cancelled
	started, gone, cancelled bool
	unread                   bool // at the end the client may still be sending
	closeAfter               bool // the connection is not used again
	chunking, sent, owesCRLF bool // like all above, of the loop only
	sending                  aiosync.Lock
	mayContinue              atomic.Bool // 100 Continue was not sent, and is still useful
	trailers                 []string
	began                    time.Time // for the access log

	// guarded by mu
	fields frozen
	// fields.size bytes of the head, until it is sent, and then the body
	out      []byte
	head     *[firstBuffer]byte // the memory of out, or piece is, or neither
	piece    *[pieceSize]byte
	hijacked bool
}

// cancel cancels the handler because its client has gone. A task that is cancelled before its first
// step never takes it, so cancel waits for that step.
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
			panicked(w, v, debug.Stack())
		} else {
			w.answer(http.StatusInternalServerError) // the loop ends the task
		}
	}()
	if w.req.RequestURI == "*" && w.req.Method == http.MethodOptions &&
		!s.http.DisableGeneralOptionsHandler {
		w.header.Set("Content-Length", "0")
		if w.req.ContentLength != 0 { // as in net/http
			io.Copy(io.Discard, http.MaxBytesReader(w, w.req.Body, 4<<10))
		}
	} else {
		s.answer(w)
	}
	whole = true
}

// WriteHeader implements http.ResponseWriter.
func (w *reply) WriteHeader(status int) {
	mustBeStatus(status)
	w.mu.Lock()
	switch {
	case w.over:
	case w.hijacked:
		w.mu.Unlock()
		logMisuse(w, "response.WriteHeader on hijacked connection")
		return
	case w.status != 0: // the first one counts
		w.mu.Unlock()
		logMisuse(w, "superfluous response.WriteHeader call")
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

// freeze chooses the status. Header fields set later do not count.
func (w *reply) freeze(status int) {
	w.status = status
	w.mayContinue.Store(false)
	w.out = w.buffer(0)
	w.out = w.fields.freeze(w.out, w.header, status)
	w.fields.size = len(w.out)
	if told := w.fields.length.first; told != "" {
		if n, err := strconv.ParseInt(told, 10, 64); err == nil && n >= 0 {
			w.declared = n
		} else { // the answer is sent in chunks
			w.logf("http: invalid Content-Length of %q", told)
		}
	}
}

// buffer returns the buffer of the answer, with room for n more bytes if they are not too many.
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

// dropBuffer frees the memory.
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
	err := http.ErrHijacked
	if !w.hijacked {
		err = w.count(len(p))
	}
	if err != nil || len(p) == 0 {
		w.mu.Unlock()
		return 0, err
	}
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

// FlushError is Flush for http.ResponseController.
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

// answer implements answerer.
func (w *reply) answer(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent || w.hijacked {
		w.aborted = true
		return
	}
	text := w.errorFields(status)
	w.dropBuffer()
	w.freeze(status)
	w.out = append(w.out, text...)
	w.written, w.accepted = w.declared, w.declared
}

// logf implements answerer.
func (w *reply) logf(format string, args ...any) { w.c.s.logf(format, args...) }

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
