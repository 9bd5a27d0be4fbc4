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
		got := clitest.Signal(t, sig, "Title found", "-limit", "1", "-to", "1000")
		if got.Code != cli.Interrupted || !strings.HasPrefix(got.Err, "titles: interrupted: ") ||
			!strings.HasSuffix(got.Err, " of 816 pages looked at\n") {
			t.Errorf("%+v", got)
		}
	})
}
