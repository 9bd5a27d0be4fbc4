package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCEndsTheProgram(t *testing.T) {
	got := clitest.Interrupt(t, "Serving on ", "-addr", "127.0.0.1:0")
	if got.Code != cli.OK || !strings.HasSuffix(got.Out, "\nServer shut down after 0 searches.\n") || got.Err != "" {
		t.Errorf("%+v", got)
	}
}
