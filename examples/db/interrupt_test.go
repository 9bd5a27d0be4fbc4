package main

import (
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCAndSIGTERMEndTheWork(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, `{"transfer"`, "-json", "-transfers", "1000000000")
		if got.Code != cli.Interrupted || !strings.HasPrefix(got.Err, "db: interrupted: ") ||
			!strings.HasSuffix(got.Err, "; the books balance\n") {
			t.Errorf("%+v", got)
		}
	})
}
