package main

import (
	"os"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// The signal comes while the moves are written, a million of them.
func TestCtrlCAndSIGTERMEndTheProgram(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "board   1", "-boards", "10", "-pairs", "20000", "-moves")
		if got.Code != cli.Interrupted || got.Err != "chess: interrupted before the exhibition was over\n" {
			t.Errorf("exit code %d, %q", got.Code, got.Err)
		}
	})
}
