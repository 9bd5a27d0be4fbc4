package clitest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// Interrupt runs the program in a process of its own, sends it what Ctrl-C sends when it has written a
// line with ready in it, and returns how it ended. It skips the test where that cannot be done.
func Interrupt(t *testing.T, ready string, args ...string) Outcome {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted from outside here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = Child()
	out := NewConsole()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = out, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Await(t, ready)
	cmd.Process.Signal(os.Interrupt)
	err := cmd.Wait()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return Outcome{code, out.String(), stderr.String()}
}
