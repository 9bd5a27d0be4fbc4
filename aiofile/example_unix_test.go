//go:build unix

package aiofile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aio-go/aio/aiofile"
)

func ExampleSetMode() {
	inTemp(func(ctx context.Context, dir string) error {
		name := filepath.Join(dir, "key")
		write := func(perm fs.FileMode, opts ...aiofile.ReplaceOption) error {
			if err := aiofile.WriteAtomic(ctx, name, []byte("secret"), perm, opts...); err != nil {
				return err
			}
			info, err := aiofile.Do(ctx, func() (fs.FileInfo, error) { return os.Stat(name) })
			if err == nil {
				fmt.Println(info.Mode())
			}
			return err
		}
		return errors.Join(
			write(0o600),
			write(0o400), // it exists
			write(0o400, aiofile.SetMode()),
		)
	})
	// Output:
	// -rw-------
	// -rw-------
	// -r--------
}
