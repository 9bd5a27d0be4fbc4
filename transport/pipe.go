package transport

import (
	"context"
	"errors"
	"os"
	"runtime"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/simproc"
	"github.com/aio-go/aio/internal/sys"
)

// ErrNotPipe says that a file cannot be waited for: a regular file, a directory, or a device that
// is always ready, such as /dev/null. Package aiofile reads and writes such files.
var ErrNotPipe = errors.New("transport: not a pipe, socket or terminal; " +
	"use package aiofile for regular files")

// ConnectReadPipe makes a transport that receives from f: the reading end of a pipe, a FIFO, a
// socket, a terminal or another descriptor that can be waited for. It returns when p's
// ConnectionMade has run. At the end of the stream p gets EOFReceived. ConnectionLost follows,
// whatever EOFReceived returns, since nothing else is left to keep open. The transport cannot
// write: Write panics.
//
// The transport owns f from then on, also after an error: do not use f any more. Of a standard
// stream such as [os.Stdin] it owns only a duplicate, and the stream itself stays open. The
// descriptor is used without blocking. As far as the system allows, other processes that share it
// do not notice. For sockets and the masters of terminals they do, and the mode is restored at the
// end.
//
// The error is a [*os.PathError] with the name of f. For a file that cannot be waited for it
// matches [ErrNotPipe]. It panics if f or p is nil. asyncio: connect_read_pipe.
//
// Cancellation: the transport is aborted.
func ConnectReadPipe(ctx context.Context, f *os.File, p Protocol) (Transport, error) {
	return connectPipe(ctx, "ConnectReadPipe", f, receives, p)
}

// ConnectWritePipe makes a transport that sends to f: the writing end of a pipe, a FIFO, a socket,
// a terminal or another descriptor that can be waited for. It returns when p's ConnectionMade has
// run. WriteEOF is the same as Close. When the last reader closes its end, p gets ConnectionLost,
// even if nothing is being written. The error is nil, or [syscall.EPIPE] if bytes were left to
// send. ([Portable] and systems without a poller notice it only in a write.)
//
// For f, errors and cancellation see [ConnectReadPipe]. asyncio: connect_write_pipe.
func ConnectWritePipe(ctx context.Context, f *os.File, p Protocol) (Transport, error) {
	return connectPipe(ctx, "ConnectWritePipe", f, sends, p)
}

func connectPipe(
	ctx context.Context, op string, f *os.File, d direction, p Protocol,
) (Transport, error) {
	if end := simproc.PipeFrom(ctx); end != nil {
		checkProtocol(op, p)
		needTask(ctx, op)
		return connectedPipe(ctx, op, simulatedPipe{end, d}, p)
	}
	if f == nil {
		panic("transport: " + op + ": the file is nil; pass one, such as an end of os.Pipe")
	}
	checkProtocol(op, p)
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	info, err := f.Stat()
	switch {
	case err != nil:
		// Windows reports an invalid handle
		if runtime.GOOS == "windows" && f.Fd() == ^uintptr(0) {
			err = os.ErrClosed
		}
	case info.Mode().IsRegular(), info.IsDir():
		err = ErrNotPipe
	}
	var conn Conn
	var taken bool
	if err == nil {
		conn, taken, err = newPipeConn(ctx, h, f, d)
	}
	if !taken && !isStandard(f) {
		f.Close()
	}
	if err != nil {
		return nil, pipeError(op, f, err)
	}
	return connectedPipe(ctx, op, conn, p)
}

// connectedPipe makes the transport of an end of a pipe, and waits until p knows it.
func connectedPipe(ctx context.Context, op string, conn Conn, p Protocol) (Transport, error) {
	h := hubOf(aio.RunningLoop(ctx))
	w := aio.NewWaiter(ctx, "transport."+op, conn)
	t := newTransport(h, conn, p, nil, func() { w.Unpark() })
	if err := w.Park(); err != nil {
		t.Abort()
		return nil, err
	}
	return t, nil
}

// isStandard reports whether f is a standard stream, which the rest of the program goes on using.
func isStandard(f *os.File) bool { return f == os.Stdin || f == os.Stdout || f == os.Stderr }

// pipeError makes a *os.PathError of err and keeps its reason.
func pipeError(op string, f *os.File, err error) error {
	if path, ok := errtree.As[*os.PathError](err); ok {
		err = path.Err
	}
	return &os.PathError{Op: op, Path: f.Name(), Err: err}
}

// direction says whether a Conn receives, sends, or does both.
type direction uint8

const (
	bothWays direction = iota
	receives
	sends
)

// oneWay is implemented by a Conn that is an end of a pipe.
type oneWay interface{ direction() direction }

// simulatedPipe is a pipe between a program and a script on a simulated host.
type simulatedPipe struct {
	*simnet.Conn
	way direction
}

func (p simulatedPipe) direction() direction { return p.way }

// readerGone ends a pipe that t writes to, because the other end has been closed.
func (t *selectorTransport) readerGone() {
	if t.phase >= ending {
		return
	}
	if t.WriteBufferSize() > 0 {
		t.fatal("writing failed", &os.PathError{
			Op:   "write",
			Path: t.RemoteAddr().String(),
			Err:  sys.EPIPE,
		})
	} else if err := t.failure(); err != nil {
		t.fatal("writing failed", err)
	} else {
		endSoon(t, nil)
	}
}

// pipeAddr is the address of both ends of a pipe.
type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }
