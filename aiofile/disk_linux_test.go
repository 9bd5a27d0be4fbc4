package aiofile_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/internal/leaktest"
)

// big does not fit where these tests write.
var big = bytes.Repeat([]byte("too much "), 50_000)

func TestAFullDiskLeavesTheOldContentAndNoPart(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	defer syscall.Unmount(dir, 0)
	name := filepath.Join(dir, "file")
	write(t, name, "old content")
	run(t, func(ctx context.Context) error {
		if err := aiofile.WriteAtomic(ctx, name, big, 0o666); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("WriteAtomic: %v", err)
		}
		err := aiofile.Replace(ctx, name, 0o666, func(ctx context.Context, f *aiofile.File) error {
			_, _ = f.Write(ctx, big) // the error is dropped
			return nil
		})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Replace: %v", err)
		}
		src := filepath.Join(t.TempDir(), "src")
		write(t, src, string(big))
		if _, err := aiofile.Copy(ctx, name, src); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Copy: %v", err)
		}
		wantFile(t, name, "old content")
		wantNames(t, dir, "file")
		return aiofile.WriteAtomic(ctx, name, []byte("there is room again"), 0o666)
	})
	wantFile(t, name, "there is room again")
}

func TestADeviceThatIsFullIsAnError(t *testing.T) {
	run(t, func(ctx context.Context) error {
		err := aiofile.WriteFile(ctx, "/dev/full", []byte("x"), 0o666)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func init() {
	parts["too long"] = func() { // every file may have 10,000 bytes
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 10_000, Max: 10_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(aio.Run(context.Background(), func(ctx context.Context) error {
			return aiofile.WriteAtomic(ctx, os.Args[1], big, 0o666)
		}))
	}
	parts["killed"] = func() { // writes a half, says so, and waits
		fmt.Println(aio.Run(context.Background(), func(ctx context.Context) error {
			return aiofile.Replace(ctx, os.Args[1], 0o666, func(ctx context.Context, f *aiofile.File) error {
				if err := half(ctx, f); err != nil {
					return err
				}
				fmt.Println("half")
				return aio.NewWaiter(ctx, "the end", nil).Park()
			})
		}))
	}
}

// play starts this binary again to play a part.
func play(t *testing.T, part, arg string) *exec.Cmd {
	t.Helper()
	leaktest.NeedFork(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, arg)
	cmd.Env = append(os.Environ(), partVariable+"="+part)
	return cmd
}

func TestAFileThatMustNotGrowIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	write(t, name, "old content")
	out, err := play(t, "too long", name).CombinedOutput()
	leaktest.NeedOwnProgram(t, err)
	if err != nil || !strings.Contains(string(out), "file too large") {
		t.Fatalf("it said %q, %v", out, err)
	}
	wantFile(t, name, "old content")
	wantNames(t, dir, "file")
}

func TestAProcessThatIsKilledLeavesNoPartUnderTheName(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	write(t, name, "old content")
	cmd := play(t, "killed", name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		leaktest.NeedOwnProgram(t, err)
		t.Fatal(err)
	}
	said, _ := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if said != "half\n" {
		t.Fatalf("it said %q", said)
	}
	wantFile(t, name, "old content")
	left, _ := filepath.Glob(filepath.Join(dir, ".file.tmp-*"))
	if len(left) != 1 {
		t.Errorf("beside it are %q", left)
	}
}
