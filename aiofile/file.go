package aiofile

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/nocopy"
)

// File is an open file. Its operations go one after the other, in the order in which they were asked for, each beside the loop. Close it when
// done. Its methods are for the loop only.
type File struct {
	_      nocopy.Mark
	f      *os.File
	turn   aiosync.Lock
	failed error // the first write that failed
	slow   *slow // for what may keep a reader or writer waiting for ever; nil for files on a disk
}

// Open opens a file for reading. See [os.Open]. Python: open, aiofiles.open.
//
// Cancellation: as the package says; a file that is returned has to be closed.
func Open(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDONLY, 0)
}

// Create makes a file, or empties it if it exists, for reading and writing. See [os.Create]. To never lose the old content use [Replace].
//
// Cancellation: as for [Open].
func Create(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a file in the way that flag says; if it is made, with these permissions, before umask. See [os.OpenFile].
//
// A FIFO is opened for reading at once on Linux: its first Read waits for a writer. Opening one for writing waits until
// there is a reader.
//
// Cancellation: as for [Open]. The wait for the other side of a FIFO ends at once.
func OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	f, err := openFile(ctx, name, flag, perm)
	return f, shown(err)
}

// with has fn called beside the loop when it is the operation's turn.
func with[T any](ctx context.Context, f *File, fn func() (T, error)) (v T, err error) {
	if err := f.turn.Acquire(ctx); err != nil {
		return v, err
	}
	defer f.turn.Release()
	v, err = Do(ctx, fn)
	return v, shown(err)
}

// Name returns the name that the file was opened by.
func (f *File) Name() string { return f.f.Name() }

// Read reads up to len(p) bytes from where the file stands. At the end it returns io.EOF. See [os.File.Read].
//
// Cancellation: as the package says; p is not written to after Read has returned.
func (f *File) Read(ctx context.Context, p []byte) (int, error) {
	if f.slow != nil {
		return f.readSlow(ctx, p)
	}
	return with(ctx, f, func() (int, error) { return f.f.Read(p) })
}

// ReadAt reads len(p) bytes from an offset, and does not move where the file stands. See [os.File.ReadAt].
//
// Cancellation: as for Read.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	return with(ctx, f, func() (int, error) { return f.f.ReadAt(p, off) })
}

// ReadAll reads what is left, up to the end. With an error it returns what came before: [ErrTooLong] if there is more
// than 1 GiB, or than [Limit] says.
//
// Cancellation: ends it after the chunk that is being read; what was read is returned.
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
		all = append(all, chunk...)
	}
	return all, nil
}

// chunkSize is how much is read or written at a time where the caller does not say.
const chunkSize = 64 << 10

// Chunks is the sequence of what is left of the file, in pieces of up to n bytes. A piece is good until the next one is asked for.
//
// Cancellation: its error ends the sequence.
func (f *File) Chunks(ctx context.Context, n int) iter.Seq2[[]byte, error] {
	if n < 1 {
		panic(misuse("File.Chunks", "the size must be at least 1"))
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

// Write writes p where the file stands. After an error it returns how much was written. See [os.File.Write].
//
// Cancellation: as the package says; all of p is written or, if the task was cancelled before, nothing. Of what was
// written to a FIFO or a terminal that is full, Write returns how much that was.
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

// Seek moves to where the next Read or Write begins. See [os.File.Seek].
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

// Sync has what was written brought to the disk, and returns when it is there. See [os.File.Sync].
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
	return with(ctx, f, f.f.Stat)
}

// Close closes the file after the operations that were asked for before. Of a FIFO or a device it ends reads and writes that wait,
// with an error that matches [os.ErrClosed], and so does a second call. It is meant to be deferred; the error tells of writes
// that have failed late.
//
// Cancellation: none. A cancelled task closes its files, too.
func (f *File) Close(ctx context.Context) error {
	if f.slow != nil {
		f.slow.close(context.WithoutCancel(ctx))
	}
	if f.turn.Acquire(context.WithoutCancel(ctx)) == nil { // unless the task is being ended
		defer f.turn.Release()
	}
	return shown(insist(ctx, f.f.Close))
}
