package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// errOver is what a goroutine gets that goes on writing when the handler has returned.
var errOver = errors.New("aiohttp: the answer is complete: its handler has returned")

// piece is a part of an answer. A status that is not 0 is that of the head, which goes first.
type piece struct {
	status int
	header http.Header
	data   []byte
	flush  bool
}

// writer is the http.ResponseWriter of a handler that is a task. What is written is collected, and
// a full piece suspends the task until it is taken. Another goroutine may use it too, one at a
// time, as is the rule for each http.ResponseWriter; it is blocked instead.
//
//	state  | meaning                  | header fields | left by
//	new    | nothing was said         | count         | WriteHeader, Write, Flush
//	chosen | the status is chosen     | of trailers   | a full piece, Flush, the handler's end
//	sent   | the head has gone        | of trailers   | the handler's end
//	over   | the handler has returned | -             | -
type writer struct {
	ctx    context.Context // the task's
	to     *exchange
	req    *http.Request
	header http.Header // the handler's

	mu       sync.Mutex // guards the rest
	status   int        // 0: not chosen yet
	frozen   http.Header
	declared int64 // the length that the handler has announced; -1: none
	written  int64 // that the handler has tried to write
	accepted int64 // of these
	buf      []byte
	out      []piece // what the exchange has not taken yet
	err      error   // what sending failed with; nothing goes after that

	sent    bool // the head has gone
	aborted bool // what has gone is not the whole answer
	over    bool
}

func newWriter(ctx context.Context, to *exchange, req *http.Request) *writer {
	return &writer{ctx: ctx, to: to, req: req, header: http.Header{}, declared: -1}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("aiohttp: WriteHeader: there is no status %d; use those of net/http", status))
	}
	w.mu.Lock()
	switch {
	case w.over:
	case w.status != 0: // the first one counts
		w.mu.Unlock()
		at := callerOfWriter()
		logger(w.req)("http: superfluous response.WriteHeader call from %s (%s:%d)",
			at.Function, path.Base(at.File), at.Line)
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.mu.Unlock()
		w.to.inform(status, w.header.Clone())
		return
	default:
		w.freeze(status)
	}
	w.mu.Unlock()
}

// callerOfWriter is the first caller that is not of this package.
func callerOfWriter() runtime.Frame {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if !more || !strings.HasPrefix(frame.Function, "github.com/aio-go/aio/aiohttp.") {
			return frame
		}
	}
}

// freeze chooses the status. Header fields that are set from now on do not count.
func (w *writer) freeze(status int) {
	w.status, w.frozen = status, w.header.Clone()
	if w.frozen == nil {
		w.frozen = http.Header{}
	}
	if told := w.frozen.Get("Content-Length"); told != "" {
		if n, err := strconv.ParseInt(told, 10, 64); err == nil && n >= 0 {
			w.declared = n // net/http makes chunks of any other
		}
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *writer, p T) (int, error) {
	w.mu.Lock()
	if w.status == 0 && !w.over {
		w.freeze(http.StatusOK)
	}
	var err error
	switch {
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
	if err != nil {
		w.mu.Unlock()
		return 0, err
	}
	w.accepted += int64(len(p))
	w.buf = append(w.buf, p...)
	full := len(w.buf) >= pieceSize
	w.mu.Unlock()
	if full {
		if err := w.push(false); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (w *writer) Flush() { w.FlushError() }

// FlushError is what http.ResponseController flushes with.
func (w *writer) FlushError() error { return w.push(true) }

// push sends what was collected.
func (w *writer) push(flush bool) error {
	w.mu.Lock()
	if w.over || w.err != nil {
		defer w.mu.Unlock()
		if w.over {
			return errOver
		}
		return w.err
	}
	w.collect(flush)
	w.mu.Unlock()
	err := w.to.send(w.ctx)
	if err != nil && !errtree.Is(err, http.ErrNotSupported) { // of a flush: that is all
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	return err
}

// collect hands what was collected to the exchange.
func (w *writer) collect(flush bool) {
	if w.status == 0 {
		w.freeze(http.StatusOK)
	}
	p := piece{data: w.buf, flush: flush}
	if !w.sent {
		p.status, p.header = w.status, w.frozen
	}
	w.sent, w.buf = true, nil
	w.out = append(w.out, p)
}

// next takes the next piece to be sent.
func (w *writer) next() (p piece, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.out) == 0 {
		return p, false
	}
	p = w.out[0]
	w.out = w.out[1:]
	return p, true
}

// end is called when the handler has returned: what a goroutine writes after that does not count.
// It reports whether the answer is whole.
func (w *writer) end() (whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	return w.err == nil && !w.aborted
}

// answer replaces what was collected, if nothing has gone.
func (w *writer) answer(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent {
		w.aborted = true
		return
	}
	clear(w.header)
	w.header.Set("Content-Type", "text/plain; charset=utf-8")
	w.header.Set("X-Content-Type-Options", "nosniff")
	w.buf = fmt.Appendln(nil, http.StatusText(status))
	w.header.Set("Content-Length", strconv.Itoa(len(w.buf)))
	w.freeze(status)
	w.written, w.accepted = w.declared, w.declared
}

// fail ends the answer of a handler that returned an error.
func (w *writer) fail(err error) {
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

func (w *writer) report(err error) {
	aio.RunningLoop(w.ctx).CallExceptionHandler(aio.Report{
		Message: "aiohttp: the handler of " + requestName(w.req) + " failed", Err: err,
	})
}

// requestName is how a request is called in logs and reports.
func requestName(r *http.Request) string { return safetext.Line(r.Method + " " + r.URL.Path) }

// panicked ends the answer of a handler that panicked, and reports it as net/http does.
func (w *writer) panicked(v any, stack []byte) {
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
	logger(w.req)("http: panic serving %s: %s\n%s",
		safetext.Line(w.req.RemoteAddr), safetext.Lines(fmt.Sprint(v)), stack)
}

// logger is where the server of a request logs.
func logger(r *http.Request) func(format string, args ...any) {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if ok && server.ErrorLog != nil {
		return server.ErrorLog.Printf
	}
	return log.Printf
}

// hasBody reports whether an answer with this status may have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// hasTrailers reports whether the header of an answer announces fields for after the body.
func hasTrailers(header http.Header) bool {
	if len(header["Trailer"]) > 0 {
		return true
	}
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// statusLine is the status of an answer, as net/http sends it.
func statusLine(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d status code %d", status, status)
}
