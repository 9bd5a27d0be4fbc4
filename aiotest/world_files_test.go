package aiotest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiotest"
)

// appending appends two lines of a log, each with a sync or without, and after a crash reads what is
// there. check gets the content whenever the host was booted.
func appending(
	sync bool, check func(t *aiotest.T, content string),
) func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
	return func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
		boots := 0
		w.Host("db").Boot(func(ctx context.Context) error {
			if boots++; boots > 1 {
				b, err := aiofile.ReadFile(ctx, "/var/log")
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				check(t, string(b))
				return nil
			}
			f, err := aiofile.OpenFile(ctx, "/var/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			for i := range 2 {
				if _, err := fmt.Fprintf(writer{ctx, f}, "entry %d;", i); err != nil {
					return err
				}
				if sync {
					if err := f.Sync(ctx); err != nil {
						return err
					}
				}
			}
			return aio.Sleep(ctx, time.Minute)
		})
		return aio.Sleep(ctx, 30*time.Second)
	}
}

// writer is a file as an io.Writer.
type writer struct {
	ctx context.Context
	f   *aiofile.File
}

func (w writer) Write(p []byte) (int, error) { return w.f.Write(w.ctx, p) }

func TestATornWriteIsFound(t *testing.T) {
	program := appending(false, func(t *aiotest.T, content string) {
		for entry := range strings.SplitSeq(content, ";") {
			if entry != "" && len(entry) != len("entry 0") {
				t.Errorf("there is half an entry: %q", entry)
			}
		}
	})
	r := explore(t, inFaults(program, aiotest.Faults{Crashes: 1, TornWrites: 1, LostWrites: 1}),
		aiotest.DocumentedOrder())
	wantOne(t, r, "the shortest found has 2 faults, in the plain order", "there is half an entry",
		"world: db crashes before the ", "world: db has ", "bytes of the last write to /var/log")
	if r := explore(t, inFaults(program, aiotest.Faults{Crashes: 1, LostWrites: 1}),
		aiotest.DocumentedOrder()); len(r.errors) > 0 {
		t.Errorf("without torn writes it fails:\n%s", r.errors[0])
	}
	t.Setenv("AIO_REPLAY", tokenOf(t, r))
	wantOne(t, explore(t, inFaults(program, aiotest.Faults{Crashes: 1, TornWrites: 1, LostWrites: 1}),
		aiotest.DocumentedOrder()), "the schedule of AIO_REPLAY fails", "there is half an entry")
}

func inFaults(
	program func(ctx context.Context, t *aiotest.T, w *aiotest.World) error, faults aiotest.Faults,
) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		return program(ctx, t, aiotest.NewWorld(ctx, t, faults))
	}
}

// storing answers "ok" when an entry is written, and after a crash expects it.
func storing(
	save func(ctx context.Context, entry string) error,
) func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
	return func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
		w.Host("db").Boot(func(ctx context.Context) error {
			return linesWith(ctx, func(ctx context.Context, line string) string {
				if line == "get" {
					b, err := aiofile.ReadFile(ctx, "entry")
					if err != nil {
						return "nothing\n"
					}
					return string(b) + "\n"
				}
				if err := save(ctx, line); err != nil {
					return "not saved\n"
				}
				return "ok\n"
			})
		})
		ctx = w.Host("app").Context(ctx)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		saved, _ := ask(ctx, "db", "gold")
		answer, err := insist(ctx, "db", "get", time.Minute)
		if saved == "ok" && answer != "gold" {
			t.Errorf("gold is saved, and then there is %q", answer)
		}
		return err
	}
}

func TestLostUnsyncedDataIsFound(t *testing.T) {
	faults := aiotest.Faults{Crashes: 1, LostWrites: 1, TornWrites: 1}
	program := storing(func(ctx context.Context, entry string) error {
		return aiofile.WriteFile(ctx, "entry", []byte(entry), 0o644)
	})
	r := explore(t, inFaults(program, faults), aiotest.DocumentedOrder())
	wantOne(t, r, "the shortest found has 2 faults, in the plain order", "gold is saved, and then there is",
		"world: db crashes")
	t.Setenv("AIO_REPLAY", tokenOf(t, r))
	wantOne(t, explore(t, inFaults(program, faults), aiotest.DocumentedOrder()),
		"the schedule of AIO_REPLAY fails", "gold is saved, and then there is")
	t.Setenv("AIO_REPLAY", "")

	r = explore(t, inFaults(program, aiotest.Faults{Crashes: 1}), aiotest.DocumentedOrder())
	if len(r.errors) > 0 {
		t.Errorf("on a disk that loses nothing it fails:\n%s", r.errors[0])
	}
	atomic := storing(func(ctx context.Context, entry string) error {
		return aiofile.WriteAtomic(ctx, "entry", []byte(entry), 0o644)
	})
	faults = aiotest.Faults{Crashes: 2, LostWrites: 2, TornWrites: 2, Resets: 1, FullDisks: 1}
	if r := explore(t, inFaults(atomic, faults), aiotest.DocumentedOrder()); len(r.errors) > 0 {
		t.Errorf("WriteAtomic loses what it has written:\n%s", r.errors[0])
	}
}

func TestAFullDiskIsFound(t *testing.T) {
	faulty{
		program: storing(func(ctx context.Context, entry string) error {
			f, err := aiofile.Create(ctx, "entry")
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			_, _ = f.WriteString(ctx, entry) // what could go wrong
			return f.Sync(ctx)
		}),
		fault: aiotest.Faults{FullDisks: 1},
		fine:  aiotest.Faults{Crashes: 1, LostWrites: 1, TornWrites: 1},
		fails: "gold is saved, and then there is",
		told:  "the disk of db is full after ",
	}.foundAlone(t)
}

func TestAHostHasADiskOfItsOwn(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		a, b := w.Host("a"), w.Host("b")
		ctx, other := a.Context(ctx), b.Context(ctx)
		if err := aiofile.WriteFile(ctx, "etc/x", []byte("hello world"), 0o600); err != nil {
			return err
		}
		if _, err := aiofile.ReadFile(other, "etc/x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file of a is on b: %v", err)
		}
		f, err := aiofile.OpenFile(ctx, "/etc/x", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if _, err := f.Seek(ctx, 6, 0); err != nil {
			return err
		}
		if _, err := f.WriteString(ctx, "there"); err != nil {
			return err
		}
		if err := f.Truncate(ctx, 8); err != nil {
			return err
		}
		info, err := f.Stat(ctx)
		if err != nil || info.Size() != 8 || info.Name() != "x" || info.Mode() != 0o600 {
			t.Errorf("it is %v, %v", info, err)
		}
		if err := f.Close(ctx); err != nil {
			return err
		}
		if _, err := f.Write(ctx, nil); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a write after the end: %v", err)
		}
		if n, err := aiofile.Copy(ctx, "etc/y", "etc/x"); n != 8 || err != nil {
			t.Errorf("copied %d, %v", n, err)
		}
		if got, err := aiofile.ReadFile(ctx, "etc/y"); string(got) != "hello th" || err != nil {
			t.Errorf("the copy is %q, %v", got, err)
		}
		_, err = aiofile.OpenFile(ctx, "etc/x", os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("got %v, want that it exists", err)
		}
		if err := aiofile.TempFile(ctx, "", "t", func(ctx context.Context, f *aiofile.File) error {
			_, err := f.WriteString(ctx, "x")
			return err
		}); err != nil {
			return err
		}
		open, err := aiofile.Open(ctx, "etc/x")
		if err != nil {
			return err
		}
		a.Crash()
		if _, err := open.Read(ctx, make([]byte, 1)); err == nil || errors.Is(err, syscall.ENOENT) {
			t.Errorf("a read on a host that has crashed: %v", err)
		}
		a.Restart()
		got, err := aiofile.ReadFile(ctx, "etc/x")
		if string(got) != "hello th" || err != nil {
			t.Errorf("after the crash there is %q, %v", got, err)
		}
		return open.Close(ctx)
	})
}
