package stream

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/unclosed"
)

// halves is a client's handle of a connection. The connection does not refer to it. When the
// program has forgotten both halves, they are collected, and nothing else could close the
// connection.
type halves struct {
	reader Reader
	writer Writer
}

// handOut makes the halves of a client and watches for their collection.
func (c *connection) handOut() (*Reader, *Writer, error) {
	h := &halves{Reader{&c.in}, Writer{c}}
	watch(c, h, forgetting{&unclosed.Connections, "stream: a connection was forgotten " +
		"without Close; it is closed now. Call Writer.Close in a defer"})
	return &h.reader, &h.writer, nil
}

// handOutReader and handOutWriter do the same for the two kinds of pipes.
func (c *connection) handOutReader(ctx context.Context) *PipeReader {
	c.ownerOver = unclosed.OwnerOver(ctx)
	h := &struct {
		pipe   PipeReader
		reader Reader
	}{reader: Reader{&c.in}}
	h.pipe = PipeReader{&h.reader, c}
	watch(c, h, forgetting{&unclosed.Pipes, "stream: a pipe was forgotten without Close; " +
		"it is closed now. Call PipeReader.Close in a defer"})
	return &h.pipe
}

func (c *connection) handOutWriter(ctx context.Context) *Writer {
	c.ownerOver = unclosed.OwnerOver(ctx)
	w := &Writer{c}
	watch(c, w, forgetting{&unclosed.Pipes, "stream: a pipe was forgotten without Close; " +
		"it is closed now. Call Writer.Close in a defer"})
	return w
}

// forgetting says how to count and report a forgotten handle.
type forgetting struct {
	count   *atomic.Int64
	message string
}

// watch waits for the collection of the program's handle of c.
func watch[T any](c *connection, handle *T, f forgetting) {
	c.client = true
	loop := c.transport.Loop()
	runtime.AddCleanup(handle, func(c *connection) {
		if !c.over.Load() {
			// if the loop is closed, so is the connection
			loop.CallSoonThreadsafe(func() { c.forgotten(f) })
		}
	}, c)
}

// forgotten runs on the loop after the program's handle was collected.
func (c *connection) forgotten(f forgetting) {
	if c.lost || c.transport.IsClosing() {
		return
	}
	defer c.writer.Close()
	if !c.IsHandedOut() {
		return
	}
	f.count.Add(1)
	about := []slog.Attr{slog.Any("local", c.transport.LocalAddr()),
		slog.Any("remote", c.transport.RemoteAddr())}
	if o, ok := c.transport.(interface{ OpenedAt() string }); ok && o.OpenedAt() != "" {
		about = append(about, slog.String("opened", o.OpenedAt()))
	}
	c.transport.Loop().CallExceptionHandler(aio.Report{
		Message: f.message,
		Warning: true,
		Attrs:   about,
	})
}

// IsHandedOut reports whether the program has to close the connection.
func (c *connection) IsHandedOut() bool {
	return c.client && !c.over.Load() && (c.ownerOver == nil || !c.ownerOver())
}
