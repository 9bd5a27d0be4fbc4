package stream

import (
	"context"
	"os"
	"runtime"

	"github.com/aio-go/aio/transport"
)

// PipeReader is the reading end of a pipe: a [Reader] that can be closed.
type PipeReader struct {
	*Reader
	c *connection
}

// ReadPipe makes a reader of f: the reading end of a pipe, a FIFO, a socket or a terminal,
// [os.Stdin] for example. The reader owns f from then on; see [transport.ConnectReadPipe] for the
// consequences and the errors. The only option is [Limit]. asyncio: connect_read_pipe with a
// StreamReaderProtocol.
//
//	in, err := stream.ReadPipe(ctx, os.Stdin)
//	if err != nil {
//		return err
//	}
//	defer in.Close()
//	for line, err := range in.Lines(ctx) {
//
// Cancellation: the pipe is closed.
func ReadPipe(ctx context.Context, f *os.File, opts ...transport.Option) (*PipeReader, error) {
	limit, _ := takeLimit(opts)
	c := newConnection(limit)
	if _, err := transport.ConnectReadPipe(ctx, f, c); err != nil {
		return nil, err
	}
	return c.handOutReader(ctx), nil
}

// Close closes the pipe: a process that writes to it gets a broken pipe. Reads get the bytes that
// have arrived and then the end of the stream. A second Close does nothing. It does not wait; see
// WaitClosed.
func (r *PipeReader) Close() {
	r.c.in.mustBeHere("PipeReader.Close")
	r.c.over.Store(true)
	r.c.transport.Abort()
}

// WaitClosed waits until the pipe is closed, from either side. It returns the error if reading
// failed.
//
// Cancellation: nothing changes.
func (r *PipeReader) WaitClosed(ctx context.Context) error {
	defer runtime.KeepAlive(r) // a pipe that a task waits for is not forgotten
	return r.c.writer.WaitClosed(ctx)
}

// Transport returns the transport below.
func (r *PipeReader) Transport() transport.Transport { return r.c.transport }

// WritePipe makes a writer of f: the writing end of a pipe, a FIFO, a socket or a terminal,
// [os.Stdout] for example. The writer owns f from then on; see [transport.ConnectWritePipe] for the
// consequences and the errors. When the last reader closes its end, the writer is closed, or lost
// with a broken pipe if bytes were left to send. There are no options yet.
// asyncio: connect_write_pipe with a StreamWriter.
//
// Cancellation: the pipe is closed.
func WritePipe(ctx context.Context, f *os.File, opts ...transport.Option) (*Writer, error) {
	limit, _ := takeLimit(opts)
	c := newConnection(limit)
	if _, err := transport.ConnectWritePipe(ctx, f, c); err != nil {
		return nil, err
	}
	return c.handOutWriter(ctx), nil
}
