package aiofile

import (
	"context"
	"io/fs"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/simfs"
)

// handle is what a File needs of an open file: an *os.File, or one of a simulated disk.
type handle interface {
	Name() string
	Read(p []byte) (int, error)
	ReadAt(p []byte, off int64) (int, error)
	Write(p []byte) (int, error)
	WriteString(s string) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Seek(offset int64, whence int) (int64, error)
	Truncate(size int64) error
	Sync() error
	Stat() (fs.FileInfo, error)
	Close() error
}

// system is where files are: on a simulated disk, see World of package aiotest, or, if that is nil,
// where package os has them.
type system struct{ *simfs.Disk }

func systemOf(ctx context.Context) system { return system{simfs.DiskFrom(ctx)} }

func (s system) isReal() bool { return s.Disk == nil }

// doOn is Do for operations on a simulated disk as well, which are done on the loop: nothing of
// them blocks, and a crash ends them in the middle.
func doOn[T any](ctx context.Context, d *simfs.Disk, fn func() (T, error)) (v T, err error) {
	if d == nil {
		return Do(ctx, fn)
	}
	if err := aio.Yield(ctx); err != nil {
		return v, err
	}
	v, err = fn()
	return v, crashed(ctx, err)
}

// crashed makes the error of a file that was lost the cancellation that the crash was.
func crashed(ctx context.Context, err error) error {
	if errtree.Is(err, simfs.ErrLost) {
		if cancelled := aio.Yield(ctx); cancelled != nil {
			return cancelled
		}
	}
	return err
}

// insistOn is insist for operations on a simulated disk as well.
func insistOn(ctx context.Context, d *simfs.Disk, fn func() error) error {
	if d == nil {
		return insist(ctx, fn)
	}
	return crashed(ctx, fn())
}

func (s system) open(
	ctx context.Context, name string, flag int, perm fs.FileMode,
) (*File, error) {
	if s.isReal() {
		return openFile(ctx, name, flag, perm)
	}
	f, err := doOn(ctx, s.Disk, func() (handle, error) { return s.openNow(name, flag, perm) })
	if err != nil {
		return nil, err
	}
	return &File{f: f, disk: s.Disk}, nil
}

func (s system) openNow(name string, flag int, perm fs.FileMode) (handle, error) {
	if s.isReal() {
		f, err := os.OpenFile(name, flag, perm)
		return asHandle(f, err)
	}
	f, err := s.Disk.OpenFile(name, flag, perm)
	return asHandle(f, err)
}

// asHandle returns no handle, and not one of nothing, with an error.
func asHandle[T handle](f T, err error) (handle, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (s system) rename(from, to string) error {
	if s.isReal() {
		return rename(from, to)
	}
	return s.Disk.Rename(from, to)
}

func (s system) remove(name string) error {
	if s.isReal() {
		return os.Remove(name)
	}
	return s.Disk.Remove(name)
}

func (s system) removeAll(name string) error {
	if s.isReal() {
		return os.RemoveAll(name)
	}
	return s.Disk.RemoveAll(name)
}

func (s system) syncDir(dir string) error {
	if s.isReal() {
		return syncDir(dir)
	}
	return s.Disk.SyncDir(dir)
}

func (s system) createTemp(dir, pattern string) (handle, error) {
	if s.isReal() {
		f, err := os.CreateTemp(dir, pattern)
		return asHandle(f, err)
	}
	return s.openNow(s.Disk.TempName(dir, pattern), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (s system) makeTempDir(dir, pattern string) (string, error) {
	if s.isReal() {
		return os.MkdirTemp(dir, pattern)
	}
	return s.Disk.TempName(dir, pattern), nil
}
