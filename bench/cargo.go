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

// A cargoProject has rivals in Rust. Its sources are in this program; -install
// builds them in the cache directory.
type cargoProject struct {
	name    string // of the folder in the cache directory, and of the contestants
	sources fs.FS  // with Cargo.toml
}

// newCargoProject returns the project that is embedded under rival_name.
func newCargoProject(name string, embedded embed.FS) cargoProject {
	sources, err := fs.Sub(embedded, "rival_"+name)
	if err != nil {
		panic(err)
	}
	return cargoProject{name, sources}
}

// entrant is the contestant that a program of the project is.
func (p cargoProject) entrant(program string, budget time.Duration) *entrant {
	dir, err := p.dir()
	binary := filepath.Join(dir, "target", "release", program)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	return &entrant{
		name:   p.name,
		budget: budget,
		check: func() error {
			if err != nil {
				return err
			}
			if !exists(binary) {
				return errNotInstalled
			}
			return p.eachSource(func(name string, text []byte) error {
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

// install builds the programs in the cache directory.
func (p cargoProject) install(ctx context.Context) error {
	dir, err := p.dir()
	if err != nil {
		return err
	}
	err = p.eachSource(func(name string, text []byte) error {
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

// eachSource calls fn with the files of the project, by their names in it.
func (p cargoProject) eachSource(fn func(name string, text []byte) error) error {
	return fs.WalkDir(p.sources, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(p.sources, path)
		if err != nil {
			return err
		}
		return fn(filepath.FromSlash(path), text)
	})
}

func (p cargoProject) dir() (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, p.name), err
}
