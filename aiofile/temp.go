package aiofile

import (
	"context"
	"os"
)

// TempFile calls fn with a new file in dir, or in the system's folder for such files if dir is empty, and removes it when fn has returned,
// panicked or been cancelled. In its name the last * of pattern is replaced by random letters; see [os.CreateTemp]. It returns fn's error.
// Python: tempfile.NamedTemporaryFile.
//
// Cancellation: it is fn's matter; the file is removed in any case.
func TempFile(ctx context.Context, dir, pattern string, fn func(ctx context.Context, f *File) error) error {
	if fn == nil {
		panic(misuse("TempFile", "the function is nil"))
	}
	file, err := Do(ctx, func() (*os.File, error) { return os.CreateTemp(dir, pattern) })
	if err != nil {
		return err
	}
	f := &File{f: file}
	defer func() {
		_ = f.Close(ctx)
		_ = insist(ctx, func() error { return os.Remove(f.Name()) })
	}()
	return fn(ctx, f)
}

// TempDir calls fn with the name of a new folder, as [TempFile] does with a file, and removes it with all that is in it when fn has
// returned, panicked or been cancelled. It returns fn's error, or that of the removal. Python: tempfile.TemporaryDirectory.
//
// Cancellation: it is fn's matter; the folder is removed in any case.
func TempDir(ctx context.Context, dir, pattern string, fn func(ctx context.Context, dir string) error) (err error) {
	if fn == nil {
		panic(misuse("TempDir", "the function is nil"))
	}
	name, err := Do(ctx, func() (string, error) { return os.MkdirTemp(dir, pattern) })
	if err != nil {
		return err
	}
	defer func() {
		if gone := insist(ctx, func() error { return os.RemoveAll(name) }); err == nil {
			err = gone
		}
	}()
	return fn(ctx, name)
}
