package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNotInstalled is why a rival is absent that -install would bring.
var errNotInstalled = errors.New("not installed; -install does it")

// install brings the rivals that are not Go libraries into the cache directory, and nowhere else.
// If one fails, the others are still installed.
func install(ctx context.Context) error {
	return errors.Join(installPython(ctx), tokio.install(ctx), shuttle.install(ctx))
}

// cacheDir is where rivals are installed.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "aio-bench"), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// command runs a program in a directory (empty: this one). Its error carries
// the last line the program said.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s %s: %w: %s",
			filepath.Base(name), strings.Join(args, " "), err, said.lastLine())
	}
	return nil
}
