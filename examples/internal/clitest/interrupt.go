package clitest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Signals runs a test for each of the signals that end a program: what Ctrl-C sends, and SIGTERM.
func Signals(t *testing.T, test func(t *testing.T, sig os.Signal)) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) { test(t, sig) })
	}
}

// Signal runs the program in a process of its own. When the program has written a line that
// contains ready, it sends the signal, and returns how the program ended. It skips the test where
// that cannot be done.
func Signal(t *testing.T, sig os.Signal, ready string, args ...string) Outcome {
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
	cmd.Process.Signal(sig)
	err := cmd.Wait()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode() // -1 if the signal itself has ended it
	} else if err != nil {
		t.Fatal(err)
	}
	return Outcome{code, out.String(), stderr.String()}
}

// Interrupt is [Signal] with what Ctrl-C sends.
func Interrupt(t *testing.T, ready string, args ...string) Outcome {
	t.Helper()
	return Signal(t, os.Interrupt, ready, args...)
}
