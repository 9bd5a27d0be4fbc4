package transport

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// ErrNotPipe says that a file is none that can be waited for: a regular file, a directory, or a device
// such as /dev/null, which is always ready. Package aiofile reads and writes such files.
var ErrNotPipe = errors.New("transport: not a pipe, socket or terminal; use package aiofile for regular files")

// ConnectReadPipe makes a transport that receives from f: the reading end of a pipe, a FIFO, a socket, a
// terminal or another descriptor that can be waited for. It returns when p's ConnectionMade has run. At the
// end of the stream p hears EOFReceived, whatever that returns ConnectionLost follows, since there is nothing
// else to keep open. The transport cannot write: Write panics.
//
// f belongs to the transport from then on, also after an error: do not use it any more. Of a standard stream,
// [os.Stdin] say, only a duplicate belongs to the transport and the stream itself stays open. Other processes
// that share the descriptor do not notice that it is used without blocking, as far as the system allows: for
// sockets and the masters of terminals it does not, and their mode is restored at the end.
//
// The error is a [*os.PathError] with the name of f; it matches [ErrNotPipe] for a file that cannot be waited for.
//
// It suspends the task; it panics if f or p is nil. Cancellation: the transport is aborted.
//
// It stands for loop.connect_read_pipe of asyncio.
func ConnectReadPipe(ctx context.Context, f *os.File, p Protocol) (Transport, error) {
	return connectPipe(ctx, "ConnectReadPipe", f, receives, p)
}

// ConnectWritePipe makes a transport that sends to f: the writing end of a pipe, a FIFO, a socket, a terminal
// or another descriptor that can be waited for. It returns when p's ConnectionMade has run. WriteEOF is the
// same as Close. When nobody reads any more p hears ConnectionLost, also if nothing is written: with nil, or
// with [syscall.EPIPE] if something was left to send. ([Portable] and systems without a poller notice that only
// in a write.)
//
// What [ConnectReadPipe] says about f, errors and cancellation holds here too.
//
// It stands for loop.connect_write_pipe of asyncio.
func ConnectWritePipe(ctx context.Context, f *os.File, p Protocol) (Transport, error) {
	return connectPipe(ctx, "ConnectWritePipe", f, sends, p)
}

func connectPipe(ctx context.Context, op string, f *os.File, d direction, p Protocol) (Transport, error) {
	if f == nil {
		panic("transport: " + op + ": the file is nil; pass one, such as an end of os.Pipe")
	}
	checkProtocol(op, p)
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	info, err := f.Stat()
	switch {
	case err != nil:
		if _, closed := f.Seek(0, io.SeekCurrent); errors.Is(closed, os.ErrClosed) { // Windows says that its handle is wrong
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
	w := aio.NewWaiter(ctx, "transport."+op, conn)
	t := newTransport(h, conn, p, nil, func() { w.Unpark() })
	if err := w.Park(); err != nil {
		t.Abort()
		return nil, err
	}
	return t, nil
}

// isStandard reports whether f is a stream that the rest of the program goes on using.
func isStandard(f *os.File) bool { return f == os.Stdin || f == os.Stdout || f == os.Stderr }

// pipeError makes a *os.PathError of err, with what it says about the reason.
func pipeError(op string, f *os.File, err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return &os.PathError{Op: op, Path: f.Name(), Err: err}
}

// direction is what a Conn can do.
type direction uint8

const (
	bothWays direction = iota
	receives
	sends
)

// oneWay is implemented by a Conn that is an end of a pipe.
type oneWay interface{ direction() direction }

// nobodyReads ends a pipe that t writes to: the other end of it has been closed, or nothing is left to send.
func (t *selectorTransport) nobodyReads() {
	if t.phase >= ending {
		return
	}
	if t.pends {
		if _, err := t.conn.TryWrite(nil); err != nil && err != ErrWouldBlock {
			t.fatal("writing failed", err)
			return
		}
	}
	if t.WriteBufferSize() > 0 {
		t.fatal("writing failed", &os.PathError{Op: "write", Path: t.RemoteAddr().String(), Err: sys.EPIPE})
		return
	}
	endSoon(t, nil)
}

// pipeAddr is the address of both ends of a pipe.
type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }
