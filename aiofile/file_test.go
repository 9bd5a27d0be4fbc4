package aiofile_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiosync"
)

func TestAFileIsWrittenAndRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Create(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		for _, s := range []string{"hello, ", "world"} {
			if n, err := f.WriteString(ctx, s); n != len(s) || err != nil {
				t.Errorf("WriteString: %d, %v", n, err)
			}
		}
		if n, err := f.WriteAt(ctx, []byte("W"), 7); n != 1 || err != nil {
			t.Errorf("WriteAt: %d, %v", n, err)
		}
		if at, err := f.Seek(ctx, 7, io.SeekStart); at != 7 || err != nil {
			t.Errorf("Seek: %d, %v", at, err)
		}
		buf := make([]byte, 3)
		if n, err := f.Read(ctx, buf); string(buf[:n]) != "Wor" || err != nil {
			t.Errorf("Read: %q, %v", buf[:n], err)
		}
		if n, err := f.ReadAt(ctx, buf, 1); string(buf[:n]) != "ell" || err != nil {
			t.Errorf("ReadAt: %q, %v", buf[:n], err)
		}
		if rest, err := f.ReadAll(ctx); string(rest) != "ld" || err != nil {
			t.Errorf("ReadAll: %q, %v", rest, err)
		}
		if n, err := f.Read(ctx, buf); n != 0 || err != io.EOF {
			t.Errorf("Read at the end: %d, %v", n, err)
		}
		if err := errors.Join(f.Truncate(ctx, 5), f.Sync(ctx)); err != nil {
			t.Error(err)
		}
		if info, err := f.Stat(ctx); err != nil || info.Size() != 5 || f.Name() != name {
			t.Errorf("Stat: %v, %v", info, err)
		}
		if err := f.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := f.Close(ctx); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a second Close: %v", err)
		}
		if _, err := f.Read(ctx, buf); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		return nil
	})
	wantFile(t, name, "hello")
}

func TestErrorsAreThoseOfPackageOs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		missing := filepath.Join(t.TempDir(), "no", "such")
		_, err1 := aiofile.Open(ctx, missing)
		_, err2 := aiofile.ReadFile(ctx, missing)
		err3 := aiofile.WriteFile(ctx, missing, nil, 0o666)
		err4 := aiofile.WriteAtomic(ctx, missing, nil, 0o666)
		_, err5 := aiofile.Copy(ctx, missing+"2", missing)
		err6 := aiofile.TempDir(ctx, missing, "", func(context.Context, string) error { return nil })
		for i, err := range []error{err1, err2, err3, err4, err5, err6} {
			var pe *fs.PathError
			if !errors.As(err, &pe) || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d: %v", i+1, err)
			}
		}
		return nil
	})
}

func TestWholeFilesAreReadAndWritten(t *testing.T) {
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 9 << 20} {
		name := filepath.Join(t.TempDir(), "file")
		text := strings.Repeat("x", size)
		run(t, func(ctx context.Context) error {
			if err := aiofile.WriteFile(ctx, name, []byte(text), 0o600); err != nil {
				return err
			}
			got, err := aiofile.ReadFile(ctx, name)
			if string(got) != text {
				t.Errorf("%d bytes became %d", size, len(got))
			}
			return err
		})
		wantFile(t, name, text)
	}
}

func TestLinesKeepTheirNewlines(t *testing.T) {
	long := strings.Repeat("long ", 50_000)
	for _, text := range []string{"", "\n", "a\nb\n", "a\nb", "\n\nx\n\n", long + "\n" + long, long +
		"\nshort\n" + long + "\n"} {
		name := filepath.Join(t.TempDir(), "file")
		write(t, name, text)
		run(t, func(ctx context.Context) error {
			var got []string
			for line, err := range aiofile.Lines(ctx, name) {
				if err != nil {
					return err
				}
				got = append(got, line)
			}
			if want := strings.SplitAfter(text, "\n"); strings.Join(got, "") != text ||
				len(got) != len(want)-1 && (len(got) != len(want) || strings.HasSuffix(text, "\n")) {
				t.Errorf("%.20q has become %d lines", text, len(got))
			}
			return nil
		})
	}
}

func TestAFileStandsBehindTheLastLineThatWasHandedOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, "head\nbody\nand more")
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Open(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		for line := range f.Lines(ctx) {
			if line == "head\n" {
				break
			}
		}
		rest, err := f.ReadAll(ctx)
		if string(rest) != "body\nand more" {
			t.Errorf("what is left is %q", rest)
		}
		return err
	})
}

func TestManyLinesTakeFewTurnsOfTheLoop(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, strings.Repeat("line\n", 100_000))
	run(t, func(ctx context.Context) error {
		turns, lines := 0, 0
		ticker := aio.Start(ctx, func(ctx context.Context) error {
			for ; ; turns++ {
				// virtual: a moment as soon as nothing else is to be done
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					return err
				}
			}
		})
		for _, err := range aiofile.Lines(ctx, name) {
			if err != nil {
				return err
			}
			lines++
		}
		ticker.Cancel(nil)
		if lines != 100_000 || turns > 0 {
			t.Errorf("%d lines; the clock went on %d times while a file was read", lines, turns)
		}
		return nil
	})
}

func TestAFileServesLibrariesThatReadAndWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Create(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		if err := json.NewEncoder(f.Writer(ctx)).Encode(map[string]int{"answer": 42}); err != nil {
			return err
		}
		_, _ = f.Seek(ctx, 0, io.SeekStart)
		var got map[string]int
		err = json.NewDecoder(bufio.NewReader(f.Reader(ctx))).Decode(&got)
		if got["answer"] != 42 {
			t.Errorf("got %v", got)
		}
		return err
	})
}

func TestOperationsOnOneFileGoInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Create(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 20 {
				g.Go(func(ctx context.Context) error {
					_, err := fmt.Fprintf(f.Writer(ctx), "%d ", i)
					return err
				})
			}
			return nil
		})
	})
	wantFile(t, name, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ")
}

func TestAnOperationThatHasBegunIsWaitedForAndItsOutcomeReturned(t *testing.T) {
	run(t, func(ctx context.Context) error {
		begun, release := make(chan int), make(chan int)
		var got int
		var first, second error
		task := aio.Start(ctx, func(ctx context.Context) error {
			got, first = aiofile.Do(ctx, func() (int, error) {
				close(begun)
				<-release
				return 42, nil
			})
			_, second = aiofile.Do(ctx, func() (int, error) {
				t.Error("an operation has begun after the cancellation")
				return 0, nil
			})
			return second
		})
		if _, _, err := aio.Recv(ctx, begun); err != nil {
			return err
		}
		task.Cancel(errReason)
		for range 10 {
			_ = aio.Yield(ctx)
		}
		if task.Done() {
			t.Error("the task has ended before its operation")
		}
		close(release)
		_, err := task.Await(ctx)
		if got != 42 || first != nil || !errors.Is(second, errReason) || !task.Cancelled() {
			t.Errorf("got %d, %v, then %v; the task: %v", got, first, second, err)
		}
		return nil
	})
}

func TestACancelledTaskClosesItsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, "text")
	run(t, func(ctx context.Context) error {
		var f *aiofile.File
		opened := aio.NewFuture[int](ctx)
		task := aio.Start(ctx, func(ctx context.Context) (err error) {
			if f, err = aiofile.Open(ctx, name); err != nil {
				return err
			}
			defer f.Close(ctx)
			_ = opened.SetResult(0)
			return aio.Sleep(ctx, time.Hour)
		})
		_, _ = opened.Await(ctx)
		task.Cancel(errReason)
		_, _ = task.Await(ctx)
		if _, err := f.Stat(ctx); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the file is not closed: %v", err)
		}
		return nil
	})
}

func TestATimeoutEndsTheReadingOfALongFileBetweenTwoChunks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no file without end")
	}
	if err := aio.Run(t.Context(), func(ctx context.Context) error {
		f, err := aiofile.Open(ctx, "/dev/zero")
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		return aio.Timeout(ctx, 20*time.Millisecond, func(context.Context) error {
			for _, err := range f.Chunks(ctx, 1) { //aiovet:ignore the context is from outside
				if err != nil {
					return err
				}
			}
			return nil
		})
	}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestOnlySoManyOperationsAreUnderWay(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(ctx context.Context) context.Context
		want int
	}{
		{"usually", func(ctx context.Context) context.Context { return ctx }, 32},
		{"with a limiter of one's own", func(ctx context.Context) context.Context {
			return aiofile.WithLimiter(ctx, aiosync.NewLimiter(3))
		}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				ctx = c.with(ctx)
				begun, release := make(chan int, 100), make(chan int)
				return aio.Group(ctx, func(gctx context.Context, g *aio.TaskGroup) error {
					for range 50 {
						g.Go(func(inner context.Context) error {
							_, err := aiofile.Do(inner, func() (int, error) {
								begun <- 1
								<-release
								return 0, nil
							})
							return err
						})
					}
					for range c.want {
						if _, _, err := aio.Recv(gctx, begun); err != nil {
							return err
						}
					}
					for range 10 {
						_ = aio.Yield(gctx)
					}
					if n := len(begun); n != 0 {
						t.Errorf("%d more operations have begun", n)
					}
					close(release)
					return nil
				})
			}, aio.WithThreadLimiter(1)) // is for other things than files
		})
	}
}

func TestAPanicInDoIsRaisedInTheCaller(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() {
			_, _ = aiofile.Do(ctx, func() (int, error) {
				panic("in the function")
			})
		}, "in the function")
		return nil
	})
}

func TestMisusePanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { _, _ = aiofile.Do[int](ctx, nil) }, "aiofile: Do")
		wantPanic(t, func() { _ = aiofile.Replace(ctx, "x", 0, nil) }, "aiofile: Replace")
		wantPanic(t, func() { _ = aiofile.TempFile(ctx, "", "", nil) }, "aiofile: TempFile")
		wantPanic(t, func() { _ = aiofile.TempDir(ctx, "", "", nil) }, "aiofile: TempDir")
		wantPanic(t, func() { aiofile.WithLimiter(ctx, nil) }, "aiofile: WithLimiter")
		wantPanic(t, func() { aiofile.OnWalkError(nil) }, "aiofile: OnWalkError")
		return nil
	})
}

// The text names the call in the program, and not what is below it.
func TestAContextWithoutALoopIsMisuseOfTheCall(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "aiofile.ReadFile: no running event loop") {
			t.Errorf("the panic is %q", v)
		}
	}()
	aiofile.ReadFile(context.Background(), "none")
}
