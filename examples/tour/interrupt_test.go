//go:build unix

package main

import (
	"os"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// TestCtrlCAndSIGTERMEndAProgramThatSleeps interrupts the tour, in a process of its own, while a
// program sleeps by the clock of the machine.
func TestCtrlCAndSIGTERMEndAProgramThatSleeps(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "task 9 executing", "-real", "gather", "wait")
		if got.Code != cli.Interrupted || got.Err != "tour: interrupted in gather\n" {
			t.Errorf("%+v", got)
		}
	})
}
