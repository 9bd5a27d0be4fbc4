package aiofile

import (
	"context"
)

// TempFile calls fn with a new file in dir, or in the system's temporary folder if dir is empty. It
// removes the file when fn has returned, panicked or been cancelled. In its name random letters
// replace the last * of pattern; see [os.CreateTemp]. It returns fn's error. Python:
// tempfile.NamedTemporaryFile.
//
// Cancellation: fn gets it; the file is removed in any case.
func TempFile(
	ctx context.Context, dir, pattern string, fn func(ctx context.Context, f *File) error,
) error {
	if fn == nil {
		panic(misuse("TempFile", "the function is nil; pass one"))
	}
	disk := systemOf(ctx)
	file, err := doOn(ctx, disk.Disk, func() (handle, error) {
		return disk.createTemp(dir, pattern)
	})
	if err != nil {
		return err
	}
	f := &File{f: file, disk: disk.Disk}
	defer func() {
		_ = f.Close(ctx)
		_ = insistOn(ctx, disk.Disk, func() error { return disk.remove(f.Name()) })
	}()
	return fn(ctx, f)
}

// TempDir calls fn with the name of a new folder, like [TempFile], and removes it with all its
// content. It returns fn's error, or that of the removal. Python: tempfile.TemporaryDirectory.
//
// Cancellation: fn gets it; the folder is removed in any case.
func TempDir(
	ctx context.Context, dir, pattern string, fn func(ctx context.Context, dir string) error,
) (err error) {
	if fn == nil {
		panic(misuse("TempDir", "the function is nil; pass one"))
	}
	disk := systemOf(ctx)
	name, err := doOn(ctx, disk.Disk, func() (string, error) {
		return disk.makeTempDir(dir, pattern)
	})
	if err != nil {
		return err
	}
	defer func() {
		gone := insistOn(ctx, disk.Disk, func() error { return disk.removeAll(name) })
		if err == nil {
			err = gone
		}
	}()
	return fn(ctx, name)
}
