package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

var (
	//go:embed rival_tokio/Cargo.toml
	tokioManifest []byte
	//go:embed rival_tokio/src/main.rs
	tokioProgram []byte
)

// tokioEntrant is Rust's tokio, once cargo has built it. With GOMAXPROCS=1 it
// is tokio's current-thread runtime.
func tokioEntrant() *entrant {
	dir, err := tokioDir()
	return &entrant{
		name:   "tokio",
		budget: middleBudget,
		check: func() error {
			if err != nil {
				return err
			}
			if !exists(tokioBinary(dir)) {
				return errNotInstalled
			}
			if built, err := os.ReadFile(tokioSource(dir)); err != nil || !bytes.Equal(built, tokioProgram) {
				return errors.New("installed for another version of this program; -install brings it up to date")
			}
			return nil
		},
		command: func(ctx context.Context, procs int) *exec.Cmd {
			cmd := exec.CommandContext(ctx, tokioBinary(dir))
			cmd.Env = append(os.Environ(), "AIO_BENCH_PROCS="+strconv.Itoa(procs))
			return cmd
		},
	}
}

// installTokio builds the program in the cache directory.
func installTokio(ctx context.Context) error {
	dir, err := tokioDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(tokioSource(dir)), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Cargo.toml"), tokioManifest, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(tokioSource(dir), tokioProgram, 0o644); err != nil {
		return err
	}
	return command(ctx, dir, "cargo", "build", "--release", "--quiet")
}

func tokioDir() (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, "tokio"), err
}

func tokioSource(dir string) string { return filepath.Join(dir, "src", "main.rs") }

func tokioBinary(dir string) string {
	name := "rival-tokio"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, "target", "release", name)
}
