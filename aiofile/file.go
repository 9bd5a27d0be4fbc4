package aiofile

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"os"
	"runtime"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/nocopy"
	"github.com/aio-go/aio/internal/simfs"
)

// File is an open file. Its operations run in FIFO order, each off the loop. Close it when done.
// Its methods are for the loop only.
type File struct {
	_      nocopy.Mark
	f      handle
	disk   *simfs.Disk // on which it is; nil: on one of the system
	turn   aiosync.Lock
	failed error  // the first write that failed
	forget func() // in debug mode: the loop no longer expects that it is closed
	slow   *slow  // for files whose readers or writers may wait for ever; nil for files on a disk
}

// Open opens a file for reading. See [os.Open]. Python: open, aiofiles.open.
//
// Cancellation: as the package says; a returned file has to be closed.
func Open(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDONLY, 0)
}

// Create makes a file, or empties it if it exists, for reading and writing. See [os.Create].
// [Replace] never loses the old content.
//
// Cancellation: as for [Open].
func Create(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a file as flag says. A file that it makes has the permissions perm, before umask.
// See [os.OpenFile].
//
// On Linux, opening a FIFO for reading returns at once, and the first Read waits for a writer.
// Opening one for writing waits for a reader.
//
// Cancellation: as for [Open]. The wait for the other side of a FIFO ends at once.
func OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	f, err := systemOf(ctx).open(ctx, name, flag, perm)
	f, err = opened(ctx, f, err)
	return f, shown(err)
}

// with calls fn off the loop when it is the operation's turn.
func with[T any](ctx context.Context, f *File, fn func() (T, error)) (v T, err error) {
	if err := f.turn.Acquire(ctx); err != nil {
		return v, err
	}
	defer f.turn.Release()
	v, err = doOn(ctx, f.disk, fn)
	return v, shown(err)
}

// Name returns the name that was passed to Open.
func (f *File) Name() string { return f.f.Name() }

// Read reads up to len(p) bytes at the current position. At the end it returns io.EOF. See
// [os.File.Read].
//
// Cancellation: as the package says; p is not written to after Read has returned.
func (f *File) Read(ctx context.Context, p []byte) (int, error) {
	if f.slow != nil {
		return f.readSlow(ctx, p)
	}
	return with(ctx, f, func() (int, error) { return f.f.Read(p) })
}

// ReadAt reads len(p) bytes at an offset, and does not move the position. See [os.File.ReadAt].
//
// Cancellation: as for Read.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	return with(ctx, f, func() (int, error) { return f.f.ReadAt(p, off) })
}

// ReadAll reads the rest of the file. With an error it returns the bytes before it. More than 1
// GiB, or than [Limit] says, is an error that matches [ErrTooLong].
//
// Cancellation: ends it after the current chunk; the bytes read are returned.
func (f *File) ReadAll(ctx context.Context, opts ...ReadOption) ([]byte, error) {
	limit := limitOf(opts, defaultAll)
	var all []byte
	for chunk, err := range f.Chunks(ctx, chunkSize) {
		if err != nil {
			return all, err
		}
		if int64(len(chunk)) > limit-int64(len(all)) {
			return all, f.tooLong("read", limit)
		}
		if len(all) >= manyBytes && len(chunk) > cap(all)-len(all) {
			larger, err := f.room(ctx, all, len(chunk), limit)
			if err != nil {
				return all, err
			}
			all = larger
		}
		all = append(all, chunk...)
	}
	return all, nil
}

// manyBytes are so many that copying them is not for the loop.
const manyBytes = 1 << 20

// room returns all with room for what is left of the file, behind more bytes that have been read
// already. If that is known to be too much, it is not read.
func (f *File) room(ctx context.Context, all []byte, more int, limit int64) ([]byte, error) {
	return with(ctx, f, func() ([]byte, error) {
		size := int64(len(all) + more)
		want := size + size/2
		if info, err := f.f.Stat(); err == nil && info.Mode().IsRegular() {
			if at, err := f.f.Seek(0, io.SeekCurrent); err == nil && info.Size() > at {
				if info.Size()-at > limit-size {
					return nil, f.tooLong("read", limit)
				}
				want = size + info.Size() - at
			}
		}
		return append(make([]byte, 0, min(want, limit)), all...), nil
	})
}

// chunkSize is how many bytes are read or written at a time by default.
const chunkSize = 64 << 10

// Chunks is the sequence of the rest of the file, in pieces of up to n bytes. A piece is valid
// until the next step.
//
// Cancellation: its error ends the sequence.
func (f *File) Chunks(ctx context.Context, n int) iter.Seq2[[]byte, error] {
	if n < 1 {
		panic(misuse("File.Chunks", "the size is less than 1; use 1 or more"))
	}
	return func(yield func([]byte, error) bool) {
		buf := make([]byte, n)
		for {
			got, err := f.Read(ctx, buf)
			if got > 0 && !yield(buf[:got], nil) {
				return
			}
			if err != nil {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// Write writes p at the current position. With an error it returns the number of bytes written. See
// [os.File.Write].
//
// Cancellation: as the package says; all of p is written or, if the task was cancelled before,
// nothing. On a FIFO or terminal that is full, a part may be written; the returned number says how
// much.
func (f *File) Write(ctx context.Context, p []byte) (int, error) {
	if f.slow != nil {
		return f.wrote(f.writeSlow(ctx, p))
	}
	return f.wrote(with(ctx, f, func() (int, error) { return f.f.Write(p) }))
}

// WriteString is Write for a string.
//
// Cancellation: as for Write.
func (f *File) WriteString(ctx context.Context, s string) (int, error) {
	if f.slow != nil {
		return f.wrote(f.writeSlow(ctx, []byte(s)))
	}
	return f.wrote(with(ctx, f, func() (int, error) { return f.f.WriteString(s) }))
}

// WriteAt writes p at an offset. See [os.File.WriteAt].
//
// Cancellation: as for Write.
func (f *File) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	return f.wrote(with(ctx, f, func() (int, error) { return f.f.WriteAt(p, off) }))
}

func (f *File) wrote(n int, err error) (int, error) {
	if err != nil && f.failed == nil {
		f.failed = err
	}
	return n, err
}

// Seek moves the position of the next Read or Write. See [os.File.Seek].
//
// Cancellation: as the package says.
func (f *File) Seek(ctx context.Context, offset int64, whence int) (int64, error) {
	return with(ctx, f, func() (int64, error) { return f.f.Seek(offset, whence) })
}

// Truncate changes the size. See [os.File.Truncate].
//
// Cancellation: as the package says.
func (f *File) Truncate(ctx context.Context, size int64) error {
	_, err := with(ctx, f, func() (aio.None, error) { return aio.None{}, f.f.Truncate(size) })
	return err
}

// Sync writes the file's content to the disk, and returns when that is done. See [os.File.Sync].
//
// Cancellation: as the package says.
func (f *File) Sync(ctx context.Context) error {
	_, err := with(ctx, f, func() (aio.None, error) { return aio.None{}, f.f.Sync() })
	return err
}

// Stat describes the file. See [os.File.Stat].
//
// Cancellation: as the package says.
func (f *File) Stat(ctx context.Context) (fs.FileInfo, error) {
	return with(ctx, f, func() (fs.FileInfo, error) {
		info, err := f.f.Stat()
		file, ok := f.f.(*os.File)
		if err != nil && runtime.GOOS == "windows" && ok && file.Fd() == ^uintptr(0) {
			// Windows reports an invalid handle
			err = &fs.PathError{Op: "stat", Path: f.f.Name(), Err: os.ErrClosed}
		}
		return info, err
	})
}

// Close closes the file after the operations before it. Reads and writes that wait in a FIFO or a
// device end with an error that matches [os.ErrClosed]. So does a second call. Call it in a defer.
// Its error may be that of an earlier write.
//
// Cancellation: none. A cancelled task closes its files, too.
func (f *File) Close(ctx context.Context) error {
	if f.slow != nil {
		f.slow.close(context.WithoutCancel(ctx))
	}
	if f.forget != nil {
		f.forget()
	}
	if f.turn.Acquire(context.WithoutCancel(ctx)) == nil { // unless the loop ends the task
		defer f.turn.Release()
	}
	return shown(insistOn(ctx, f.disk, f.f.Close))
}
