package aiohttp

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// piece is a part of an answer. A status other than 0 is that of the head, which goes first.
type piece struct {
	status int
	header http.Header
	data   []byte
	flush  bool
}

// writer is the http.ResponseWriter of a handler that is a task. Written bytes are collected, and a
// full piece suspends the task until it is taken. As with each http.ResponseWriter, another
// goroutine may use it, one at a time; it is blocked instead.
//
//	state  | meaning                   | header fields | left by
//	new    | no status yet             | count         | WriteHeader, Write, Flush
//	chosen | the status is chosen      | of trailers   | a full piece, Flush, the handler's end
//	sent   | the head has been written | of trailers   | the handler's end
//	over   | the handler has returned  | -             | -
type writer struct {
	outcome
	to *exchange

	frozen http.Header
	said   bool // the handler has called WriteHeader
	buf    []byte
	out    []piece // pieces that the exchange has not taken yet
	sent   bool    // the head has been sent
}

func newWriter(ctx context.Context, to *exchange, req *http.Request) *writer {
	w := &writer{to: to}
	w.loop, w.ctx, w.req = aio.RunningLoop(ctx), ctx, req
	w.header, w.declared = http.Header{}, -1
	return w
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	mustBeStatus(status)
	w.mu.Lock()
	switch {
	case w.over:
	case w.status != 0: // the first one counts
		w.mu.Unlock()
		logMisuse(w, "superfluous response.WriteHeader call")
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.mu.Unlock()
		w.to.inform(status, w.header.Clone())
		return
	default:
		w.freeze(status)
		w.said = true
	}
	w.mu.Unlock()
}

// isChosen reports whether the answer has a status.
func (w *writer) isChosen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status != 0
}

// freeze chooses the status. Header fields set later do not count.
func (w *writer) freeze(status int) {
	w.status, w.frozen = status, w.header.Clone()
	if w.frozen == nil {
		w.frozen = http.Header{}
	}
	if told := w.frozen.Get("Content-Length"); told != "" {
		if n, err := strconv.ParseInt(told, 10, 64); err == nil && n >= 0 {
			w.declared = n // net/http sends chunks for any other value
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
	if err := w.count(len(p)); err != nil {
		w.mu.Unlock()
		return 0, err
	}
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

// FlushError is Flush for http.ResponseController.
func (w *writer) FlushError() error { return w.push(true) }

// push sends the collected bytes.
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
	// a flush that is not supported is no failure
	if err != nil && !errtree.Is(err, http.ErrNotSupported) {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	return err
}

// collect passes the collected bytes to the exchange.
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

// end is called when the handler has returned. Later writes do not count. It reports whether the
// answer is whole.
func (w *writer) end() (whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	return w.err == nil && !w.aborted
}

// answer implements answerer.
func (w *writer) answer(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent {
		w.aborted = true
		return
	}
	w.buf = []byte(w.errorFields(status))
	w.freeze(status)
	w.said = true
	w.written, w.accepted = w.declared, w.declared
}

// logf implements answerer: it logs where the server of the request does.
func (w *writer) logf(format string, args ...any) {
	server, ok := w.req.Context().Value(http.ServerContextKey).(*http.Server)
	if ok && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// hasTrailers reports whether the header of an answer announces fields after the body.
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
