package aiofile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
)

// half writes a part of a file.
func half(ctx context.Context, f *aiofile.File) error {
	_, err := f.WriteString(ctx, "only a half")
	return err
}

func TestAReplacedFileHasTheNewContent(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	run(t, func(ctx context.Context) error {
		for _, text := range []string{"first", "second", ""} {
			if err := aiofile.WriteAtomic(ctx, name, []byte(text), 0o640); err != nil {
				return err
			}
			wantFile(t, name, text)
		}
		return nil
	})
	wantNames(t, dir, "file")
	if info, err := os.Stat(name); runtime.GOOS != "windows" && (err != nil ||
		info.Mode().Perm()&^0o640 != 0) {
		t.Errorf("the permissions are %v, %v", info.Mode(), err)
	}
}

// Whatever ends the writing, the old content is there and nothing else.
func TestAFileThatWasNotReplacedIsAsItWas(t *testing.T) {
	for name, fn := range map[string]func(ctx context.Context, f *aiofile.File) error{
		"an error": func(ctx context.Context, f *aiofile.File) error {
			return errors.Join(half(ctx, f), errBoom)
		},
		"a panic": func(ctx context.Context, f *aiofile.File) error {
			_ = half(ctx, f)
			panic("boom")
		},
		"an exit": func(ctx context.Context, f *aiofile.File) error {
			_ = half(ctx, f)
			runtime.Goexit()
			return nil
		},
		"a cancellation": func(ctx context.Context, f *aiofile.File) error {
			_ = half(ctx, f)
			return aio.Sleep(ctx, time.Hour)
		},
		"a cancellation that is ignored": func(ctx context.Context, f *aiofile.File) error {
			_ = half(ctx, f)
			_ = aio.Sleep(ctx, time.Hour)
			return nil
		},
		"a closed file": func(ctx context.Context, f *aiofile.File) error {
			return errors.Join(half(ctx, f), f.Close(ctx))
		},
		"a failed write that is ignored": func(ctx context.Context, f *aiofile.File) error {
			_ = half(ctx, f)
			_, _ = f.WriteAt(ctx, []byte("x"), -1)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old := filepath.Join(dir, "old")
			write(t, old, "old content")
			run(t, func(ctx context.Context) error {
				for _, name := range []string{old, filepath.Join(dir, "new")} {
					task := aio.Start(ctx, func(ctx context.Context) error {
						return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
							return aiofile.Replace(ctx, name, 0o666, fn)
						})
					})
					outcomes, err := aio.GatherSettled(ctx, task)
					if err != nil || outcomes[0].Err == nil {
						t.Errorf("it ended with %v, %v", outcomes, err)
					}
				}
				return nil
			})
			wantFile(t, old, "old content")
			wantNames(t, dir, "old")
		})
	}
}

func TestATaskThatIsEndedWithItsLoopLeavesNoPart(t *testing.T) {
	dir := t.TempDir()
	_ = aio.Run(t.Context(), func(ctx context.Context) error {
		opened := aio.NewFuture[int](ctx)
		aio.Start(ctx, func(ctx context.Context) error {
			return aiofile.Replace(ctx, filepath.Join(dir, "file"), 0o666,
				func(ctx context.Context, f *aiofile.File) error {
					_ = half(ctx, f)
					_ = opened.SetResult(0)
					return aio.Sleep(context.WithoutCancel(ctx), 1000*time.Hour) // heeds nothing
				})
		})
		_, err := opened.Await(ctx)
		return err
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	wantNames(t, dir)
}

func TestANameWithoutAFileIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aiofile.WriteAtomic(ctx, t.TempDir()+string(filepath.Separator), nil, 0o666)
		if err == nil {
			t.Error("it was accepted")
		}
		return nil
	})
}

func TestALongNameCanBeReplaced(t *testing.T) {
	name := filepath.Join(t.TempDir(), strings.Repeat("n", 240))
	run(t, func(ctx context.Context) error {
		return aiofile.WriteAtomic(ctx, name, []byte("text"), 0o666)
	})
	wantFile(t, name, "text")
}

func TestReplaceWorksInTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	run(t, func(ctx context.Context) error {
		return aiofile.WriteAtomic(ctx, "file", []byte("text"), 0o666)
	})
	wantNames(t, ".", "file")
}

func TestReadersSeeTheOldContentOrTheNewWhileAFileIsReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not replace a file that readers keep open, as the documentation says")
	}
	name := filepath.Join(t.TempDir(), "file")
	contents := []string{strings.Repeat("a", 200_000), strings.Repeat("b", 100_000)}
	write(t, name, contents[0])
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				for i := range 20 {
					if err := aiofile.WriteAtomic(ctx, name, []byte(contents[(i+1)%2]), 0o666); err != nil {
						return err
					}
				}
				g.Cancel(nil)
				return nil
			})
			for range 2 {
				g.Go(func(ctx context.Context) error {
					for {
						got, err := aiofile.ReadFile(ctx, name)
						if err != nil {
							return err
						}
						if string(got) != contents[0] && string(got) != contents[1] {
							t.Errorf("a reader saw %d bytes", len(got))
						}
					}
				})
			}
			return nil
		})
	})
}

func TestACopyHasContentAndPermissions(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	for _, size := range []int{0, 5, 4 << 20, 9<<20 + 1} {
		text := strings.Repeat("x", size)
		write(t, src, text)
		_ = os.Chmod(src, 0o700)
		run(t, func(ctx context.Context) error {
			n, err := aiofile.Copy(ctx, dst, src)
			if n != int64(size) {
				t.Errorf("%d bytes were copied, not %d", n, size)
			}
			return err
		})
		wantFile(t, dst, text)
	}
	if info, err := os.Stat(dst); runtime.GOOS != "windows" && (err != nil ||
		info.Mode().Perm() != 0o700) {
		t.Errorf("the permissions are %v, %v", info.Mode(), err)
	}
	wantNames(t, dir, "dst", "src")
}

func TestACopyThatIsCancelledLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	write(t, src, "text")
	run(t, func(ctx context.Context) error {
		if _, err := aiofile.Copy(ctx, filepath.Join(dir, "dst"), dir); err == nil {
			t.Error("a folder was copied")
		}
		err := aio.Timeout(ctx, 0, func(ctx context.Context) error {
			_, err := aiofile.Copy(ctx, filepath.Join(dir, "dst"), src)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		return nil
	})
	wantNames(t, dir, "src")
}

func TestTemporaryFilesAndFoldersAreGoneAfterwards(t *testing.T) {
	dir := t.TempDir()
	ends := []func() error{
		func() error { return nil },
		func() error { return errBoom },
		func() error { panic("boom") },
		func() error { runtime.Goexit(); return nil },
	}
	run(t, func(ctx context.Context) error {
		for _, end := range ends {
			_, err := aio.GatherSettled(ctx,
				aio.Start(ctx, func(ctx context.Context) error {
					return aiofile.TempFile(ctx, dir, "a*.txt", func(ctx context.Context, f *aiofile.File) error {
						if err := half(ctx, f); err != nil || !strings.HasSuffix(f.Name(), ".txt") {
							t.Errorf("%s: %v", f.Name(), err)
						}
						return end()
					})
				}),
				aio.Start(ctx, func(ctx context.Context) error {
					return aiofile.TempDir(ctx, dir, "b*", func(ctx context.Context, dir string) error {
						if err := aiofile.WriteFile(ctx, filepath.Join(dir, "file"), []byte("x"), 0o666); err != nil {
							t.Error(err)
						}
						return end()
					})
				}),
			)
			if err != nil {
				return err
			}
			wantNames(t, dir)
		}
		return nil
	})
}
