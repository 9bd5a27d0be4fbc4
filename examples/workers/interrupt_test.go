package main

import (
	"os"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCAndSIGTERMEndTheProgram(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Task One", "-real", "asynchronous")
		if got.Code != cli.Interrupted ||
			got.Err != "workers: interrupted in the version asynchronous\n" {
			t.Errorf("%+v", got)
		}
	})
}
