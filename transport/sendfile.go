package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

// ErrSendfileNotAvailable is returned by [Sendfile] and [Socket.Sendfile] with the option
// [NativeOnly] if the system cannot send the file by itself. That is so on a secured transport or
// one without a native socket, for a file that is not regular, and if the system call is missing or
// refuses. Nothing has been sent. It matches [errors.ErrUnsupported].
var ErrSendfileNotAvailable = fmt.Errorf("transport: the system cannot send this file here: %w",
	errors.ErrUnsupported)

// SendfileOption adjusts [Sendfile] and [Socket.Sendfile].
type SendfileOption interface{ applySendfile(x *fileTransfer) }

type sendfileOption func(x *fileTransfer)

func (f sendfileOption) applySendfile(x *fileTransfer) { f(x) }

// FileFrom sends the file from offset, in bytes, to its end. It panics if offset is negative.
func FileFrom(offset int64) SendfileOption {
	if offset < 0 {
		panic("transport: FileFrom: the offset is negative; count from the beginning of the file")
	}
	return sendfileOption(func(x *fileTransfer) { x.at = offset })
}

// FileRange sends count bytes from offset, or fewer if the file is shorter. It panics if offset is
// negative or count is not positive.
func FileRange(offset, count int64) SendfileOption {
	from := FileFrom(offset)
	if count <= 0 {
		panic("transport: FileRange: the count is not positive; " +
			"send nothing, or use FileFrom for the rest of the file")
	}
	return sendfileOption(func(x *fileTransfer) {
		from.applySendfile(x)
		x.left = count
	})
}

// NativeOnly lets the transfer fail with [ErrSendfileNotAvailable] where it would have to read and
// write the file. asyncio: fallback=False.
func NativeOnly() SendfileOption {
	return sendfileOption(func(x *fileTransfer) { x.native, x.copied = true, false })
}

// Copied reads the file on another goroutine and writes it in pieces, even if the system could send
// it by itself. It costs more, but a slow disk cannot delay the loop.
func Copied() SendfileOption {
	return sendfileOption(func(x *fileTransfer) { x.native, x.copied = false, true })
}

// Sendfile sends a file over t, after everything written before, and returns the number of bytes
// sent. Without options it sends the whole file, whatever its position. On a TCP or unix connection
// under Linux the kernel sends it without a copy in the program. Elsewhere, with TLS, and for files
// that are not regular, another goroutine reads the file and the loop writes it in pieces.
// Afterwards, also after an error, the position of the file is behind the last byte sent; if none
// was sent, it is unchanged.
//
// During the transfer nothing else can be written: Write, WriteEOF and another Sendfile panic, and
// a protocol with the methods of [FlowControl] is asked to pause writing. Receiving goes on.
// Closing the transport ends the transfer with an error that matches [net.ErrClosed]. Losing the
// connection ends it with the error of ConnectionLost or of the failed write.
//
// The kernel may have to read from the disk while the loop waits, at most 256 KiB at a time; use
// [Copied] if disks are slow. It panics if t or f is nil. asyncio: sendfile.
//
// Cancellation: the transfer ends where it is and the connection stays open, with part of the file
// sent. The returned number says how much.
func Sendfile(ctx context.Context, t Transport, f *os.File, opts ...SendfileOption) (int64, error) {
	const op = "Sendfile"
	if t == nil {
		panic("transport: Sendfile: the transport is nil; " +
			"pass the one ConnectionMade was called with")
	}
	x := newFileTransfer(op, f, opts)
	needTask(ctx, op)
	fail := func(err error) (int64, error) {
		e := &net.OpError{Op: "sendfile", Source: t.LocalAddr(), Addr: t.RemoteAddr(), Err: err}
		if e.Addr != nil {
			e.Net = e.Addr.Network()
		}
		return 0, e
	}
	if t.IsClosing() {
		return fail(net.ErrClosed)
	}
	c, ok := t.(fileCarrier)
	if !ok {
		return fail(errors.ErrUnsupported)
	}
	job := &fileJob{}
	c.beginFile(job)
	defer c.endFile()
	over := func() error {
		switch {
		case job.err != nil:
			return job.err
		case t.IsClosing():
			_, err := fail(net.ErrClosed)
			return err
		}
		return nil
	}
	return x.run(ctx, fileTarget{
		clear: func(ctx context.Context) error {
			return job.until(ctx, over, func() bool { return t.WriteBufferSize() == 0 })
		},
		try:  c.fileSender(),
		wait: func(ctx context.Context) error { return job.next(ctx, over) },
		write: func(ctx context.Context, p []byte) error {
			if err := job.until(ctx, over, c.roomForFile); err != nil {
				return err
			}
			c.writeFile(p)
			return over()
		},
	})
}

// fileCarrier is a transport that files can be sent over.
type fileCarrier interface {
	Transport
	beginFile(j *fileJob) // blocks other writes
	endFile()
	roomForFile() bool   // whether writing is not paused
	writeFile(p []byte)  // Write for the transfer itself
	fileSender() trySend // nil if the kernel cannot send files on this transport
}

// trySend lets the kernel send up to limit bytes of f from an offset. It returns what TryWrite
// would, and 0 and nil at the end of the file.
type trySend func(f *os.File, offset int64, limit int) (int, error)

// fileJob is the task that sends a file over a transport, as the transport sees it.
type fileJob struct {
	waiter aio.Waiter
	err    error // what the connection was lost with
}

// changed is called when there may be room, and when the transport ends. j may be nil.
func (j *fileJob) changed() {
	if j != nil {
		j.waiter.Unpark()
	}
}

// lost is called when the connection fails, with the error of ConnectionLost.
func (j *fileJob) lost(err error) {
	if j != nil {
		j.err = cmp.Or(j.err, err)
		j.waiter.Unpark()
	}
}

// next waits for a change.
func (j *fileJob) next(ctx context.Context, over func() error) error {
	j.waiter = aio.NewWaiter(ctx, "transport.Sendfile", j)
	err := j.waiter.Park()
	j.waiter = aio.Waiter{}
	if err != nil {
		return err
	}
	return over()
}

// until waits until cond holds.
func (j *fileJob) until(ctx context.Context, over func() error, cond func() bool) error {
	err := over()
	for err == nil && !cond() {
		err = j.next(ctx, over)
	}
	return err
}

// fileTarget is the destination of a file.
type fileTarget struct {
	// waits until everything written before has been sent
	clear func(ctx context.Context) error
	try   trySend                                   // nil if there is no system call
	wait  func(ctx context.Context) error           // after ErrWouldBlock from try
	write func(ctx context.Context, p []byte) error // waits for room and sends p
}

// fileTransfer is the transfer of one file.
type fileTransfer struct {
	f      *os.File
	at     int64 // the next byte to send
	left   int64 // bytes to send at most; to the end of the file if negative
	sent   int64
	native bool // NativeOnly
	copied bool // Copied
}

const filePiece = 64 << 10 // bytes read and written in one go

func newFileTransfer(op string, f *os.File, opts []SendfileOption) *fileTransfer {
	if f == nil {
		panic("transport: " + op + ": the file is nil; open one")
	}
	x := &fileTransfer{f: f, left: -1}
	for _, opt := range opts {
		if opt != nil {
			opt.applySendfile(x)
		}
	}
	return x
}

// run sends the file and positions it.
func (x *fileTransfer) run(ctx context.Context, to fileTarget) (int64, error) {
	defer func() {
		if x.sent > 0 {
			x.f.Seek(x.at, io.SeekStart) // fails if the file has no position
		}
	}()
	info, err := x.f.Stat()
	if err != nil {
		return 0, err
	}
	regular := info.Mode().IsRegular()
	if !x.copied {
		err := ErrSendfileNotAvailable
		if to.try != nil && regular {
			err = x.byKernel(ctx, to)
		}
		if !errtree.Is(err, ErrSendfileNotAvailable) || x.native {
			return x.sent, err
		}
	}
	return x.sent, x.byHand(ctx, to, regular)
}

func (x *fileTransfer) advance(n int) {
	x.at += int64(n)
	x.sent += int64(n)
	if x.left > 0 {
		x.left -= int64(n)
	}
}

// piece returns how much to send next, at most limit.
func (x *fileTransfer) piece(limit int) int {
	if x.left < 0 || x.left > int64(limit) {
		return limit
	}
	return int(x.left)
}

// byKernel leaves the transfer to the system. If the system refuses at once it returns
// ErrSendfileNotAvailable.
func (x *fileTransfer) byKernel(ctx context.Context, to fileTarget) error {
	if err := to.clear(ctx); err != nil {
		return err
	}
	for turn := 0; x.left != 0; {
		n, err := to.try(x.f, x.at, x.piece(maxFilePiece))
		x.advance(n)
		turn += n
		switch {
		case err == ErrWouldBlock:
			turn = 0
			if err := to.wait(ctx); err != nil {
				return err
			}
		case err != nil && x.sent == 0 && !isConnectionError(err):
			return fmt.Errorf("%w: %w", ErrSendfileNotAvailable, err)
		case err != nil:
			return err
		case n == 0:
			return nil
		case turn >= maxWriteBytes:
			turn = 0
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxFilePiece bounds one system call, in bytes: the loop waits for it.
const maxFilePiece = 256 << 10

// byHand reads the file off the loop and writes the pieces.
func (x *fileTransfer) byHand(ctx context.Context, to fileTarget, regular bool) error {
	if x.at > 0 && !regular {
		if _, err := x.f.Seek(x.at, io.SeekStart); err != nil {
			return err
		}
	}
	buf := make([]byte, filePiece)
	for x.left != 0 {
		p, at := buf[:x.piece(len(buf))], x.at
		got, err := aio.ToThread(ctx, func(context.Context) (got filePieceRead, _ error) {
			if regular { // at an offset: an abandoned read must not move the position
				got.n, got.err = x.f.ReadAt(p, at)
			} else {
				got.n, got.err = x.f.Read(p)
			}
			if got.err == io.EOF {
				got.err = nil
			}
			return got, nil
		})
		if err != nil || got.n == 0 {
			return cmp.Or(err, got.err)
		}
		if err := to.write(ctx, p[:got.n]); err != nil {
			return err
		}
		x.advance(got.n)
		if got.err != nil { // bytes that came with the error count
			return got.err
		}
	}
	return nil
}

// filePieceRead is the result of a read.
type filePieceRead struct {
	n   int
	err error
}

// isConnectionError reports whether err says that a connection is gone.
func isConnectionError(err error) bool {
	for _, e := range []error{sys.EPIPE, sys.ECONNRESET, sys.ENOTCONN, net.ErrClosed} {
		if errtree.Is(err, e) {
			return true
		}
	}
	return false
}
