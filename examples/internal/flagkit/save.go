package flagkit

import (
	"context"
	"os"
	"path/filepath"

	"github.com/aio-go/aio"
)

// Save writes a file of the folder. The file appears under its name when it is complete, or not at all:
// it is written under another name first, which is gone if that fails.
type Save func(ctx context.Context, name string, data []byte) error

// offTheLoop saves on another goroutine, since disks make wait.
func offTheLoop(folder string) Save {
	return func(ctx context.Context, name string, data []byte) error {
		// What has been begun is ended, also when the program is interrupted: a goroutine cannot be
		// stopped, and must not be left alone with half a file.
		return aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error { return write(folder, name, data) })
	}
}

// onTheLoop saves where it stands. Nothing else goes on meanwhile, which a run that is to be the same
// each time is glad of.
func onTheLoop(folder string) Save {
	return func(_ context.Context, name string, data []byte) error { return write(folder, name, data) }
}

func write(folder, name string, data []byte) (err error) {
	f, err := os.CreateTemp(folder, "."+name+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, name))
	}
	return err
}
