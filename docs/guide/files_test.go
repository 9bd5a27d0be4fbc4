package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
)

func Example_files() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiofile.TempDir(ctx, "", "guide-*", func(ctx context.Context, dir string) error {
			name := filepath.Join(dir, "shopping.txt")
			if err := aiofile.WriteFile(ctx, name, []byte("bread\nmilk\nhoney\n"), 0o666); err != nil {
				return err
			}
			for line, err := range aiofile.Lines(ctx, name) {
				if err != nil {
					return err
				}
				fmt.Println("-", strings.TrimSpace(line))
			}
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// - bread
	// - milk
	// - honey
}

func Example_filesReplace() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiofile.TempDir(ctx, "", "guide-*", func(ctx context.Context, dir string) error {
			name := filepath.Join(dir, "scores")
			if err := aiofile.WriteAtomic(ctx, name, []byte("ann 3\nbob 5\n"), 0o666); err != nil {
				return err
			}
			err := aiofile.Replace(ctx, name, 0o666, func(ctx context.Context, f *aiofile.File) error {
				if _, err := f.WriteString(ctx, "ann 4\n"); err != nil {
					return err
				}
				return errors.New("the power is gone")
			})
			fmt.Println(err)
			text, err := aiofile.ReadFile(ctx, name)
			fmt.Printf("%s", text)
			return err
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the power is gone
	// ann 3
	// bob 5
}

func Example_filesWalk() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiofile.TempDir(ctx, "", "guide-*", func(ctx context.Context, dir string) error {
			for _, name := range []string{"src/main.go", "src/util.go", ".git/HEAD"} {
				name = filepath.Join(dir, filepath.FromSlash(name))
				_, err := aiofile.Do(ctx, func() (aio.None, error) { // the rest of package os
					return aio.None{}, os.MkdirAll(filepath.Dir(name), 0o777)
				})
				if err != nil {
					return err
				}
				if err := aiofile.WriteFile(ctx, name, []byte("text"), 0o666); err != nil {
					return err
				}
			}
			for e, err := range aiofile.Walk(ctx, dir, aiofile.Info()) {
				switch {
				case err != nil:
					return err
				case e.Name == ".git":
					e.SkipDir()
				case !e.IsDir():
					fmt.Println(e.Name, e.Info.Size())
				}
			}
			return nil
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// main.go 4
	// util.go 4
}
