package stream

import (
	"log/slog"
	"runtime"

	"github.com/aio-go/aio"
)

// halves is what a client has of a connection. The connection does not refer to it: when the program has forgotten
// both, the memory is collected, and nobody can close the connection any more.
type halves struct {
	reader Reader
	writer Writer
}

// handOut makes the halves of a client, and sees to what happens when they are forgotten.
func (c *connection) handOut() (*Reader, *Writer, error) {
	c.client = true
	h := &halves{Reader{&c.in}, Writer{c}}
	loop := c.transport.Loop()
	runtime.AddCleanup(h, func(c *connection) {
		if !c.over.Load() {
			loop.CallSoonThreadsafe(c.forgotten) // if the loop is closed, so is the connection
		}
	}, c)
	return &h.reader, &h.writer, nil
}

// forgotten runs on the loop after the halves were collected.
func (c *connection) forgotten() {
	if c.lost || c.transport.IsClosing() {
		return
	}
	c.warn("stream: a connection was forgotten without Close; it is closed now. Call Writer.Close in a defer")
	c.writer.Close()
}

// notClosed tells in debug mode that the program left it to the loop to end a connection.
func (c *connection) notClosed(err error) {
	if c.client && err == aio.ErrLoopClosed && !c.over.Load() && c.transport.Loop().Debug() {
		c.warn("stream: the loop was closed before the connection. Call Writer.Close in a defer")
	}
}

func (c *connection) warn(message string) {
	c.transport.Loop().CallExceptionHandler(aio.Report{
		Message: message,
		Warning: true,
		Attrs:   []slog.Attr{slog.Any("local", c.transport.LocalAddr()), slog.Any("remote", c.transport.RemoteAddr())},
	})
}
