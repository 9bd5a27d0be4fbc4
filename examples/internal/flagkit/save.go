package flagkit

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/aio-go/aio/aiofile"
)

// Save writes a file of the folder. The file appears under its name when it is complete, or not at
// all: it is written under another name first, which is gone if that fails.
type Save func(ctx context.Context, name string, data []byte) error

// offTheLoop saves on another goroutine, since disks make wait.
func offTheLoop(folder string) Save {
	return func(ctx context.Context, name string, data []byte) error {
		// A flag that has come is kept, also when the program is interrupted.
		return aiofile.WriteAtomic(context.WithoutCancel(ctx),
			filepath.Join(folder, name), data, 0o644)
	}
}

// onTheLoop saves on the loop. Nothing else goes on meanwhile, so each run is the same.
func onTheLoop(folder string) Save {
	return func(_ context.Context, name string, data []byte) error {
		part := filepath.Join(folder, "."+name+".part")
		os.Remove(part)
		// never a file or link that exists already
		f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		if err = errors.Join(err, f.Close()); err == nil {
			err = os.Rename(part, filepath.Join(folder, name))
		}
		if err != nil {
			os.Remove(part)
		}
		return err
	}
}
