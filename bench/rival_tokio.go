package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// tokioSources is the cargo project of the two programs on tokio.
//
//go:embed rival_tokio/Cargo.toml rival_tokio/src
var tokioSources embed.FS

// tokioEntrant is Rust's tokio, once cargo has built it. With GOMAXPROCS=1 it
// is tokio's current-thread runtime.
func tokioEntrant() *entrant { return tokioProgram("rival-tokio", middleBudget) }

// netTokioEntrant is tokio in the suite net, where it has the current-thread
// runtime whatever GOMAXPROCS is.
func netTokioEntrant() *entrant { return tokioProgram("rival-tokio-net", 0) }

func tokioProgram(program string, budget time.Duration) *entrant {
	dir, err := tokioDir()
	binary := tokioBinary(dir, program)
	return &entrant{
		name:   "tokio",
		budget: budget,
		check: func() error {
			if err != nil {
				return err
			}
			if !exists(binary) {
				return errNotInstalled
			}
			return eachTokioSource(func(name string, text []byte) error {
				if built, err := os.ReadFile(filepath.Join(dir, name)); err != nil ||
					!bytes.Equal(built, text) {
					return errors.New("installed for another version of this program; " +
						"-install brings it up to date")
				}
				return nil
			})
		},
		command: func(ctx context.Context, procs int) *exec.Cmd {
			cmd := exec.CommandContext(ctx, binary)
			cmd.Env = append(os.Environ(), "AIO_BENCH_PROCS="+strconv.Itoa(procs))
			return cmd
		},
	}
}

// installTokio builds the programs in the cache directory.
func installTokio(ctx context.Context) error {
	dir, err := tokioDir()
	if err != nil {
		return err
	}
	err = eachTokioSource(func(name string, text []byte) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o644)
	})
	if err != nil {
		return err
	}
	return command(ctx, dir, "cargo", "build", "--release", "--quiet")
}

// eachTokioSource calls fn with the files of the project, by their names in it.
func eachTokioSource(fn func(name string, text []byte) error) error {
	project, err := fs.Sub(tokioSources, "rival_tokio")
	if err != nil {
		return err
	}
	return fs.WalkDir(project, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(project, path)
		if err != nil {
			return err
		}
		return fn(filepath.FromSlash(path), text)
	})
}

func tokioDir() (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, "tokio"), err
}

func tokioBinary(dir, program string) string {
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	return filepath.Join(dir, "target", "release", program)
}
