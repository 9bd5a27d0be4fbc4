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
		dir := t.TempDir()
		got := clitest.Signal(t, sig, "Writing ", "-n", "1000", "-way", "sync", "-o", dir)
		if got.Code != cli.Interrupted || !strings.HasPrefix(got.Err, "genres: interrupted: ") {
			t.Errorf("%+v", got)
		}
		if n := strings.Count(got.Out, "Writing "); len(names(t, dir)) != n {
			t.Errorf("%d files, of which %d were told: %v", len(names(t, dir)), n, names(t, dir))
		}
	})
}
