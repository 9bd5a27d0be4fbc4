//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// TestCtrlCEndsAProgramThatSleeps interrupts the tour, in a process of its own, while a program sleeps
// by the clock of the machine.
func TestCtrlCEndsAProgramThatSleeps(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-real", "gather", "wait")
	cmd.Env = clitest.Child()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	for buf := make([]byte, 1024); ; {
		n, err := stdout.Read(buf)
		seen.Write(buf[:n])
		if strings.Contains(seen.String(), "task 9 executing") {
			break
		}
		if err != nil {
			t.Errorf("%v after %q", err, seen.String())
			break
		}
	}
	cmd.Process.Signal(os.Interrupt)
	err = cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != cli.Interrupted || stderr.String() != "tour: interrupted in gather\n" {
		t.Errorf("it ended with %v and %q", err, stderr.String())
	}
}
