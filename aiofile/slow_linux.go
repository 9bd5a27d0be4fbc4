package aiofile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// slow is the part of a File for a FIFO, a terminal or another device, whose reader or writer may
// wait for ever. The file is in non-blocking mode, and the task waits until the loop's poller
// reports it as ready. No goroutine waits, and the wait takes no place among the operations.
type slow struct {
	turns
	fresh bool // a FIFO without a writer so far: an empty read is not its end
	plain bool // the poller refuses it: the device is always ready, or cannot report it
}

// errNoReader says that a FIFO cannot be opened for writing yet.
var errNoReader = errors.New("nobody reads")

// openFile opens a file and waits for disks only, except for a FIFO without a reader. The system
// cannot report when a reader arrives.
func openFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		f, err := Do(ctx, func() (*File, error) { return openNow(name, flag, perm) })
		if err != errNoReader {
			return f, err
		}
		if err := aio.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// openNow is called off the loop.
func openNow(name string, flag int, perm fs.FileMode) (*File, error) {
	own := flag&syscall.O_NONBLOCK != 0 // the caller knows what it means
	f, err := os.OpenFile(name, flag|syscall.O_NONBLOCK, perm)
	switch {
	case own || err == nil:
	case errtree.Is(err, syscall.ENXIO) && flag&syscall.O_ACCMODE == syscall.O_WRONLY &&
		isFIFO(name):
		return nil, errNoReader
	// another process has a lease on the file, and gets the time to end it
	case errtree.Is(err, syscall.EWOULDBLOCK):
		f, err = os.OpenFile(name, flag, perm)
	}
	if err != nil {
		return nil, err
	}
	file := &File{f: f}
	info, err := f.Stat()
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice|fs.ModeSocket) != 0 {
		fifo := info.Mode()&fs.ModeNamedPipe != 0
		file.slow = &slow{fresh: fifo && flag&syscall.O_ACCMODE == syscall.O_RDONLY}
	}
	return file, nil
}

func isFIFO(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// readSlow is Read for a file that may have to wait.
func (f *File) readSlow(ctx context.Context, p []byte) (int, error) {
	return f.try(ctx, "read", aio.Readable, p, func(fd int) (int, error) {
		n, err := syscall.Read(fd, p)
		switch {
		case n > 0:
			f.slow.fresh = false
		case err == nil && len(p) > 0:
			if f.slow.fresh && nobodyYet(fd) {
				return 0, syscall.EAGAIN
			}
			return 0, io.EOF
		}
		return max(n, 0), err
	}, f.f.Read)
}

// writeSlow is Write for a file that may have to wait.
func (f *File) writeSlow(ctx context.Context, p []byte) (int, error) {
	done := 0
	for {
		n, err := f.try(ctx, "write", aio.Writable, p[done:], func(fd int) (int, error) {
			n, err := syscall.Write(fd, p[done:])
			return max(n, 0), err
		}, f.f.Write)
		if done += n; err != nil || done >= len(p) {
			return done, err
		}
	}
}

// try repeats a call that does not block until it has something to do. It runs off the loop, as
// terminals may be slow. plain is for files that cannot be waited for.
func (f *File) try(
	ctx context.Context,
	op string,
	ready aio.Interest,
	p []byte,
	call func(fd int) (int, error),
	plain func(p []byte) (int, error),
) (int, error) {
	line := &f.slow.read
	if ready == aio.Writable {
		line = &f.slow.write
	}
	n, err := f.slow.with(ctx, line, func(ctx context.Context) (int, error) {
		return f.tryNow(ctx, op, ready, p, call, plain)
	})
	if err == os.ErrClosed {
		err = &fs.PathError{Op: op, Path: f.Name(), Err: err}
	}
	return n, shown(err)
}

func (f *File) tryNow(
	ctx context.Context,
	op string,
	ready aio.Interest,
	p []byte,
	call func(fd int) (int, error),
	plain func(p []byte) (int, error),
) (int, error) {
	for !f.slow.plain {
		n, err := Do(ctx, func() (n int, err error) {
			raw, err := f.f.(*os.File).SyscallConn()
			if err != nil {
				return 0, err
			}
			failed := raw.Control(func(fd uintptr) {
				for n, err = call(int(fd)); err == syscall.EINTR; {
					n, err = call(int(fd))
				}
			})
			if failed != nil {
				return 0, &fs.PathError{Op: op, Path: f.Name(), Err: os.ErrClosed}
			}
			return n, err
		})
		switch errno, isErrno := err.(syscall.Errno); {
		case err == syscall.EAGAIN:
			if err := f.await(ctx, op, ready|aio.HangUp); err != nil {
				return 0, err
			}
			continue
		case isErrno:
			err = &fs.PathError{Op: op, Path: f.Name(), Err: errno}
		}
		return n, err
	}
	return Do(ctx, func() (int, error) { return plain(p) })
}

// await waits until the file is ready.
func (f *File) await(ctx context.Context, op string, ready aio.Interest) error {
	raw, err := f.f.(*os.File).SyscallConn()
	if err != nil {
		return err
	}
	var watch *aio.Watch
	var w aio.Waiter
	seen := false
	failed := raw.Control(func(fd uintptr) {
		watch, err = aio.RunningLoop(ctx).Watch(fd, func(ev aio.Interest) {
			if ev&ready != 0 {
				seen = true
				w.Unpark()
			}
		})
	})
	if failed != nil {
		return failed
	}
	if err != nil { // no poller, or one that refuses it
		f.slow.plain = true
		return nil
	}
	defer watch.Close()
	for !seen {
		w = aio.NewWaiter(ctx, "aiofile.File "+op, onFile(f.Name()))
		if err := w.Park(); err != nil {
			return err
		}
	}
	return nil
}

// onFile is the text of the wait in snapshots.
type onFile string

func (name onFile) String() string { return safetext.Line(string(name)) }

// nobodyYet reports whether an empty FIFO has had no writer since it was opened: the system reports
// writers that have left.
func nobodyYet(fd int) bool {
	var now syscall.Timespec
	look := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: 1} // POLLIN
	_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&look)), 1,
		uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	// data has arrived meanwhile: read it
	return errno == 0 && look.revents == 0 || errno == 0 && look.revents&1 != 0
}
