package aiohttp

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// fileAtATime is how many bytes of a file are sent before the client's time for it begins anew.
const fileAtATime = 1 << 20

// ReadFrom implements [io.ReaderFrom]: if the length was announced, the system sends the rest of a
// file.
func (w *reply) ReadFrom(src io.Reader) (n int64, err error) {
	file, limit := fileOf(src)
	if file == nil || !w.sendsFiles() {
		return w.copyFrom(src)
	}
	if w.sniffs() {
		if n, err = w.copyFrom(io.LimitReader(src, 512)); err != nil || n < 512 {
			return n, err
		}
	}
	if limited, ok := src.(*io.LimitedReader); ok {
		limit = limited.N
	}
	sent := int64(0)
	err = w.onLoop(func(ctx context.Context) error {
		if err := w.sending.Acquire(ctx); err != nil {
			return err
		}
		defer w.sending.Release()
		sent, err = w.sendFile(ctx, file, limit)
		return err
	})
	if limited, ok := src.(*io.LimitedReader); ok {
		limited.N -= sent
	}
	return n + sent, err
}

// fileOf finds the file of a reader, and how many bytes of it are read; -1: all.
func fileOf(src io.Reader) (*os.File, int64) {
	limit := int64(-1)
	if limited, ok := src.(*io.LimitedReader); ok {
		src, limit = limited.R, limited.N
	}
	file, ok := src.(*os.File)
	if !ok {
		return nil, 0
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	return file, limit
}

// sendsFiles reports whether the bytes of the body are sent as they are.
func (w *reply) sendsFiles() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 && !w.over && !w.hijacked {
		w.freeze(http.StatusOK)
	}
	return !w.over && !w.hijacked && w.err == nil && w.declared > w.written &&
		w.fields.coding.first == "" &&
		!w.isHead && hasBody(w.status)
}

func (w *reply) sniffs() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accepted < 512 && !w.fields.hasType && !w.fields.hasEncoding
}

// sendFile sends a part of a file after all written bytes. sending is held.
func (w *reply) sendFile(ctx context.Context, file *os.File, limit int64) (n int64, err error) {
	if err := w.transfer(ctx, nil, true, false); err != nil {
		return 0, err
	}
	w.mu.Lock()
	left := w.declared - w.written
	w.mu.Unlock()
	if limit < 0 || limit > left {
		limit = left
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	for n < limit {
		if err := w.c.cannotWrite(); err != nil {
			w.fails(err)
			return n, err
		}
		part := min(limit-n, fileAtATime)
		k, err := w.sendPart(ctx, file, at+n, part)
		n += k
		w.mu.Lock()
		w.written += k
		w.accepted += k
		w.mu.Unlock()
		if err != nil {
			w.fails(err)
			return n, err
		}
		if k < part { // the file is shorter
			break
		}
	}
	return n, nil
}

func (w *reply) sendPart(ctx context.Context, file *os.File, at, size int64) (int64, error) {
	switch until, d := w.c.writeUntil, w.c.s.on.limits.progress; {
	case !until.IsZero():
		limited, cancel := aio.WithDeadline(ctx, until)
		defer cancel()
		ctx = limited
	case d > 0:
		limited, cancel := aio.WithTimeout(ctx, d)
		defer cancel()
		ctx = limited
	}
	return transport.Sendfile(ctx, w.c.t, file, transport.FileRange(at, size))
}

// copyFrom is ReadFrom with reads and writes.
func (w *reply) copyFrom(src io.Reader) (int64, error) {
	piece := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(piece)
	return io.CopyBuffer(justWriter{w}, src, piece[:])
}

// justWriter hides ReadFrom from io.CopyBuffer.
type justWriter struct{ io.Writer }
