package simfs

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// File is an open file. Its methods are those of os.File.
type File struct {
	d      *Disk
	life   int
	name   string
	n      *inode
	flag   int
	at     int64
	folder bool
	closed bool
}

// use says why the file cannot be used, if so.
func (f *File) use(op string) error {
	switch {
	case f.closed:
		return failure(op, f.name, os.ErrClosed)
	case f.life != f.d.life:
		return failure(op, f.name, ErrLost)
	}
	return nil
}

func (f *File) writes(op string) error {
	if err := f.use(op); err != nil {
		return err
	}
	if f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return failure(op, f.name, errBadFile)
	}
	if err := f.d.begin(op, f.name); err != nil {
		return err
	}
	return f.use(op)
}

// Name is the name it was opened with.
func (f *File) Name() string { return f.name }

// Read reads at the position.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt reads at an offset.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	switch err := f.use("read"); {
	case err != nil:
		return 0, err
	case f.folder:
		return 0, failure("read", f.name, errIsFolder)
	case f.flag&os.O_WRONLY != 0:
		return 0, failure("read", f.name, errBadFile)
	case off < 0:
		return 0, failure("read", f.name, errInvalid)
	case len(p) == 0:
		return 0, nil
	case off >= int64(len(f.n.data)):
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write writes at the position, or at the end of a file that was opened for appending.
func (f *File) Write(p []byte) (int, error) {
	if f.flag&os.O_APPEND != 0 {
		f.at = int64(len(f.n.data))
	}
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// WriteString is Write.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// WriteAt writes at an offset.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.writes("write"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, failure("write", f.name, errInvalid)
	}
	n := len(p)
	if n == 0 {
		return 0, nil
	}
	if f.d.Weather != nil {
		n = f.d.Weather.Write(f.name, n)
	}
	if n > 0 {
		f.d.note(f.n, write{at: int(off), data: slices.Clone(p[:n]), size: -1})
	}
	if n < len(p) {
		return n, failure("write", f.name, errFull)
	}
	return n, nil
}

// Seek moves the position.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if err := f.use("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.n.data))
	}
	if offset < 0 {
		return 0, failure("seek", f.name, errInvalid)
	}
	f.at = offset
	return offset, nil
}

// Truncate changes the size.
func (f *File) Truncate(size int64) error {
	if err := f.writes("truncate"); err != nil {
		return err
	}
	if size < 0 {
		return failure("truncate", f.name, errInvalid)
	}
	f.d.note(f.n, write{size: int(size)})
	return nil
}

// Sync puts the content on the disk.
func (f *File) Sync() error {
	if err := f.use("sync"); err != nil {
		return err
	}
	if f.folder {
		return f.d.SyncDir(f.name)
	}
	if err := f.d.begin("sync", f.name); err != nil {
		return err
	}
	f.d.sync(f.n)
	return nil
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) {
	if err := f.use("stat"); err != nil {
		return nil, err
	}
	return info{f.n, path.Base(clean(f.name)), int64(len(f.n.data))}, nil
}

// Close closes it.
func (f *File) Close() error {
	if f.closed {
		return failure("close", f.name, os.ErrClosed)
	}
	f.closed = true
	return nil
}
