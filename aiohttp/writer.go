package aiohttp

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"strconv"

	"github.com/aio-go/aio"
)

// sink takes what a writer has collected to where the client is. Its methods are called in tasks, one at a time.
type sink interface {
	// send waits until data was taken; a status that is not 0 is that of the head, which goes first. data belongs to the sink from now on.
	send(ctx context.Context, status int, header http.Header, data []byte, flush bool) error
	// inform sends a head with a status below 200.
	inform(status int, header http.Header)
}

// writer is the http.ResponseWriter of a handler that is a task. What is written is collected, and a full piece suspends the task until
// it is taken.
type writer struct {
	ctx    context.Context // the task's
	to     sink
	header http.Header
	status int // 0: not chosen yet
	buf    []byte
	err    error // what sending failed with; nothing goes after that

	sent    bool // the head has gone
	aborted bool // what has gone is not the whole answer
}

func newWriter(ctx context.Context, to sink) *writer {
	return &writer{ctx: ctx, to: to, header: http.Header{}}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	switch {
	case status < 100 || status > 999:
		panic(fmt.Sprintf("aiohttp: WriteHeader: there is no status %d", status))
	case w.status != 0: // the first one counts
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.to.inform(status, maps.Clone(w.header))
	default:
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.err != nil {
		return 0, w.err
	}
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.buf = append(w.buf, p...)
	if len(w.buf) >= pieceSize {
		if err := w.push(false); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Flush implements http.Flusher.
func (w *writer) Flush() { w.FlushError() }

// FlushError is what http.ResponseController flushes with.
func (w *writer) FlushError() error {
	if w.err != nil {
		return w.err
	}
	return w.push(true)
}

// push sends what was collected.
func (w *writer) push(flush bool) error {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	var header http.Header
	status := 0
	if !w.sent {
		status, header = w.status, w.header.Clone()
	}
	w.sent = true
	data := w.buf
	w.buf = nil
	w.err = w.to.send(w.ctx, status, header, data, flush)
	return w.err
}

// answer replaces what was collected, if nothing has gone.
func (w *writer) answer(status int) {
	if w.sent {
		w.aborted = true
		return
	}
	clear(w.header)
	w.header.Set("Content-Type", "text/plain; charset=utf-8")
	w.header.Set("X-Content-Type-Options", "nosniff")
	w.status = status
	w.buf = fmt.Appendln(nil, http.StatusText(status))
	w.header.Set("Content-Length", strconv.Itoa(len(w.buf)))
}

// fail ends the answer of a handler that returned an error.
func (w *writer) fail(r *http.Request, err error) {
	switch gone := w.err != nil || errors.Is(context.Cause(w.ctx), errGone); {
	case gone:
		w.aborted = true
	case errors.Is(err, http.ErrAbortHandler):
		w.aborted = true
	case w.ctx.Err() != nil:
		w.answer(http.StatusServiceUnavailable) // the loop is being shut down
	case errors.Is(err, context.DeadlineExceeded):
		w.answer(http.StatusServiceUnavailable)
		w.report(r, err)
	default:
		w.answer(http.StatusInternalServerError)
		w.report(r, err)
	}
}

func (w *writer) report(r *http.Request, err error) {
	aio.RunningLoop(w.ctx).CallExceptionHandler(aio.Report{Message: "aiohttp: the handler of " + r.Method + " " + r.URL.Path + " failed", Err: err})
}

// panicked ends the answer of a handler that panicked, and reports it as net/http does.
func (w *writer) panicked(r *http.Request, v any, stack []byte) {
	if v == http.ErrAbortHandler {
		w.aborted = true
		return
	}
	w.answer(http.StatusInternalServerError)
	logf := log.Printf
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logf = server.ErrorLog.Printf
	}
	logf("http: panic serving %v: %v\n%s", r.RemoteAddr, v, stack)
}

// hasBody reports whether an answer with this status may have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func statusLine(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }
