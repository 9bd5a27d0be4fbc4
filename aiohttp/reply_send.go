package aiohttp

import (
	"context"
	"net/http"
	"strconv"

	"github.com/aio-go/aio"
)

const (
	// pieceWritten is how many bytes of a large piece the transport gets before it has to have room
	// for more. It may have to keep them.
	pieceWritten = 128 << 10
	// mostAtOnce is how many bytes of a large piece the system gets at a time, which takes as many
	// as it has room for.
	mostAtOnce = 1 << 20
	// withHead is how many bytes of a large piece go in one write with the head.
	withHead = 16 << 10
)

// push sends the collected bytes, and p.
func (w *reply) push(p []byte, flush bool) error {
	if aio.InTask(w.ctx) {
		return w.send(w.ctx, p, flush)
	}
	return w.onLoop(func(ctx context.Context) error { return w.send(ctx, p, flush) })
}

// send is push in a task. It copies little of p.
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

// transfer sends the collected bytes, and p. last says that nothing follows. The caller holds
// sending, unless last is true.
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
		if w.c.full {
			if err = w.c.drain(ctx); err != nil {
				w.fails(err) // the rest of a chunk is missing
				return err
			}
		}
		if n := w.c.writeNow(p[:min(len(p), mostAtOnce)]); n > 0 {
			p = p[n:]
			continue
		}
		part := p[:min(len(p), pieceWritten)]
		p = p[len(part):]
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

// finish ends the answer in the handler's task when the handler has returned. It reports whether
// the connection can be used again.
func (w *reply) finish() (keep bool) {
	w.mu.Lock()
	if w.hijacked {
		w.over = true
		w.dropBuffer()
		w.mu.Unlock()
		return false
	}
	defer w.removeFiles()
	if w.status == 0 {
		w.freeze(http.StatusOK)
	}
	whole := w.err == nil && !w.aborted
	w.over = true
	w.mu.Unlock()
	if w.sending.Locked() { // by a goroutine that goes on
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
		_ = w.body.close(ctx)
		w.unread = !w.body.isDone()
	}
	w.body.stop()
	tooShort := !w.isHead && w.declared >= 0 && hasBody(w.status) && w.declared != w.written
	return !w.closeAfter && !w.unread && !tooShort && w.c.lost == nil
}

// removeFiles removes the files of a form.
func (w *reply) removeFiles() {
	if m := w.req.MultipartForm; m != nil {
		aio.Blocking(context.WithoutCancel(w.ctx),
			func(context.Context) error { return m.RemoveAll() }, unbounded)
	}
}

// passForm passes the form of a request's copy on: who made the request removes its files.
func passForm(to, from *http.Request) {
	if to.MultipartForm == nil {
		to.MultipartForm = from.MultipartForm
	}
}

// cutOff gives up the answer.
func (w *reply) cutOff() {
	w.mu.Lock()
	w.over, w.aborted = true, true
	w.dropBuffer()
	w.mu.Unlock()
	w.body.stop()
}
