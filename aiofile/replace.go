package aiofile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

// ReplaceOption is a setting of [Replace] and [WriteAtomic]: [SetMode].
type ReplaceOption func(s *replaceSettings)

type replaceSettings struct{ setMode bool }

// SetMode gives the file the permissions perm even if it exists. Default: an existing file keeps
// its permissions.
func SetMode() ReplaceOption { return func(s *replaceSettings) { s.setMode = true } }

// Replace calls fn with a new, empty file. When fn has returned without an error, the new file
// takes the name and replaces the old one. Until then the name has the old content, or no file if
// there was none. That holds in any case: if fn fails, panics or is cancelled, if the disk is full,
// or if the process is killed.
//
// An existing file keeps its permissions, and its group if that is allowed. perm is for a new file,
// before umask, and with [SetMode] for all. If the old file belongs to another user, or is a
// symbolic link, the new one has at most perm, and at most the permissions of the old one.
//
// The new file is in the same folder. Its name is that of the other with a dot in front, and with
// ".tmp-" and random letters at the end. At the end it is synced to the disk (fsync) and renamed,
// and then the folder is synced. After a failure it is removed; only a process that is killed
// leaves it behind. If any write to the file has failed, nothing is replaced, even if fn returns
// nil. If only the last step fails, syncing the folder, the new content is there and an error says
// so. fn must not close the file. A symbolic link is replaced by a file; its target stays as it is.
// A device, a FIFO or a socket is not replaced: that is an error. Windows cannot replace an open
// file; Replace tries for two seconds. There, opening the file during the rename may fail with
// ERROR_SHARING_VIOLATION.
//
// Cancellation: until fn has returned and the content is on the disk, nothing is replaced. From
// then on a cancellation has no effect.
func Replace(
	ctx context.Context,
	name string,
	perm fs.FileMode,
	fn func(ctx context.Context, f *File) error,
	opts ...ReplaceOption,
) error {
	if fn == nil {
		panic(misuse("Replace", "the function is nil; pass one"))
	}
	var s replaceSettings
	for _, o := range opts {
		o(&s)
	}
	return shown(replace(ctx, name, perm, fn, s))
}

func replace(
	ctx context.Context,
	name string,
	perm fs.FileMode,
	fn func(ctx context.Context, f *File) error,
	s replaceSettings,
) error {
	dir, base := filepath.Split(name)
	if base == "" {
		return &fs.PathError{
			Op:   "replace",
			Path: name,
			Err:  errors.New("the name has no file in it"),
		}
	}
	// names have at most 255 bytes
	temp := filepath.Join(dir, "."+base[:min(len(base), 200)]+".tmp-"+rand.Text())
	disk := systemOf(ctx)
	var old fs.FileInfo // the old file, if its permissions are to be kept
	file, err := doOn(ctx, disk.Disk, func() (handle, error) {
		if disk.isReal() {
			if err := replaceable(name); err != nil {
				return nil, err
			}
			if !s.setMode {
				perm, old = permissions(name, perm)
			}
		}
		return disk.openNow(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm) // O_EXCL follows no link
	})
	if err != nil {
		return err
	}
	f := &File{f: file, disk: disk.Disk}
	var done atomic.Bool // also read by a task that the loop ends during the rename
	defer func() {
		if !done.Load() {
			_ = f.Close(ctx)
			_ = insistOn(ctx, disk.Disk, func() error { return disk.remove(temp) })
		}
	}()
	if err := fn(ctx, f); err != nil {
		return err
	}
	if f.failed != nil {
		return fmt.Errorf("aiofile: Replace: a write has failed, so %s stays as it was: %w",
			safetext.Line(name), f.failed)
	}
	if old != nil {
		if err := do(ctx, func() error { return likeness(f.f.(*os.File), old) }); err != nil {
			return err
		}
	}
	if err := f.Sync(ctx); err != nil {
		return err
	}
	if err := f.Close(ctx); err != nil {
		return err
	}
	if err := aio.Yield(ctx); err != nil {
		return err
	}
	return insistOn(ctx, disk.Disk, func() error {
		if disk.isReal() {
			if err := replaceable(name); err != nil {
				return err
			}
		}
		if err := disk.rename(temp, name); err != nil {
			return err
		}
		done.Store(true)
		return disk.syncDir(dir)
	})
}

// replaceable reports, with an error, a device, a FIFO or a socket of that name: others may use it,
// and it cannot be made again.
func replaceable(name string) error {
	const special = fs.ModeDevice | fs.ModeNamedPipe | fs.ModeSocket
	if info, err := os.Lstat(name); err == nil && info.Mode()&special != 0 {
		return &fs.PathError{Op: "replace", Path: name, Err: errors.New("not a regular file")}
	}
	return nil
}

// permissions returns the permissions to make a new file with in the place of the named one, and
// the old file if the new one will get its permissions.
func permissions(name string, perm fs.FileMode) (fs.FileMode, fs.FileInfo) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode().IsRegular() && ours(info) {
		return 0o600, info
	}
	if info, err = os.Stat(name); err == nil && info.Mode().IsRegular() {
		return perm & info.Mode().Perm(), nil // of another user, or the target of a link
	}
	return perm, nil
}

// likeness gives f the permissions of the file that it replaces. The group's permissions are for
// the same group, or for none.
func likeness(f *os.File, old fs.FileInfo) error {
	mode := old.Mode().Perm()
	if !joinGroup(f, old) {
		mode &^= 0o070
	}
	err := f.Chmod(mode)
	if errtree.Is(err, errors.ErrUnsupported) {
		return nil // this system has no permissions
	}
	return err
}

// syncDir syncs a folder to the disk, so that a rename in it survives a power failure.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // Windows cannot open folders for that
		return nil
	}
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	// some file systems cannot sync folders
	if errtree.Is(err, errors.ErrUnsupported) || errtree.Is(err, errInvalid) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// WriteAtomic is [Replace] with the data as an argument: an existing file keeps its permissions,
// unless [SetMode] says otherwise.
//
// Cancellation: as for Replace.
func WriteAtomic(
	ctx context.Context, name string, data []byte, perm fs.FileMode, opts ...ReplaceOption,
) error {
	return Replace(ctx, name, perm,
		func(ctx context.Context, f *File) error { return writeAll(ctx, f, data) }, opts...)
}

// WriteFile writes data to a file. A new file gets the permissions perm, before umask; an existing
// one is truncated first. If that fails in the middle, a part is left; [WriteAtomic] leaves none.
// See [os.WriteFile].
//
// Cancellation: ends it after the current chunk.
func WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	f, err := OpenFile(ctx, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	err = writeAll(ctx, f, data)
	if closed := f.Close(ctx); err == nil {
		err = closed
	}
	return err
}

// copySize is how many bytes are copied or written between two checks of the cancellation.
const copySize = 4 << 20

func writeAll(ctx context.Context, f *File, data []byte) error {
	for len(data) > 0 {
		n := min(len(data), copySize)
		if _, err := f.Write(ctx, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Copy makes dst a copy of the file src, with its content and permissions (before umask), and
// returns the number of bytes. dst appears, or changes, when the copy is complete and on the disk,
// see [Replace]. If the system can copy inside the file system, it does.
//
// Cancellation: ends it after the current 4 MiB; dst stays as it was.
func Copy(ctx context.Context, dst, src string) (int64, error) {
	from, err := Open(ctx, src)
	if err != nil {
		return 0, err
	}
	defer from.Close(ctx)
	info, err := from.Stat(ctx)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, shown(&fs.PathError{Op: "copy", Path: src, Err: errors.New("not a regular file")})
	}
	var total int64
	err = Replace(ctx, dst, info.Mode().Perm(), func(ctx context.Context, to *File) error {
		for {
			n, err := to.wrote64(with(ctx, to, func() (int64, error) {
				return io.CopyN(to.f, from.f, copySize)
			}))
			total += n
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}, SetMode())
	if err != nil {
		return 0, err
	}
	return total, nil
}

func (f *File) wrote64(n int64, err error) (int64, error) {
	if err != io.EOF {
		_, err = f.wrote(0, err)
	}
	return n, err
}
