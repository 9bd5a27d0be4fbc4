package main

import (
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCAndSIGTERMEndTheProgram(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Serving on ", "-addr", "127.0.0.1:0")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out, "\nServer shut down after 0 searches.\n") ||
			got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}
