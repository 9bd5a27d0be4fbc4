package aiofile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/internal/looptest"
)

func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip("there are no FIFOs here: ", err)
	}
	return name
}

// Each of these waits for the other side of a FIFO, which never comes.
func TestAFIFOWithoutAnotherSideHoldsUpItsTaskOnly(t *testing.T) {
	ways := map[string]func(ctx context.Context, name string) error{
		"ReadFile": func(ctx context.Context, name string) error {
			_, err := aiofile.ReadFile(ctx, name)
			return err
		},
		"Lines": func(ctx context.Context, name string) error {
			for _, err := range aiofile.Lines(ctx, name) {
				return err
			}
			return nil
		},
		"Open and read": func(ctx context.Context, name string) error {
			f, err := aiofile.Open(ctx, name)
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			_, err = f.Read(ctx, make([]byte, 10))
			return err
		},
		"WriteFile": func(ctx context.Context, name string) error {
			return aiofile.WriteFile(ctx, name, []byte("x"), 0o600)
		},
		"append": func(ctx context.Context, name string) error {
			_, err := aiofile.OpenFile(ctx, name, os.O_WRONLY|os.O_APPEND, 0)
			return err
		},
		"both ways": func(ctx context.Context, name string) error {
			f, err := aiofile.OpenFile(ctx, name, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			_, err = f.Read(ctx, make([]byte, 10))
			return err
		},
		"a reader that does not read": func(ctx context.Context, name string) error {
			f, err := aiofile.OpenFile(ctx, name, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			for {
				if n, err := f.Write(ctx, make([]byte, 1<<20)); err != nil {
					if n == 1<<20 {
						t.Error("all was written")
					}
					return err
				}
			}
		},
	}
	for _, real := range []bool{true, false} {
		for what, way := range ways {
			t.Run(fmt.Sprintf("%s, %v", what, real), func(t *testing.T) {
				name := fifo(t)
				main := func(ctx context.Context) error {
					err := aio.Timeout(ctx, 50*time.Millisecond, func(ctx context.Context) error {
						return way(ctx, name)
					})
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error is %v", err)
					}
					return nil
				}
				if real {
					run(t, main, aio.WithClock(nil))
				} else {
					run(t, main)
				}
			})
		}
	}
}

func TestManyFIFOsStarveNoFile(t *testing.T) {
	name := fifo(t)
	for i := range 4 {
		if err := syscall.Mkfifo(name+fmt.Sprint(i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	run(t, func(ctx context.Context) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 100 {
				g.Go(func(ctx context.Context) (err error) {
					if i%2 == 0 {
						_, err = aiofile.ReadFile(ctx, name+fmt.Sprint(i%4))
					} else {
						err = aiofile.WriteFile(ctx, name+fmt.Sprint(i%4), nil, 0)
					}
					return err
				})
			}
			for range 200 {
				if err := aiofile.WriteFile(ctx, plain, []byte("text"), 0o600); err != nil {
					return err
				}
			}
			g.Cancel(nil)
			return nil
		})
		return err
	}, aio.WithClock(nil))
}

func TestWhatIsWrittenIntoAFIFOIsRead(t *testing.T) {
	name := fifo(t)
	text := strings.Repeat("a line of text\n", 20_000)
	for range 3 {
		run(t, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error { return aiofile.WriteFile(ctx, name, []byte(text), 0) })
				got, err := aiofile.ReadFile(ctx, name)
				if string(got) != text {
					t.Errorf("%d of %d bytes", len(got), len(text))
				}
				return err
			})
		}, aio.WithClock(nil))
	}
}

func TestAWriterThatComesAndGoesIsTheEndOfAFIFO(t *testing.T) {
	name := fifo(t)
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Open(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		w, err := os.OpenFile(name, os.O_WRONLY, 0) // there is a reader, so it does not wait
		if err != nil {
			return err
		}
		w.Close()
		if n, err := f.Read(ctx, make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("%d bytes, %v", n, err)
		}
		return nil
	}, aio.WithClock(nil))
}

func TestADeviceIsReadAndWritten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		if got, err := aiofile.ReadFile(ctx, "/dev/null"); len(got) != 0 || err != nil {
			t.Errorf("null: %q, %v", got, err)
		}
		if got, err := aiofile.ReadFile(ctx, "/dev/zero", aiofile.Limit(1<<20)); len(got) != 0 ||
			!errors.Is(err, aiofile.ErrTooLong) {
			t.Errorf("zero: %d bytes, %v", len(got), err)
		}
		return aiofile.WriteFile(ctx, "/dev/null", []byte("x"), 0)
	})
}

func TestAWalkPassesWhatCannotBeOpened(t *testing.T) {
	name := fifo(t)
	run(t, func(ctx context.Context) error {
		for _, root := range []string{name, filepath.Dir(name)} {
			seen := false
			for e, err := range aiofile.Walk(ctx, root, aiofile.Info()) {
				if err != nil {
					return err
				}
				seen = seen || e.Path == name && e.Type == fs.ModeNamedPipe
			}
			if !seen {
				t.Errorf("%s: the FIFO was not seen", root)
			}
		}
		return nil
	})
}

func TestAWalkIsNotLedOutByAFolderThatIsReplaced(t *testing.T) {
	for what, replace := range map[string]func(name, outside string) error{
		"an absolute link": func(name, outside string) error { return os.Symlink(outside, name) },
		"a relative link":  func(name, _ string) error { return os.Symlink("../outside", name) },
		"a link inside":    func(name, _ string) error { return os.Symlink("c", name) },
		"a loop":           func(name, _ string) error { return os.Symlink(".", name) },
		"a FIFO":           func(name, _ string) error { return syscall.Mkfifo(name, 0o600) },
		"nothing":          func(string, string) error { return nil },
	} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, %v", what, early), func(t *testing.T) {
				dir := t.TempDir()
				root, outside := filepath.Join(dir, "root"), filepath.Join(dir, "outside")
				write(t, filepath.Join(outside, "secret"), "")
				write(t, filepath.Join(outside, "deep", "secret"), "")
				write(t, filepath.Join(root, "b", "deep", "x"), "")
				write(t, filepath.Join(root, "c", "y"), "")
				var got []string
				run(t, func(ctx context.Context) error {
					swap := map[bool]string{true: "b", false: "deep"}[early]
					for e, err := range aiofile.Walk(ctx, root, aiofile.Info()) {
						if err != nil {
							return err
						}
						got = append(got, e.Name)
						if e.Name == swap {
							if err := os.Rename(filepath.Join(root, "b"), filepath.Join(dir, "gone")); err != nil {
								return err
							}
							if err := replace(filepath.Join(root, "b"), outside); err != nil {
								return err
							}
						}
					}
					return nil
				})
				want := []string{"root", "b", "c", "y"}
				if !early {
					want = slices.Insert(want, 2, "deep")
				}
				if !slices.Equal(got, want) {
					t.Errorf("visited were %q, want %q", got, want)
				}
			})
		}
	}
}

func TestAVeryDeepTreeIsWalkedToItsLimit(t *testing.T) {
	top := t.TempDir()
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	const deep = 800 // many times what is gone through by name
	for range deep {
		if err := root.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		below, err := root.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		root.Close()
		root = below
	}
	root.Close()
	run(t, func(ctx context.Context) error {
		n := 0
		for _, err := range aiofile.Walk(ctx, top) {
			if err != nil {
				return err
			}
			n++
		}
		if n != deep+1 {
			t.Errorf("%d folders, want %d", n, deep+1)
		}
		return nil
	})
}

func TestAFileKeepsItsPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	perm := func(name string) fs.FileMode {
		info, err := os.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	run(t, func(ctx context.Context) error {
		for _, old := range []fs.FileMode{0o600, 0o644, 0o666, 0o400, 0o755, 0o640} {
			write(t, name, "old")
			_ = os.Chmod(name, old)
			during := fs.FileMode(0)
			err := aiofile.Replace(ctx, name, 0o666, func(ctx context.Context, f *aiofile.File) error {
				info, err := f.Stat(ctx)
				if err == nil {
					during = info.Mode()
				}
				return err
			})
			if err != nil || perm(name) != old || during&^old != 0 && during != 0o600 {
				t.Errorf("%v became %v, %v; meanwhile %v", old, perm(name), err, during)
			}
			if err := aiofile.WriteAtomic(ctx, name, nil, 0o666, aiofile.SetMode()); err != nil ||
				perm(name) != 0o644 {
				t.Errorf("set, %v became %v, %v", old, perm(name), err)
			}
			_ = os.Chmod(name, 0o600)
			if err := aiofile.WriteAtomic(ctx, link, nil, 0o666); err != nil || perm(link) != 0o600 {
				t.Errorf("in the place of a link: %v, %v", perm(link), err)
			}
			_ = os.Remove(link)
			if err := os.Symlink(name, link); err != nil {
				return err
			}
			_ = os.Remove(name)
			if err := aiofile.WriteAtomic(ctx, name, nil, 0o666); err != nil || perm(name) != 0o644 {
				t.Errorf("a new one: %v, %v", perm(name), err)
			}
		}
		return nil
	})
}

func TestSomebodyElsesFileOpensNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make files of others")
	}
	name := filepath.Join(t.TempDir(), "file")
	run(t, func(ctx context.Context) error {
		write(t, name, "planted")
		if err := errors.Join(os.Chmod(name, 0o666), os.Chown(name, 65534, 65534)); err != nil {
			return err
		}
		if err := aiofile.WriteAtomic(ctx, name, []byte("secret"), 0o600); err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err == nil && (info.Mode() != 0o600 || info.Sys().(*syscall.Stat_t).Uid != 0) {
			t.Errorf("%v", info.Mode())
		}
		return err
	})
}

func TestTheGroupThatMayReadStaysTheSame(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files to other groups")
	}
	name := filepath.Join(t.TempDir(), "file")
	run(t, func(ctx context.Context) error {
		write(t, name, "old")
		if err := errors.Join(os.Chown(name, 0, 12345), os.Chmod(name, 0o640)); err != nil {
			return err
		}
		if err := aiofile.WriteAtomic(ctx, name, []byte("new"), 0o600); err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err == nil && (info.Mode() != 0o640 || info.Sys().(*syscall.Stat_t).Gid != 12345) {
			t.Errorf("%v, group %d", info.Mode(), info.Sys().(*syscall.Stat_t).Gid)
		}
		return err
	})
}

func TestAFileWithoutNewlinesDoesNotFillTheMemory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, "short\n"+strings.Repeat("x", 200_000)+"\nshort\n")
	run(t, func(ctx context.Context) error {
		var got []int
		var failed error
		for line, err := range aiofile.Lines(ctx, name, aiofile.Limit(100_000)) {
			if failed = err; err == nil {
				got = append(got, len(line))
			}
		}
		if !slices.Equal(got, []int{6}) || !errors.Is(failed, aiofile.ErrTooLong) ||
			!strings.Contains(failed.Error(), name) {
			t.Errorf("%v, %v", got, failed)
		}
		for limit, want := range map[int64]int{200_001: 3, 200_000: 1, 5: 0} {
			n := 0
			for _, err := range aiofile.Lines(ctx, name, aiofile.Limit(limit)) {
				if err == nil {
					n++
				}
			}
			if n != want {
				t.Errorf("limit %d: %d lines, want %d", limit, n, want)
			}
		}
		_, err := aiofile.ReadFile(ctx, name, aiofile.Limit(200_012))
		if !errors.Is(err, aiofile.ErrTooLong) {
			t.Errorf("ReadFile: %v", err)
		}
		_, err = aiofile.ReadFile(ctx, name, aiofile.Limit(200_013))
		return err
	})
	wantPanic(t, func() { aiofile.Limit(0) }, "aiofile: Limit")
}

// It has no content, but half a million pages of memory.
func TestAFileThatIsKnownToBeTooLongIsNotRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, "x")
	if err := os.Truncate(name, 1<<40); err != nil {
		t.Skip("there are no files with holes here: ", err)
	}
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Open(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		part, err := f.ReadAll(ctx)
		if !errors.Is(err, aiofile.ErrTooLong) || len(part) > 2<<20 {
			t.Errorf("%v after %d bytes", err, len(part))
		}
		// What was read before does not count.
		if _, err := f.Seek(ctx, -5<<20, io.SeekEnd); err != nil {
			return err
		}
		part, err = f.ReadAll(ctx, aiofile.Limit(5<<20))
		if err != nil || len(part) != 5<<20 || cap(part) > 5<<20 {
			t.Errorf("%v after %d bytes, with room for %d", err, len(part), cap(part))
		}
		return nil
	})
}

func TestADeviceAFIFOAndASocketAreNotReplaced(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	names := []string{fifo(t), socket}
	device := filepath.Join(dir, "device")
	if syscall.Mknod(device, syscall.S_IFCHR|0o600, 1<<8|3) == nil { // as /dev/null; only root may do that
		names = append(names, device)
	}
	source := filepath.Join(dir, "source")
	write(t, source, "x")
	run(t, func(ctx context.Context) error {
		for _, name := range names {
			before, err := os.Lstat(name)
			if err != nil {
				return err
			}
			atomic := aiofile.WriteAtomic(ctx, name, []byte("x"), 0o600)
			moded := aiofile.WriteAtomic(ctx, name, []byte("x"), 0o600, aiofile.SetMode())
			_, copied := aiofile.Copy(ctx, name, source)
			for _, err := range []error{atomic, moded, copied} {
				if err == nil || !strings.HasSuffix(err.Error(), name+": not a regular file") {
					t.Errorf("%s: %v", name, err)
				}
			}
			if after, err := os.Lstat(name); err != nil || !os.SameFile(before, after) {
				t.Errorf("%s is another file, %v", name, err)
			}
		}
		return nil
	})
}

func TestNamesInErrorsAreSafeToShow(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "none\x1b[31m\nroot: forged\u202e")
	run(t, func(ctx context.Context) error {
		_, open := aiofile.Open(ctx, bad)
		_, read := aiofile.ReadFile(ctx, bad)
		_, copied := aiofile.Copy(ctx, filepath.Join(dir, "dst"), bad)
		replace := aiofile.WriteAtomic(ctx, filepath.Join(bad, "x"), nil, 0o600)
		var walk error
		for _, walk = range aiofile.Walk(ctx, bad) {
		}
		for i, err := range []error{open, read, copied, replace, walk} {
			var path *fs.PathError
			if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) ||
				strings.ContainsAny(err.Error(), "\x1b\n\u202e") {
				t.Errorf("%d: %q", i, err)
			}
		}
		return nil
	})
}

// net/http reads and writes on goroutines of its own, where nobody recovers.
func TestReadersAndWritersServeOtherGoroutines(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	text := strings.Repeat("tea ", 50_000)
	write(t, name, text)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, _ := io.ReadAll(r.Body)
		_, _ = w.Write(all)
	}))
	defer server.Close()
	var kept io.Reader
	run(t, func(ctx context.Context) error {
		f, err := aiofile.Open(ctx, name)
		if err != nil {
			return err
		}
		defer f.Close(ctx)
		to, err := aiofile.Create(ctx, other)
		if err != nil {
			return err
		}
		defer to.Close(ctx)
		kept = f.Reader(ctx)
		_, err = aio.ToThread(ctx, func(context.Context) (int64, error) {
			defer server.Client().CloseIdleConnections()
			resp, err := server.Client().Post(server.URL, "text/plain", kept)
			if err != nil {
				return 0, err
			}
			defer resp.Body.Close()
			return io.Copy(to.Writer(ctx), resp.Body)
		})
		return err
	}, aio.WithClock(nil))
	wantFile(t, other, text)
	if _, err := kept.Read(make([]byte, 10)); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("after the loop: %v", err)
	}
}

// One task waits in a read; others write and close.
func TestAReadThatWaitsKeepsNobodyFromWritingOrClosing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	looptest.Run(t, func(ctx context.Context) error {
		f, err := aiofile.OpenFile(ctx, name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		got := make([]byte, 5)
		reading := looptest.Started(ctx, func(ctx context.Context) error {
			_, err := f.Read(ctx, got)
			return err
		})
		if _, err := f.WriteString(ctx, "hello"); err != nil {
			return err
		}
		if _, err := reading.Await(ctx); err != nil || string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		var waiting []*aio.Task[aio.None]
		for range 2 { // one waits for the other side, one for its turn
			waiting = append(waiting, looptest.Started(ctx, func(ctx context.Context) error {
				_, err := f.Read(ctx, got)
				return err
			}))
		}
		if err := f.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		for i, task := range waiting {
			if _, err := task.Await(ctx); !errors.Is(err, os.ErrClosed) {
				t.Errorf("task %d: %v", i, err)
			}
		}
		if _, err := f.Read(ctx, got); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		if err := f.Close(ctx); !errors.Is(err, os.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
		return nil
	})
}
