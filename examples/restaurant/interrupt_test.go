package main

import (
	"os"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCAndSIGTERMCloseTheRestaurant(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "party", "-plain", "-real", "-parties", "20")
		if got.Code != cli.Interrupted || got.Err != "restaurant: interrupted; the doors are closed\n" {
			t.Errorf("exit code %d, %q", got.Code, got.Err)
		}
	})
}
