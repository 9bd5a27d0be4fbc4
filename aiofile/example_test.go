package aiofile_test

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
	"github.com/aio-go/aio/aiosync"
)

// inTemp runs fn in a temporary folder.
func inTemp(fn func(ctx context.Context, dir string) error) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiofile.TempDir(ctx, "", "example-*", fn)
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleReadFile() {
	inTemp(func(ctx context.Context, dir string) error {
		name := filepath.Join(dir, "greeting.txt")
		if err := aiofile.WriteFile(ctx, name, []byte("hello"), 0o666); err != nil {
			return err
		}
		text, err := aiofile.ReadFile(ctx, name)
		fmt.Printf("%s\n", text)
		return err
	})
	// Output: hello
}

func ExampleWriteFile() {
	inTemp(func(ctx context.Context, dir string) error {
		return aiofile.WriteFile(ctx, filepath.Join(dir, "notes.txt"), []byte("buy milk\n"), 0o666)
	})
	// Output:
}

func ExampleLines() {
	inTemp(func(ctx context.Context, dir string) error {
		name := filepath.Join(dir, "list")
		if err := aiofile.WriteFile(ctx, name, []byte("one\ntwo\nthree"), 0o666); err != nil {
			return err
		}
		for line, err := range aiofile.Lines(ctx, name) {
			if err != nil {
				return err
			}
			fmt.Printf("%q\n", line)
		}
		return nil
	})
	// Output:
	// "one\n"
	// "two\n"
	// "three"
}

func ExampleOpen() {
	inTemp(func(ctx context.Context, dir string) error {
		_, err := aiofile.Open(ctx, filepath.Join(dir, "missing"))
		fmt.Println(errors.Is(err, os.ErrNotExist))
		return nil
	})
	// Output: true
}

func ExampleCreate() {
	inTemp(func(ctx context.Context, dir string) error {
		f, err := aiofile.Create(ctx, filepath.Join(dir, "log"))
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		n, err := f.WriteString(ctx, "begun\n")
		fmt.Println(n, "bytes")
		return err
	})
	// Output: 6 bytes
}

func ExampleOpenFile() {
	inTemp(func(ctx context.Context, dir string) error {
		f, err := aiofile.OpenFile(ctx, filepath.Join(dir, "log"),
			os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		_, err = f.WriteString(ctx, "one more line\n")
		return err
	})
	// Output:
}

func ExampleFile() {
	inTemp(func(ctx context.Context, dir string) error {
		f, err := aiofile.Create(ctx, filepath.Join(dir, "data"))
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		if _, err := f.WriteString(ctx, "header\nbody\n"); err != nil {
			return err
		}
		if _, err := f.Seek(ctx, 0, 0); err != nil {
			return err
		}
		for line, err := range f.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%q\n", line)
			break
		}
		rest, err := f.ReadAll(ctx)
		fmt.Printf("%q\n", rest)
		return err
	})
	// Output:
	// "header\n"
	// "body\n"
}

func ExampleReplace() {
	inTemp(func(ctx context.Context, dir string) error {
		name := filepath.Join(dir, "settings")
		if err := aiofile.WriteAtomic(ctx, name, []byte("colour=blue"), 0o666); err != nil {
			return err
		}
		err := aiofile.Replace(ctx, name, 0o666, func(ctx context.Context, f *aiofile.File) error {
			if _, err := f.WriteString(ctx, "colour=r"); err != nil {
				return err
			}
			return errors.New("interrupted")
		})
		text, _ := aiofile.ReadFile(ctx, name)
		fmt.Printf("%v, and the file has %q\n", err, text)
		return nil
	})
	// Output: interrupted, and the file has "colour=blue"
}

func ExampleWriteAtomic() {
	inTemp(func(ctx context.Context, dir string) error {
		return aiofile.WriteAtomic(ctx, filepath.Join(dir, "state.json"), []byte("{}"), 0o600)
	})
	// Output:
}

func ExampleCopy() {
	inTemp(func(ctx context.Context, dir string) error {
		src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
		if err := aiofile.WriteFile(ctx, src, []byte("text"), 0o666); err != nil {
			return err
		}
		n, err := aiofile.Copy(ctx, dst, src)
		fmt.Println(n, "bytes")
		return err
	})
	// Output: 4 bytes
}

func ExampleWalk() {
	inTemp(func(ctx context.Context, dir string) error {
		for _, name := range []string{"a/one", "b/two", "c/three"} {
			name = filepath.Join(dir, filepath.FromSlash(name))
			if _, err := aiofile.Do(ctx, func() (aio.None, error) {
				return aio.None{}, os.Mkdir(filepath.Dir(name), 0o777)
			}); err != nil {
				return err
			}
			if err := aiofile.WriteFile(ctx, name, nil, 0o666); err != nil {
				return err
			}
		}
		for e, err := range aiofile.Walk(ctx, dir) {
			if err != nil {
				return err
			}
			if e.Name == "b" {
				e.SkipDir()
			}
			if !e.IsDir() {
				fmt.Println(filepath.ToSlash(strings.TrimPrefix(e.Path, dir)))
			}
		}
		return nil
	})
	// Output:
	// /a/one
	// /c/three
}

func ExampleEntry() {
	inTemp(func(ctx context.Context, dir string) error {
		for e, err := range aiofile.Walk(ctx, dir) {
			if err != nil {
				return err
			}
			fmt.Println(e.Path == dir, e.IsDir())
		}
		return nil
	})
	// Output: true true
}

func ExampleInfo() {
	inTemp(func(ctx context.Context, dir string) error {
		if err := aiofile.WriteFile(ctx, filepath.Join(dir, "file"), []byte("text"), 0o666); err != nil {
			return err
		}
		var total int64
		for e, err := range aiofile.Walk(ctx, dir, aiofile.Info()) {
			if err != nil {
				return err
			}
			if !e.IsDir() {
				total += e.Info.Size()
			}
		}
		fmt.Println(total, "bytes")
		return nil
	})
	// Output: 4 bytes
}

func ExampleOnWalkError() {
	inTemp(func(ctx context.Context, dir string) error {
		skip := aiofile.OnWalkError(func(path string, err error) error {
			fmt.Println("left out:", filepath.Base(path))
			return nil
		})
		for _, err := range aiofile.Walk(ctx, filepath.Join(dir, "missing"), skip) {
			return err
		}
		return nil
	})
	// Output: left out: missing
}

func ExampleWalkOption() {
	options := []aiofile.WalkOption{aiofile.Info()}
	inTemp(func(ctx context.Context, dir string) error {
		for e, err := range aiofile.Walk(ctx, dir, options...) {
			if err != nil {
				return err
			}
			fmt.Println(e.Info.IsDir())
		}
		return nil
	})
	// Output: true
}

func ExampleTempFile() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var name string
		err := aiofile.TempFile(ctx, "", "upload-*.bin",
			func(ctx context.Context, f *aiofile.File) error {
				name = f.Name()
				_, err := f.WriteString(ctx, "some bytes")
				return err
			})
		if err != nil {
			return err
		}
		_, err = aiofile.Open(ctx, name)
		fmt.Println("gone:", errors.Is(err, os.ErrNotExist))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: gone: true
}

func ExampleTempDir() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aiofile.TempDir(ctx, "", "work-*", func(ctx context.Context, dir string) error {
			return aiofile.WriteFile(ctx, filepath.Join(dir, "scratch"), []byte("x"), 0o666)
		})
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleDo() {
	inTemp(func(ctx context.Context, dir string) error {
		info, err := aiofile.Do(ctx, func() (os.FileInfo, error) { return os.Stat(dir) })
		if err != nil {
			return err
		}
		fmt.Println(info.IsDir())
		return nil
	})
	// Output: true
}

func ExampleWithLimiter() {
	inTemp(func(ctx context.Context, dir string) error {
		ctx = aiofile.WithLimiter(ctx, aiosync.NewLimiter(2)) // a slow disk
		return aiofile.WriteFile(ctx, filepath.Join(dir, "file"), []byte("x"), 0o666)
	})
	// Output:
}

func ExampleLimit() {
	inTemp(func(ctx context.Context, dir string) error {
		name := filepath.Join(dir, "log")
		if err := aiofile.WriteFile(ctx, name, []byte("short\na long line\n"), 0o666); err != nil {
			return err
		}
		for line, err := range aiofile.Lines(ctx, name, aiofile.Limit(8)) {
			if errors.Is(err, aiofile.ErrTooLong) {
				fmt.Println("too long")
				break
			}
			fmt.Print(line)
		}
		return nil
	})
	// Output:
	// short
	// too long
}
