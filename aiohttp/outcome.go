package aiohttp

import (
	"context"
	"errors"
	"fmt"
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

// errOver is the error of a goroutine that writes after the handler has returned.
var errOver = errors.New("aiohttp: the answer is complete: its handler has returned")

// outcome is the part that a [reply] and a [writer] share: the status of an answer, what has been
// counted of its body, and how it ends.
type outcome struct {
	loop   *aio.Loop
	ctx    context.Context // of the task
	req    *http.Request
	header http.Header // of the handler

	mu       sync.Mutex // guards the rest, and the rest of the owner
	status   int        // 0: not chosen yet
	declared int64      // the length that the handler has announced; -1: none
	written  int64      // bytes that the handler has tried to write
	accepted int64      // of these, bytes accepted
	err      error      // why sending failed; nothing is sent after that
	aborted  bool       // the sent bytes are not the whole answer
	over     bool       // the handler has returned
}

// answerer is a reply or a writer.
type answerer interface {
	state() *outcome
	answer(status int) // replaces the collected bytes, if nothing has been sent
	logf(format string, args ...any)
}

func (o *outcome) state() *outcome { return o }

// Header implements http.ResponseWriter.
func (o *outcome) Header() http.Header { return o.header }

// CloseNotify implements http.CloseNotifier, which old middleware asks for.
func (o *outcome) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(o.ctx, func() {
		if errtree.Is(context.Cause(o.ctx), errGone) {
			gone <- true
		}
	})
	return gone
}

// count counts n bytes that the handler writes, or returns why they are not accepted. mu is held.
func (o *outcome) count(n int) error {
	switch {
	case o.over:
		return errOver
	case o.err != nil:
		return o.err
	case n == 0:
		return nil
	case !hasBody(o.status):
		return http.ErrBodyNotAllowed
	}
	o.written += int64(n)
	if o.declared >= 0 && o.written > o.declared {
		return http.ErrContentLength
	}
	o.accepted += int64(n)
	return nil
}

// fails notes why sending failed; the first error counts.
func (o *outcome) fails(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
}

// abort notes that the sent bytes are not the whole answer.
func (o *outcome) abort() {
	o.mu.Lock()
	o.aborted = true
	o.mu.Unlock()
}

// errorFields makes header that of an answer which consists of its status, and returns the body.
func (o *outcome) errorFields(status int) (text string) {
	clear(o.header)
	text = http.StatusText(status) + "\n"
	o.header.Set("Content-Type", "text/plain; charset=utf-8")
	o.header.Set("X-Content-Type-Options", "nosniff")
	o.header.Set("Content-Length", strconv.Itoa(len(text)))
	return text
}

// fail ends the answer of a handler that returned an error.
func fail(w answerer, err error) {
	o := w.state()
	o.mu.Lock()
	gone := o.err != nil || errtree.Is(context.Cause(o.ctx), errGone)
	abort := gone || errtree.Is(err, http.ErrAbortHandler)
	o.aborted = o.aborted || abort
	o.mu.Unlock()
	status, reported := http.StatusInternalServerError, true
	switch {
	case abort:
		return
	case o.ctx.Err() != nil: // the loop shuts down
		status, reported = http.StatusServiceUnavailable, false
	case errtree.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	}
	w.answer(status)
	if reported {
		o.loop.CallExceptionHandler(aio.Report{
			Message: "aiohttp: the handler of " + requestName(o.req) + " failed",
			Err:     err,
		})
	}
}

// panicked ends the answer of a handler that panicked, and logs it as net/http does.
func panicked(w answerer, v any, stack []byte) {
	o := w.state()
	if v == http.ErrAbortHandler {
		o.abort()
		return
	}
	if p, ok := v.(*aio.PanicError); ok {
		v, stack = p.Value, p.Stack
	}
	w.answer(http.StatusInternalServerError)
	w.logf("http: panic serving %s: %s\n%s",
		safetext.Line(o.req.RemoteAddr), safetext.Lines(fmt.Sprint(v)), stack)
}

// mustBeStatus panics unless there may be a status of this number.
func mustBeStatus(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("aiohttp: WriteHeader: there is no status %d; use those of net/http",
			status))
	}
}

// logMisuse logs a call of WriteHeader that has no effect, with its place.
func logMisuse(w answerer, what string) {
	at := callerOfWriter()
	w.logf("http: "+what+" from %s (%s:%d)", at.Function, path.Base(at.File), at.Line)
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

// requestName is the name of a request in logs and reports.
func requestName(r *http.Request) string { return safetext.Line(r.Method + " " + r.URL.Path) }

// hasBody reports whether an answer with this status may have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
